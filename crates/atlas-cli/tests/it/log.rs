//! `ATLAS_LOG`.

use atlas_sandbox::PROJECT;

use crate::{atlas, download_arguments, error_line, folder};

#[test]
fn an_invalid_log_filter_is_an_error_and_an_empty_one_counts_as_unset() {
    for filter in ["verbose", "atlas_backup=loud", "debug,,"] {
        let output = atlas(&folder())
            .args(download_arguments())
            .arg("--sandbox")
            .env("ATLAS_LOG", filter)
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains("invalid ATLAS_LOG"), "{line}");
        assert!(line.contains(filter), "{line}");
    }
    for filter in ["", "off", "ERROR", "error,hyper=trace"] {
        let output = atlas(&folder())
            .args(download_arguments())
            .arg("--sandbox")
            .env("ATLAS_LOG", filter)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{filter}: {stderr}");
    }
}

#[test]
fn the_log_gives_every_cause_of_a_retry() {
    let output = atlas(&folder())
        .args(["api", "projects", "getGroup"])
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", "http://127.0.0.1:1")
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .env("ATLAS_LOG", "info")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let again = stderr.lines().find(|line| line.contains("retrying"));
    let again = again.unwrap_or_else(|| panic!("{stderr}"));
    for part in ["no connection to 127.0.0.1:1", "Connection refused"] {
        assert_eq!(again.matches(part).count(), 1, "{again}");
    }
}
