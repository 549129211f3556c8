//! Checking existing files.

use atlas_backup::{Error, Manifest, Verified, snapshot_files, verify};
use atlas_sandbox::FLEX_CLUSTER;

use crate::{folder, quietly, world};

#[tokio::test(start_paused = true)]
async fn a_file_without_a_manifest_is_sound_by_its_structure_alone() {
    let (_server, backups) = world().await;
    let folder = folder();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    let out = &saved[0].path;
    let known = verify(out).unwrap();
    assert_eq!(known.manifest(), Some(&saved[0].manifest));
    let copy = folder.path().join("copy");
    std::fs::copy(out, &copy).unwrap();
    let found = verify(&copy).unwrap();
    assert!(matches!(found, Verified::Structure { .. }), "{found:?}");
    assert_eq!(
        (found.bytes(), found.sha256()),
        (known.bytes(), known.sha256())
    );

    // An unreadable manifest is not the same as a missing one.
    std::fs::write(Manifest::path_of(&copy), "{}").unwrap();
    assert!(matches!(verify(&copy), Err(Error::File { .. })));
    std::fs::remove_file(Manifest::path_of(&copy)).unwrap();
    let bytes = std::fs::read(&copy).unwrap();
    std::fs::write(&copy, &bytes[..bytes.len() - 20]).unwrap();
    assert!(matches!(verify(&copy), Err(Error::Unsound { .. })));
    assert!(matches!(
        verify(&folder.path().join("none")),
        Err(Error::File { .. })
    ));
}

#[test]
fn the_snapshot_files_of_a_folder_are_those_with_the_ending_or_a_manifest() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    for name in [
        "b.tgz",
        "a.tar.gz",
        "c.tgz.part",
        "d.json",
        "catalogue.json",
        "data",
        "other",
    ] {
        std::fs::write(path(name), "x").unwrap();
    }
    std::fs::create_dir(path("e.tgz")).unwrap();
    std::fs::write(path("other.json"), "{}").unwrap();
    let id = "32b6e34b3d91647abb20e7b8";
    let manifest = serde_json::json!({
        "snapshot": id, "cluster": "C", "project": id, "kind": "flex", "downloaded": "",
        "bytes": 1, "sha256": "",
    });
    std::fs::write(path("data.json"), manifest.to_string()).unwrap();
    let files = snapshot_files(folder.path()).unwrap();
    assert_eq!(files, ["a.tar.gz", "b.tgz", "data"].map(path));
    assert!(matches!(
        snapshot_files(&path("none")),
        Err(Error::File { .. })
    ));
}
