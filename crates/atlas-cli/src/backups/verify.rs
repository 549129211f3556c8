//! `atlas backups verify`: checks downloaded files offline.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use atlas_backup::{Event, KnownBy, Manifest, Verified};
use clap::{Args, ValueHint};
use serde_json::json;

use crate::args::OutputArgs;
use crate::escape::escape;
use crate::failure::Failure;
use crate::log;
use crate::output::Output;
use crate::print::print;
use crate::progress::Watcher;
use crate::urls::is_meant;
use crate::usage::short;

const HELP: &str = "\
Reads each file to its end and prints a line for it:

  sound    it matches its manifest
  checked  it has no manifest; it can be read to the end, but nothing proves that it is the
           downloaded file
  UNSOUND  it is damaged or missing, or it or its manifest cannot be read

In a folder, every snapshot file is checked: those that end in .tgz or .tar.gz, and those with a \
manifest. Files that a manifest or catalogue.json names and that are missing, and snapshots with \
missing shards, are reported, too. Folders directly in it, as pull creates for several clusters, \
are checked as well; folders in those are not.

Exits with 7 if a file is damaged, with 6 if one cannot be read or a folder has no snapshot \
file; the first failure decides.

Example:
  atlas backups verify /var/backups/atlas";

/// Check downloaded files against their manifests, offline
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Verify {
    /// Files or folders to check
    #[arg(required = true, value_name = "FILE or FOLDER", value_hint = ValueHint::AnyPath)]
    files: Vec<String>,

    #[command(flatten)]
    output: OutputArgs,
}

impl Verify {
    /// Checks files. Blocks.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let output = self.output.format_offline()?;
        for path in &self.files {
            let problem = if path.is_empty() {
                "a path is empty; name a file or a folder".to_owned()
            } else if is_meant(path) {
                let path = short(path);
                format!("{path} is a URL; name a file or a folder on this machine")
            } else {
                continue;
            };
            return Err(Failure::Usage(problem));
        }
        let mut first: Result<(), Failure> = Ok(());
        let (mut unsound, mut total) = (0, 0);
        // A line that cannot be printed does not change the result.
        let mut unprinted = Ok(());
        let mut report = |name: &str, verdict: Result<&Verified, &str>| {
            let printed = print_line(name, verdict, &output);
            if unprinted.is_ok() {
                unprinted = printed;
            }
        };
        let paths = self.files.iter().flat_map(|path| folders(path));
        for path in &paths.collect::<Vec<_>>() {
            let files = match files(Path::new(path)) {
                Ok(files) => files,
                Err(failure) => {
                    report(path, Err(&failure.to_string()));
                    first = first.and(Err(failure));
                    continue;
                }
            };
            let mut known = Vec::new();
            for file in files {
                total += 1;
                let name = file.display().to_string();
                let watcher = Watcher::default();
                let verified = atlas_backup::verify_with(&file, |event| {
                    watcher.take(match event {
                        // The file was downloaded before.
                        Event::Started {
                            length: Some(length),
                            ..
                        } => Event::Checking {
                            path: file.clone(),
                            read: 0,
                            length,
                        },
                        event => event,
                    });
                });
                watcher.end();
                match verified {
                    Ok(verified) => {
                        known.extend(verified.manifest().cloned());
                        report(&name, Ok(&verified));
                    }
                    Err(error) => {
                        // A damaged file is not missing.
                        known.extend(Manifest::read(&file));
                        let failure = Failure::from(error);
                        report(&name, Err(&failure.to_string()));
                        unsound += 1;
                        first = first.and(Err(failure));
                    }
                }
            }
            if Path::new(path).is_dir() {
                match missing(Path::new(path), &known) {
                    Ok(missing) => {
                        for Missing {
                            name,
                            detail,
                            is_denied,
                        } in missing
                        {
                            report(&name, Err(&detail));
                            (unsound, total) = (unsound + 1, total + 1);
                            let line = format!("{name}: {detail}");
                            let kind = if is_denied {
                                Failure::File
                            } else {
                                Failure::Unsound
                            };
                            first = first.and(Err(kind(line)));
                        }
                    }
                    Err(failure) => {
                        report(path, Err(&failure.to_string()));
                        first = first.and(Err(failure));
                    }
                }
            }
        }
        if unsound > 1 {
            first = first.map_err(|failure| match failure.exit_code() {
                7 => Failure::Unsound(format!(
                    "{unsound} of {total} files are damaged or missing; see their lines"
                )),
                _ => failure,
            });
        }
        first.and(unprinted).and_then(|()| output.check_lines())
    }
}

/// A file or a shard that a folder should have.
struct Missing {
    name: String,
    detail: String,
    /// Whether it cannot be told, since a manifest may not be read.
    is_denied: bool,
}

/// The missing files of a folder, and its snapshots of which a shard is missing.
fn missing(folder: &Path, known: &[Manifest]) -> Result<Vec<Missing>, Failure> {
    let mut missing = Vec::new();
    for file in atlas_backup::missing_files(folder)? {
        missing.push(Missing {
            name: file.path.display().to_string(),
            detail: file.to_string(),
            is_denied: matches!(&file.known_by, KnownBy::UnreadableManifest(error) if error.is_denied()),
        });
    }
    let mut sets: BTreeMap<String, (BTreeSet<&str>, usize)> = BTreeMap::new();
    for manifest in known {
        // The same file under two names is one file.
        let shard = manifest.shard.as_deref().unwrap_or(&manifest.sha256);
        let (found, most) = sets.entry(manifest.snapshot.to_string()).or_default();
        found.insert(shard);
        *most = usize::from(manifest.files).max(*most);
    }
    for (snapshot, (found, expected)) in sets {
        let found = found.len();
        if found < expected {
            missing.push(Missing {
                name: folder.display().to_string(),
                detail: format!("snapshot {snapshot} has {found} of {expected} files"),
                is_denied: false,
            });
        }
    }
    Ok(missing)
}

/// The path itself and, for a folder, the folders in it that have snapshots or cannot be read; a folder
/// without snapshots is left out if one in it has some.
fn folders(path: &str) -> Vec<String> {
    let itself = vec![path.to_owned()];
    if !Path::new(path).is_dir() {
        return itself;
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return itself;
    };
    let below = entries.flatten().map(|entry| entry.path());
    let below = below.filter(|path| is_kept(path));
    let mut all: Vec<String> = below.map(|path| path.display().to_string()).collect();
    all.sort();
    if all.is_empty() || holds_snapshots(Path::new(path)) {
        all.insert(0, path.to_owned());
    }
    all
}

/// Whether a path is a folder that `pull` keeps, also if its snapshots are gone, or a link that leads nowhere.
fn is_kept(path: &Path) -> bool {
    if path.is_dir() {
        return holds_snapshots(path) || atlas_backup::is_pulled_folder(path);
    }
    path.is_symlink() && !path.exists()
}

/// Whether a folder has snapshots or manifests of missing files, or cannot be read.
fn holds_snapshots(folder: &Path) -> bool {
    // An error is reported later, for the folder.
    atlas_backup::snapshot_files(folder).map_or(true, |files| !files.is_empty())
        || atlas_backup::missing_files(folder).map_or(true, |files| !files.is_empty())
}

/// A file itself, or the snapshot files in a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let files = atlas_backup::snapshot_files(path)?;
    if files.is_empty() && atlas_backup::missing_files(path)?.is_empty() {
        let is_kept = atlas_backup::is_pulled_folder(path);
        let path = path.display();
        return Err(Failure::File(if is_kept {
            format!("{path} has no snapshot any more; run pull again, or remove the folder")
        } else {
            format!("{path} has no snapshot file; name the folder that pull keeps")
        }));
    }
    Ok(files)
}

/// Prints the line of a file: that it is sound, or the problem.
fn print_line(
    file: &str,
    verdict: Result<&Verified, &str>,
    output: &Output,
) -> Result<(), Failure> {
    let manifest = verdict.ok().and_then(Verified::manifest);
    let by_manifest = match verdict {
        Ok(_) => manifest.is_some(),
        Err(_) => Manifest::path_of(file.as_ref()).exists(),
    };
    let line = json!({
        "file": file,
        "sound": verdict.is_ok(),
        "checked": if by_manifest { "manifest" } else { "structure" },
        "snapshotId": manifest.map(|manifest| manifest.snapshot.to_string()),
        "clusterName": manifest.map(|manifest| manifest.cluster.as_str()),
        "bytes": verdict.ok().map(Verified::bytes),
        "sha256": verdict.ok().map(Verified::sha256),
        "error": verdict.err(),
    });
    if let Ok(line) = output.line(&line) {
        return line.map_or(Ok(()), |line| print(line.as_bytes()));
    }
    if verdict.is_ok() && log::is_quiet() {
        return Ok(());
    }
    let (word, detail) = match verdict {
        Ok(verified) => {
            if let Some(manifest) = manifest {
                let (snapshot, bytes) = (manifest.snapshot, manifest.bytes);
                ("sound", format!("snapshot {snapshot}, {bytes} bytes"))
            } else {
                let bytes = verified.bytes();
                (
                    "checked",
                    format!("no manifest; only the structure was checked, {bytes} bytes"),
                )
            }
        }
        Err(problem) => ("UNSOUND", problem.to_owned()),
    };
    print(escape(&format!("{word:<8} {file}: {detail}")).as_bytes())
}
