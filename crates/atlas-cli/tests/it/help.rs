//! The texts of `--help`.

use crate::{atlas, folder};

pub(crate) fn help(arguments: &[&str]) -> String {
    let output = atlas(&folder())
        .args(arguments)
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that a help lists.
pub(crate) fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let list = list.take_while(|line| !line.is_empty());
    let names = list.filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The commands below a path, the operations of the API left out.
pub(crate) fn below(path: &[String], visit: &mut impl FnMut(&[String], &str)) {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let text = help(&words);
    visit(path, &text);
    if path.first().is_some_and(|first| first == "api") && path.len() == 1 {
        for name in ["search", "list", "sunsets"] {
            let name = name.to_owned();
            below(&[path, &[name]].concat(), visit);
        }
        return;
    }
    for name in commands(&text) {
        below(&[path, &[name]].concat(), visit);
    }
}

#[test]
fn every_help_ends_with_an_example_that_begins_with_its_command() {
    let mut count = 0;
    below(&[], &mut |path, text| {
        count += 1;
        let example = text.rsplit_once("Example").unwrap_or_default().1;
        let command = format!("atlas {}", path.join(" "));
        assert!(example.contains(command.trim()), "{path:?}: {text}");
        let lines = example.trim_start_matches('s').trim_start_matches(':');
        let is_last = lines
            .lines()
            .all(|line| line.is_empty() || line.starts_with("  "));
        assert!(is_last, "{path:?} continues after its example: {text}");
        let widest = lines.lines().map(str::len).max();
        assert!(widest <= Some(79), "{path:?}: {text}");
    });
    assert!(count > 60, "{count}");
}

#[test]
fn an_operation_ends_with_an_example_that_can_be_sent() {
    for (tag, operation) in [
        ("flexClusters", "createFlexCluster"),
        ("cloudBackups", "getBackupSnapshotDatabase"),
        ("projects", "listGroups"),
    ] {
        let text = help(&["api", tag, operation]);
        let example = text.rsplit_once("Example:\n").unwrap().1;
        let command = format!("  atlas api {tag} {operation}");
        assert!(example.starts_with(&command), "{text}");
        let mut lines = example.trim_end().lines().rev();
        lines.next();
        assert!(lines.all(|line| line.ends_with('\\')), "{text}");
    }
}

#[cfg(not(feature = "object-store"))]
#[test]
fn every_help_is_unchanged() {
    below(&[], &mut |path, text| {
        let name = path.join("-");
        let name = if name.is_empty() { "atlas" } else { &name };
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn the_documented_operation_has_the_flags_people_know() {
    insta::assert_snapshot!(help(&[
        "api",
        "sharedTierSnapshots",
        "downloadClusterBackupTenant"
    ]));
}

#[cfg(feature = "object-store")]
#[test]
fn the_help_of_download_explains_object_stores_kills_and_signals() {
    let help = help(&["backups", "snapshots", "download"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "AWS_ENDPOINT_URL",
        "~/.aws are not read",
        "after a kill the same command resumes",
        "A signal aborts the upload",
        "--force",
    ] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn a_flag_of_connections_is_neither_shown_nor_ignored_offline() {
    for path in [
        &["backups", "verify"][..],
        &["completion"],
        &["api", "list"],
        &["config", "list"],
    ] {
        let help = help(path);
        for flag in ["--sandbox", "--profile", "--no-token-cache"] {
            assert!(!help.contains(flag), "{path:?}: {help}");
        }
    }
    let output = atlas(&folder())
        .args(["api", "list", "--sandbox"])
        .output()
        .unwrap();
    let line = crate::error_line(&output, 2);
    assert!(line.contains("--sandbox"), "{line}");
}

#[test]
fn the_version_names_the_program_and_the_facts() {
    for flag in ["--version", "-V"] {
        let output = atlas(&folder()).arg(flag).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let start = format!("atlas-rs {version} (API facts 20");
        assert!(text.starts_with(&start), "{text}");
    }
}
