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

#[cfg(feature = "object-store")]
#[test]
fn the_download_says_how_object_stores_are_reached_and_what_a_kill_or_a_signal_does() {
    let help = help(&["backups", "snapshots", "download"]);
    for word in [
        "AWS_ENDPOINT_URL",
        "~/.aws are not read",
        "after a kill the same command goes on",
        "A signal aborts the upload",
        "--force",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[cfg(not(feature = "object-store"))]
#[test]
fn the_download_says_what_it_needs() {
    insta::assert_snapshot!(help(&["backups", "snapshots", "download"]));
}
