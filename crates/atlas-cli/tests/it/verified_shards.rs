//! `atlas backups verify` of sharded snapshots: complete, incomplete, and unfinished.

use std::path::Path;

use atlas_sandbox::SHARDED_CLUSTER;
use serde_json::json;
use tempfile::TempDir;

use crate::verified::{edit, snapshots, verify, words};
use crate::{atlas, atlas_at, folder, sandbox};

/// A folder of a snapshot with two shards, as a pull leaves it.
fn pulled() -> TempDir {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let pull = ["backups", "pull", "--dir", "kept", "--keep", "1"];
    let mut command = atlas_at(&server, &folder);
    command.args(pull).args(["--clusterName", SHARDED_CLUSTER]);
    assert!(command.status().unwrap().success());
    folder
}

/// Removes a file of a folder and its manifest, as if it had never been downloaded.
fn forget(kept: &Path, name: &str) {
    std::fs::remove_file(kept.join(name)).unwrap();
    std::fs::remove_file(kept.join(format!("{name}.json"))).unwrap();
}

/// Verifies the folder; returns the exit code and stderr.
fn stderr_of(folder: &TempDir) -> (Option<i32>, String) {
    let mut command = atlas(folder);
    let output = command
        .args(["backups", "verify", "kept"])
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_snapshot_that_a_pull_has_not_finished_is_told_and_one_of_the_users_is_incomplete() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    forget(&kept, &names[1]);
    // The catalogue lists only another snapshot.
    let manifest = std::fs::read(kept.join(format!("{}.json", names[0]))).unwrap();
    let mut other: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    other["snapshot"] = json!("a".repeat(24));
    for field in ["shard", "shards", "files"] {
        other.as_object_mut().unwrap().remove(field);
    }
    std::fs::write(kept.join("other.tgz.json"), other.to_string()).unwrap();
    std::fs::copy(kept.join(&names[0]), kept.join("other.tgz")).unwrap();
    other["file"] = json!("other.tgz");
    let entries = json!([other]).to_string();
    std::fs::write(kept.join("catalogue.json"), entries).unwrap();

    let (code, stderr) = stderr_of(&folder);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("has 1 of 2 files, and catalogue.json lists none"),
        "{stderr}"
    );

    for ending in ["", ".json"] {
        let from = kept.join(format!("{}{ending}", names[0]));
        std::fs::rename(from, kept.join(format!("mine.tgz{ending}"))).unwrap();
    }
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(code, Some(7), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.contains("has 1 of 2 files")),
        "{lines:?}"
    );
}

#[test]
fn a_first_pull_that_runs_raises_no_alarm() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    forget(&kept, &names[1]);
    std::fs::remove_file(kept.join("catalogue.json")).unwrap();
    let lock = std::fs::File::options()
        .write(true)
        .open(kept.join(".lock"))
        .unwrap();
    lock.lock().unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["sound"]));
    forget(&kept, &names[0]);
    let (code, stderr) = stderr_of(&folder);
    assert_eq!(code, Some(15), "{stderr}");
    assert!(stderr.contains("is in use by another run"), "{stderr}");

    // A damaged file elsewhere is not hidden.
    std::fs::write(folder.path().join("cut.tgz"), "cut").unwrap();
    let (code, lines) = verify(&folder, &["kept", "cut.tgz"]);
    assert_eq!((code, words(&lines)), (Some(7), vec!["UNSOUND"]));

    lock.unlock().unwrap();
    assert_eq!(stderr_of(&folder).0, Some(6));
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_the_lock_is_not_opened() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    std::fs::remove_file(kept.join("catalogue.json")).unwrap();
    std::fs::remove_file(kept.join(".lock")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(kept.join(".lock"))
        .status();
    assert!(made.unwrap().success());
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["sound", "sound"]));
}

#[test]
fn a_shard_that_is_there_twice_does_not_replace_a_missing_one() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    assert_eq!(names.len(), 2, "{names:?}");
    for ending in ["", ".json"] {
        let path = |name: &str| kept.join(format!("{name}{ending}"));
        std::fs::copy(path(&names[0]), path("copy.tgz")).unwrap();
        std::fs::remove_file(path(&names[1])).unwrap();
    }
    std::fs::remove_file(kept.join("catalogue.json")).unwrap();
    let incomplete = || {
        let (code, lines) = verify(&folder, &["kept"]);
        assert_eq!(code, Some(7), "{lines:?}");
        assert!(lines[2].contains("has 1 of 2 files"), "{lines:?}");
    };
    incomplete();

    // Nor do other bytes of the same shard, or a manifest that counts fewer files.
    let known = std::fs::File::open(kept.join(&names[0])).unwrap();
    let mut other = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::copy(&mut flate2::read::MultiGzDecoder::new(known), &mut other).unwrap();
    let outside = folder.path().join("other.tgz");
    std::fs::write(&outside, other.finish().unwrap()).unwrap();
    let other = atlas_backup::verify(&outside).unwrap();
    edit(&kept.join("copy.tgz.json"), |manifest| {
        manifest["bytes"] = other.bytes().into();
        manifest["sha256"] = other.sha256().into();
    });
    std::fs::rename(outside, kept.join("copy.tgz")).unwrap();
    incomplete();
    for ending in ["", ".json"] {
        std::fs::remove_file(kept.join(format!("copy.tgz{ending}"))).unwrap();
    }
    edit(&kept.join(format!("{}.json", names[0])), |manifest| {
        manifest["files"] = 1.into();
    });
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(code, Some(7), "{lines:?}");
    assert!(lines[1].contains("has 1 of 2 files"), "{lines:?}");
}

#[test]
fn a_manifest_that_counts_fewer_files_than_the_catalogue_is_reported() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    edit(&kept.join(format!("{}.json", names[0])), |manifest| {
        manifest["files"] = 1.into();
    });
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(code, Some(7), "{lines:?}");
    assert!(lines[2].contains("describe different files"), "{lines:?}");
}
