//! Measures the memory of a download, in its own binary, since the whole process is measured.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use atlas_backup::{Backups, DownloadOptions, Pick, silent};
use atlas_benches::{large, large_world, owner, project};

/// Returns a value of the process's status, in bytes.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}

/// The memory of the server is included, since it runs in the same process.
#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_is_downloaded_and_checked_within_32_mib_above_the_start() {
    let server = large_world(1 << 30).await;
    let backups = Backups::new(owner(server.url()));
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("s.tgz");
    let (cluster, options) = (large(), DownloadOptions::default());
    backups.kind(project(), &cluster).await.unwrap();
    let start = status("VmRSS:");
    backups
        .download(project(), &cluster, &Pick::Latest, &out, &options, silent)
        .await
        .unwrap();
    let more = status("VmHWM:") - start;
    assert!(more < 32 << 20, "{} KiB above the start", more >> 10);
}
