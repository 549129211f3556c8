//! Tests of the client with the sandbox: the number of requests, and secrets.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use atlas_model::SnapshotUrl;
use atlas_sandbox::{OWNER, READER, Sandbox, SandboxServer};
use atlas_transport::{Client, Credentials, ErrorKind, TokenRefusal};
use jiff::Timestamp;

use crate::operation;

fn client(server: &SandboxServer, credentials: &Credentials) -> Client {
    Client::new(server.url().parse().unwrap(), credentials).unwrap()
}

fn api_key() -> Credentials {
    Credentials::api_key(OWNER.public_key, OWNER.private_key)
}

fn service_account() -> Credentials {
    Credentials::service_account(OWNER.client_id, OWNER.client_secret)
}

/// Starts a sandbox with a clock that the test moves.
async fn on_a_clock() -> (SandboxServer, Arc<AtomicI64>) {
    let seconds = Arc::new(AtomicI64::new(1_700_000_000));
    let clock = seconds.clone();
    let server = SandboxServer::start_with(Sandbox::new(), move || {
        Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap()
    });
    (server.await.unwrap(), seconds)
}

fn requests(server: &SandboxServer) -> u64 {
    server.with(|sandbox| sandbox.requests())
}

#[tokio::test]
async fn n_calls_with_an_api_key_or_a_service_account_need_n_plus_one_requests() {
    for credentials in [api_key(), service_account()] {
        let server = SandboxServer::start().await.unwrap();
        let client = client(&server, &credentials);
        for calls in 1..=5 {
            client.send(&operation()).await.unwrap();
            assert_eq!(requests(&server), calls + 1, "{credentials:?}");
        }
    }
}

#[tokio::test]
async fn concurrent_first_calls_share_one_challenge_or_token() {
    for credentials in [api_key(), service_account()] {
        let server = SandboxServer::start().await.unwrap();
        let client = client(&server, &credentials);
        let calls: Vec<_> = (0..64)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.send(&operation()).await.map(drop) })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!(requests(&server), 65, "{credentials:?}");
    }
}

#[tokio::test]
async fn wrong_keys_need_two_requests_and_are_reported_as_refused() {
    let server = SandboxServer::start().await.unwrap();
    let client = client(&server, &Credentials::api_key(OWNER.public_key, "wr0ng"));
    let error = client.send(&operation()).await.unwrap_err();
    assert_eq!(requests(&server), 2);
    let line = error.to_string();
    assert!(
        line.contains("401") && line.contains("check the key"),
        "{line}"
    );
}

#[tokio::test]
async fn a_stale_nonce_needs_one_more_request_and_is_not_an_error() {
    let (server, seconds) = on_a_clock().await;
    let client = client(&server, &api_key());
    client.send(&operation()).await.unwrap();
    seconds.fetch_add(61, Ordering::SeqCst);
    client.send(&operation()).await.unwrap();
    assert_eq!(requests(&server), 2 + 2);
    client.send(&operation()).await.unwrap();
    assert_eq!(requests(&server), 2 + 2 + 1);
}

#[tokio::test]
async fn a_token_that_expired_on_the_server_is_replaced_once() {
    let (server, seconds) = on_a_clock().await;
    let client = client(&server, &service_account());
    client.send(&operation()).await.unwrap();
    seconds.fetch_add(3601, Ordering::SeqCst);
    client.send(&operation()).await.unwrap();
    assert_eq!(requests(&server), 2 + 3);
}

#[tokio::test]
async fn a_refused_service_account_is_reported_and_a_reader_lacks_a_role() {
    let server = SandboxServer::start().await.unwrap();
    let wrong = Credentials::service_account(OWNER.client_id, "wr0ng");
    let error = client(&server, &wrong)
        .send(&operation())
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NoToken(_)), "{error}");
    assert!(error.to_string().contains("invalid_client"), "{error}");
    assert!(!error.may_have_been_sent());

    let reader = Credentials::bearer(READER.access_token);
    let error = client(&server, &reader)
        .send(&operation())
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
}

#[tokio::test]
async fn a_token_that_is_not_valid_in_a_header_is_an_error_each_time() {
    let token = serde_json::json!({"access_token": "s3cret\nline", "expires_in": 3600});
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::path("/api/oauth/token"))
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(token))
        .expect(2)
        .mount(&server)
        .await;
    let client = Client::new(server.uri().parse().unwrap(), &service_account()).unwrap();
    for _ in 0..2 {
        let error = client.send(&operation()).await.unwrap_err();
        let ErrorKind::NoToken(cause) = error.kind() else {
            panic!("{error}");
        };
        let unusable = Some(TokenRefusal::UnusableToken);
        assert!(
            matches!(cause.kind(), ErrorKind::Token(error) if error.refusal == unusable),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn the_metadata_of_a_response_is_returned() {
    let server = SandboxServer::start().await.unwrap();
    let client = client(&server, &Credentials::bearer(OWNER.access_token));
    let answer = client.send(&operation()).await.unwrap();
    assert_eq!(answer.meta.version.unwrap().to_string(), "2023-01-01");
    assert_eq!(
        answer.meta.sunset.unwrap().to_string(),
        "2026-01-22T00:00:00Z"
    );
    assert!(answer.meta.deprecation.is_some() && answer.meta.rate_limit.is_some());
}

#[tokio::test]
async fn a_snapshot_streams_without_credentials_until_its_link_expires() {
    let (server, seconds) = on_a_clock().await;
    let client = client(&server, &api_key());
    let restore = client.send(&operation()).await.unwrap().value;
    let link = restore.snapshot_url.unwrap();
    let mut download = client.download(&link).await.unwrap();
    let (mut received, announced) = (0, download.length().unwrap());
    while let Some(chunk) = download.chunk().await.unwrap() {
        received += chunk.len() as u64;
    }
    assert_eq!(received, announced);
    assert!(download.etag().is_some());

    seconds.fetch_add(4 * 3600, Ordering::SeqCst);
    let error = client.download(&link).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 403);
    assert!(
        !format!("{error} {error:?}").contains("signature"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_plain_http_link_to_another_host_is_not_followed() {
    let server = SandboxServer::start().await.unwrap();
    let client = client(&server, &api_key());
    let error = client
        .download(&SnapshotUrl::new("http://store.example/s"))
        .await
        .unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InsecureLink), "{error}");
    for link in ["", "store.example", "ftp://store.example/s", "https://a b/"] {
        let error = client.download(&SnapshotUrl::new(link)).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidLink { .. }),
            "{link}: {error}"
        );
    }
}

#[tokio::test]
async fn the_client_runs_on_the_sandbox_without_a_socket() {
    let server = SandboxServer::start().await.unwrap();
    let base = "http://127.0.0.1:1".parse().unwrap();
    let client = Client::builder(base, &api_key())
        .build_with(server.service())
        .unwrap();
    assert!(client.send(&operation()).await.is_ok());
    assert_eq!(requests(&server), 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_lets_the_next_one_probe() {
    let server = SandboxServer::start().await.unwrap();
    let client = client(&server, &api_key());
    for _ in 0..8 {
        // Dropped after its first step, while other calls would wait for it.
        let operation = operation();
        let call = client.send(&operation);
        tokio::select! {
            biased;
            _ = call => panic!("the call ended immediately"),
            () = std::future::ready(()) => {}
        }
    }
    client.send(&operation()).await.unwrap();
}

#[tokio::test]
async fn a_call_to_a_server_that_never_responds_times_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::builder(base.parse().unwrap(), &api_key())
        .read_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::OutcomeUnknown { .. }),
        "{error}"
    );
    assert!(error.may_have_been_sent());
}

#[tokio::test]
async fn a_compressed_response_is_requested_and_read() {
    let fixture = atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(fixture.responses[0].body.to_string().as_bytes())
        .unwrap();
    let answer = wiremock::ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(gzip.finish().unwrap());
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::header("accept-encoding", "gzip"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let client = Client::new(server.uri().parse().unwrap(), &Credentials::bearer("t")).unwrap();
    let answer = client.send(&operation()).await.unwrap();
    assert_eq!(answer.deviations, []);
    let seen = &server.received_requests().await.unwrap()[0];
    let agent = seen.headers["user-agent"].to_str().unwrap();
    assert!(agent.starts_with("atlas-rs/"), "{agent}");
}

#[tokio::test]
async fn a_response_larger_than_the_limit_is_refused() {
    let server = SandboxServer::start().await.unwrap();
    let base = server.url().parse().unwrap();
    let client = Client::builder(base, &Credentials::bearer(OWNER.access_token))
        .response_limit(100)
        .build()
        .unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    let ErrorKind::OutcomeUnknown { status, source, .. } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(*status, Some(http::StatusCode::OK));
    assert!(matches!(**source, ErrorKind::TooLarge { limit: 100 }));
    let line = error.to_string();
    assert!(
        line.starts_with("the outcome of POST /api/atlas/v2/groups/"),
        "{line}"
    );
}

#[test]
fn a_secret_that_is_not_valid_in_a_header_is_refused_without_being_shown() {
    let base: atlas_transport::BaseUrl = "https://ops.example".parse().unwrap();
    let secret = "s3cret\nline";
    for credentials in [Credentials::bearer(secret), Credentials::bearer("\0s3cret")] {
        let error = Client::new(base.clone(), &credentials).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Unsendable { .. }),
            "{error}"
        );
        assert!(!format!("{error} {error:?} {credentials:?}").contains("s3cret"));
    }
}
