//! Tests of the client with faulty peers; each names the required outcome.

mod answers;
mod bounds;
mod broken;
mod connect;
mod extremes;
mod http2;
pub(crate) mod peer;
mod permanent;
mod proxies;
mod retries;
mod secrets;
pub(crate) mod service;
mod slow;
mod socks;
mod terminal;
mod tokens;

use std::error::Error as _;
use std::time::Duration;

use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, ClientBuilder, Credentials, Error, ErrorKind};
use bytes::Bytes;
use http::Request;

pub(crate) use peer::Peer;

/// Returns the documented response as JSON text.
fn documented() -> String {
    let fixture = atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap();
    fixture.responses[0].body.to_string()
}

/// Returns a client with short timeouts and quick retries.
fn builder(url: &str) -> ClientBuilder {
    Client::builder(url.parse().unwrap(), &Credentials::bearer("t0ken"))
        .read_timeout(Duration::from_millis(300))
        .total_timeout(Duration::from_secs(20))
        .retry(RetryPolicy::default().base_delay(Duration::from_millis(1)))
}

fn client(peer: &Peer) -> Client {
    builder(&peer.url()).build().unwrap()
}

/// Returns a client of an unreachable host, through a proxy, with short timeouts.
fn through(proxy: &str) -> ClientBuilder {
    builder("https://localhost:1")
        .connect_timeout(Duration::from_millis(300))
        // The read timeout also runs while connecting.
        .read_timeout(Duration::from_secs(10))
        .proxy(proxy)
}

/// Returns an error and its sources in one line.
pub(crate) fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}

/// Returns an idempotent request.
fn get() -> Request<Bytes> {
    Request::get("/api/atlas/v2/groups")
        .body(Bytes::new())
        .unwrap()
}

/// Sends the documented call, a POST, to a peer that plays `scripts`.
async fn post(scripts: Vec<Vec<peer::Act>>) -> (Result<(), Error>, Peer) {
    let peer = Peer::start(scripts).await;
    let sent = client(&peer).send(&crate::operation()).await;
    (sent.map(drop), peer)
}

/// Returns the cause of a POST's unknown outcome.
#[track_caller]
fn unknown(error: &Error) -> &ErrorKind {
    assert!(error.may_have_been_sent(), "{error}");
    match error.kind() {
        ErrorKind::OutcomeUnknown { source, .. } => source,
        _ => panic!("not an unknown outcome: {error}"),
    }
}
