//! Kills downloads (SIGKILL) at random times and resumes them: the file must be the same, and little
//! of it fetched twice. `ATLAS_KILLS` is the number of kills, 8 by default; `ATLAS_KILL_MIB` is the
//! size of the file in MiB, 64 by default.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use atlas_backup::{Backups, DownloadOptions, Pick, silent, verify};
use atlas_benches::{LARGE_SNAPSHOT, Proxy, large, large_world, owner, project};

/// The variables with the URL and the target file of the child.
const URL: &str = "ATLAS_KILL_URL";
const OUT: &str = "ATLAS_KILL_OUT";

/// The bytes per second of each connection; a download takes about a second.
const RATE: u64 = 20_000_000;
/// The maximum number of bytes in kernel buffers of a killed process, and of the response heads.
/// In addition, a kill may lose a hundredth of the file: batches not yet in the journal.
const KERNEL: u64 = 2 << 20;

/// The process that is killed; does nothing when run as a test.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let (Ok(url), Ok(out)) = (std::env::var(URL), std::env::var(OUT)) else {
        return;
    };
    let backups = Backups::new(owner(&url));
    let (cluster, options) = (large(), DownloadOptions::default());
    let out = Path::new(&out);
    backups
        .download(project(), &cluster, &Pick::Latest, out, &options, silent)
        .await
        .unwrap();
}

fn start(url: &str, out: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child"])
        .env(URL, url)
        .env(OUT, out)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_killed_at_any_time_resumes_and_the_file_is_the_same() {
    let number = |name: &str, default: u64| -> u64 {
        std::env::var(name).map_or(default, |number| number.parse().unwrap())
    };
    let kills = number("ATLAS_KILLS", 8);
    let bytes = number("ATLAS_KILL_MIB", 64) << 20;
    let lost = bytes / 100 + KERNEL;
    let server = large_world(bytes).await;
    let expected = server.with(|sandbox| {
        let snapshot = LARGE_SNAPSHOT.parse().unwrap();
        sandbox
            .snapshot_file(project(), &large(), snapshot)
            .unwrap()
    });
    let (threshold, victim) = (
        Arc::new(AtomicU64::new(u64::MAX)),
        Arc::new(AtomicU32::new(0)),
    );
    let (at, whom) = (threshold.clone(), victim.clone());
    let watch = move |passed: u64| {
        if passed >= at.load(Ordering::SeqCst) {
            let pid = whom.swap(0, Ordering::SeqCst);
            if pid != 0 {
                let killed = Command::new("kill")
                    .args(["-KILL", &pid.to_string()])
                    .status();
                assert!(killed.unwrap().success());
            }
        }
    };
    let target = server.url().trim_start_matches("http://").to_owned();
    let proxy = Proxy::start(target, RATE, Arc::new(watch)).await.unwrap();
    server.with(|sandbox| sandbox.set_base_url(proxy.url.clone()));

    let (mut seed, mut twice) = (0x2545_f491_4f6c_dd1d_u64, 0);
    for kill in 0..kills {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("s.tgz");
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let before = proxy.passed();
        let moment = seed % (bytes - lost);
        threshold.store(before + moment, Ordering::SeqCst);
        let mut child = start(&proxy.url, &out);
        victim.store(child.id(), Ordering::SeqCst);
        let killed = tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap();
        threshold.store(u64::MAX, Ordering::SeqCst);
        victim.store(0, Ordering::SeqCst);
        assert!(
            !killed.success(),
            "kill {kill} after {moment} bytes came too late"
        );
        assert!(!out.exists());

        let mut child = start(&proxy.url, &out);
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap())
            .await
            .unwrap();
        assert!(ended.success(), "kill {kill} after {moment} bytes");
        assert!(
            std::fs::read(&out).unwrap() == expected,
            "kill {kill} after {moment} bytes"
        );
        verify(&out).unwrap();
        let fetched = proxy.passed() - before;
        let more = fetched.saturating_sub(expected.len() as u64);
        assert!(
            more <= lost,
            "kill {kill} after {moment} bytes: {more} bytes twice"
        );
        twice += more;
    }
    let share = twice * 10_000 / (kills * bytes);
    println!("{kills} kills: {share} of 10,000 bytes were fetched twice");
}
