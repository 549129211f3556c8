//! Reads the sources in `fixtures/api`, and writes files atomically.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::Error;
use crate::facts::Facts;
use crate::format::{self, same};
use crate::keys;
use crate::names::Names;
use crate::read;

/// The source files.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The folder of the workspace.
    pub(crate) root: PathBuf,
    pub(crate) facts: Value,
    pub(crate) names: Value,
    pub(crate) overrides: Value,
    pub(crate) watch: Value,
}

impl Sources {
    /// Reads the four files under `root`.
    pub(crate) fn load(root: &Path) -> Result<Self, Error> {
        let load = |name: &str| document(&root.join(FOLDER).join(name));
        let sources = Self {
            root: root.to_path_buf(),
            facts: load("facts.json")?,
            names: load("names.json")?,
            overrides: load("overrides.json")?,
            watch: list(&root.join(FOLDER).join("watch.json"))?,
        };
        keys::overrides(&sources.overrides)
            .map_err(|error| error.in_file(source_name("overrides.json")))?;
        keys::watch(&sources.watch).map_err(|error| error.in_file(source_name("watch.json")))?;
        Ok(sources)
    }

    pub(crate) fn typed_facts(&self) -> Result<Facts, Error> {
        Facts::from_value(&self.facts).map_err(|error| error.in_file(source_name("facts.json")))
    }

    pub(crate) fn typed_names(&self) -> Result<Names, Error> {
        Names::from_value(&self.names).map_err(|error| error.in_file(source_name("names.json")))
    }
}

/// Returns the name of a source for messages.
pub(crate) fn source_name(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// Reads a file, or standard input for `-`, as a YAML or JSON object.
pub(crate) fn document(path: &Path) -> Result<Value, Error> {
    read::value(&bytes(path)?).map_err(|error| error.in_file(path.display().to_string()))
}

/// Reads a file that is a JSON list.
fn list(path: &Path) -> Result<Value, Error> {
    read::any(&bytes(path)?).map_err(|error| error.in_file(path.display().to_string()))
}

/// Reads a file, or standard input for `-`, up to [`MAX_BYTES`].
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|source| Error::read(path, source))?;
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!(
            "larger than {} MiB: not an API description",
            MAX_BYTES >> 20
        );
        return Err(Error::at("size", what).in_file(path.display().to_string()));
    }
    Ok(bytes)
}

/// Writes every file that differs, and returns those.
///
/// Each file is first written to a temporary file next to it; all are renamed once every one is
/// complete. If a rename fails, the earlier ones are undone.
pub(crate) fn write_all(files: Vec<(PathBuf, Vec<u8>)>) -> Result<Vec<PathBuf>, Error> {
    let mut ready = Vec::new();
    for (path, bytes) in files {
        if fs::read(&path).is_ok_and(|old| same(&path, &old, &bytes)) {
            continue;
        }
        let written = write_beside(&path, &format::formatted(&path, bytes));
        ready.push((written.map_err(|source| Error::write(&path, source))?, path));
    }
    let mut changed: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for (file, path) in ready {
        let old = fs::read(&path).ok();
        if let Err(error) = file.persist(&path) {
            for (path, old) in changed {
                let _ = match old {
                    Some(old) => fs::write(path, old),
                    None => fs::remove_file(path),
                };
            }
            return Err(Error::write(&path, error.error));
        }
        changed.push((path, old));
    }
    Ok(changed.into_iter().map(|(path, _)| path).collect())
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".codegen-");
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(mode);
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The folder of the sources.
pub(crate) const FOLDER: &str = "fixtures/api";

/// The published description has 5 MB.
const MAX_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_every_other_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "old").unwrap();
        // A folder is in place of the last file.
        fs::create_dir(path("c")).unwrap();
        let files = ["a", "b", "c"].map(|name| (path(name), b"new".to_vec()));
        let error = write_all(files.to_vec()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", path("c").display())
        );
        assert_eq!(fs::read(path("a")).unwrap(), b"old");
        assert!(!path("b").exists());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "a temporary file is left"
        );
    }

    #[test]
    fn an_unchanged_file_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let write = |bytes: &[u8]| write_all(vec![(path.clone(), bytes.to_vec())]).unwrap();
        assert_eq!(write(b"1").len(), 1);
        assert!(write(b"1").is_empty());
        assert_eq!(write(b"2"), std::slice::from_ref(&path));
    }
}
