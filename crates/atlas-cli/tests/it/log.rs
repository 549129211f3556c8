//! `ATLAS_LOG`.

use crate::{atlas, download_arguments, error_line, folder};

#[test]
fn a_log_filter_that_is_wrong_is_an_error_and_an_empty_one_is_none() {
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
