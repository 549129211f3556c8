//! Benchmarks of the sandbox: a fresh world, and responses without a socket.

use std::hint::black_box;

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, Sandbox};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use http::Request;

fn request(method: &str, path: &str, body: &'static str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(format!("/api/atlas/v2{path}"))
        .header("accept", "application/vnd.atlas.2025-03-12+json")
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap_or_default()
}

fn sandbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sandbox");
    group.bench_function("fresh world", |bencher| bencher.iter(Sandbox::new));
    let Ok(now) = "2026-05-04T09:42:00Z".parse() else {
        return;
    };
    let project = format!("/groups/{PROJECT}");
    for (name, method, path, body) in [
        (
            "read a cluster",
            "GET",
            format!("{project}/clusters/{DEDICATED_CLUSTER}"),
            "",
        ),
        (
            "read a Flex cluster",
            "GET",
            format!("{project}/flexClusters/{FLEX_CLUSTER}"),
            "",
        ),
        (
            "list snapshots",
            "GET",
            format!("{project}/flexClusters/{FLEX_CLUSTER}/backup/snapshots"),
            "",
        ),
        (
            "read generic settings",
            "GET",
            format!("{project}/settings"),
            "",
        ),
        (
            "write generic settings",
            "PATCH",
            format!("{project}/settings"),
            r#"{"isSchemaAdvisorEnabled": false}"#,
        ),
    ] {
        let mut world = Sandbox::new();
        world.limit_rates(false);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || request(method, &path, body),
                |request| black_box(world.handle(now, request)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, sandbox);
criterion_main!(benches);
