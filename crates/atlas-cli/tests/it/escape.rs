//! Text from outside cannot control a terminal.

use std::process::{Command, Output};

use atlas_sandbox::PROJECT;

use crate::peer::{Peer, peer};
use crate::{atlas, folder};

/// A hostile name: it clears the screen, breaks the line, sets the title and reorders the text after
/// it.
const HOSTILE: &str = r"A\u001b[2J\nerror: forged\r\u009b31m\u202eB\u007f\u001b]0;t\u0007";

/// An Atlas with one cluster whose every text is hostile.
fn hostile(region: &'static str) -> Peer {
    let id = "32b6e34b3d91647abb20e7ff";
    peer(move |_, path| {
        let body = if path.ends_with("/refused") {
            let body = format!(r#"{{"error":409,"errorCode":"{HOSTILE}","detail":"{HOSTILE}"}}"#);
            return (409, body);
        } else if path.contains("/backup/") {
            let one = format!(
                r#"{{"id":"{id}","status":"{HOSTILE}","mongodVersion":"{HOSTILE}",
                    "mongoDBVersion":"{HOSTILE}","targetClusterName":"{HOSTILE}",
                    "clusterName":"C","snapshotId":"{HOSTILE}",
                    "targetDeploymentItemName":"{HOSTILE}","deliveryUrl":[]}}"#
            );
            if path.ends_with(id) {
                one
            } else {
                format!(r#"{{"results":[{one}]}}"#)
            }
        } else {
            // A cluster of another name would be refused.
            let name = if path.contains("/clusters/") {
                "C"
            } else {
                HOSTILE
            };
            format!(
                r#"{{"name":"{name}","replicationSpecs":[{{"regionConfigs":[
                   {{"providerName":"{region}"}}]}}],"results":[],"totalCount":0}}"#
            )
        };
        (200, body)
    })
}

fn run(peer: &Peer, arguments: &[&str]) -> Output {
    command(peer).args(arguments).output().unwrap()
}

fn command(peer: &Peer) -> Command {
    let mut command = atlas(&folder());
    command
        .current_dir("/")
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", &peer.url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
    command
}

/// Checks that the output has only printable characters and line feeds.
fn assert_harmless(text: &[u8], what: &str) -> String {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let odd = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    assert!(!text.contains(odd), "{what}: {text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("error: forged")),
        "{what}: {text}"
    );
    text
}

#[test]
fn no_text_of_a_server_reaches_stdout_or_stderr_unescaped() {
    let id = "32b6e34b3d91647abb20e7ff";
    for region in ["TENANT", "AWS"] {
        let peer = hostile(region);
        let watched = ["--clusterName", "C", "--timeout", "1"];
        let commands: [&[&str]; 6] = [
            &["backups", "snapshots", "list", "C"],
            &["backups", "snapshots", "describe", id, "--clusterName", "C"],
            &["backups", "restores", "list", "C"],
            &["backups", "restores", "describe", id, "--clusterName", "C"],
            &[&["backups", "restores", "watch", id][..], &watched].concat(),
            &[&["backups", "snapshots", "watch", id][..], &watched].concat(),
        ];
        for arguments in commands {
            let output = run(&peer, arguments);
            let what = format!("{region} {arguments:?}");
            let stdout = assert_harmless(&output.stdout, &what);
            let stderr = assert_harmless(&output.stderr, &what);
            let shows_status = !arguments.contains(&"watch");
            assert!(
                !shows_status || stdout.contains("u001b"),
                "{what}: {stderr}"
            );
        }
        let output = run(&peer, &["doctor"]);
        let lines = assert_harmless(&output.stdout, "doctor");
        assert_eq!(lines.lines().count(), 6, "{lines}");
    }
}

#[test]
fn the_log_escapes_text_of_a_server() {
    let peer = hostile("TENANT");
    let mut command = command(&peer);
    command.env("ATLAS_LOG", "trace");
    let output = command.args(["backups", "snapshots", "list", "C"]).output();
    let output = output.unwrap();
    assert_harmless(&output.stderr, "log");
}

#[test]
fn an_error_of_a_server_is_one_printable_line() {
    let peer = peer(|_, _| {
        let body = format!(r#"{{"error":409,"errorCode":"X","detail":"{HOSTILE}"}}"#);
        (409, body)
    });
    let output = run(&peer, &["backups", "snapshots", "list", "C"]);
    let stderr = assert_harmless(&output.stderr, "error");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!(peer.asked().len(), 1, "a refused request is not retried");
}

#[test]
fn the_name_of_a_file_is_escaped_too() {
    let folder = folder();
    let name = "a\u{1b}[2J\nerror: forged\u{202e}.tgz";
    let run = |arguments: &[&str]| atlas(&folder).args(arguments).output().unwrap();
    let download = ["backups", "snapshots", "download", "latest", "--sandbox"];
    let flags = ["--clusterName", "Dedicated0", "--out", name];
    let arguments = [&download[..], &flags].concat();
    for (arguments, code) in [
        (&arguments[..], 0),
        (&arguments[..], 6),
        (&["backups", "verify", name], 0),
        (&["backups", "verify", "no\u{1b}[2J\nerror: forged"], 6),
        (&["backups", "verify", "--no\u{1b}[2J"], 2),
        (&["backups", "no\u{9b}2J\u{202e}"], 2),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let what = format!("{arguments:?}");
        let shown =
            assert_harmless(&output.stdout, &what) + &assert_harmless(&output.stderr, &what);
        // clap itself removes escape sequences.
        assert!(code == 2 || shown.contains("u001b"), "{what}: {shown}");
    }
}

/// `script` gives the command a terminal.
#[cfg(target_os = "linux")]
#[test]
fn json_is_exact_in_a_pipe_and_means_the_same_on_a_terminal() {
    let name = "A\u{9b}2J\u{7f}\u{202e}";
    let body = format!(r#"{{"id":"32b6e34b3d91647abb20e7b8","name":"{name}"}}"#);
    let answer = body.clone();
    let peer = peer(move |_, _| (200, answer.clone()));
    let arguments = ["api", "projects", "getGroup"];
    let output = run(&peer, &arguments);
    let piped = String::from_utf8(output.stdout).unwrap();
    assert!(piped.contains(name), "{piped:?}");

    let atlas = env!("CARGO_BIN_EXE_atlas");
    let line = format!("{atlas} {}", arguments.join(" "));
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env("XDG_CONFIG_HOME", "/dev/null/config")
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", &peer.url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap().replace('\r', "");
    assert_harmless(shown.as_bytes(), "terminal");
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(read(&shown), read(&piped));
}
