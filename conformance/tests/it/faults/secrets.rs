//! Tests that logs at trace level and errors contain no secrets.

use std::io;
use std::sync::{Arc, Mutex};

use atlas_model::SnapshotUrl;
use atlas_sandbox::{OWNER, SandboxServer};
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, ClientAuthentication, Credentials};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::peer::{Act, Peer, answer, send};
use super::{builder, documented};
use crate::operation;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Runs on one thread, so that the log of that thread is complete.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_is_in_any_log_or_error_at_trace_level() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut shown = Vec::new();

    let server = SandboxServer::start().await.unwrap();
    let base = || server.url().parse().unwrap();
    let kinds = [
        Credentials::bearer(OWNER.access_token),
        Credentials::api_key(OWNER.public_key, OWNER.private_key),
        Credentials::service_account(OWNER.client_id, OWNER.client_secret),
        Credentials::service_account(OWNER.client_id, "wr0ng-s3cret"),
        Credentials::service_account(OWNER.client_id, OWNER.client_secret)
            .client_authentication(ClientAuthentication::Form),
        Credentials::api_key(OWNER.public_key, "wr0ng-s3cret"),
    ];
    let mut links = Vec::new();
    for credentials in &kinds {
        let client = Client::new(base(), credentials).unwrap();
        let sent = client.send(&operation()).await;
        shown.push(format!("{client:?} {credentials:?}"));
        match sent {
            Ok(answer) => {
                shown.push(format!("{answer:?}"));
                let link = answer.value.snapshot_url.unwrap();
                client.download(&link).await.unwrap();
                links.push(link.expose().to_owned());
            }
            Err(error) => shown.push(format!("{error} {error:?}")),
        }
        client.revoke_token().await.ok();
    }
    let link = "signature=s1gned-s3cret";
    for script in [
        vec![Act::Read, Act::Reset],
        vec![
            Act::Read,
            answer("200 OK", "content-encoding: gzip\r\n", documented()),
        ],
        vec![Act::Read, answer("403 Forbidden", "", documented())],
        vec![Act::Read, Act::Stall],
    ] {
        let peer = Peer::start(vec![script]).await;
        let client = builder(&peer.url()).build().unwrap();
        let url = format!("http://us3r:l1nk-s3cret@{}/s.tgz?{link}", peer.address);
        let url = SnapshotUrl::new(&url);
        let downloaded = client.download(&url).await.map(drop);
        shown.push(format!("{downloaded:?}"));
        let sent = client.send(&operation()).await.map(drop);
        shown.push(format!("{sent:?}"));
    }
    let refusal = answer("407 Proxy Authentication Required", "", "");
    let login = 1 + 1 + "us3r".len() + 1 + "pr0xy-s3cret".len();
    for (scheme, refusing) in [
        ("http", vec![Act::Read, refusal]),
        (
            "socks5h",
            vec![Act::Take(4), send([5, 2]), Act::Take(login), send([1, 1])],
        ),
        ("https", vec![Act::Take(5)]),
    ] {
        let proxy = Peer::start(vec![refusing]).await;
        let client = builder("https://localhost:1")
            .retry(RetryPolicy::none())
            .proxy(format!("{scheme}://us3r:pr0xy-s3cret@{}", proxy.address))
            .build()
            .unwrap();
        let sent = client.send(&operation()).await.map(drop);
        assert_eq!(proxy.connections(), 1, "{scheme}");
        shown.push(format!("{client:?} {sent:?}"));
    }
    drop(guard);
    let shown = shown.concat();

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("hyper"), "dependencies log as well");
    assert!(log.contains("trying again") || log.contains("answered"));
    for (name, text) in [("log", &log), ("shown", &shown)] {
        let signatures = links
            .iter()
            .map(|link| link.split("signature=").nth(1).unwrap());
        let secrets = [
            OWNER.access_token,
            OWNER.private_key,
            OWNER.client_secret,
            "wr0ng-s3cret",
            "s1gned-s3cret",
            "l1nk-s3cret",
            "pr0xy-s3cret",
            // us3r:pr0xy-s3cret
            "dXMzcjpwcjB4eS1zM2NyZXQ",
            "t0ken",
            "sandbox.token",
        ];
        for secret in secrets.into_iter().chain(signatures) {
            assert!(!text.contains(secret), "{secret} is in the {name}: {text}");
        }
    }
}

/// Returns responses that echo a secret: in an error of Atlas, an HTML page, and a refusal of the
/// token endpoint; in plain text, escaped, and as the value of a header.
fn echoes(secret: &str) -> Vec<(&'static str, String, String)> {
    let escaped: Vec<String> = secret
        .encode_utf16()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect();
    let escaped = escaped.concat();
    vec![
        (
            "400 Bad Request",
            String::new(),
            format!(r#"{{"error":"{secret}"}}"#),
        ),
        (
            "400 Bad Request",
            String::new(),
            format!(r#"{{"error":"{escaped}"}}"#),
        ),
        (
            "403 Forbidden",
            String::new(),
            format!(
                r#"{{"error":403,"errorCode":"{secret}","detail":"got {escaped}","reason":"{secret}"}}"#
            ),
        ),
        (
            "404 Not Found",
            String::new(),
            format!("<p>Authorization: Bearer {secret}</p>"),
        ),
        (
            "404 Not Found",
            format!("x-error-code: {secret}\r\ncontent-type: text/{secret}\r\n"),
            "{}".to_owned(),
        ),
        (
            "200 OK",
            "content-type: text/html\r\n".to_owned(),
            format!("<p>{secret}</p>"),
        ),
        (
            "200 OK",
            String::new(),
            format!(r#"{{"error":"{secret}"}}"#),
        ),
        (
            "200 OK",
            String::new(),
            format!(r#"{{"access_token":"other","token_type":"{secret}"}}"#),
        ),
        (
            "200 OK",
            format!("content-encoding: {secret}\r\n"),
            "{}".to_owned(),
        ),
    ]
}

#[tokio::test]
async fn a_secret_echoed_by_a_server_is_masked_wherever_its_text_is_shown() {
    const SECRET: &str = "mdb_sa_sk_s3cret";
    for credentials in [
        Credentials::bearer(SECRET),
        Credentials::api_key("public", SECRET),
        Credentials::service_account("id", SECRET),
        Credentials::service_account("id", SECRET)
            .client_authentication(ClientAuthentication::Form),
    ] {
        for (status, headers, body) in echoes(SECRET) {
            let script = || vec![Act::Read, answer(status, &headers, &body)];
            let peer = Peer::start((0..6).map(|_| script()).collect()).await;
            let client = Client::new(peer.url().parse().unwrap(), &credentials).unwrap();
            let typed = client.send(&operation()).await.map(drop);
            let raw = client.call("listGroups").send().await.map(drop);
            for error in [typed.err(), raw.err()].into_iter().flatten() {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains(SECRET), "{credentials:?} {body}: {shown}");
            }
            if let (Ok(response), false) = (client.execute(super::get()).await, status == "200 OK")
            {
                let shown = format!("{:?}", (response.headers(), response.body()));
                assert!(!shown.contains(SECRET), "{credentials:?} {body}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_fetched_token_echoed_by_a_server_is_masked() {
    let token = r#"{"access_token":"f3tched-t0ken","expires_in":3600}"#;
    let echo = r#"{"error":400,"errorCode":"f3tched-t0ken","detail":"Bearer f3tched-t0ken"}"#;
    let peer = Peer::start(vec![
        vec![Act::Read, answer("200 OK", "", token)],
        vec![Act::Read, answer("400 Bad Request", "", echo)],
    ])
    .await;
    let service = Credentials::service_account("id", "s3cret-of-it");
    let client = Client::new(peer.url().parse().unwrap(), &service).unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("f3tched"), "{shown}");
    assert!(shown.contains("[hidden]"), "{shown}");
}
