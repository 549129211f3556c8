//! Removing partial files of snapshots that no longer exist.

use std::path::Path;
use std::time::{Duration, SystemTime};

use atlas_model::{ClusterName, ProjectId, SnapshotId};

use crate::disk::{look, open_own};
use crate::journal::{self, Head};

/// The age after which an unmodified partial file is removed.
const AGE: Duration = Duration::from_secs(24 * 3600);

/// Removes partial files of a cluster's snapshots that are neither needed nor being written. A file
/// is identified by its journal, which names project, cluster and snapshot.
pub(crate) fn remove(
    folder: &Path,
    project: ProjectId,
    cluster: &ClusterName,
    is_needed: impl Fn(SnapshotId) -> bool,
) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let journal = name.to_str().and_then(|name| name.strip_suffix(".json"));
        let Some(part) = journal.filter(|name| name.ends_with(".tgz.part")) else {
            continue;
        };
        let part = folder.join(part);
        let snapshot = Head::read(&part).and_then(|head| head.snapshot_of(project, cluster));
        if snapshot.is_some_and(|snapshot| !is_needed(snapshot)) && is_old(&part) {
            remove_one(&part);
        }
    }
}

/// By the clock that wrote the times of the files.
fn is_old(part: &Path) -> bool {
    let age = |path: &Path| {
        let modified = path.symlink_metadata().ok()?.modified().ok()?;
        SystemTime::now().duration_since(modified).ok()
    };
    let is_old = |path: &Path| age(path).is_some_and(|age| age > AGE);
    let is_there = matches!(look(part), Ok(Some(_)));
    is_old(&journal::path_of(part)) && (!is_there || is_old(part))
}

fn remove_one(part: &Path) {
    if !matches!(look(part), Ok(None)) {
        let Ok(file) = open_own(part, false) else {
            return;
        };
        if file.try_lock().is_err() {
            return;
        }
        // In this order: without a journal, the owner of the file would be unknown.
        if std::fs::remove_file(part).is_err() {
            return;
        }
        let _ = file.unlock();
    }
    let _ = std::fs::remove_file(journal::path_of(part));
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
    const GONE: &str = "32b6e34b3d91647abb20e701";
    const LISTED: &str = "32b6e34b3d91647abb20e702";

    #[test]
    fn only_old_partial_files_of_snapshots_that_are_gone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - AGE - Duration::from_secs(60);
        let put = |name: &str, source: &str, modified: SystemTime| {
            let part = folder.path().join(name);
            journal::claim(&part, source).unwrap();
            File::create(&part).unwrap().set_modified(modified).unwrap();
            let journal = File::options().write(true).open(journal::path_of(&part));
            journal.unwrap().set_modified(modified).unwrap();
            part
        };
        let gone = format!("{PROJECT}/C/{GONE}/");
        let litter = put("a.tgz.part", &gone, old);
        let without_part = put("b.tgz.part", &gone, old);
        std::fs::remove_file(&without_part).unwrap();
        let stays = [
            put("c.tgz.part", &gone, SystemTime::now()),
            put("d.tgz.part", &format!("{PROJECT}/C/{LISTED}/"), old),
            put("e.tgz.part", &format!("{PROJECT}/D/{GONE}/"), old),
            put("f.part", &gone, old),
        ];
        let locked = put("g.tgz.part", &gone, old);
        let writer = File::open(&locked).unwrap();
        writer.try_lock().unwrap();
        let foreign = folder.path().join("h.tgz.part");
        std::fs::write(&foreign, "precious").unwrap();
        let (project, cluster) = (PROJECT.parse().unwrap(), "C".parse().unwrap());
        let listed: SnapshotId = LISTED.parse().unwrap();
        remove(folder.path(), project, &cluster, |id| id == listed);
        assert!(!litter.exists() && !journal::path_of(&litter).exists());
        assert!(!journal::path_of(&without_part).exists());
        for part in stays.iter().chain([&locked]) {
            assert!(part.exists() && journal::path_of(part).exists(), "{part:?}");
        }
        assert!(foreign.exists());
    }
}
