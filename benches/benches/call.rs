//! One call on loopback: through the client, and by bare hyper-util without reading the answer.

#![allow(missing_docs, reason = "criterion's macros document nothing")]
#![allow(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use atlas_benches::{FixedServer, download};
use atlas_model::{CallOptions, OperationExt};
use atlas_transport::{Client, Credentials};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Builder;

fn call(criterion: &mut Criterion) {
    let server = FixedServer::start();
    let operation = download();

    let credentials = Credentials::bearer("t0ken");
    let (mut parts, body) = operation
        .to_request(&CallOptions::default())
        .unwrap()
        .into_parts();
    parts.uri = format!("{}{}", server.url, parts.uri).parse().unwrap();
    parts
        .headers
        .insert("authorization", "Bearer t0ken".parse().unwrap());

    for (name, mut runtime) in [
        ("one-thread", Builder::new_current_thread()),
        ("two-threads", Builder::new_multi_thread()),
    ] {
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let client = Client::new(server.url.parse().unwrap(), &credentials).unwrap();
        let bare: legacy::Client<_, Full<Bytes>> =
            legacy::Client::builder(TokioExecutor::new()).build_http();
        let mut group = criterion.benchmark_group(format!("call/{name}"));
        group.bench_function("client", |bencher| {
            bencher
                .to_async(&runtime)
                .iter(async || client.send(&operation).await.unwrap());
        });
        group.bench_function("bare-hyper-util", |bencher| {
            bencher.to_async(&runtime).iter(async || {
                let request = http::Request::from_parts(parts.clone(), Full::new(body.clone()));
                let response = bare.request(request).await.unwrap();
                response.into_body().collect().await.unwrap().to_bytes()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, call);
criterion_main!(benches);
