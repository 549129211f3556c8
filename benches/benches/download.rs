//! Compares downloads of a snapshot from loopback to disk with `curl` and the same link in one run.
//!
//! The whole call is measured: it also compares the file with its checksums, inflates it, reads it as
//! a tar, writes it to disk (`fsync`) and renames it. `curl -o` does none of this; `curl -o`, then
//! `sha256sum`, then `tar tzf` does all but the `fsync`.
//!
//! Criterion compares the rates for a file of 1 GiB that inflates to twice the size, from nginx at
//! full speed. The file is made once and kept in `target/tmp`. Without nginx, this part is skipped
//! with a message. Through a proxy that limits each connection to 20 MB per second, the times of
//! single downloads are printed as ratios to `curl -o`.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atlas_backup::{Backups, DownloadOptions, Pick, silent};
use atlas_benches::{
    LARGE_SNAPSHOT, Nginx, Proxy, compressible, is_test_run, large, large_world, owner, project,
};
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

/// Returns the duration of a download by the client.
fn ours(runtime: &Runtime, url: &str, connections: usize) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("s.tgz");
    let backups = Backups::new(owner(url));
    let options = DownloadOptions::default().connections(connections);
    runtime.block_on(async {
        let cluster = large();
        // A user's client knows the kind of the cluster from an earlier call.
        backups.kind(project(), &cluster).await.unwrap();
        let start = Instant::now();
        let download = backups.download(project(), &cluster, &Pick::Latest, &out, &options, silent);
        download.await.unwrap();
        let took = start.elapsed();
        assert!(out.exists());
        took
    })
}

/// The processing of the file after curl.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Nothing,
    Check,
}

/// Returns the duration of a download by curl, including the processing afterwards.
fn curls(runtime: &Runtime, url: &str, then: Then) -> Duration {
    let body = FlexBackupSnapshotDownloadCreate::new(LARGE_SNAPSHOT.parse().unwrap());
    let operation = DownloadFlexBackup::new(project(), large(), body);
    let answer = runtime
        .block_on(async { owner(url).send(&operation).await })
        .unwrap();
    let link = answer.value.snapshot_url.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("s.tgz");
    let out = out.to_str().unwrap();
    let start = Instant::now();
    run(
        "curl",
        &["--silent", "--fail", "--output", out, link.expose()],
    );
    if then == Then::Check {
        run("sha256sum", &[out]);
        run("tar", &["tzf", out]);
    }
    start.elapsed()
}

fn run(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    let status = command.args(arguments).stdout(Stdio::null()).status();
    assert!(status.unwrap().success(), "{program}");
}

/// Measures a file of 1 GiB from nginx at full speed.
fn from_nginx(criterion: &mut Criterion, runtime: &Runtime, serving: &Runtime, bytes: u64) {
    let server = serving.block_on(large_world(1));
    let file = compressible(Path::new(env!("CARGO_TARGET_TMPDIR")), bytes);
    let Some(nginx) = Nginx::start(&file, server.url()) else {
        println!("download/1GiB: skipped, nginx is not installed");
        return;
    };
    server.with(|sandbox| sandbox.set_base_url(nginx.url.clone()));
    let url = &nginx.url;

    let mut group = criterion.benchmark_group("download/1GiB");
    let length = file.metadata().unwrap().len();
    group.sample_size(10).throughput(Throughput::Bytes(length));
    for connections in [1, 4] {
        group.bench_function(format!("{connections}-connections"), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| ours(runtime, url, connections)).sum());
        });
    }
    for (name, then) in [("curl", Then::Nothing), ("curl-sha256sum-tar", Then::Check)] {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| curls(runtime, url, then)).sum());
        });
    }
    group.finish();
}

fn download(criterion: &mut Criterion) {
    let test = is_test_run();
    let bytes: u64 = if test { 4 << 20 } else { 1 << 30 };
    let runtime = runtime();
    let serving = runtime_of_server();
    from_nginx(criterion, &runtime, &serving, bytes);

    let limited: u64 = if test { 1 << 20 } else { 160 << 20 };
    let server = serving.block_on(large_world(limited));
    let target = server.url().trim_start_matches("http://").to_owned();
    let rate = if test { 1 << 30 } else { 20_000_000 };
    let proxy = serving
        .block_on(Proxy::start(target, rate, Arc::new(|_| ())))
        .unwrap();
    server.with(|sandbox| sandbox.set_base_url(proxy.url.clone()));
    let curl = curls(&runtime, &proxy.url, Then::Nothing);
    println!("download/20MB-a-connection/curl: {curl:?}");
    for connections in [1, 4, 8] {
        let ours = ours(&runtime, &proxy.url, connections);
        let ratio = curl.as_secs_f64() / ours.as_secs_f64();
        println!(
            "download/20MB-a-connection/{connections}-connections: {ours:?}, {ratio:.2} times curl"
        );
    }
}

/// Returns a runtime for the server, separate from the client's.
fn runtime_of_server() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

criterion_group!(benches, download);
criterion_main!(benches);
