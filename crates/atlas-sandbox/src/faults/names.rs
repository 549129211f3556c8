//! Operation ids in a fault plan: today's, former ones, and what a misspelled one may mean.

use crate::operations::SERVED;

/// Today's id of an operation that is named by today's or a former id.
pub(super) fn operation_id(name: &str) -> Option<&'static str> {
    let today = FORMER_IDS.iter().find(|(former, _)| *former == name);
    let name = today.map_or(name, |(_, today)| today);
    ids().find(|id| *id == name)
}

/// The id that is spelled most like a text, if one is spelled enough like it.
pub(super) fn similar(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return None;
    }
    let text = text.to_lowercase();
    let former = FORMER_IDS.iter().map(|(former, _)| *former);
    let known = ids().chain(former);
    let rated = known.map(|id| (distance(&text, &id.to_lowercase()), id));
    let (distance, id) = rated.min_by_key(|(distance, _)| *distance)?;
    (distance <= id.len() / 3).then_some(id)
}

fn ids() -> impl Iterator<Item = &'static str> {
    SERVED.iter().map(|operation| operation.meta.id)
}

/// How many characters have to be put in, left out or replaced (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, one) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

/// The longest text that a suggestion is looked for.
const LONGEST: usize = 200;

/// What operations were called before the ids of 2025: former id, today's id.
const FORMER_IDS: &[(&str, &str)] = &[
    (
        "createFlexBackupRestoreJob",
        "createGroupFlexClusterBackupRestoreJob",
    ),
    (
        "createSharedClusterBackupRestoreJob",
        "createGroupClusterBackupTenantRestore",
    ),
    ("deleteReplicaSetBackup", "deleteGroupClusterBackupSnapshot"),
    (
        "deleteShardedClusterBackup",
        "deleteGroupClusterBackupSnapshotShardedCluster",
    ),
    (
        "downloadSharedClusterBackup",
        "downloadGroupClusterBackupTenant",
    ),
    ("getFlexBackup", "getGroupFlexClusterBackupSnapshot"),
    (
        "getFlexBackupRestoreJob",
        "getGroupFlexClusterBackupRestoreJob",
    ),
    ("getProject", "getGroup"),
    ("getReplicaSetBackup", "getGroupClusterBackupSnapshot"),
    (
        "getShardedClusterBackup",
        "getGroupClusterBackupSnapshotShardedCluster",
    ),
    (
        "getSharedClusterBackup",
        "getGroupClusterBackupTenantSnapshot",
    ),
    (
        "getSharedClusterBackupRestoreJob",
        "getGroupClusterBackupTenantRestore",
    ),
    ("listClustersForAllProjects", "listClusterDetails"),
    (
        "listFlexBackupRestoreJobs",
        "listGroupFlexClusterBackupRestoreJobs",
    ),
    ("listFlexBackups", "listGroupFlexClusterBackupSnapshots"),
    ("listProjects", "listGroups"),
    ("listReplicaSetBackups", "listGroupClusterBackupSnapshots"),
    (
        "listShardedClusterBackups",
        "listGroupClusterBackupSnapshotShardedClusters",
    ),
    (
        "listSharedClusterBackupRestoreJobs",
        "listGroupClusterBackupTenantRestores",
    ),
    (
        "listSharedClusterBackups",
        "listGroupClusterBackupTenantSnapshots",
    ),
    ("takeSnapshot", "takeGroupClusterBackupSnapshots"),
    (
        "updateSnapshotRetention",
        "updateGroupClusterBackupSnapshot",
    ),
    ("upgradeFlexCluster", "tenantGroupFlexClusterUpgrade"),
];
