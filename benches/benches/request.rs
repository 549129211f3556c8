//! Benchmarks of building the documented request: typed, and by hand.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::hint::black_box;

use atlas_benches::{PlainRequest, REQUEST, download};
use atlas_model::{CallOptions, OperationExt};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
const CLUSTER: &str = "Cluster0";

fn request(criterion: &mut Criterion) {
    let operation = download();
    let plain: PlainRequest = serde_json::from_str(REQUEST).unwrap();
    let options = CallOptions::default();

    let mut group = criterion.benchmark_group("request");
    group.bench_function("typed", |bencher| {
        bencher.iter(|| black_box(&operation).to_request(&options).unwrap());
    });
    group.bench_function("by-hand", |bencher| {
        bencher.iter(|| {
            let (project, cluster) = (black_box(PROJECT), black_box(CLUSTER));
            Request::post(format!(
                "/api/atlas/v2/groups/{project}/clusters/{cluster}/backup/tenant/download"
            ))
            .header("accept", "application/vnd.atlas.2023-01-01+json")
            .header("content-type", "application/json")
            .body(Bytes::from(serde_json::to_vec(black_box(&plain)).unwrap()))
            .unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);
