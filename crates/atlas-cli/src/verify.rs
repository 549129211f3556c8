//! `atlas backups verify`: whether files are sound, offline.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use atlas_backup::{Manifest, Verified};
use clap::{Arg, ArgMatches, Command};

use crate::commands::{output_argument, wants_json_offline};
use crate::escape::escape;
use crate::failure::{Failure, print};

/// `verify`.
pub(crate) fn command() -> Command {
    Command::new("verify")
        .about("Check downloaded files against the manifests beside them, offline")
        .after_help(
            "Reads each file to its end and prints a line for it:\n\n  sound    it is what its \
             manifest says\n  checked  it has no manifest; it can be read to the end, but whether \
             it is the file that\n           was once downloaded is not known\n  UNSOUND  it is \
             damaged or gone, or it or its manifest cannot be read\n\nOf a folder, every snapshot file in \
             it is checked: those that end in .tgz or .tar.gz, and those\nwith a manifest; a file that is gone and a snapshot of \
             which shards are missing are told, too.\nFolders in it are not looked into.\n\nExits with 7 if a file is damaged, with 6 if one cannot \
             be read or a folder has no snapshot file;\nthe first failure decides.",
        )
        .arg(
            Arg::new("file")
                .required(true)
                .num_args(1..)
                .value_name("FILE or FOLDER")
                .help("The file or folder, or several"),
        )
        .arg(output_argument())
}

/// Checks files. Blocks.
pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let as_json = wants_json_offline(matches)?;
    let paths = matches.get_many::<String>("file").into_iter().flatten();
    let mut first = Ok(());
    for path in paths {
        crate::store::refuse_url("FILE", path)?;
        let files = match files(Path::new(path)) {
            Ok(files) => files,
            Err(failure) => {
                print(shown(path, None, &failure.to_string(), as_json).as_bytes())?;
                first = first.and(Err(failure));
                continue;
            }
        };
        let mut known = Vec::new();
        for file in files {
            let name = file.display().to_string();
            let line = match atlas_backup::verify(&file) {
                Ok(verified) => {
                    let (verdict, detail) = verdict(&verified);
                    known.extend(verified.manifest().cloned());
                    shown(&name, Some(verdict), &detail, as_json)
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    let line = shown(&name, None, &failure.to_string(), as_json);
                    first = first.and(Err(failure));
                    line
                }
            };
            print(line.as_bytes())?;
        }
        if Path::new(path).is_dir() {
            for (name, detail) in missing(Path::new(path), &known)? {
                print(shown(&name, None, &detail, as_json).as_bytes())?;
                let failure = Failure::Unsound(format!("{name}: {detail}"));
                first = first.and(Err(failure));
            }
        }
    }
    first
}

/// What a folder lacks: files whose manifests are there, and shards of snapshots.
fn missing(folder: &Path, known: &[Manifest]) -> Result<Vec<(String, String)>, Failure> {
    let mut missing = Vec::new();
    for file in atlas_backup::missing_files(folder)? {
        let detail = "the file is gone; its manifest is there".to_owned();
        missing.push((file.display().to_string(), detail));
    }
    let mut sets: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for manifest in known {
        let expected = usize::from(manifest.files);
        let (found, most) = sets.entry(manifest.snapshot.to_string()).or_default();
        (*found, *most) = (*found + 1, expected.max(*most));
    }
    for (snapshot, (found, expected)) in sets {
        if found < expected {
            let name = folder.display().to_string();
            let detail = format!("snapshot {snapshot} has {found} of {expected} files");
            missing.push((name, detail));
        }
    }
    Ok(missing)
}

/// A file itself, or the snapshot files in a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = atlas_backup::snapshot_files(path)?;
    if files.is_empty() {
        let path = path.display();
        return Err(Failure::File(format!(
            "{path} has no snapshot file; name the folder that pull keeps"
        )));
    }
    Ok(files)
}

/// What a sound file was checked against.
#[derive(Clone, Copy)]
enum Verdict {
    Sound,
    Checked,
}

fn verdict(verified: &Verified) -> (Verdict, String) {
    let bytes = verified.bytes();
    if let Some(manifest) = verified.manifest() {
        let detail = format!("snapshot {}, {bytes} bytes", manifest.snapshot);
        (Verdict::Sound, detail)
    } else {
        let detail = format!("no manifest; structure only, {bytes} bytes");
        (Verdict::Checked, detail)
    }
}

/// The line of a file; without a verdict it is unsound.
fn shown(file: &str, verdict: Option<Verdict>, detail: &str, as_json: bool) -> String {
    if as_json {
        let by_manifest = match verdict {
            Some(verdict) => matches!(verdict, Verdict::Sound),
            None => Manifest::path_of(file.as_ref()).exists(),
        };
        let checked = if by_manifest { "manifest" } else { "structure" };
        let sound = verdict.is_some();
        return serde_json::json!({
            "file": file, "sound": sound, "checked": checked, "detail": detail,
        })
        .to_string();
    }
    let verdict = match verdict {
        Some(Verdict::Sound) => "sound",
        Some(Verdict::Checked) => "checked",
        None => "UNSOUND",
    };
    escape(&format!("{verdict:<8} {file}: {detail}")).into_owned()
}
