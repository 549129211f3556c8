//! `atlas backups`: outputs that cannot be, files of other programs.

use std::process::Output;

use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};
use tempfile::TempDir;

use crate::{atlas_at, error_line, folder, sandbox};

fn run(server: &SandboxServer, folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = atlas_at(server, folder);
    command.arg("backups").args(arguments).output().unwrap()
}

fn download(server: &SandboxServer, folder: &TempDir, more: &[&str]) -> Output {
    let start = [
        "snapshots",
        "download",
        "latest",
        "--clusterName",
        FLEX_CLUSTER,
    ];
    run(server, folder, &[&start[..], more].concat())
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_any_request() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    std::fs::create_dir(folder.path().join("there")).unwrap();
    for (out, code, expected) in [
        ("", 2, "empty"),
        ("there", 2, "is a directory"),
        ("there/", 2, "is a directory"),
        ("new/", 2, "is a directory"),
        ("/dev/null", 2, "not a regular file"),
        ("no/such.tgz", 6, "No such file"),
    ] {
        let output = download(&server, &folder, &["--out", out, "--force"]);
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{out}: {line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
}

#[test]
fn a_file_of_another_program_is_refused_and_with_force_kept_under_another_name() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let theirs = folder.path().join("data.json");
    std::fs::write(&theirs, "precious").unwrap();
    let line = error_line(&download(&server, &folder, &["--out", "data"]), 6);
    assert!(
        line.contains("data.json") && line.contains("--force"),
        "{line}"
    );
    assert_eq!(std::fs::read(&theirs).unwrap(), b"precious");
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);

    let output = download(&server, &folder, &["--out", "data", "--force"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("kept as data.json.old1"), "{said}");
    let kept = folder.path().join("data.json.old1");
    assert_eq!(std::fs::read(kept).unwrap(), b"precious");
    assert!(run(&server, &folder, &["verify", "data"]).status.success());
}
