//! Writes generated files, or compares them with the tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Folders in which all `.json` files are generated; others are removed.
const FOLDERS: [&str; 2] = ["fixtures/examples", "fixtures/cases/api"];

/// The files by their path in the workspace.
#[derive(Debug, Default)]
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Adds a file.
    pub(crate) fn add(&mut self, path: String, content: Vec<u8>) {
        self.0.insert(path, content);
    }

    /// Returns the content of a file.
    pub(crate) fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Returns each path and its content.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Whether a file belongs to a folder in which all are generated.
    pub(crate) fn is_generated(path: &str) -> bool {
        let folder = path.rsplit_once('/').map(|(folder, _)| folder);
        folder.is_some_and(|folder| FOLDERS.contains(&folder))
    }

    /// Writes the files that differ and removes those that are no longer generated.
    pub(crate) fn write(&self, root: &Path) -> Result<(), String> {
        for path in self.stale(root) {
            let file = root.join(&path);
            let failed = |error: std::io::Error| format!("cannot update {path}: {error}");
            match self.0.get(&path) {
                None => fs::remove_file(&file).map_err(failed)?,
                Some(content) => {
                    if let Some(folder) = file.parent() {
                        fs::create_dir_all(folder).map_err(failed)?;
                    }
                    fs::write(&file, content).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Compares all files with the tree.
    pub(crate) fn check(&self, root: &Path) -> Result<(), String> {
        let stale = self.stale(root);
        if stale.is_empty() {
            return Ok(());
        }
        Err(format!(
            "out of date: {}; run `cargo run -p atlas-conformance-generator -- generate`",
            stale.join(", ")
        ))
    }

    /// Returns the paths of files that differ, are missing, or are no longer generated.
    fn stale(&self, root: &Path) -> Vec<String> {
        let mut stale: Vec<String> = self
            .0
            .iter()
            .filter(|(path, content)| fs::read(root.join(path)).ok().as_ref() != Some(*content))
            .map(|(path, _)| path.clone())
            .collect();
        for folder in FOLDERS {
            for name in names(&root.join(folder)) {
                let path = format!("{folder}/{name}");
                if !self.0.contains_key(&path) {
                    stale.push(path);
                }
            }
        }
        stale.sort();
        stale
    }
}

/// Reads a file of the workspace.
pub(crate) fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| {
        format!("cannot read {path}: {error}; run this in the workspace's folder or pass --root")
    })
}

/// Whether a file name ends with `.json`.
pub(crate) fn is_json(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "json")
}

/// Returns the sorted names of the `.json` files of a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_json(name)).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_names_files_that_differ_are_missing_or_are_no_longer_generated() {
        let root = std::env::temp_dir().join(format!("generator-{}", std::process::id()));
        let mut files = Files::default();
        for name in ["a", "b"] {
            files.add(format!("fixtures/examples/{name}.json"), name.into());
        }
        files.write(&root).unwrap();
        assert_eq!(files.check(&root), Ok(()));
        fs::write(root.join("fixtures/examples/a.json"), "x").unwrap();
        fs::write(root.join("fixtures/examples/c.json"), "c").unwrap();
        fs::remove_file(root.join("fixtures/examples/b.json")).unwrap();
        let error = files.check(&root).unwrap_err();
        let named = "out of date: fixtures/examples/a.json, fixtures/examples/b.json, \
            fixtures/examples/c.json; run `cargo run -p atlas-conformance-generator -- generate`";
        assert_eq!(error, named);
        files.write(&root).unwrap();
        assert_eq!(files.check(&root), Ok(()));
        fs::remove_dir_all(&root).unwrap();
    }
}
