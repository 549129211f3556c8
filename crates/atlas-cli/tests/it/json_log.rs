//! `--log-format json`: every line on stderr is an object.

use std::process::{Command, Output};

use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT};
use serde_json::Value;

use crate::peer::peer;
use crate::{atlas, atlas_at, folder, sandbox};

/// The lines on stderr, after checking that each is an object with a time, a level and a message.
fn lines(output: &Output) -> Vec<Value> {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(stderr.is_empty() || stderr.ends_with('\n'), "{stderr:?}");
    stderr.lines().map(|line| checked(line, &stderr)).collect()
}

fn checked(line: &str, stderr: &str) -> Value {
    let odd = |char: char| char.is_control() || char == '\u{202e}';
    assert!(!line.contains(odd), "{line:?}");
    let read: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}: {stderr}"));
    let time = read["timestamp"].as_str().unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
    assert!(time.ends_with('Z'), "{line}");
    let levels = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    assert!(levels.contains(&read["level"].as_str().unwrap()), "{line}");
    assert!(read["message"].is_string(), "{line}");
    read
}

fn messages(lines: &[Value], level: &str) -> Vec<String> {
    let lines = lines.iter().filter(|line| line["level"] == level);
    lines
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect()
}

/// Checks that the last line, and no other, is an error with the exit code of the process.
fn assert_error(output: &Output, code: i32) -> String {
    let lines = lines(output);
    assert_eq!(output.status.code(), Some(code), "{lines:?}");
    let last = lines.last().unwrap();
    assert_eq!(last["exitCode"], code, "{last}");
    assert_eq!(last["level"], "ERROR");
    let ends = lines.iter().filter(|line| !line["exitCode"].is_null());
    assert_eq!(ends.count(), 1, "{lines:?}");
    last["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_error_has_the_exit_code_of_the_process() {
    let run = |arguments: &[&str]| {
        atlas(&folder())
            .args(["--log-format", "json"])
            .args(arguments)
            .output()
            .unwrap()
    };
    for (arguments, code, named) in [
        (&["backups", "verify", "nope"][..], 6, "nope cannot be read"),
        (&["projects", "list"], 3, "no credentials"),
        (&["api", "projects", "getGroup"], 2, "no project"),
        (&["config", "describe", "nope"], 2, "nope"),
    ] {
        let message = assert_error(&run(arguments), code);
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn an_invalid_command_line_is_reported_in_json_wherever_the_format_is_given() {
    for arguments in [
        &["--log-format", "json", "nope"][..],
        &["nope", "--log-format", "json"],
        &["--log-format=json", "--nope"],
        &["--nope", "--log-format=json"],
        &[
            "backups",
            "--log-format",
            "json",
            "snapshots",
            "list",
            "--nope",
        ],
        &[
            "backups",
            "snapshots",
            "list",
            "--nope",
            "--log-format",
            "json",
        ],
        &[
            "backups",
            "snapshots",
            "list",
            "--limit",
            "x",
            "--log-format",
            "json",
        ],
        &["backups", "snapshots", "list", "--log-format", "json"],
        &["api", "projects", "nope", "--log-format", "json"],
        &["backups", "pull", "--log-format", "json", "--keep"],
        &["--log-format", "json"],
        &["--log-format", "json", "backups"],
        &["backups", "--log-format", "json"],
        &["--log-format", "json", "backups", "snapshots"],
        &["--log-format", "json", "api"],
        &["--log-format", "json", "--log-format", "json", "doctor"],
        &["\u{1b}[2J\u{202e}\n", "--log-format", "json"],
    ] {
        let output = atlas(&folder()).args(arguments).output().unwrap();
        let lines = lines(&output);
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        assert_error(&output, 2);
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn warnings_and_progress_and_the_log_are_objects_too() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let list = ["backups", "snapshots", "list", CLUSTER];
    let json = ["--log-format", "json"];
    let mut command = atlas_at(&server, &folder);
    let output = command.args(list).args(json).output().unwrap();
    assert!(output.status.success());
    let warned = messages(&lines(&output), "WARN");
    assert!(warned[0].contains("Atlas ended "), "{warned:?}");
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("ID "));

    let download = ["backups", "snapshots", "download", "latest"];
    let named = ["--clusterName", DEDICATED_CLUSTER, "--out", "s.tgz"];
    let mut command = atlas_at(&server, &folder);
    let output = command
        .args(download)
        .args(named)
        .args(json)
        .output()
        .unwrap();
    let notes = messages(&lines(&output), "INFO");
    assert!(notes[0].contains("preparing the download"), "{notes:?}");

    for log in ["debug", "trace"] {
        let mut command = atlas_at(&server, &folder);
        let output = command.args(list).args(json).env("ATLAS_LOG", log).output();
        let output = output.unwrap();
        assert!(output.status.success());
        let logged = lines(&output);
        assert!(!messages(&logged, "DEBUG").is_empty(), "{logged:?}");
        assert!(!messages(&logged, "WARN").is_empty(), "{logged:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains(atlas_sandbox::OWNER.private_key));
    }
    let mut command = atlas_at(&server, &folder);
    let output = command
        .args(list)
        .args(json)
        .env("ATLAS_LOG", "loud")
        .output();
    assert!(assert_error(&output.unwrap(), 2).contains("invalid ATLAS_LOG"));
}

#[test]
fn several_clusters_name_the_one_that_a_line_is_about() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let output = atlas_at(&server, &folder)
        .args(["backups", "pull", "--dir", "kept", "--log-format", "json"])
        .args(["--clusterName", FLEX_CLUSTER, "--clusterName", "Nope"])
        .output()
        .unwrap();
    let lines = lines(&output);
    let failed = lines.iter().find(|line| line["clusterName"] == "Nope");
    let failed = failed.unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(failed["level"], "ERROR");
    assert_eq!(failed["exitCode"], 4);
    let last = lines.last().unwrap();
    assert_eq!(last["exitCode"], output.status.code().unwrap());
    assert!(last["clusterName"].is_null(), "{last}");
}

/// The message of a hostile server, as JSON text.
const HOSTILE: &str = r"A\u001b[2J\n{\u0000\r\u009b31m\u202eB\u007f\u001b]0;t\u0007\udb40\udc41";

fn against(url: &str) -> Command {
    let mut command = atlas(&folder());
    command
        .current_dir("/")
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
    command
}

#[test]
fn text_of_a_server_is_escaped_in_every_line() {
    let peer = peer(|_, path| {
        if path.contains("/snapshots/") {
            let body = format!(r#"{{"error":409,"errorCode":"{HOSTILE}","detail":"{HOSTILE}"}}"#);
            return (409, body);
        }
        let region =
            r#"{"name":"C","replicationSpecs":[{"regionConfigs":[{"providerName":"AWS"}]}]}"#;
        (200, region.to_owned())
    });
    let id = "32b6e34b3d91647abb20e7ff";
    for log in ["off", "trace"] {
        let output = against(&peer.url)
            .args(["backups", "snapshots", "describe", id])
            .args(["--clusterName", "C", "--log-format", "json"])
            .env("ATLAS_LOG", log)
            .output()
            .unwrap();
        let message = assert_error(&output, 4);
        assert!(message.contains("\\udb40\\udc41"), "{message}");
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn a_quiet_command_prints_only_errors() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let download = ["backups", "snapshots", "download", "latest"];
    let named = ["--clusterName", DEDICATED_CLUSTER, "--out", "s.tgz"];
    let list = ["backups", "snapshots", "list", CLUSTER];
    for format in ["text", "json"] {
        for arguments in [&[&download[..], &named, &["--force"]].concat()[..], &list] {
            let said = |flags: &[&str]| {
                let mut command = atlas_at(&server, &folder);
                let command = command.args(arguments).args(["--log-format", format]);
                let output = command.args(flags).output().unwrap();
                assert!(output.status.success(), "{arguments:?}");
                // In text, the line of a downloaded file is only progress.
                let is_list = arguments.contains(&"list");
                assert!(!is_list || !output.stdout.is_empty(), "{arguments:?}");
                String::from_utf8(output.stderr).unwrap()
            };
            assert_ne!(said(&[]), "", "{arguments:?}");
            assert_eq!(said(&["-q"]), "", "{arguments:?}");
            assert_eq!(said(&["--quiet"]), "", "{arguments:?}");
        }
        let output = atlas_at(&server, &folder)
            .args(["backups", "snapshots", "list", "Nope", "-q"])
            .args(["--log-format", format])
            .output()
            .unwrap();
        if format == "json" {
            assert_error(&output, 4);
        } else {
            crate::error_line(&output, 4);
        }
    }
}
