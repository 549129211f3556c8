//! `atlas generate`: man pages and completion scripts for packages.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::help::{below, commands, help};
use crate::{atlas, error_line, folder};

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn generate(folder: &TempDir, arguments: &[&str]) -> BTreeSet<String> {
    let output = atlas(folder)
        .arg("generate")
        .args(arguments)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(output.stdout.is_empty());
    names(&folder.path().join(arguments[1]))
}

#[test]
fn each_command_that_a_help_lists_has_a_man_page_and_nothing_else_has_one() {
    let folder = folder();
    let pages = generate(&folder, &["man", "new/man"]);
    let mut expected = BTreeSet::new();
    below(&[], &mut |path, _| {
        let words = ["atlas"].into_iter().chain(path.iter().map(String::as_str));
        expected.insert(format!("{}.1", words.collect::<Vec<_>>().join("-")));
    });
    assert_eq!(pages, expected);
    assert!(pages.len() > 50, "{}", pages.len());
    let named = generate(&folder, &["man", "other", "--name", "atlas-toolkit"]);
    let renamed = expected
        .iter()
        .map(|name| name.replacen("atlas", "atlas-toolkit", 1));
    assert_eq!(named, renamed.collect::<BTreeSet<_>>());
    let page = folder.path().join("other/atlas-toolkit-backups-pull.1");
    let page = std::fs::read_to_string(page).unwrap();
    let examples = page.split_once(".SH EXAMPLES").unwrap().1;
    assert!(
        examples.contains("\n  atlas\\-toolkit backups pull "),
        "{examples}"
    );
    for name in &named {
        let page = std::fs::read_to_string(folder.path().join("other").join(name)).unwrap();
        let notes = page.split_once(".SH NOTES").map_or("", |(_, notes)| notes);
        assert!(!notes.contains(" atlas "), "{name}: {notes}");
    }
    for name in &pages {
        let page = std::fs::read_to_string(folder.path().join("new/man").join(name)).unwrap();
        let title = page.lines().find(|line| line.starts_with(".TH"));
        let title = title.unwrap_or_else(|| panic!("{name}: {page}"));
        let stem = name.strip_suffix(".1").unwrap();
        assert!(
            title.starts_with(&format!(".TH {stem} 1 ")),
            "{name}: {title}"
        );
        let before = page.split_once(".TH").unwrap().0;
        // Two registers of groff, for quotes that can be copied.
        assert!(before.lines().all(|line| line.starts_with('.')), "{before}");
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
            assert!(page.contains(section), "{name}: {section}");
        }
        assert!(!page.contains('\u{1b}'), "{name}");
        for line in page.lines().filter(|line| line.ends_with("(1)")) {
            let other = format!("{}.1", line.trim_end_matches("(1)").replace('\\', ""));
            assert!(pages.contains(&other), "{name}: {line}");
        }
    }
}

/// Formats the pages with mandoc or groff; on a machine with neither, it checks nothing.
#[test]
fn a_formatter_of_man_pages_accepts_each_without_a_warning() {
    let folder = folder();
    let pages = generate(&folder, &["man", "man"]);
    let is_there = |program: &str, flag: &str| Command::new(program).arg(flag).output().is_ok();
    let formatter: &[&str] = if is_there("mandoc", "-h") {
        &["mandoc", "-Tlint", "-Wwarning"]
    } else if is_there("groff", "--version") {
        &["groff", "-man", "-Tutf8", "-ww", "-Wbreak", "-z"]
    } else {
        eprintln!("neither mandoc nor groff is installed: no page was checked");
        return;
    };
    for name in pages {
        let output = Command::new(formatter[0])
            .args(&formatter[1..])
            .arg(folder.path().join("man").join(&name))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(String::from_utf8_lossy(&said), "", "{name}");
        assert!(output.status.success(), "{name}");
    }
}

#[test]
fn the_completions_have_the_names_that_shells_look_for_and_know_the_program_by_its_name() {
    let folder = folder();
    for (name, flags) in [
        ("atlas", &[][..]),
        ("atlas-toolkit", &["--name", "atlas-toolkit"]),
    ] {
        let files = generate(&folder, &[&["completions", name][..], flags].concat());
        let expected = [
            format!("_{name}"),
            format!("_{name}.ps1"),
            format!("{name}.bash"),
            format!("{name}.fish"),
        ];
        assert_eq!(files, expected.into());
        for file in files {
            let script = std::fs::read_to_string(folder.path().join(name).join(&file)).unwrap();
            assert!(script.contains("_ATLAS_COMPLETE"), "{file}: {script}");
            assert!(script.contains(name), "{file}: {script}");
            let build = std::env!("CARGO_BIN_EXE_atlas");
            assert!(!script.contains(build), "{file}: {script}");
        }
    }
    let zsh = std::fs::read_to_string(folder.path().join("atlas/_atlas")).unwrap();
    assert!(zsh.starts_with("#compdef atlas\n"), "{zsh}");
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for what in ["man", "completions"] {
        let output = atlas(&folder).args(["generate", what, "file"]).output();
        let line = error_line(&output.unwrap(), 6);
        assert!(line.contains("cannot write file"), "{line}");
        let output = atlas(&folder).args(["generate", what]).output();
        assert!(error_line(&output.unwrap(), 2).contains("FOLDER"));
    }
}

#[test]
fn the_command_is_hidden() {
    let text = help(&[]);
    assert!(
        !commands(&text).iter().any(|name| name == "generate"),
        "{text}"
    );
    let whole: Vec<&str> = text.split_whitespace().collect();
    assert!(!whole.contains(&"generate"), "{text}");
}
