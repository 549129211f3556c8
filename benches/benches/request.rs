//! Building the documented request, and reading it at the server's end.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::hint::black_box;

use atlas_benches::{PlainRequest, REQUEST};
use atlas_model::{CallOptions, DownloadTenantSnapshot, Operation, OperationExt, RequestReader};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
const CLUSTER: &str = "Cluster0";

fn request(criterion: &mut Criterion) {
    let reader = RequestReader::new(DownloadTenantSnapshot::META)
        .with_path("groupId", PROJECT)
        .with_path("clusterName", CLUSTER)
        .with_body(REQUEST.as_bytes());
    let operation = DownloadTenantSnapshot::decode(&reader).unwrap();
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
    let built = operation.to_request(&options).unwrap();
    group.bench_function("read-by-server", |bencher| {
        bencher.iter(|| DownloadTenantSnapshot::from_request(black_box(&built)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);
