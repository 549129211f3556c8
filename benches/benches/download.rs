//! A snapshot from loopback to disk, beside `curl -o` with the same link in the same run.
//!
//! Criterion compares the rates for 1 GiB at full speed. Through a proxy that gives each connection
//! 20 MB a second, the times of one download each are printed as ratios. What is timed ends when
//! the file is complete; looking into it afterwards is not part of `curl -o` either.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas_backup::{Backups, DownloadOptions, Event, Pick};
use atlas_benches::{LARGE_SNAPSHOT, Proxy, large, large_world, owner, project};
use atlas_model::flex_snapshots::{DownloadFlexBackup, FlexBackupSnapshotDownloadCreate};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// How long our download takes to the complete file.
fn ours(runtime: &Runtime, url: &str, connections: usize) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("s.tgz");
    let backups = Backups::new(owner(url));
    let options = DownloadOptions::default().connections(connections);
    runtime.block_on(async {
        let complete = tokio::sync::Notify::new();
        let progress = |event: Event| {
            if event == Event::Verifying {
                complete.notify_one();
            }
        };
        let cluster = large();
        let download =
            backups.download(project(), &cluster, &Pick::Latest, &out, &options, progress);
        // What kind of cluster it is would be known from the snapshot before.
        backups.kind(project(), &cluster).await.unwrap();
        let start = Instant::now();
        tokio::select! {
            biased;
            () = complete.notified() => start.elapsed(),
            ended = download => panic!("{ended:?}"),
        }
    })
}

/// How long curl takes.
fn curls(runtime: &Runtime, url: &str) -> Duration {
    let body = FlexBackupSnapshotDownloadCreate::new(LARGE_SNAPSHOT.parse().unwrap());
    let operation = DownloadFlexBackup::new(project(), large(), body);
    let answer = runtime
        .block_on(async { owner(url).send(&operation).await })
        .unwrap();
    let link = answer.value.snapshot_url.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("s.tgz");
    let start = Instant::now();
    curl(link.expose(), &out);
    start.elapsed()
}

fn curl(link: &str, out: &Path) {
    let status = Command::new("curl")
        .args(["--silent", "--fail", "--output"])
        .arg(out)
        .arg(link)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

fn download(criterion: &mut Criterion) {
    let test = std::env::args().any(|flag| flag == "--test");
    let bytes: u64 = if test { 4 << 20 } else { 1 << 30 };
    let runtime = runtime();
    let serving = runtime_of_server();
    let server = serving.block_on(large_world(bytes));
    let url = server.url().to_owned();

    let mut group = criterion.benchmark_group("download/1GiB");
    group.sample_size(10).throughput(Throughput::Bytes(bytes));
    for connections in [1, 4] {
        group.bench_function(format!("{connections}-connections"), |bencher| {
            bencher
                .iter_custom(|times| (0..times).map(|_| ours(&runtime, &url, connections)).sum());
        });
    }
    group.bench_function("curl", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| curls(&runtime, &url)).sum());
    });
    group.finish();

    let limited: u64 = if test { 1 << 20 } else { 160 << 20 };
    let server = serving.block_on(large_world(limited));
    let target = server.url().trim_start_matches("http://").to_owned();
    let rate = if test { 1 << 30 } else { 20_000_000 };
    let proxy = serving
        .block_on(Proxy::start(target, rate, Arc::new(|_| ())))
        .unwrap();
    server.with(|sandbox| sandbox.set_base_url(proxy.url.clone()));
    let curl = curls(&runtime, &proxy.url);
    println!("download/20MB-a-connection/curl: {curl:?}");
    for connections in [1, 4, 8] {
        let ours = ours(&runtime, &proxy.url, connections);
        let ratio = curl.as_secs_f64() / ours.as_secs_f64();
        println!(
            "download/20MB-a-connection/{connections}-connections: {ours:?}, {ratio:.2} times curl"
        );
    }
}

/// The server's threads are not ours.
fn runtime_of_server() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

criterion_group!(benches, download);
criterion_main!(benches);
