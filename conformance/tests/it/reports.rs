//! Reports of several testees: each testee has one name, each report one file, and each command runs
//! its case again.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CASE: &str = "pattern/clusterName/000";

/// Writes a client that refuses everything. `name` is expanded by the shell.
fn client(folder: &Path, file: &str, name: &str) -> String {
    let script = format!(
        r#"while read -r line; do
            case $line in
                *'"hello"'*) echo "{{\"name\": \"{name}\", \"version\": \"1\", \"abilities\": [\"pattern\"]}}" ;;
                *'"reset"'*) echo '{{"done": true}}' ;;
                *) echo '{{"outcome": {{"kind": "refused"}}}}' ;;
            esac
        done"#
    );
    let path = folder.join(file);
    std::fs::write(&path, script).unwrap();
    format!("sh {}", path.display())
}

fn run(arguments: &[&str]) -> Output {
    let mut judge = Command::new(env!("CARGO_BIN_EXE_atlas-conformance"));
    judge.args(arguments).output().unwrap()
}

fn error(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Returns the judgements of a report.
fn judgements(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn the_commands_of_a_matrix_have_the_options_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let cases = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases");
    let report = folder.path().join("report.jsonl");
    let other = client(folder.path(), "other", "other");
    let output = run(&[
        "matrix",
        "--cases",
        cases,
        "--patience",
        "7",
        "--case",
        CASE,
        "--jsonl",
        report.to_str().unwrap(),
        "--client",
        &other,
    ]);
    let judgements = judgements(&report);
    assert_eq!(judgements.len(), 3, "{output:?}");
    for judgement in judgements {
        let command = judgement["rerun"].as_str().unwrap();
        let options = format!(" --cases {cases} --patience 7 --case {CASE}");
        assert!(command.contains(&options), "{command}");
    }
}

#[test]
fn two_testees_of_one_name_are_refused_before_any_case_is_run() {
    let folder = tempfile::tempdir().unwrap();
    for (name, other) in [
        ("atlas-rs", "atlas-conformance testee"),
        ("sandbox", "the sandbox"),
        ("twin", "/first"),
    ] {
        let first = client(folder.path(), "first", "twin");
        let second = client(folder.path(), "second", name);
        let clients = ["--client", &first, "--client", &second];
        let error = error(&[&["matrix", "--case", CASE], &clients[..]].concat());
        let start = format!("error: two testees have the name {name:?}: ");
        assert!(error.starts_with(&start), "{error}");
        assert!(
            error.contains(&format!("{other} and {second}; ")),
            "{error}"
        );
    }
}

#[test]
fn a_client_that_changes_its_name_is_one_testee() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.jsonl");
    let client = client(folder.path(), "client", "process-$$");
    let mut arguments = vec!["client", "--filter", "pattern/clusterName/", "--jsonl"];
    arguments.extend([report.to_str().unwrap(), "--"]);
    arguments.extend(client.split(' '));
    let output = run(&arguments);
    let judgements = judgements(&report);
    assert!(judgements.len() > 4, "{output:?}");
    let names = judgements.iter().map(|it| it["testee"].to_string());
    let names: BTreeSet<String> = names.collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn two_reports_in_one_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("same");
    let same = folder.path().join(".").join("same");
    let (file, same) = (file.to_str().unwrap(), same.to_str().unwrap());
    let error = error(&[
        "client", "--junit", file, "--html", same, "--", "sh", "-c", "exit 3",
    ]);
    let expected = "error: --junit and --html name the same file ";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.ends_with("; give each report its own\n"), "{error}");
}

#[test]
fn a_dash_is_no_file_name() {
    let error = error(&["client", "--jsonl", "-", "--", "sh", "-c", "exit 3"]);
    assert!(
        error.starts_with("error: --jsonl names a file; "),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn several_reports_can_go_to_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(folder.path(), "client", "client");
    let mut arguments = vec!["client", "--case", CASE];
    arguments.extend(["--junit", "/dev/null", "--jsonl", "/dev/null", "--"]);
    arguments.extend(client.split(' '));
    assert_eq!(run(&arguments).status.code(), Some(1));
}
