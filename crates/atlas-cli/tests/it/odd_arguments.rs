//! Invalid and unusual arguments of every command: one line of error, no panic, no request.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt as _;
use std::process::{Command, Output, Stdio};

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER};
use tempfile::TempDir;

use crate::help::{below, commands};
use crate::{atlas, atlas_at, error_line, folder, sandbox};

/// The commands that do something, each with its flags that take a value.
fn leaves() -> Vec<(Vec<String>, Vec<String>)> {
    let mut leaves = Vec::new();
    below(&[], &mut |path, help| {
        // The sandbox would keep running, and `api` has its own tests.
        if commands(help).is_empty() && path != ["sandbox"] {
            let words = help.lines().filter(|line| line.contains(" <"));
            let flags = words.filter_map(|line| {
                let before = line.split(" <").next().unwrap_or_default();
                let flag = before.split_whitespace().next_back()?;
                // The global flags are tested with one command.
                let is_own = !["--profile", "--log-format"].contains(&flag);
                let is_meant = flag.starts_with("--") && (is_own || path == ["projects", "list"]);
                is_meant.then(|| flag.to_owned())
            });
            leaves.push((path.to_vec(), flags.collect()));
        }
    });
    assert!(leaves.len() > 40, "{}", leaves.len());
    leaves
}

/// The command, with a base URL that cannot be reached.
fn nowhere(folder: &TempDir) -> Command {
    let mut command = atlas(folder);
    command
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", "http://127.0.0.1:1")
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", atlas_sandbox::PROJECT);
    command
}

/// Checks that a command failed with one printable line, and returns its code.
fn assert_one_line(output: &Output, what: &str) -> i32 {
    let code = output.status.code();
    let code = code.unwrap_or_else(|| panic!("{what}: {}", output.status));
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let odd = |char: char| char.is_control() && char != '\n';
    assert!(!stderr.contains(odd), "{what}: {stderr:?}");
    let errors = stderr.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), usize::from(code != 0), "{what}: {stderr}");
    assert!(!stderr.contains("panicked"), "{what}: {stderr}");
    code
}

/// Passes a value to each command, as an argument and to each of its flags.
fn with_each(value: &OsString, check: impl Fn(&Output, &str)) {
    let folder = folder();
    for (path, flags) in leaves() {
        let run = |more: &[&OsString]| {
            let output = nowhere(&folder).args(&path).args(more).output().unwrap();
            check(&output, &format!("{} {more:.40?}", path.join(" ")));
        };
        run(&[value]);
        for flag in flags {
            run(&[&OsString::from(flag), value]);
        }
    }
}

#[test]
fn an_argument_that_is_not_utf_8_is_2_or_names_a_missing_file() {
    with_each(&OsString::from_vec(vec![b'k', 0xff]), |output, what| {
        let code = assert_one_line(output, what);
        let names_file = ["--file", "--config", "--grep"]
            .iter()
            .any(|flag| what.contains(flag));
        assert!(code == 2 || code == 6 && names_file, "{what}: {code}");
    });
}

#[test]
fn an_empty_argument_or_one_of_control_characters_is_reported_in_one_line() {
    for value in ["", "a\u{1b}[2J\nerror: forged", "-1"] {
        with_each(&value.into(), |output, what| {
            assert_one_line(output, what);
        });
    }
}

#[test]
fn a_very_long_argument_is_not_repeated_in_full() {
    with_each(&"x".repeat(100_000).into(), |output, what| {
        // The name of a file is in the error of the system.
        if assert_one_line(output, what) == 2 {
            let length = output.stderr.len();
            assert!(length < 1000, "{what}: {length}");
        }
    });
}

#[test]
fn no_command_prompts_before_it_has_checked_its_arguments() {
    let nope = ["--projectId", atlas_sandbox::PROJECT];
    let commands: [&[&str]; 3] = [
        &[
            "backups",
            "exports",
            "buckets",
            "delete",
            "--bucketId",
            "nope",
        ],
        &["backups", "schedule", "delete", "C!"],
        &[
            "backups",
            "snapshots",
            "delete",
            "nope",
            "--clusterName",
            "C",
        ],
    ];
    for arguments in commands {
        let output = nowhere(&folder()).args(arguments).args(nope).output();
        let line = error_line(&output.unwrap(), 2);
        assert!(line.contains("expected"), "{line}");
        assert!(!line.contains("Deleting"), "{line}");
    }
    // Missing credentials are reported before the prompt, too.
    let commands: [&[&str]; 2] = [
        &[
            "backups",
            "exports",
            "buckets",
            "delete",
            "--bucketId",
            "32b6e34b3d91647abb20e7ff",
        ],
        &["backups", "schedule", "delete", "C"],
    ];
    for arguments in commands {
        let output = atlas(&folder()).args(arguments).args(nope).output();
        let line = error_line(&output.unwrap(), 3);
        assert!(line.contains("no credentials"), "{line}");
    }
}

#[test]
fn a_path_that_is_empty_or_a_url_is_2_before_anything_is_read() {
    let folder = folder();
    std::fs::write(folder.path().join("a.tgz"), "").unwrap();
    let outside = ["api", "projects", "getGroup", "--outputFile"];
    for (arguments, problem) in [
        (&["backups", "verify", ""][..], "empty; name a file"),
        (&["backups", "verify", "a.tgz", ""], "empty; name a file"),
        (
            &["backups", "verify", "a.tgz", "s3://b/k"],
            "s3://b/k is a URL; name a file or a folder",
        ),
        (&[&outside[..], &[""]].concat(), "empty; name a file"),
        (
            &[&outside[..], &["s3://b/k"]].concat(),
            "--outputFile is a URL",
        ),
        (
            &[&outside[..], &["-"]].concat(),
            "leave it out to print to stdout",
        ),
    ] {
        let output = nowhere(&folder).args(arguments).output().unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains(problem), "{line}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_file_in_place_of_a_folder_is_6_without_a_hint_that_pull_does_not_support() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for clusters in [&["--all-clusters"][..], &["--clusterName", "C"]] {
        let mut command = nowhere(&folder);
        command.args(["backups", "pull", "--dir", "file"]);
        let line = error_line(&command.args(clusters).output().unwrap(), 6);
        assert_eq!(line, "error: file is not a folder; name a folder");
    }
}

/// Something of each kind that is printed.
fn printing() -> Vec<Vec<String>> {
    let list = format!("backups snapshots list {FLEX_CLUSTER}");
    let json = format!("backups snapshots list {FLEX_CLUSTER} -o json");
    let download = format!("backups snapshots download latest --clusterName {FLEX_CLUSTER}");
    let pull = format!("backups pull --clusterName {DEDICATED_CLUSTER} --dir kept -v");
    let lines = [
        "--help",
        "-h",
        "--version",
        "help backups",
        "backups snapshots --help",
        "api projects --help",
        "completion bash",
        "api list",
        "api sunsets",
        "api search snapshot",
        "config list",
        "projects list",
        "clusters list",
        "auth whoami",
        "doctor",
        "api projects getGroup",
        &list,
        &json,
        &download,
        &pull,
    ];
    let words = |line: &str| line.split(' ').map(str::to_owned).collect();
    lines.iter().map(|line| words(line)).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_6_for_all_that_is_printed() {
    let (_runtime, server) = sandbox();
    for arguments in printing() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = atlas_at(&server, &folder())
            .args(&arguments)
            .stdout(full)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(6), "{arguments:?}");
        let line = error_line(&output, 6);
        assert!(line.contains("No space left on device"), "{line}");
    }
}

#[test]
fn a_closed_stdout_is_not_an_error() {
    let (_runtime, server) = sandbox();
    for arguments in printing() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let folder = folder();
        let mut command = atlas_at(&server, &folder);
        let output = command
            .args(&arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(
            !stderr.contains("panicked") && !stderr.contains("error"),
            "{stderr}"
        );
    }
}

#[test]
fn a_negative_number_after_an_option_is_refused_with_the_form_that_names_the_option() {
    let folder = folder();
    let pull = [
        "backups",
        "pull",
        "--clusterName",
        FLEX_CLUSTER,
        "--dir",
        "kept",
    ];
    let apart = atlas(&folder)
        .args(pull)
        .args(["--keep-daily", "-1"])
        .output()
        .unwrap();
    assert!(error_line(&apart, 2).contains("--OPTION=-1"), "{apart:?}");
    // A number without a sign is no negative one.
    let extra = atlas(&folder).args(pull).arg("1").output().unwrap();
    assert!(!error_line(&extra, 2).contains("--OPTION"), "{extra:?}");
    let together = atlas(&folder)
        .args(pull)
        .arg("--keep-daily=-1")
        .output()
        .unwrap();
    assert!(
        error_line(&together, 2).contains("--keep-daily"),
        "{together:?}"
    );
}
