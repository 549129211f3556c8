//! Digest calls through the client beside bearer calls by bare hyper-util, one, 16 and 64 at once.
//!
//! Criterion compares the rates: one iteration is one call. What a hundredth of the calls waits
//! longer than (p99) is printed after each pair, from calls that are timed one by one.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::future::Future;
use std::time::{Duration, Instant};

use atlas_benches::{FixedServer, download};
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{CallOptions, OperationExt};
use atlas_transport::{Client, Credentials};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::{Builder, Runtime};

/// Makes `calls` calls, `at_once` at a time; gives the time of each.
async fn run<F, C>(calls: u64, at_once: u64, call: F) -> Vec<Duration>
where
    F: Fn() -> C + Clone + Send + 'static,
    C: Future<Output = ()> + Send,
{
    let workers: Vec<_> = (0..at_once)
        .map(|worker| {
            let call = call.clone();
            let share = calls / at_once + u64::from(worker < calls % at_once);
            tokio::spawn(async move {
                let mut times = Vec::with_capacity(usize::try_from(share).unwrap());
                for _ in 0..share {
                    let start = Instant::now();
                    call().await;
                    times.push(start.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await.unwrap());
    }
    times
}

fn p99(runtime: &Runtime, name: &str, times: impl Future<Output = Vec<Duration>>) -> Duration {
    let mut times = runtime.block_on(times);
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    println!("{name}: p99 {p99:?} of {} calls", times.len());
    p99
}

/// How many calls the p99 is taken from.
const TIMED: u64 = 20_000;

fn digest(criterion: &mut Criterion) {
    let server = FixedServer::start();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let operation = download();
    let client = Client::new(
        server.url.parse().unwrap(),
        &Credentials::api_key("jdkfhgkr", "32b6e34b-3d91-647a-bb20-e7b800000000"),
    )
    .unwrap();
    let through_client = {
        let operation = operation.clone();
        move || {
            let (client, operation) = (client.clone(), operation.clone());
            async move { drop(client.send(&operation).await.unwrap()) }
        }
    };
    let through_bare = bare(&server, &operation);

    for at_once in [1, 16, 64] {
        let mut group = criterion.benchmark_group(format!("digest/{at_once}"));
        group.bench_function("client", |bencher| {
            bencher.iter_custom(|calls| {
                let start = Instant::now();
                runtime.block_on(run(calls, at_once, through_client.clone()));
                start.elapsed()
            });
        });
        group.bench_function("bare-hyper-util-bearer", |bencher| {
            bencher.iter_custom(|calls| {
                let start = Instant::now();
                runtime.block_on(run(calls, at_once, through_bare.clone()));
                start.elapsed()
            });
        });
        group.finish();
        let calls = if std::env::args().any(|flag| flag == "--test") {
            100
        } else {
            TIMED
        };
        let name = format!("digest/{at_once}/client");
        let ours = p99(&runtime, &name, run(calls, at_once, through_client.clone()));
        let name = format!("digest/{at_once}/bare-hyper-util-bearer");
        let bare = p99(&runtime, &name, run(calls, at_once, through_bare.clone()));
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        println!("digest/{at_once}: p99 is {ratio:.2} times the bare one");
    }
}

/// The same call with a token, without authentication, retries or reading the answer.
fn bare(
    server: &FixedServer,
    operation: &DownloadClusterBackupTenant,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Clone + Send + 'static {
    let bare: legacy::Client<HttpConnector, Full<Bytes>> =
        legacy::Client::builder(TokioExecutor::new()).build_http();
    let (mut parts, body) = operation
        .to_request(&CallOptions::default())
        .unwrap()
        .into_parts();
    parts.uri = format!("{}{}", server.url, parts.uri).parse().unwrap();
    parts
        .headers
        .insert("authorization", "Bearer t0ken".parse().unwrap());
    move || {
        let (bare, parts, body) = (bare.clone(), parts.clone(), body.clone());
        Box::pin(async move {
            let request = http::Request::from_parts(parts, Full::new(body));
            let response = bare.request(request).await.unwrap();
            response.into_body().collect().await.unwrap();
        })
    }
}

criterion_group!(benches, digest);
criterion_main!(benches);
