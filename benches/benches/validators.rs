//! Compares the hand-written matchers with the `regex` crate for the same patterns.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::hint::black_box;

use atlas_model::{ClusterName, DeploymentItemName, Patterned, ProjectId};
use criterion::{Criterion, criterion_group, criterion_main};
use regex::Regex;

fn compare<T: Patterned>(criterion: &mut Criterion, name: &str, text: &str) {
    let regex = Regex::new(T::PATTERN).unwrap();
    assert_eq!(T::is_match(text), regex.is_match(text));
    let mut group = criterion.benchmark_group(format!("validate/{name}"));
    group.bench_function("typed", |bencher| {
        bencher.iter(|| T::is_match(black_box(text)));
    });
    group.bench_function("typed-and-kept", |bencher| {
        bencher.iter(|| T::parse_field("field", black_box(text)));
    });
    group.bench_function("regex", |bencher| {
        bencher.iter(|| regex.is_match(black_box(text)));
    });
    group.finish();
}

fn validators(criterion: &mut Criterion) {
    compare::<ProjectId>(criterion, "id", "32b6e34b3d91647abb20e7b8");
    compare::<ClusterName>(criterion, "cluster-name", "my-cluster-07");
    compare::<DeploymentItemName>(criterion, "item-name-ascii", "my-cluster-07");
    compare::<DeploymentItemName>(criterion, "item-name-ascii-64", &"a".repeat(64));
    compare::<DeploymentItemName>(criterion, "item-name-japanese", "東京のバックアップ");
    compare::<DeploymentItemName>(criterion, "item-name-refused", "my cluster");
}

criterion_group!(benches, validators);
criterion_main!(benches);
