//! Benchmarks of reading and writing the documented bodies: typed, as a struct of `String`s, and as a
//! `Value`.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::hint::black_box;

use atlas_benches::{ERROR, PlainApiError, PlainRequest, PlainRestore, REQUEST, RESTORE, compact};
use atlas_model::ApiError;
use atlas_model::shared::TenantRestore;
use criterion::{Criterion, criterion_group, criterion_main};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn decode<T: DeserializeOwned>(criterion: &mut Criterion, group: &str, name: &str, body: &[u8]) {
    criterion
        .benchmark_group(group)
        .bench_function(name, |bencher| {
            bencher.iter(|| serde_json::from_slice::<T>(black_box(body)).unwrap());
        });
}

fn encode<T: DeserializeOwned + Serialize>(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    body: &[u8],
) {
    let value: T = serde_json::from_slice(body).unwrap();
    criterion
        .benchmark_group(group)
        .bench_function(name, |bencher| {
            bencher.iter(|| serde_json::to_vec(black_box(&value)).unwrap());
        });
}

fn codec(criterion: &mut Criterion) {
    let body = compact::<PlainRestore>(RESTORE);
    decode::<TenantRestore>(criterion, "decode/restore", "typed", &body);
    decode::<PlainRestore>(criterion, "decode/restore", "plain", &body);
    decode::<Value>(criterion, "decode/restore", "value", &body);
    encode::<TenantRestore>(criterion, "encode/restore", "typed", &body);
    encode::<PlainRestore>(criterion, "encode/restore", "plain", &body);
    encode::<Value>(criterion, "encode/restore", "value", &body);

    let body = compact::<PlainRequest>(REQUEST);
    decode::<TenantRestore>(criterion, "decode/request", "typed", &body);
    decode::<PlainRequest>(criterion, "decode/request", "plain", &body);
    decode::<Value>(criterion, "decode/request", "value", &body);
    encode::<TenantRestore>(criterion, "encode/request", "typed", &body);
    encode::<PlainRequest>(criterion, "encode/request", "plain", &body);
    encode::<Value>(criterion, "encode/request", "value", &body);

    let body = compact::<PlainApiError>(ERROR);
    decode::<ApiError>(criterion, "decode/error", "typed", &body);
    decode::<PlainApiError>(criterion, "decode/error", "plain", &body);
    decode::<Value>(criterion, "decode/error", "value", &body);
}

criterion_group!(benches, codec);
criterion_main!(benches);
