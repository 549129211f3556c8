//! Tests that bound the disk operations of a folder.

use super::*;

const ID: &str = "32b6e34b3d91647abb20e7b8";

fn cluster() -> ClusterName {
    "C".parse().unwrap()
}

/// A folder of a number of snapshots, and their ids.
fn folder(snapshots: u64) -> (tempfile::TempDir, Vec<SnapshotId>) {
    let folder = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for number in 0..snapshots {
        let id = format!("{number:024x}");
        let manifest = serde_json::json!({
            "snapshot": id, "cluster": "C", "project": ID, "kind": "flex",
            "taken": "2026-01-01T00:00:00Z", "downloaded": "", "bytes": 1, "sha256": "x",
        });
        let mut manifest: Manifest = serde_json::from_value(manifest).unwrap();
        let file = folder.path().join(given_name(&manifest));
        std::fs::write(&file, "x").unwrap();
        manifest.stamp(&file.metadata().unwrap());
        std::fs::write(
            Manifest::path_of(&file),
            serde_json::to_vec(&manifest).unwrap(),
        )
        .unwrap();
        ids.push(manifest.snapshot);
    }
    (folder, ids)
}

/// Each manifest is opened once, and the other work is linear in the number of snapshots.
#[test]
fn a_folder_with_nothing_to_do_costs_one_open_for_each_snapshot() {
    for snapshots in [100, 1000] {
        let (folder, ids) = folder(snapshots);
        let open = || {
            Folder::open(
                folder.path(),
                ID.parse().unwrap(),
                &cluster(),
                Reading::Changed,
                &Teller::default(),
            )
        };
        open().unwrap().0.write_catalogue(&[]).unwrap();
        let catalogue = folder.path().join("catalogue.json");
        let before = std::fs::File::open(&catalogue).unwrap();
        counter::take();
        let (opened, damaged) = open().unwrap();
        assert!(damaged.is_empty());
        assert!(ids.iter().all(|id| opened.has(*id)));
        assert_eq!(opened.held().len(), ids.len());
        opened.write_catalogue(&[]).unwrap();
        let counted = counter::take();
        // And the catalogue, once.
        assert_eq!(counted["open"], ids.len() + 1);
        assert_eq!(counted["whole"], 3 * ids.len());
        assert!(!counted.contains_key("settle"), "{counted:?}");
        let is_same = crate::disk::leads_to(&catalogue, &before);
        assert!(is_same, "not written again");
    }
}

/// Like a child process between fork and exec.
#[test]
fn a_lock_ends_with_its_run_even_if_the_file_is_open_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let lock = super::lock(folder.path()).unwrap();
    assert!(matches!(
        super::lock(folder.path()),
        Err(Error::Busy { .. })
    ));
    let copy = lock.0.try_clone().unwrap();
    drop(lock);
    assert!(super::lock(folder.path()).is_ok());
    drop(copy);
}
