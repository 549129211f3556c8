//! A file that is written completely or not at all.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf, is_separator};

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A file with a temporary name in the folder of its final name, which it gets when it is complete.
///
/// Only its owner can read it; on Windows it inherits the permissions of the folder. Dropped before
/// [`finish`](OutputFile::finish), it is removed.
pub(crate) struct OutputFile {
    path: PathBuf,
    replace: bool,
    file: NamedTempFile,
}

impl OutputFile {
    /// Creates the temporary file; an existing file is an error unless `replace` is set.
    pub(crate) fn create(path: &Path, replace: bool) -> Result<Self, Failure> {
        if path.as_os_str().is_empty() {
            let problem = "the path of the output file is empty; name a file";
            return Err(Failure::Usage(problem.to_owned()));
        }
        if path.is_dir() || ends_as_folder(path) {
            return Err(failed(path, "is a directory; name a file in it"));
        }
        if !replace && path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
        let Some(name) = path.file_name() else {
            return Err(failed(path, "does not end in a file name"));
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".part")
            .tempfile_in(folder(path))
            .map_err(|error| cannot("create", path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            replace,
            file,
        })
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(bytes)
            .map_err(|error| cannot("write", &self.path, &error))
    }

    /// Syncs the file to the disk and renames it to its final name.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let path = self.path;
        let failing = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(&path),
            _ => cannot("complete", &path, &error),
        };
        self.file.as_file().sync_all().map_err(failing)?;
        let renamed = if self.replace {
            self.file.persist(&path)
        } else {
            self.file.persist_noclobber(&path)
        };
        renamed.map_err(|error| failing(error.error))?;
        // The name must survive a power cut, too; not every system can sync a folder.
        let _ = File::open(folder(&path)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Whether a path ends in a separator, or in one and a dot. Such an ending does not count as a
/// component, and leads into a directory.
fn ends_as_folder(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let end = text.strip_suffix(b".").unwrap_or(text);
    let is_separator = |byte: &u8| is_separator(char::from(*byte));
    end.last().is_some_and(is_separator)
}

fn exists(path: &Path) -> Failure {
    failed(path, "exists; choose another name or pass --force")
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::File(format!("cannot {what} {}: {error}", path.display()))
}

fn failed(path: &Path, problem: &str) -> Failure {
    Failure::File(format!("{} {problem}", path.display()))
}
