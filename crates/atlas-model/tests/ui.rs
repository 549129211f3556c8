//! Compares the compiler errors for common mistakes of users.
//!
//! They differ between releases of Rust, so this target runs only with a known release: `.ci/run`
//! names it. `UI=overwrite` rewrites the expected errors.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
#![allow(clippy::disallowed_methods, reason = "expectations are files")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn a_mistake_is_explained_by_the_compiler() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&crate_folder.join("tests/ui"));
    assert!(sources.len() >= 7, "{sources:?}");
    let project = project(crate_folder, &sources);
    let errors = errors(&project, crate_folder);
    let mut differing = Vec::new();
    for source in sources {
        let name = source.file_stem().unwrap().to_str().unwrap();
        let found = errors.get(name).map_or("", String::as_str);
        assert!(found.contains("error"), "{name} compiles");
        let expected = source.with_extension("stderr");
        if std::env::var("UI").is_ok_and(|wish| wish == "overwrite") {
            fs::write(&expected, found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            differing.push(format!("== {name}\n{found}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut sources: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    sources.sort();
    sources
}

/// A package with one program for each source.
fn project(crate_folder: &Path, sources: &[PathBuf]) -> PathBuf {
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&project).unwrap();
    let model = crate_folder.display();
    let mut manifest = format!(
        "[package]\nname = \"ui\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\natlas-model = {{ path = \"{model}\" }}\nhttp = \"1\"\n"
    );
    for source in sources {
        let name = source.file_stem().unwrap().display();
        let source = source.display();
        write!(
            manifest,
            "\n[[bin]]\nname = \"{name}\"\npath = \"{source}\"\n"
        )
        .unwrap();
    }
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::copy(
        crate_folder.join("../../Cargo.lock"),
        project.join("Cargo.lock"),
    )
    .unwrap();
    project
}

/// Returns the compiler's messages for each program.
fn errors(project: &Path, crate_folder: &Path) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--offline",
            "--bins",
            "--keep-going",
            "--message-format=json",
        ])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", project.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let mut errors: BTreeMap<String, String> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let message: Value = serde_json::from_str(line).unwrap();
        if message["reason"] != "compiler-message" || message["message"]["level"] != "error" {
            continue;
        }
        let rendered = message["message"]["rendered"].as_str().unwrap();
        if rendered.starts_with("error: aborting") {
            continue;
        }
        let rendered = without_numbers(&rendered.replace(crate_folder.to_str().unwrap(), "$CRATE"));
        let name = message["target"]["name"].as_str().unwrap().to_owned();
        errors.entry(name).or_default().push_str(&rendered);
    }
    errors
}

/// A message without the parts that depend on unrelated code: line numbers, the width of their
/// column, and the list of types that implement the trait.
fn without_numbers(rendered: &str) -> String {
    let mut kept = String::new();
    let mut in_list = false;
    for line in rendered.lines() {
        let bare = line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit());
        if in_list && line.starts_with("          ") {
            continue;
        }
        in_list = bare.contains("the following other types implement");
        let line = match bare.split_once(".rs:") {
            Some((file, _)) if bare.starts_with("--> ") || bare.starts_with("::: ") => {
                format!(" {file}.rs")
            }
            _ if bare.starts_with(['|', '=']) => format!(" {bare}"),
            _ => line.to_owned(),
        };
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}
