//! What `--help` says.

use crate::{atlas, folder};

fn help(arguments: &[&str]) -> String {
    let output = atlas(&folder())
        .args(arguments)
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_says_what_it_does_and_how_it_ends() {
    insta::assert_snapshot!(help(&[]));
}

#[test]
fn the_documented_operation_has_the_flags_people_know() {
    insta::assert_snapshot!(help(&[
        "api",
        "sharedTierSnapshots",
        "downloadClusterBackupTenant"
    ]));
}

#[test]
fn the_download_says_what_it_needs() {
    insta::assert_snapshot!(help(&["backups", "snapshots", "download"]));
}
