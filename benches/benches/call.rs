//! Compares calls of the client with the same calls written by hand: bare hyper-util with a bearer
//! token, and `serde_json` into a struct of `String`s. 1, 16 and 64 concurrent calls.
//!
//! Criterion measures each separately. Then, five rounds of all three are run in turns, so that other
//! load affects all alike, and the medians of their ratios are printed: of the rates and of the 99th
//! percentile latencies (p99).

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::future::Future;
use std::time::{Duration, Instant};

use atlas_benches::{FixedServer, PlainRequest, PlainRestore, download};
use atlas_transport::{Client, Credentials};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::{Builder, Runtime};

const TOKEN: &str = "t0ken";

/// The number of rounds.
const ROUNDS: usize = 5;
/// The number of calls per run of a round.
const CALLS: u64 = 20_000;

/// Makes `calls` calls, `at_once` concurrently, and returns the latency of each.
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

/// Returns the calls per second and the 99th percentile latency.
fn measured<F, C>(runtime: &Runtime, calls: u64, at_once: u64, call: &F) -> (f64, Duration)
where
    F: Fn() -> C + Clone + Send + 'static,
    C: Future<Output = ()> + Send,
{
    let start = Instant::now();
    let mut times = runtime.block_on(run(calls, at_once, call.clone()));
    #[allow(clippy::cast_precision_loss, reason = "a rate of some thousands")]
    let rate = calls as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    (rate, times[times.len() * 99 / 100])
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn call(criterion: &mut Criterion) {
    let server = FixedServer::start();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let by_hand = by_hand(&server);
    let through = |credentials: &Credentials| {
        let client = Client::new(server.url.parse().unwrap(), credentials).unwrap();
        let operation = download();
        move || {
            let (client, operation) = (client.clone(), operation.clone());
            async move { drop(client.send(&operation).await.unwrap()) }
        }
    };
    let bearer = through(&Credentials::bearer(TOKEN));
    let digest = through(&Credentials::api_key(
        "jdkfhgkr",
        "32b6e34b-3d91-647a-bb20-e7b800000000",
    ));

    for at_once in [1, 16, 64] {
        let mut group = criterion.benchmark_group(format!("call/{at_once}"));
        macro_rules! bench {
            ($name:literal, $call:expr) => {
                group.bench_function($name, |bencher| {
                    bencher.iter_custom(|calls| {
                        let start = Instant::now();
                        runtime.block_on(run(calls, at_once, $call.clone()));
                        start.elapsed()
                    });
                });
            };
        }
        bench!("by-hand", by_hand);
        bench!("bearer", bearer);
        bench!("digest", digest);
        group.finish();

        let once = atlas_benches::is_test_run();
        let (rounds, calls) = if once { (1, 100) } else { (ROUNDS, CALLS) };
        let mut ratios: [Vec<f64>; 4] = Default::default();
        for _ in 0..rounds {
            let (rate, p99) = measured(&runtime, calls, at_once, &by_hand);
            let ours = [
                measured(&runtime, calls, at_once, &bearer),
                measured(&runtime, calls, at_once, &digest),
            ];
            for (index, (our_rate, our_p99)) in ours.into_iter().enumerate() {
                ratios[2 * index].push(our_rate / rate);
                ratios[2 * index + 1].push(our_p99.as_secs_f64() / p99.as_secs_f64());
            }
        }
        let [bearer_rate, bearer_p99, digest_rate, digest_p99] = ratios.map(median);
        println!(
            "call/{at_once}: bearer {bearer_rate:.2} of the rate by hand, p99 {bearer_p99:.2} times; \
             digest {digest_rate:.2}, p99 {digest_p99:.2} times"
        );
    }
}

/// Returns the call written without the client: no retries, no timeouts, no digest.
fn by_hand(
    server: &FixedServer,
) -> impl Fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> + Clone + Send + 'static {
    let client: legacy::Client<HttpConnector, Full<Bytes>> =
        legacy::Client::builder(TokioExecutor::new()).build_http();
    let base = server.url.clone();
    let restore = PlainRequest {
        snapshot_id: "32b6e34b3d91647abb20e7b8".to_owned(),
        target_deployment_item_name: "Cluster0".to_owned(),
        target_project_id: None,
    };
    let (group, cluster) = ("32b6e34b3d91647abb20e7b8", "Cluster0");
    move || {
        let (client, base, restore) = (client.clone(), base.clone(), restore.clone());
        Box::pin(async move {
            let media_type = "application/vnd.atlas.2023-01-01+json";
            let uri = format!(
                "{base}/api/atlas/v2/groups/{group}/clusters/{cluster}/backup/tenant/download"
            );
            let request = http::Request::post(uri)
                .header("accept", media_type)
                .header("content-type", "application/json")
                .header("user-agent", "by-hand/1.0")
                .header("authorization", format!("Bearer {TOKEN}"))
                .body(Full::from(serde_json::to_vec(&restore).unwrap()))
                .unwrap();
            let response = client.request(request).await.unwrap();
            assert!(response.status().is_success());
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let answer: PlainRestore = serde_json::from_slice(&body).unwrap();
            drop(answer);
        })
    }
}

criterion_group!(benches, call);
criterion_main!(benches);
