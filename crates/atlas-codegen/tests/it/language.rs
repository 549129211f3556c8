//! Keeps phrases that readers stumbled over out of comments, messages and pages.

use std::fs;
use std::path::Path;

use regex::{Regex, RegexBuilder};

/// A pattern a line, a tab, and the words to use instead.
const PHRASES: &str = include_str!("language/phrases.txt");
/// Files that quote them, and the record of what was released.
const EXEMPT: [&str; 2] = ["crates/atlas-codegen/tests/it/language", "CHANGELOG.md"];

#[test]
fn no_page_comment_or_message_has_a_phrase_that_readers_stumbled_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let phrases = phrases();
    let mut found = Vec::new();
    for start in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs",
        "crates",
        "conformance",
        "benches",
        "fixtures",
    ] {
        read(&root, Path::new(start), &mut |path, text| {
            found.extend(hits(&phrases, path, text));
        });
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_phrase_is_found_in_the_line_that_shows_it() {
    let phrases = phrases();
    for (line, (pattern, _)) in phrases.iter().enumerate() {
        let sample = include_str!("language/samples.txt")
            .lines()
            .nth(line)
            .unwrap();
        assert!(pattern.is_match(sample), "{pattern} is not in {sample:?}");
        assert!(!hits(&phrases, "sample.md", sample).is_empty());
    }
}

type Phrase = (Regex, &'static str);

fn phrases() -> Vec<Phrase> {
    PHRASES
        .lines()
        .map(|line| {
            let (pattern, instead) = line.split_once('\t').unwrap();
            let pattern = RegexBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .unwrap();
            (pattern, instead)
        })
        .collect()
}

/// A line for each phrase in a text.
fn hits(phrases: &[Phrase], path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (pattern, instead) in phrases {
            if let Some(phrase) = pattern.find(line) {
                let (number, phrase) = (number + 1, phrase.as_str().trim());
                found.push(format!("{path}:{number}: {phrase:?}; write {instead}"));
            }
        }
    }
    found
}

/// Calls `visit` with each text file below a path that people write.
fn read(root: &Path, path: &Path, visit: &mut impl FnMut(&str, &str)) {
    let name = path.to_str().unwrap().replace('\\', "/");
    let skipped = [
        "target",
        "node_modules",
        "generated",
        "corpus",
        "api",
        "examples-overrides.json",
    ];
    let last = path.file_name().unwrap().to_str().unwrap();
    if skipped.contains(&last) || EXEMPT.iter().any(|exempt| name.starts_with(exempt)) {
        return;
    }
    let full = root.join(path);
    if full.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(&full)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        entries.sort();
        for entry in entries {
            read(root, &path.join(entry), visit);
        }
    } else if ["rs", "md", "py", "html", "css", "toml"]
        .iter()
        .any(|it| full.extension().is_some_and(|end| end == *it))
    {
        visit(&name, &fs::read_to_string(&full).unwrap());
    }
}
