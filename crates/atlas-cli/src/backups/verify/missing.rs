//! The files and shards that a folder lacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use atlas_backup::{KnownBy, Manifest};

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
    let catalogue = atlas_backup::catalogued_files(folder)?;
    if catalogue.is_empty() && !checked.is_empty() && atlas_backup::is_pulled_folder(folder) {
        let folder = folder.display();
        log::problem(&format!(
            "{folder} has no catalogue.json with its files, so that lost ones cannot be told; run pull again"
        ));
    }
    let catalogue: BTreeMap<PathBuf, Manifest> = catalogue.into_iter().collect();
    let mut missing = BTreeMap::new();
    for file in atlas_backup::missing_files(folder)? {
        let listed = catalogue.get(&file.path).cloned();
        let it = Missing {
            name: file.path.display().to_string(),
            detail: file.to_string(),
            is_denied: matches!(&file.known_by, KnownBy::UnreadableManifest(error) if error.is_denied()),
            manifest: Manifest::read(&file.path).ok().or(listed),
        };
        missing.insert(file.path, it);
    }
    let manifests: Vec<&Manifest> = checked
        .iter()
        .filter_map(|it| it.manifest.as_ref())
        .collect();
    let kept = manifests.iter().map(|it| (it.snapshot, &it.shard));
    let kept: BTreeSet<_> = kept.collect();
    let files: BTreeMap<&Path, &Checked> = checked.iter().map(|it| (&*it.file, it)).collect();
    for (path, listed) in &catalogue {
        if missing.contains_key(path) {
            continue;
        }
        let snapshot = listed.snapshot;
        let is_kept = kept.contains(&(snapshot, &listed.shard));
        let found = files.get(&**path);
        let detail = match found.map(|it| (&it.manifest, &it.sha256)) {
            Some((Some(manifest), _)) if contradicts(manifest, listed) => {
                format!(
                    "snapshot {snapshot}: its manifest and catalogue.json describe different files"
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
    missing.extend(incomplete(folder, &manifests));
    Ok(missing)
}

/// Whether a manifest and the entry of a catalogue cannot both be true of a file. One that was downloaded
/// again after the catalogue was written may have other bytes.
fn contradicts(manifest: &Manifest, listed: &Manifest) -> bool {
    let time = |of: &Manifest| of.downloaded.parse::<jiff::Timestamp>().ok();
    let described = |of: &Manifest| {
        let (cluster, taken) = (of.cluster.clone(), of.taken.clone());
        (
            of.sha256.clone(),
            of.bytes,
            of.kind,
            of.project,
            cluster,
            taken,
        )
    };
    manifest.snapshot == listed.snapshot
        && manifest.shard == listed.shard
        && time(manifest) <= time(listed)
        && described(manifest) != described(listed)
}

/// The snapshots of which a shard is missing.
fn incomplete(folder: &Path, manifests: &[&Manifest]) -> Vec<Missing> {
    // The same file under two names is one file, and so are two shards with the same bytes, or two files
    // of one shard.
    let mut sets: BTreeMap<String, Vec<&Manifest>> = BTreeMap::new();
    for manifest in manifests {
        let set = sets.entry(manifest.snapshot.to_string()).or_default();
        set.push(manifest);
    }
    let mut missing = Vec::new();
    for (snapshot, set) in sets {
        let shards: BTreeSet<_> = set.iter().map(|it| &it.shard).collect();
        let texts: BTreeSet<_> = set.iter().map(|it| &it.sha256).collect();
        let found = shards.len().min(texts.len());
        let expected = set
            .iter()
            .map(|it| usize::from(it.files).max(it.shards.len()));
        let expected = expected.max().unwrap_or(1);
        if found < expected {
            missing.push(Missing {
                name: folder.display().to_string(),
                detail: format!("snapshot {snapshot} has {found} of {expected} files"),
                is_denied: false,
                manifest: None,
            });
        }
    }
    missing
}
