//! Benchmarks of the catalog: finding an operation, routing a path, building a request.

use std::hint::black_box;

use atlas_catalog::{Operation, route};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Method;

fn catalog(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("catalog");
    for name in [
        "getGroupCluster",
        "getCluster",
        "clusters.getCluster",
        "noSuchOperation",
    ] {
        group.bench_function(format!("find/{name}"), |bencher| {
            bencher.iter(|| Operation::find(black_box(name)));
        });
    }
    let path = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/clusters/Cluster0";
    group.bench_function("route", |bencher| {
        bencher.iter(|| route(&Method::GET, black_box(path)));
    });
    let operation = Operation::find("getGroupCluster").expect("a documented operation");
    group.bench_function("request", |bencher| {
        bencher.iter(|| {
            operation
                .request()
                .parameter("groupId", "32b6e34b3d91647abb20e7b8")
                .parameter("clusterName", "Cluster0")
                .build()
        });
    });
    group.finish();
}

criterion_group!(benches, catalog);
criterion_main!(benches);
