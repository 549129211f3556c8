//! Tests of retries, observed by the peer.

use std::time::Duration;

use atlas_transport::retry::{Outcome, RetryPolicy};
use atlas_transport::{Attempts, Client, Credentials, ErrorKind};
use http::StatusCode;
use tokio::time::Instant;

use super::peer::{Act, Peer, answer};
use super::{builder, client, documented, get};
use crate::operation;

fn busy(status: &str, headers: &str, body: &str) -> Vec<Act> {
    vec![
        Act::Read,
        answer(status, &format!("connection: close\r\n{headers}"), body),
    ]
}

fn fine() -> Vec<Act> {
    busy("200 OK", "", &documented())
}

#[tokio::test]
async fn a_throttled_post_is_retried_and_the_attempts_are_reported() {
    let again = "retry-after: 0\r\n";
    let throttled = || busy("429 Too Many Requests", again, "{}");
    let peer = Peer::start(vec![throttled(), fine()]).await;
    client(&peer).send(&operation()).await.unwrap();
    assert_eq!(peer.requests().len(), 2);

    let peer = Peer::start((0..9).map(|_| throttled()).collect()).await;
    let error = client(&peer).send(&operation()).await.unwrap_err();
    assert_eq!(peer.requests().len(), 3);
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
    let line = error.to_string();
    assert!(line.ends_with("(3 attempts; earlier: 429, 429)"), "{line}");
    assert!(matches!(error.kind(), ErrorKind::Response(_)));
}

#[tokio::test]
async fn after_a_server_error_a_get_is_retried_but_a_post_only_with_retry_after() {
    for (status, headers, requests) in [
        ("503 Service Unavailable", "", 1),
        ("503 Service Unavailable", "retry-after: 0\r\n", 2),
        ("502 Bad Gateway", "retry-after: 0\r\n", 1),
        ("500 Internal Server Error", "", 1),
        ("409 Conflict", "retry-after: 0\r\n", 1),
    ] {
        let peer = Peer::start(vec![busy(status, headers, "{}"), fine()]).await;
        let _ = client(&peer).send(&operation()).await;
        assert_eq!(peer.requests().len(), requests, "POST: {status} {headers}");

        let peer = Peer::start(vec![busy(status, headers, "{}"), fine()]).await;
        let response = client(&peer).execute(get()).await.unwrap();
        let expected = if status.starts_with("409") { 409 } else { 200 };
        assert_eq!(response.status().as_u16(), expected, "GET: {status}");
    }
}

/// Without a socket, time can be paused.
#[tokio::test(start_paused = true)]
async fn waits_are_those_that_the_server_states_up_to_a_minute() {
    let by_clock = "date: Tue, 05 May 2026 10:00:00 GMT\r\n\
                    retry-after: Tue, 05 May 2026 10:00:09 GMT\r\n";
    let numbers = r#"{"error": 429, "errorCode": "RATE_LIMITED_TOKEN_BUCKET",
                      "parameters": ["snapshots", 55, 10, 5, 60]}"#;
    for (headers, body, seconds) in [
        ("retry-after: 7\r\n", "{}", 7),
        (by_clock, "{}", 9),
        ("retry-after: 86400\r\n", "{}", 60),
        ("", numbers, 55),
        ("retry-after: 3\r\n", numbers, 3),
    ] {
        let (headers, body) = (headers.to_owned(), body.to_owned());
        let mut asked = 0;
        let service = answering(move || {
            asked += 1;
            if asked == 1 {
                return (429, headers.clone(), body.clone());
            }
            (200, String::new(), documented())
        });
        let client = paused_client().build_with(service).unwrap();
        let start = Instant::now();
        client.send(&operation()).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_end_of_the_call_is_not_started() {
    let service = answering(|| (429, "retry-after: 50\r\n".to_owned(), "{}".to_owned()));
    let client = paused_client()
        .total_timeout(Duration::from_secs(49))
        .build_with(service)
        .unwrap();
    let start = Instant::now();
    let error = client.send(&operation()).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 0);
    assert_eq!(error.status(), Some(StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test(start_paused = true)]
async fn an_outage_uses_up_the_budget_and_then_each_call_is_sent_once() {
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = calls.clone();
    let service = answering(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (500, String::new(), "{}".to_owned())
    });
    let client = paused_client().build_with(service).unwrap();
    for _ in 0..100 {
        client.execute(get()).await.unwrap();
    }
    // 500 / 14 retries.
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 100 + 35);
}

#[tokio::test(start_paused = true)]
async fn near_the_rate_limit_calls_are_spread_out() {
    let nearly = "ratelimit-limit: 1200\r\nratelimit-remaining: 3\r\n";
    let service = answering(move || (200, nearly.to_owned(), documented()));
    let client = paused_client().build_with(service).unwrap();
    let start = Instant::now();
    for _ in 0..9 {
        client.send(&operation()).await.unwrap();
    }
    // 1200 are refilled by at least 480 per minute: eight per second.
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn a_policy_of_one_attempt_does_not_retry() {
    let peer = Peer::start(vec![busy("503 Service Unavailable", "", "{}"), fine()]).await;
    let client = builder(&peer.url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let response = client.execute(get()).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.extensions().get::<Attempts>().is_none());
}

#[tokio::test]
async fn the_attempts_of_a_successful_call_can_be_read() {
    let peer = Peer::start(vec![vec![Act::Read, Act::Reset], fine()]).await;
    let response = client(&peer).execute(get()).await.unwrap();
    let Attempts(attempts) = response.extensions().get().unwrap();
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].outcome, Outcome::NoResponse);
}

fn paused_client() -> atlas_transport::ClientBuilder {
    Client::builder(
        "http://127.0.0.1:1".parse().unwrap(),
        &Credentials::bearer("t0ken"),
    )
}

/// Returns a transport that responds with the status, header lines and body of `answer`.
fn answering(
    answer: impl FnMut() -> (u16, String, String) + Send + 'static,
) -> super::service::Scripted {
    super::service::Scripted::new(answer)
}
