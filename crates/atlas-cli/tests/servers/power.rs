//! A power cut at any time: the system calls of one run, recorded by `strace`, are replayed on a model
//! of a disk. The possible contents after each call are checked, and the command is run again on them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::atlas::{Atlas, folder, id, is_file, names, run, stderr, succeeded, verify};
use crate::disk::{Disk, Image};
use crate::programs::on_path;
use crate::strace::{self, Change, TRACED};

/// The maximum number of states per test; those around a change of names are never left out.
const MOST: usize = 150;
const SIZE: u64 = 200_000;
/// A file of another program.
const NOTES: (&str, &[u8]) = ("notes.txt", b"not a snapshot");

/// The possible contents of a folder after a power cut during a command.
struct Left {
    image: Image,
    /// The last call before the cut.
    after: String,
}

/// Runs a command in a folder with these files; returns the possible contents after each call.
fn cuts(before: &Image, command: impl Fn(&Path) -> Command) -> Option<Vec<Left>> {
    let program = on_path("strace", "strace")?;
    let (folder, logs) = (folder(), crate::atlas::folder());
    let (path, log) = (
        folder.path().canonicalize().unwrap(),
        logs.path().join("log"),
    );
    write(&path, before);
    let plain = command(&path);
    let mut traced = Command::new(program);
    traced
        .args(["-f", "-y", "-xx", "-s", "100000000", "-e"])
        .arg(format!("trace={TRACED}"))
        .arg("-o")
        .arg(&log)
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(&path);
    succeeded("the run that is traced", &run(&mut traced));

    let calls = strace::read(&std::fs::read_to_string(log).unwrap(), &path);
    let mut disk = Disk::new(&path, before);
    let mut left: Vec<(Left, bool)> = Vec::new();
    for call in &calls {
        if !disk.take(call) {
            continue;
        }
        let is_write = matches!(call.change, Change::Write { .. } | Change::Resize { .. });
        for image in disk.images() {
            if left.iter().all(|(known, _)| known.image != image) {
                let files = image.iter().map(|(name, bytes)| (name, bytes.len()));
                let after = format!("{} {:?}", call.line, files.collect::<Vec<_>>());
                left.push((Left { image, after }, !is_write));
            }
        }
    }
    // The model agrees with the folder at the end of the command.
    assert!(disk.seen() == read(&path));
    assert!(left.len() > 10, "{} states", left.len());
    let mut nth = 0;
    let step = left.len().div_ceil(MOST);
    left.retain(|(_, is_kept)| {
        nth += 1;
        *is_kept || nth % step == 0
    });
    println!("{} states, {} calls", left.len(), calls.len());
    Some(left.into_iter().map(|(left, _)| left).collect())
}

fn write(folder: &Path, image: &Image) {
    use std::os::unix::fs::PermissionsExt;
    for (name, bytes) in image {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
}

fn read(folder: &Path) -> Image {
    let names = names(folder).into_iter();
    names
        .map(|name| {
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            (name, bytes)
        })
        .collect()
}

/// Checks that the other program's file is as it was.
fn assert_notes(image: &Image, after: &str) {
    assert!(
        image.get(NOTES.0).is_some_and(|bytes| bytes == NOTES.1),
        "{after}"
    );
}

fn with_notes() -> Image {
    BTreeMap::from([(NOTES.0.to_owned(), NOTES.1.to_vec())])
}

#[test]
fn after_a_power_cut_a_download_is_complete_or_has_no_name_and_the_same_command_completes_it() {
    let atlas = Atlas::new(&[SIZE]);
    let expected = atlas.file(0);
    let command = |folder: &Path| atlas.download(folder, "s.tgz");
    let Some(cuts) = cuts(&with_notes(), command) else {
        return;
    };
    for Left { image, after } in cuts {
        assert_notes(&image, &after);
        let named = image.get("s.tgz");
        assert!(named.is_none_or(|file| *file == expected), "{after}");
        let folder = folder();
        write(folder.path(), &image);
        let output = run(&mut command(folder.path()));
        // The file may have been complete, and is in the way of another. Its manifest may then lack
        // its name and refer to an inode that a copy does not have.
        if named.is_some() && output.status.code() == Some(6) {
            assert!(
                stderr(&output).contains("--force"),
                "{after}: {}",
                stderr(&output)
            );
        } else {
            succeeded(&after, &output);
            succeeded(&after, &verify(folder.path(), "s.tgz"));
        }
        assert!(
            std::fs::read(folder.path().join("s.tgz")).unwrap() == expected,
            "{after}"
        );
        assert_notes(&read(folder.path()), &after);
    }
}

#[test]
fn after_a_power_cut_a_file_that_is_replaced_is_the_old_one_or_the_new_one() {
    let atlas = Atlas::new(&[SIZE]);
    let old = atlas.file(0);
    let there = folder();
    succeeded(
        "the old file",
        &run(&mut atlas.download(there.path(), "s.tgz")),
    );
    let mut before = read(there.path());
    before.extend(with_notes());
    atlas.list(&[(1, SIZE + 1)]);
    let new = atlas.file(1);
    let command = |folder: &Path| {
        let mut command = atlas.download(folder, "s.tgz");
        command.arg("--force");
        command
    };
    let Some(cuts) = cuts(&before, command) else {
        return;
    };
    for Left { image, after } in cuts {
        assert_notes(&image, &after);
        let named = image.get("s.tgz");
        assert!(
            named.is_some_and(|file| *file == old || *file == new),
            "{after}"
        );
        let folder = folder();
        write(folder.path(), &image);
        succeeded(&after, &run(&mut command(folder.path())));
        assert!(
            std::fs::read(folder.path().join("s.tgz")).unwrap() == new,
            "{after}"
        );
        succeeded(&after, &verify(folder.path(), "s.tgz"));
        assert_notes(&read(folder.path()), &after);
    }
}

#[test]
fn after_a_power_cut_a_pull_has_lost_no_snapshot_that_is_to_be_kept() {
    let atlas = Atlas::new(&[SIZE, SIZE, SIZE]);
    let all: Vec<_> = (0..3)
        .map(|number| (id(number), atlas.file(number)))
        .collect();
    let there = folder();
    atlas.list(&[(0, SIZE), (1, SIZE)]);
    succeeded("the first pull", &run(&mut atlas.pull(there.path())));
    let mut before = read(there.path());
    before.extend(with_notes());
    atlas.list(&[(1, SIZE), (2, SIZE)]);
    let command = |folder: &Path| {
        let mut command = atlas.pull(folder);
        command.args(["--keep", "2"]);
        command
    };
    let Some(cuts) = cuts(&before, command) else {
        return;
    };
    // The number of snapshots, all of which are sound.
    let sound = |image: &Image, after: &str| {
        let named = image.iter().filter(|(name, _)| is_file(name));
        let mut count = 0;
        for (name, bytes) in named {
            let known = all.iter().find(|(id, _)| name.contains(id));
            let known = known.unwrap_or_else(|| panic!("{after}: {name}"));
            assert!(*bytes == known.1, "{after}: {name}");
            count += 1;
        }
        count
    };
    for Left { image, after } in cuts {
        assert_notes(&image, &after);
        assert!(sound(&image, &after) >= 2, "{after}");
        let folder = folder();
        write(folder.path(), &image);
        succeeded(&after, &run(&mut command(folder.path())));
        let ended = read(folder.path());
        assert_notes(&ended, &after);
        assert_eq!(sound(&ended, &after), 2, "{after}: {:?}", ended.keys());
        for name in ended.keys().filter(|name| is_file(name)) {
            assert!(!name.contains(&id(0)), "{after}: {name}");
            succeeded(&after, &verify(folder.path(), name));
        }
    }
}
