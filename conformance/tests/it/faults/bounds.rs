//! The limits on the resources that a hostile peer can use, and their settings.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use atlas_model::projects::ListGroups;
use atlas_model::{Paging, PagingError, SnapshotUrl};
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, ClientBuilder, Credentials, Error, ErrorKind, Phase};
use bytes::Bytes;
use futures_util::{FutureExt as _, TryStreamExt, stream};
use http::{Request, Response};
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use super::peer::{Act, Peer, answer, send};
use super::service::Scripted;
use super::{client, get, post, unknown};

fn builder() -> ClientBuilder {
    let base = "http://127.0.0.1:1".parse().unwrap();
    Client::builder(base, &Credentials::bearer("t0ken"))
}

fn link(url: &str) -> SnapshotUrl {
    SnapshotUrl::new(&format!("{url}/s.tgz"))
}

/// Returns a client of an endless list with two items per page, and the number of requests.
fn endless_list(builder: ClientBuilder) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let client = builder.build_with(Scripted::new(move || {
        let page = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let next = page + 1;
        let link = format!(r#"{{"rel":"next","href":"https://a.example/x?pageNum={next}"}}"#);
        let items = format!(r#"{{"name":"{page}a"}},{{"name":"{page}b"}}"#);
        let body = format!(r#"{{"results":[{items}],"links":[{link}]}}"#);
        (200, String::new(), body)
    }));
    (client.unwrap(), asked)
}

async fn read(client: &Client) -> (usize, Error) {
    let mut items = std::pin::pin!(client.items(ListGroups::new()));
    let mut count = 0;
    loop {
        match items.try_next().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => panic!("an endless list ended"),
            Err(error) => return (count, error),
        }
    }
}

#[track_caller]
fn problem(error: &Error) -> &PagingError {
    match error.kind() {
        ErrorKind::List { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_pages_are_requested_than_the_page_limit() {
    let (client, asked) = endless_list(builder().page_limit(3));
    let (count, error) = read(&client).await;
    assert_eq!((count, asked.load(Ordering::SeqCst)), (6, 3));
    assert_eq!(*problem(&error), PagingError::TooLong { pages: 3 });
}

#[tokio::test(start_paused = true)]
async fn no_page_is_requested_once_the_item_limit_is_reached() {
    let (client, asked) = endless_list(builder().item_limit(5));
    let (count, error) = read(&client).await;
    assert_eq!((count, asked.load(Ordering::SeqCst)), (6, 3));
    assert_eq!(*problem(&error), PagingError::TooManyItems { items: 6 });
    assert!(error.to_string().contains("after 6 items"), "{error}");
    assert_eq!(Paging::MAX_ITEMS, 1_000_000);
}

#[tokio::test]
async fn a_head_may_be_as_large_as_the_header_limit_and_not_much_larger() {
    let padded = |bytes: usize| format!("x-padding: {}\r\n", "x".repeat(bytes));
    for (limit, padding, fits) in [
        (None, 100 << 10, true),
        (None, 256 << 10, false),
        (Some(8 << 10), 4 << 10, true),
        (Some(8 << 10), 64 << 10, false),
        (Some(1 << 20), 256 << 10, true),
    ] {
        let script = vec![Act::Read, answer("200 OK", &padded(padding), "{}")];
        let peer = Peer::start(vec![script]).await;
        let mut builder = super::builder(&peer.url());
        if let Some(limit) = limit {
            builder = builder.header_limit(limit);
        }
        let got = builder.build().unwrap().execute(get()).await;
        assert_eq!(got.is_ok(), fits, "{limit:?} {padding}: {got:?}");
    }
}

#[test]
fn a_header_limit_that_is_too_small_for_a_connection_is_an_error() {
    let error = builder().header_limit(100).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid header_limit: expected at least 8192 bytes"
    );
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_response_limit_and_not_one_byte_larger() {
    for (length, fits) in [(100, true), (101, false)] {
        let client = builder()
            .response_limit(100)
            .build_with(Scripted::new(move || {
                (200, String::new(), " ".repeat(length))
            }));
        let got = client.unwrap().execute(get()).await;
        match got {
            Ok(response) => assert!(fits && response.body().len() == 100),
            Err(error) => assert!(
                !fits && matches!(error.kind(), ErrorKind::TooLarge { limit: 100 }),
                "{error:?}"
            ),
        }
    }
}

#[tokio::test]
async fn an_announced_length_is_not_allocated() {
    for length in [
        "18446744073709551615",
        "9223372036854775807",
        "1152921504606846976",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{}}");
        let (sent, _) = post(vec![vec![Act::Read, send(head), Act::Reset]]).await;
        unknown(&sent.unwrap_err());

        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nx");
        let peer = Peer::start(vec![vec![Act::Read, send(head), Act::Reset]]).await;
        let opened = client(&peer).download(&link(&peer.url())).await;
        // hyper refuses impossible lengths.
        let Ok(mut download) = opened else {
            continue;
        };
        while let Ok(Some(_)) = download.chunk().await {}
    }
}

/// Sends one byte of a file per second.
#[derive(Clone)]
struct Drip;

type Chunks = stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>;

impl Service<Request<Full<Bytes>>> for Drip {
    type Response = Response<StreamBody<Chunks>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        let drip = stream::unfold((), |()| async {
            sleep(Duration::from_secs(1)).await;
            Some((Ok(Frame::data(Bytes::from_static(b"x"))), ()))
        });
        let body: Chunks = Box::pin(drip);
        ready(Ok(Response::new(StreamBody::new(body))))
    }
}

/// Reads a dripping file for up to an hour; returns the number of bytes, the duration and the error.
async fn drip(client: &Client) -> (usize, Duration, Option<Error>) {
    let start = Instant::now();
    let mut download = client
        .download(&link("https://store.example"))
        .await
        .unwrap();
    let mut received = 0;
    while start.elapsed() < Duration::from_secs(3600) {
        match download.chunk().await {
            Ok(chunk) => received += chunk.unwrap().len(),
            Err(error) => return (received, start.elapsed(), Some(error)),
        }
    }
    (received, start.elapsed(), None)
}

#[tokio::test(start_paused = true)]
async fn a_file_below_the_minimum_rate_is_an_error_after_one_window() {
    let client = builder().build_with(Drip).unwrap();
    let (received, took, error) = drip(&client).await;
    let error = error.unwrap();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::TooSlow {
                bytes_per_second: 10_240,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.is_transient() && error.to_string().contains("over 60 s"));
    assert_eq!((received, took.as_secs()), (59, 60));

    // One byte per second satisfies a minimum of one, and any rate a minimum of 0.
    let window = Duration::from_secs(10);
    for (rate, slow) in [(0, false), (1, false), (2, true)] {
        let (_, took, error) = drip(&client.with_min_rate(rate, window)).await;
        assert_eq!(error.is_some(), slow, "{rate}");
        assert_eq!(took.as_secs(), if slow { 10 } else { 3600 });
    }
    let (_, took, error) = drip(&client.with_min_rate(u64::MAX, Duration::ZERO)).await;
    assert!(error.is_none(), "an empty window has no rate: {took:?}");
}

/// A call that ends before its request was not sent.
#[tokio::test(start_paused = true)]
async fn a_call_that_ends_while_it_waits_for_a_token_was_not_sent() {
    let base = "http://127.0.0.1:1".parse().unwrap();
    let account = Credentials::service_account("mdb_sa_id_1", "mdb_sa_sk_1");
    let client = Client::builder(base, &account).build_with(Silent).unwrap();
    let client = client.with_total_timeout(Duration::from_secs(1));
    let error = client.send(&crate::operation()).await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ErrorKind::Timeout {
                phase: Phase::Turn,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(!error.may_have_been_sent(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn dropped_calls_free_their_turns() {
    let client = builder().build_with(Scripted::new(|| {
        let headers = "ratelimit-limit: 10\nratelimit-remaining: 0";
        (200, headers.to_owned(), "{}".to_owned())
    }));
    let client = client.unwrap().with_total_timeout(Duration::from_secs(20));
    client.execute(get()).await.unwrap();
    for _ in 0..50 {
        let dropped = tokio::time::timeout(Duration::from_millis(1), client.execute(get()));
        assert!(dropped.await.is_err(), "the call waits for its turn");
    }
    let start = Instant::now();
    client.execute(get()).await.unwrap();
    assert!(
        start.elapsed() <= Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    // A call that ends before its turn is sent immediately, and the server decides.
    let impatient = client.with_total_timeout(Duration::from_secs(1));
    let start = Instant::now();
    impatient.execute(get()).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
}

/// A store that stops sending is as slow as one that drips.
#[tokio::test(start_paused = true)]
async fn a_file_that_stops_is_too_slow_at_the_end_of_the_window() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx";
    let peer = Peer::start(vec![vec![Act::Read, send(head), Act::Stall]]).await;
    let client = Client::builder(peer.url().parse().unwrap(), &Credentials::bearer("t0ken"))
        .read_timeout(Duration::from_secs(600))
        .min_rate(1, Duration::from_secs(5))
        .build()
        .unwrap();
    let mut download = client.download(&link(&peer.url())).await.unwrap();
    assert!(download.chunk().await.unwrap().is_some());
    let start = Instant::now();
    let error = download.chunk().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TooSlow { .. }),
        "{error:?}"
    );
    assert!((4..=6).contains(&start.elapsed().as_secs()));
}

#[test]
fn a_call_outside_of_a_runtime_is_an_error_and_not_a_panic() {
    let client = builder().build_with(Silent).unwrap();
    let outside = |error: Error| {
        assert!(
            matches!(error.kind(), ErrorKind::OutsideRuntime),
            "{error:?}"
        );
        assert!(!error.may_have_been_sent());
    };
    let now = |error: Option<Error>| outside(error.expect("the call does not wait"));
    now(client.execute(get()).now_or_never().and_then(Result::err));
    let link = link("https://store.example");
    now(client.download(&link).now_or_never().and_then(Result::err));
    now(client.revoke_token().now_or_never().and_then(Result::err));
    let mut items = std::pin::pin!(client.items(ListGroups::new()));
    now(items.try_next().now_or_never().and_then(Result::err));
}

/// Never responds.
#[derive(Clone)]
struct Silent;

impl Service<Request<Full<Bytes>>> for Silent {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        std::future::pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_clone_with_a_shorter_timeout_ends_its_calls_sooner_and_does_not_affect_others() {
    let builder = builder()
        .read_timeout(Duration::from_secs(600))
        .retry(RetryPolicy::none());
    let client = builder.build_with(Silent).unwrap();
    let impatient = client.with_total_timeout(Duration::from_secs(5));
    for (client, seconds) in [(&impatient, 5), (&client, 120)] {
        let start = Instant::now();
        let error = client.execute(get()).await.unwrap_err();
        assert!(matches!(
            error.kind(),
            ErrorKind::Timeout {
                phase: Phase::Call,
                ..
            }
        ));
        assert_eq!(start.elapsed().as_secs(), seconds);
        let start = Instant::now();
        let opened = client.download(&link("https://store.example")).await;
        assert!(opened.is_err());
        assert_eq!(
            start.elapsed().as_secs(),
            seconds,
            "opening a file is a call"
        );
    }
    let start = Instant::now();
    let call = client
        .call("listGroups")
        .total_timeout(Duration::from_secs(7));
    assert!(call.send().await.is_err());
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn opening_a_file_is_retried_only_by_the_policy() {
    for (policy, status, asked) in [
        (RetryPolicy::default(), 503, 3),
        (RetryPolicy::none(), 503, 1),
        (RetryPolicy::default(), 429, 3),
        (RetryPolicy::default(), 404, 1),
        (RetryPolicy::default(), 403, 1),
        (RetryPolicy::default(), 501, 1),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let client = builder().build_with(Scripted::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            (status, String::new(), String::new())
        }));
        let client = client.unwrap().with_retry(policy);
        let error = client
            .download(&link("https://store.example"))
            .await
            .unwrap_err();
        assert_eq!(error.attempts().len() + 1, asked, "{status}: {error}");
        assert_eq!(count.load(Ordering::SeqCst), asked, "{status}");
    }
}
