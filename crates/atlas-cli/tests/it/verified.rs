//! `atlas backups verify`: files and folders, offline.

use std::path::Path;

use atlas_sandbox::FLEX_CLUSTER;
use serde_json::Value;
use tempfile::TempDir;

use crate::{atlas, atlas_at, folder, sandbox};

/// A folder of two snapshots, as a pull leaves it.
fn pulled() -> TempDir {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let pull = [
        "backups",
        "pull",
        "--dir",
        "kept",
        "--keep",
        "2",
        "--clusterName",
        FLEX_CLUSTER,
    ];
    assert!(
        atlas_at(&server, &folder)
            .args(pull)
            .status()
            .unwrap()
            .success()
    );
    folder
}

/// Verifies paths and returns the exit code and the lines.
pub(crate) fn verify(folder: &TempDir, paths: &[&str]) -> (Option<i32>, Vec<String>) {
    let output = atlas(folder)
        .args(["backups", "verify"])
        .args(paths)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    (
        output.status.code(),
        lines.lines().map(str::to_owned).collect(),
    )
}

/// The first word of each line.
pub(crate) fn words(lines: &[String]) -> Vec<&str> {
    let words = lines.iter().filter_map(|line| line.split(' ').next());
    words.collect()
}

pub(crate) fn snapshots(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_snapshot = |name: &String| Path::new(name).extension().is_some_and(|it| it == "tgz");
    let mut names: Vec<_> = names.filter(is_snapshot).collect();
    names.sort();
    names
}

#[test]
fn a_folder_is_verified_file_by_file_and_the_first_failure_decides_the_exit_code() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(
        (code, words(&lines)),
        (Some(0), vec!["sound", "sound"]),
        "{lines:?}"
    );

    // Incomplete files, files of other programs, and folders are skipped.
    for name in ["x.tgz.part", "notes.txt", "other.json"] {
        std::fs::write(kept.join(name), "x").unwrap();
    }
    std::fs::create_dir(kept.join("folder.tgz")).unwrap();
    std::fs::remove_file(kept.join(format!("{}.json", names[0]))).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(
        (code, words(&lines)),
        (Some(0), vec!["checked", "sound"]),
        "{lines:?}"
    );
    assert!(
        lines[0].contains("no manifest; only the structure was checked"),
        "{lines:?}"
    );

    std::fs::write(kept.join(&names[1]), "cut").unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(
        (code, words(&lines)),
        (Some(7), vec!["checked", "UNSOUND"]),
        "{lines:?}"
    );
    let (code, lines) = verify(&folder, &["none", "kept"]);
    assert_eq!(code, Some(6), "{lines:?}");
    assert_eq!(words(&lines), ["UNSOUND", "checked", "UNSOUND"]);
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let (code, lines) = verify(&folder, &["empty"]);
    assert_eq!(code, Some(6), "{lines:?}");
}

#[test]
fn json_states_for_each_file_how_it_was_checked() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    std::fs::remove_file(kept.join(format!("{}.json", names[0]))).unwrap();
    std::fs::write(kept.join(&names[1]), "cut").unwrap();
    std::fs::write(kept.join("no.tgz"), "no gzip").unwrap();
    let (code, lines) = verify(&folder, &["kept", "-o", "json"]);
    assert_eq!(code, Some(7), "{lines:?}");
    let found: Vec<(String, bool, String)> = lines
        .iter()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            let file = Path::new(&text("file")).file_name().unwrap().to_owned();
            (
                file.into_string().unwrap(),
                line["sound"].as_bool().unwrap(),
                text("checked"),
            )
        })
        .collect();
    let expected = [
        (names[0].clone(), true, "structure".to_owned()),
        (names[1].clone(), false, "manifest".to_owned()),
        ("no.tgz".to_owned(), false, "structure".to_owned()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_root_of_several_clusters_is_checked_completely_even_if_files_are_missing() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let run = |arguments: &[&str]| {
        let mut command = atlas_at(&server, &folder);
        command.arg("backups").args(arguments).output().unwrap()
    };
    let clusters = ["--clusterName", "Dedicated0,Flex0", "--keep", "1"];
    let pulled = run(&[&["pull", "--dir", "root"][..], &clusters].concat());
    assert!(pulled.status.success());
    let verified = run(&["verify", "root"]);
    assert!(verified.status.success());
    let lines = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(lines.matches("sound ").count(), 2, "{lines}");

    for entry in std::fs::read_dir(folder.path().join("root/Flex0")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "tgz") {
            std::fs::remove_file(path).unwrap();
        }
    }
    // A file next to the folders does not change the checks in them.
    std::fs::write(folder.path().join("root/stray.tgz"), "x").unwrap();
    let verified = run(&["verify", "root"]);
    assert_eq!(verified.status.code(), Some(7));
    let lines = String::from_utf8(verified.stdout).unwrap();
    assert!(lines.contains("the file is missing"), "{lines}");
    assert!(lines.contains("sound    root/Dedicated0"), "{lines}");
}

#[test]
fn a_kept_folder_without_snapshots_and_a_link_that_leads_nowhere_are_reported() {
    let folder = pulled();
    let gone = folder.path().join("root/Gone");
    std::fs::create_dir_all(&gone).unwrap();
    std::fs::write(gone.join(".lock"), "").unwrap();
    let (code, _) = verify(&folder, &["root"]);
    assert_eq!(code, Some(6));
    std::fs::remove_dir_all(&gone).unwrap();
    #[cfg(unix)]
    {
        std::fs::create_dir_all(folder.path().join("root/Other")).unwrap();
        std::os::unix::fs::symlink("/nowhere", &gone).unwrap();
        assert_ne!(verify(&folder, &["root"]).0, Some(0));
    }
}

#[test]
fn a_lost_snapshot_is_reported_as_long_as_a_manifest_or_the_catalogue_names_it() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    std::fs::remove_file(kept.join(&names[0])).unwrap();
    let manifest = kept.join(format!("{}.json", names[0]));
    std::fs::write(&manifest, "").unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(7), vec!["sound", "UNSOUND"]));

    std::fs::remove_file(&manifest).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(7), vec!["sound", "UNSOUND"]));
    assert!(lines[1].contains("catalogue.json lists it"), "{lines:?}");

    // A folder in its place does not replace it.
    std::fs::create_dir(kept.join(&names[0])).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(7), vec!["sound", "UNSOUND"]));

    // Also from above, without any other trace of the snapshots.
    for name in [&names[1], &format!("{}.json", names[1]), ".lock"] {
        std::fs::remove_file(kept.join(name)).unwrap();
    }
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::rename(&kept, other.join("kept")).unwrap();
    let (code, lines) = verify(&folder, &["other"]);
    assert_eq!((code, words(&lines)), (Some(7), vec!["UNSOUND", "UNSOUND"]));
}

#[test]
fn a_damaged_catalogue_is_reported_since_it_could_name_lost_snapshots() {
    let folder = pulled();
    for text in ["", "junk", "[{}", "{}"] {
        std::fs::write(folder.path().join("kept/catalogue.json"), text).unwrap();
        for path in ["kept", "."] {
            let (code, lines) = verify(&folder, &[path]);
            assert_eq!(code, Some(6), "{text:?}: {lines:?}");
            assert_eq!(words(&lines), ["sound", "sound", "UNSOUND"]);
            assert!(lines[2].contains("catalogue.json is damaged"), "{lines:?}");
        }
    }
}

#[test]
fn a_catalogue_that_names_no_file_or_one_twice_is_damaged() {
    let folder = pulled();
    let path = folder.path().join("kept/catalogue.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let names = snapshots(&folder.path().join("kept"));
    for name in ["", "..", "x/y.tgz", "catalogue.json", &names[1]] {
        std::fs::write(&path, whole.replace(&names[0], name)).unwrap();
        let (code, lines) = verify(&folder, &["kept"]);
        assert_eq!(code, Some(6), "{name:?}: {lines:?}");
        assert!(lines[2].contains("catalogue.json is damaged"), "{lines:?}");
    }
}

#[test]
fn a_snapshot_whose_file_was_replaced_by_another_is_lost() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    std::fs::copy(kept.join(&names[1]), kept.join(&names[0])).unwrap();
    let [lost, other] = [0, 1].map(|at| kept.join(format!("{}.json", names[at])));
    let manifest = std::fs::read(&lost).unwrap();

    std::fs::copy(other, &lost).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(code, Some(7), "{lines:?}");
    assert_eq!(words(&lines), ["sound", "sound", "UNSOUND"]);
    assert!(
        lines[2].contains("is missing: catalogue.json lists it"),
        "{lines:?}"
    );

    std::fs::remove_file(&lost).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(
        (code, words(&lines)),
        (Some(7), vec!["checked", "sound", "UNSOUND"])
    );
    let lines = verify(&folder, &["kept", "-o", "json"]).1;
    let line: serde_json::Value = serde_json::from_str(&lines[2]).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(line["snapshotId"], manifest["snapshot"]);
    assert_eq!(line["checked"], serde_json::Value::Null);
}

/// Reads, changes and writes a manifest or a catalogue.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut text: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut text);
    std::fs::write(path, text.to_string()).unwrap();
}

#[test]
fn a_manifest_that_contradicts_the_catalogue_is_reported_unless_it_is_newer() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    let replaced = kept.join(format!("{}.json", names[0]));
    let other = kept.join(format!("{}.json", names[1]));
    let other: Value = serde_json::from_slice(&std::fs::read(other).unwrap()).unwrap();
    std::fs::copy(kept.join(&names[1]), kept.join(&names[0])).unwrap();
    edit(&replaced, |manifest| {
        for field in ["sha256", "bytes"] {
            manifest[field] = other[field].clone();
        }
    });
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(code, Some(7), "{lines:?}");
    assert!(lines[2].contains("describe different files"), "{lines:?}");

    // As after a run that downloaded it again, and was killed before it wrote the catalogue.
    edit(&replaced, |manifest| {
        manifest["downloaded"] = "2999-01-01T00:00:00Z".into();
    });
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["sound", "sound"]));
}

#[test]
fn an_entry_of_the_catalogue_that_names_another_file_does_not_hide_a_lost_snapshot() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    let names = snapshots(&kept);
    for ending in ["", ".json"] {
        std::fs::remove_file(kept.join(format!("{}{ending}", names[0]))).unwrap();
    }
    for name in [".lock", &format!("{}.json", names[1])] {
        edit(&kept.join("catalogue.json"), |catalogue| {
            catalogue[0]["file"] = name.into();
        });
        let (code, lines) = verify(&folder, &["kept"]);
        assert_eq!((code, words(&lines)), (Some(7), vec!["sound", "UNSOUND"]));
    }
}

#[test]
fn a_copied_folder_without_its_lock_is_still_one_that_pull_keeps() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    std::fs::remove_file(kept.join(".lock")).unwrap();
    let catalogue = kept.join("catalogue.json");
    std::fs::write(&catalogue, "[{").unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!(code, Some(6), "{lines:?}");
    std::fs::remove_file(&catalogue).unwrap();
    assert_warns(&folder);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_whose_name_is_no_text_is_verified_like_any_other() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = pulled();
    let root = folder.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let odd = root.join(std::ffi::OsStr::from_bytes(b"kept\xff"));
    std::fs::rename(folder.path().join("kept"), odd).unwrap();
    let (code, lines) = verify(&folder, &["root"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["sound", "sound"]));
}

#[cfg(unix)]
#[test]
fn a_dangling_link_of_an_incomplete_file_is_no_lost_folder() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    std::os::unix::fs::symlink("gone", kept.join("x.tgz.part")).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["sound", "sound"]));
}

#[test]
fn a_lost_manifest_is_no_lost_snapshot() {
    let folder = pulled();
    let kept = folder.path().join("kept");
    std::fs::remove_file(kept.join(format!("{}.json", snapshots(&kept)[0]))).unwrap();
    let (code, lines) = verify(&folder, &["kept"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["checked", "sound"]));
}

#[test]
fn a_kept_folder_without_its_catalogue_is_told() {
    let folder = pulled();
    let path = folder.path().join("kept/catalogue.json");
    for text in [Some("[]"), None] {
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        assert_warns(&folder);
    }
}

/// The folder is sound, with a warning that lost files cannot be found.
fn assert_warns(folder: &TempDir) {
    let mut command = atlas(folder);
    let verify = ["backups", "verify", "kept"];
    let verified = command.args(verify).output().unwrap();
    let stderr = String::from_utf8(verified.stderr).unwrap();
    assert!(verified.status.success());
    assert!(stderr.contains("lost files cannot be found"), "{stderr}");
}

#[test]
fn files_of_other_programs_with_these_names_are_no_lost_snapshots() {
    let folder = pulled();
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("package")).unwrap();
    std::fs::rename(folder.path().join("kept"), root.join("kept")).unwrap();
    std::fs::write(root.join("package/catalogue.json"), "{}").unwrap();
    std::fs::write(root.join("package/name.tgz.json"), "{}").unwrap();
    let (code, lines) = verify(&folder, &["root"]);
    assert_eq!((code, words(&lines)), (Some(0), vec!["sound", "sound"]));
}

/// The path of each file in the first folder is longer than the system allows, so that the folder
/// can be listed, and its files cannot be examined.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_whose_files_cannot_be_examined_does_not_hide_the_next_folder() {
    const LONGEST_PATH: usize = 4095;
    let folder = pulled();
    let mut deep = "d".to_owned();
    while deep.len() < LONGEST_PATH - 5 {
        let name = (LONGEST_PATH - 6 - deep.len()).clamp(1, 200);
        deep = format!("{deep}/{}", "d".repeat(name));
    }
    // From a folder half-way down, so that no path is too long.
    let half = deep[..LONGEST_PATH / 2].rfind('/').unwrap();
    let (upper, lower) = (folder.path().join(&deep[..half]), &deep[half + 1..]);
    std::fs::create_dir_all(&upper).unwrap();
    let script = "mkdir -p \"$1\" && touch \"$1/s.tgz\" \"$1/s.tgz.json\"";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, "sh", lower]).current_dir(upper);
    assert!(shell.status().unwrap().success());
    let (code, lines) = verify(&folder, &[&deep, "kept"]);
    assert_eq!(code, Some(6), "{lines:?}");
    // The file, and the folder, whose manifests cannot be compared with its files.
    assert_eq!(words(&lines), ["UNSOUND", "UNSOUND", "sound", "sound"]);
}

#[test]
fn a_folder_that_cannot_be_checked_has_a_line_in_each_format() {
    let folder = pulled();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let (code, lines) = verify(&folder, &["empty", "kept"]);
    assert_eq!(code, Some(6), "{lines:?}");
    assert_eq!(words(&lines), ["UNSOUND", "sound", "sound"]);
    let (code, lines) = verify(&folder, &["empty", "kept", "-o", "json"]);
    assert_eq!(code, Some(6), "{lines:?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["file"], "empty");
    assert_eq!(line["sound"], false);
    assert!(line["error"].as_str().unwrap().contains("snapshot file"));
}
