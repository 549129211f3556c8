//! `atlas backups verify`: checks downloaded files offline.

mod missing;

use std::path::{Path, PathBuf};

use atlas_backup::{Event, Manifest, Verified};
use atlas_model::with_causes;
use clap::{Args, ValueHint};
use serde_json::json;

use crate::args::OutputArgs;
use crate::escape::escape;
use crate::failure::{Failure, backup_line};
use crate::log;
use crate::output::Output;
use crate::print::print;
use crate::progress::Watcher;
use crate::urls::is_meant;
use crate::usage::short;
use missing::{Missing, missing};

const HELP: &str = "\
Reads each file to its end and prints a line for it:

  sound    it matches its manifest
  checked  it has no manifest; it can be read to the end, but nothing proves that it is the
           downloaded file
  UNSOUND  it is damaged or missing, or it or its manifest cannot be read

In a folder, every snapshot file is checked: those that end in .tgz or .tar.gz, and those with a \
manifest. Files that a manifest or catalogue.json names and that are missing or replaced by another \
snapshot, manifests that contradict catalogue.json, and snapshots with missing shards are \
reported, too. A warning names snapshots that an interrupted pull has not finished. Folders \
directly in it, as pull creates for several clusters, are checked as well; folders in those are not.

Exits with 7 if a file is damaged, with 6 if one cannot be read or a folder has no snapshot \
file, and with 15 if a first pull is still filling it; the first failure decides, 15 last.

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
        let mut run = Run {
            output: &output,
            first: Ok(()),
            unprinted: Ok(()),
            unsound: 0,
            total: 0,
        };
        let paths = self.files.iter().flat_map(|path| folders(Path::new(path)));
        for path in &paths.collect::<Vec<_>>() {
            run.check(path);
        }
        run.end()
    }
}

/// The result so far.
struct Run<'a> {
    output: &'a Output,
    first: Result<(), Failure>,
    /// A line that cannot be printed does not change the result.
    unprinted: Result<(), Failure>,
    unsound: usize,
    total: usize,
}

impl Run<'_> {
    fn report(&mut self, line: &Line<'_>) {
        let printed = line.print(self.output);
        if self.unprinted.is_ok() {
            self.unprinted = printed;
        }
    }

    /// Records a failure. The first one decides, but one that passes by itself hides no other.
    fn fail(&mut self, failure: Failure) {
        match &self.first {
            Err(first) if !is_busy(first) => {}
            Err(_) if is_busy(&failure) => {}
            _ => self.first = Err(failure),
        }
    }

    /// Checks a file, or the files of a folder.
    fn check(&mut self, path: &Path) {
        let name = path.display().to_string();
        let files = match files(path) {
            Ok(files) => files,
            Err(failure) => {
                if is_busy(&failure) {
                    log::problem(&format!(
                        "{name} has no snapshots yet: a pull is filling it"
                    ));
                } else {
                    self.report(&Line::unread(&name, &failure.to_string(), None));
                }
                return self.fail(failure);
            }
        };
        let checked: Vec<Checked> = files
            .into_iter()
            .map(|file| self.check_file(file))
            .collect();
        if !path.is_dir() {
            return;
        }
        match missing(path, &checked) {
            Ok(missing) => missing.into_iter().for_each(|it| self.report_missing(it)),
            Err(failure) => {
                self.report(&Line::unread(&name, &failure.to_string(), None));
                self.fail(failure);
            }
        }
    }

    fn check_file(&mut self, file: PathBuf) -> Checked {
        self.total += 1;
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
                self.report(&Line::sound(&name, &verified));
                Checked {
                    manifest: verified.manifest().cloned(),
                    sha256: Some(verified.sha256().to_owned()),
                    file,
                }
            }
            Err(error) => {
                // A damaged file is not missing.
                let manifest = Manifest::read(&file).ok();
                let problem = problem(&file, &error);
                self.report(&Line {
                    checked: Some(Manifest::path_of(&file).exists()),
                    ..Line::unread(&name, &problem, manifest.as_ref())
                });
                self.unsound += 1;
                let line = format!("{name}: {problem}");
                self.fail(match Failure::from(error) {
                    failure if failure.exit_code() == 7 => Failure::Unsound(line),
                    // It names the file.
                    failure => failure,
                });
                Checked {
                    manifest,
                    sha256: None,
                    file,
                }
            }
        }
    }

    fn report_missing(&mut self, missing: Missing) {
        let Missing {
            name,
            detail,
            is_denied,
            manifest,
        } = missing;
        self.report(&Line::unread(&name, &detail, manifest.as_ref()));
        (self.unsound, self.total) = (self.unsound + 1, self.total + 1);
        let line = format!("{name}: {detail}");
        self.fail(if is_denied {
            Failure::File(line)
        } else {
            Failure::Unsound(line)
        });
    }

    fn end(self) -> Result<(), Failure> {
        let (unsound, total) = (self.unsound, self.total);
        let first = self.first.map_err(|failure| match failure.exit_code() {
            7 if unsound > 1 => Failure::Unsound(format!(
                "{unsound} of {total} files are damaged or missing; see their lines"
            )),
            _ => failure,
        });
        first
            .and(self.unprinted)
            .and_then(|()| self.output.check_lines())
    }
}

/// A file that was checked.
struct Checked {
    file: PathBuf,
    manifest: Option<Manifest>,
    /// Of a sound file.
    sha256: Option<String>,
}

/// Whether a pull is filling a folder.
fn is_busy(failure: &Failure) -> bool {
    matches!(failure, Failure::Backup(atlas_backup::Error::Busy { .. }))
}

/// The problem of a file, and the next step.
fn problem(file: &Path, error: &atlas_backup::Error) -> String {
    match error {
        atlas_backup::Error::Unsound { fault } if is_pulled(file) => with_causes(
            format!("the file is not sound: {fault}; run pull again"),
            error,
        ),
        error => backup_line(error),
    }
}

/// Whether a file is in a folder that `pull` keeps.
fn is_pulled(file: &Path) -> bool {
    file.parent().is_some_and(atlas_backup::is_pulled_folder)
}

/// The path itself and, for a folder, the folders in it that have snapshots or cannot be read; a folder
/// without snapshots is left out if one in it has some.
fn folders(path: &Path) -> Vec<PathBuf> {
    let itself = vec![path.to_owned()];
    if !path.is_dir() {
        return itself;
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        return itself;
    };
    let below = entries.flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> = below.filter(|path| is_kept(path)).collect();
    all.sort();
    if all.is_empty() || holds_snapshots(path) {
        all.insert(0, path.to_owned());
    }
    all
}

/// Whether a path is a folder that `pull` keeps, also if its snapshots are gone, or a link that leads nowhere.
fn is_kept(path: &Path) -> bool {
    if path.is_dir() {
        return holds_snapshots(path) || atlas_backup::is_pulled_folder(path);
    }
    // An incomplete file, a lock and other hidden files are no snapshots.
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_other = name.starts_with(b".") || name.ends_with(b".part");
    !is_other && path.is_symlink() && !path.exists()
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
    // Asked first: the pull may end meanwhile.
    let is_busy = atlas_backup::is_busy_folder(path);
    let files = atlas_backup::snapshot_files(path)?;
    if files.is_empty() && atlas_backup::missing_files(path)?.is_empty() {
        if is_busy {
            let path = path.to_owned();
            return Err(atlas_backup::Error::Busy { path }.into());
        }
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

/// The line of a file: that it is sound, or the problem.
struct Line<'a> {
    file: &'a str,
    verdict: Result<&'a Verified, &'a str>,
    /// The manifest, which also tells what a damaged or lost file was.
    manifest: Option<&'a Manifest>,
    /// Whether it was checked against a manifest; `None` if it could not be checked.
    checked: Option<bool>,
}

impl<'a> Line<'a> {
    fn sound(file: &'a str, verified: &'a Verified) -> Self {
        let manifest = verified.manifest();
        Self {
            file,
            verdict: Ok(verified),
            manifest,
            checked: Some(manifest.is_some()),
        }
    }

    fn unread(file: &'a str, problem: &'a str, manifest: Option<&'a Manifest>) -> Self {
        Self {
            file,
            verdict: Err(problem),
            manifest,
            checked: None,
        }
    }

    fn print(&self, output: &Output) -> Result<(), Failure> {
        let Self { file, verdict, .. } = *self;
        let line = json!({
            "file": file,
            "sound": verdict.is_ok(),
            "checked": self.checked.map(|it| if it { "manifest" } else { "structure" }),
            "snapshotId": self.manifest.map(|manifest| manifest.snapshot.to_string()),
            "clusterName": self.manifest.map(|manifest| manifest.cluster.as_str()),
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
        let (word, detail) = match (verdict, self.manifest) {
            (Ok(_), Some(manifest)) => {
                let (snapshot, bytes) = (manifest.snapshot, manifest.bytes);
                ("sound", format!("snapshot {snapshot}, {bytes} bytes"))
            }
            (Ok(verified), None) => {
                let bytes = verified.bytes();
                (
                    "checked",
                    format!("no manifest; only the structure was checked, {bytes} bytes"),
                )
            }
            (Err(problem), _) => ("UNSOUND", problem.to_owned()),
        };
        print(escape(&format!("{word:<8} {file}: {detail}")).as_bytes())
    }
}
