//! Runs the tool, in a separate folder if it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The output and exit code of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file in `fixtures/api`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    workspace().join("fixtures/api").join(name)
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Runs the tool with `arguments` on the sources under `root`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Run {
    run_with(root, arguments, Stdio::null())
}

/// Runs the tool with `arguments` on the sources under `root`, with standard input.
pub(crate) fn run_with(root: &Path, arguments: &[&str], input: impl Into<Stdio>) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_atlas-codegen"))
        .arg("--root")
        .arg(root)
        .args(arguments)
        .stdin(input)
        .output()
        .unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The facts that `import --print` creates from a description with the date [`DATE`].
pub(crate) fn import(path: &Path) -> Run {
    import_of(path, DATE)
}

/// The facts that `import --print` creates from a description with another date.
pub(crate) fn import_of(path: &Path, date: &str) -> Run {
    let path = path.to_str().unwrap();
    run(&workspace(), &["import", "--print", "--date", date, path])
}

/// A writable workspace, with the facts of a small description.
#[derive(Debug)]
pub(crate) struct Small {
    folder: TempDir,
}

impl Small {
    /// Sources generated from `description`, with an empty `watch.json`.
    pub(crate) fn new(description: &str) -> Self {
        let small = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(small.path("")).unwrap();
        for folder in ["crates/atlas-catalog/src", "crates/atlas-pattern/src"] {
            fs::create_dir_all(small.root().join(folder)).unwrap();
        }
        let overrides = json(&fixture("overrides.json"));
        let mut overrides = overrides.as_object().unwrap().clone();
        overrides.insert("successors".to_owned(), serde_json::json!({}));
        overrides.insert("values".to_owned(), serde_json::json!({}));
        overrides.insert("patterns".to_owned(), serde_json::json!([]));
        small.write("overrides.json", &Value::from(overrides).to_string());
        small.write("watch.json", "[]");
        small.write("names.json", "{}");
        let empty = r#"{"openapi":"3.0.1","source":"none","date":"2025-01-01","servers":[],"tags":[],"parameters":{},"operations":[],"schemas":{}}"#;
        small.write("facts.json", empty);
        let run = small.import(description, &[]);
        assert_eq!(run.code, Some(0), "{run:?}");
        small
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A file in its `fixtures/api`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join("fixtures/api").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Removes an operation from the lock of names, as if it were new.
    pub(crate) fn forget(&self, line: &str) {
        let mut names: Value = serde_json::from_str(&self.read("names.json")).unwrap();
        let operations = names["operations"].as_object_mut().unwrap();
        operations.remove(line).unwrap();
        self.write("names.json", &names.to_string());
    }

    /// Every file and its bytes, to check that a failed run changes nothing.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut open = vec![self.root().to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    files.push((path.clone(), fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    /// Imports `description`, which is a file outside the workspace.
    pub(crate) fn import(&self, description: &str, arguments: &[&str]) -> Run {
        self.import_bytes(description.as_bytes(), arguments)
    }

    pub(crate) fn import_bytes(&self, description: &[u8], arguments: &[&str]) -> Run {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), description).unwrap();
        let mut all = vec!["import", file.path().to_str().unwrap(), "--date", DATE];
        all.extend(arguments);
        run(self.root(), &all)
    }
}

/// The date of every small description.
pub(crate) const DATE: &str = "2025-03-12";

/// A description with one operation, which tests change by replacing text.
pub(crate) const DESCRIPTION: &str = include_str!("../../../../fixtures/api/golden/small.yaml");
