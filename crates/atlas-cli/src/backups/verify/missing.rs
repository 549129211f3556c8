//! The files and shards that a folder lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use atlas_backup::{KnownBy, Manifest};
use atlas_model::SnapshotId;

use super::Checked;
use crate::failure::Failure;
use crate::log;

/// A file or a shard that a folder should have.
pub(super) struct Missing {
    pub(super) name: String,
    pub(super) detail: String,
    /// Whether it cannot be told, since a manifest may not be read.
    pub(super) is_denied: bool,
    pub(super) manifest: Option<Manifest>,
}

/// The missing files of a folder, the snapshots that it lists and does not hold, and those of which a
/// shard is missing.
pub(super) fn missing(folder: &Path, checked: &[Checked]) -> Result<Vec<Missing>, Failure> {
    // Asked first: the pull may end meanwhile.
    let is_busy = atlas_backup::is_busy_folder(folder);
    let catalogue = atlas_backup::catalogued_files(folder)?;
    let is_kept = atlas_backup::is_pulled_folder(folder);
    if catalogue.is_empty() && !checked.is_empty() && !is_busy {
        warn_without_catalogue(folder, is_kept);
    }
    let catalogue: BTreeMap<PathBuf, Manifest> = catalogue.into_iter().collect();
    let mut missing = BTreeMap::new();
    for file in atlas_backup::missing_files(folder)? {
        let listed = catalogue.get(&file.path).cloned();
        let it = Missing {
            name: file.path.display().to_string(),
            detail: match file.known_by {
                KnownBy::Manifest | KnownBy::Catalogue if is_kept => {
                    format!("{file}; run pull again")
                }
                _ => file.to_string(),
            },
            is_denied: matches!(&file.known_by, KnownBy::UnreadableManifest(error) if error.is_denied()),
            manifest: Manifest::read(&file.path).ok().or(listed),
        };
        missing.insert(file.path, it);
    }
    let manifests = || checked.iter().filter_map(|it| it.manifest.as_ref());
    let kept = manifests().map(|it| (it.snapshot, &it.shard));
    let kept: BTreeSet<_> = kept.collect();
    let files: BTreeMap<&Path, &Checked> = checked.iter().map(|it| (&*it.file, it)).collect();
    let mut arrived = Vec::new();
    for (path, listed) in &catalogue {
        if missing.contains_key(path) {
            continue;
        }
        let snapshot = listed.snapshot;
        let is_kept = kept.contains(&(snapshot, &listed.shard));
        // A pull may have written the file, its manifest and the catalogue since.
        let now = || Manifest::read(path).ok();
        if !files.contains_key(&**path)
            && !is_kept
            && let Some(now) = now()
            && now.snapshot == snapshot
            && now.shard == listed.shard
        {
            arrived.push(now);
            continue;
        }
        let detail = match files.get(&**path).map(|it| (&it.manifest, &it.sha256)) {
            Some((Some(known), _)) if contradicts(known, listed) => {
                if now().is_some_and(|now| now != *known && !contradicts(&now, listed)) {
                    continue;
                }
                format!(
                    "snapshot {snapshot}: its manifest and catalogue.json describe different \
                     files; compare both with another copy"
                )
            }
            None | Some((Some(_), _)) if is_kept => continue,
            Some((None, Some(sha256))) if *sha256 == listed.sha256 => continue,
            Some((None, None)) => continue, // damaged
            _ => format!(
                "snapshot {snapshot} is missing: catalogue.json lists it, the file is another one"
            ),
        };
        let it = Missing {
            name: path.display().to_string(),
            detail,
            is_denied: false,
            manifest: Some(listed.clone()),
        };
        missing.insert(path.clone(), it);
    }
    let mut missing: Vec<Missing> = missing.into_values().collect();
    let listed: BTreeSet<_> = catalogue.values().map(|it| it.snapshot).collect();
    let is_unfinished = |snapshot: SnapshotId| {
        let mut files = checked.iter().filter(|it| is_of(it, snapshot));
        (!listed.is_empty() || is_busy)
            && !listed.contains(&snapshot)
            && files.all(|it| atlas_backup::is_pulled_name(&it.file))
    };
    let name = folder.display().to_string();
    for (snapshot, counts) in incomplete(manifests().chain(&arrived)) {
        let detail = format!("snapshot {snapshot} has {counts}");
        if is_unfinished(snapshot) {
            log::problem(&format!(
                "{name}: {detail}, and catalogue.json lists none: a pull was interrupted or runs; \
                 pull completes it, or removes it once Atlas no longer lists it and no rule keeps it"
            ));
            continue;
        }
        missing.push(Missing {
            name: name.clone(),
            detail,
            is_denied: false,
            manifest: None,
        });
    }
    Ok(missing)
}

/// Warns of a folder of `pull`, or a copy of one, without a catalogue.
fn warn_without_catalogue(folder: &Path, is_kept: bool) {
    let (name, step) = (
        folder.display(),
        if is_kept { "; run pull again" } else { "" },
    );
    if !is_kept && !atlas_backup::has_pulled_names(folder) {
        return;
    }
    log::problem(&format!(
        "{name} has no catalogue.json that lists its files; without it, lost files cannot be \
         found{step}"
    ));
}

fn is_of(file: &Checked, snapshot: SnapshotId) -> bool {
    file.manifest
        .as_ref()
        .is_some_and(|it| it.snapshot == snapshot)
}

/// Whether a manifest and the entry of a catalogue cannot both be true of a file. One that was downloaded
/// again after the catalogue was written may have other bytes.
fn contradicts(manifest: &Manifest, listed: &Manifest) -> bool {
    let time = |of: &Manifest| of.downloaded.parse::<jiff::Timestamp>().ok();
    let describes_another = manifest.sha256 != listed.sha256
        || manifest.bytes != listed.bytes
        || manifest.kind != listed.kind
        || manifest.project != listed.project
        || manifest.cluster != listed.cluster
        || manifest.taken != listed.taken
        || manifest.files != listed.files
        || manifest.shards != listed.shards;
    manifest.snapshot == listed.snapshot
        && manifest.shard == listed.shard
        && time(manifest) <= time(listed)
        && describes_another
}

/// The snapshots of which a shard is missing, and how many files they have of how many.
fn incomplete<'a>(
    manifests: impl Iterator<Item = &'a Manifest>,
) -> impl Iterator<Item = (SnapshotId, String)> {
    let mut sets: BTreeMap<_, Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        sets.entry(manifest.snapshot).or_default().push(manifest);
    }
    sets.into_iter().filter_map(|(snapshot, set)| {
        let named = set
            .iter()
            .map(|it| usize::from(it.files).max(it.shards.len()));
        let expected = named.max().unwrap_or(1);
        let found = Manifest::distinct(set);
        (found < expected).then(|| (snapshot, format!("{found} of {expected} files")))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_that_a_pull_wrote_since_the_folder_was_listed_are_not_missing() {
        let folder = tempfile::tempdir().unwrap();
        let id = |digit: &str| digit.repeat(24);
        let manifest = |snapshot: &str, shard: usize| {
            json!({
                "snapshot": snapshot, "cluster": "C", "project": id("a"), "kind": "sharded",
                "shard": format!("s{shard}"), "shards": ["s0", "s1"], "files": 2,
                "downloaded": "2026-01-01T00:00:00Z", "bytes": 1, "sha256": shard.to_string(),
            })
        };
        let mut catalogue = Vec::new();
        for shard in 0..2 {
            let file = folder.path().join(format!("{shard}.tgz"));
            std::fs::write(&file, "x").unwrap();
            let manifest = manifest(&id("b"), shard);
            std::fs::write(Manifest::path_of(&file), manifest.to_string()).unwrap();
            let mut entry = manifest;
            entry["file"] = format!("{shard}.tgz").into();
            catalogue.push(entry);
        }
        let path = folder.path().join("catalogue.json");
        std::fs::write(&path, json!(catalogue).to_string()).unwrap();
        let first = folder.path().join("0.tgz");
        let checked = |of: &Path| Checked {
            manifest: Manifest::read(of).ok(),
            sha256: Some("0".to_owned()),
            file: of.to_owned(),
        };
        for checked in [vec![], vec![checked(&first)]] {
            assert!(missing(folder.path(), &checked).unwrap().is_empty());
        }
        // Not if the new file is of another snapshot.
        std::fs::write(Manifest::path_of(&first), manifest(&id("c"), 0).to_string()).unwrap();
        assert_eq!(missing(folder.path(), &[]).unwrap().len(), 2);
    }
}
