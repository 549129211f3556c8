//! Permanent failures: tried once, and reported with all causes.

use atlas_model::SnapshotUrl;
use atlas_transport::{Client, ClientBuilder, Credentials, ErrorKind};

use super::chain;
use super::peer::{Act, Peer, answer};
use crate::operation;
use crate::tls::{self, Identity};

/// Returns all kinds of credentials; a service account requests its token first.
fn credentials() -> [Credentials; 3] {
    [
        Credentials::bearer("t0ken"),
        Credentials::api_key("public", "private"),
        Credentials::service_account("id", "s3cret"),
    ]
}

/// Starts a proxy that sends the same response to every request.
async fn refusing(status: &str) -> Peer {
    let refuse = || vec![Act::Read, answer(status, "", "")];
    Peer::start((0..9).map(|_| refuse()).collect()).await
}

fn through(peer: &Peer, credentials: &Credentials) -> ClientBuilder {
    let base = "https://localhost:1".parse().unwrap();
    Client::builder(base, credentials)
        .retry(atlas_transport::retry::RetryPolicy::default().base_delay(std::time::Duration::ZERO))
        .proxy(format!("http://us3r:pr0xy-s3cret@{}", peer.address))
}

#[tokio::test]
async fn a_proxy_that_refuses_is_tried_once_and_a_busy_one_again() {
    for (status, requests) in [
        ("407 Proxy Authentication Required", 1),
        ("403 Forbidden", 1),
        ("400 Bad Request", 1),
        ("501 Not Implemented", 1),
        ("503 Service Unavailable", 3),
        ("502 Bad Gateway", 3),
    ] {
        for credentials in credentials() {
            let peer = refusing(status).await;
            let client = through(&peer, &credentials).build().unwrap();
            let error = client.send(&operation()).await.unwrap_err();
            assert_eq!(peer.requests().len(), requests, "{status}: {credentials:?}");
            assert_eq!(error.is_transient(), requests > 1, "{status}");
            assert!(!error.may_have_been_sent());
            let line = chain(&error);
            let code = status.split(' ').next().unwrap();
            assert!(line.contains(&format!("proxy answered {code}")), "{line}");
            assert!(!format!("{line} {error:?}").contains("s3cret"), "{line}");
        }
    }
}

#[tokio::test]
async fn a_download_through_a_proxy_that_refuses_is_tried_once() {
    let peer = refusing("407 Proxy Authentication Required").await;
    let client = through(&peer, &credentials()[0]).build().unwrap();
    let link = SnapshotUrl::new("https://store.example/s.tgz?sig=s1gned");
    let error = client.download(&link).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    assert_eq!(peer.requests().len(), 1);
    assert!(peer.requests()[0].starts_with("CONNECT store.example:443 "));
    assert!(!format!("{} {error:?}", chain(&error)).contains("s1gned"));
}

#[tokio::test]
async fn an_untrusted_certificate_is_tried_once_and_named_for_every_kind_of_credentials() {
    for credentials in credentials() {
        let unknown = tls::serve_as(Identity::new("localhost", &["h2"]), 1).await;
        let elsewhere = tls::serve_as(Identity::new("elsewhere.example", &["h2"]), 1).await;
        for (server, trusted, cause) in [
            (&unknown, false, "UnknownIssuer"),
            (&elsewhere, true, "not valid for name"),
        ] {
            let base = format!("https://localhost:{}", server.port)
                .parse()
                .unwrap();
            let mut builder = Client::builder(base, &credentials).no_proxy();
            if trusted {
                builder = builder.trust(server.authority.clone());
            }
            let error = builder.build().unwrap().send(&operation()).await;
            let error = error.unwrap_err();
            let line = chain(&error);
            assert_eq!(server.connections(), 1, "{credentials:?}: {line}");
            assert!(line.contains(cause), "{credentials:?}: {line}");
            assert!(error.attempts().is_empty() && !error.is_transient());
            assert!(!error.may_have_been_sent());
        }
    }
}

#[tokio::test]
async fn a_user_in_a_link_is_not_shown_and_not_sent() {
    let link = |authority: &str| {
        let url = format!("http://us3r:l1nk-s3cret@{authority}/s.tgz?sig=s1gned");
        SnapshotUrl::new(&url)
    };
    let peer = Peer::start(vec![vec![Act::Read, answer("404 Not Found", "", "")]]).await;
    let client = super::client(&peer);
    for authority in ["127.0.0.1:1", &peer.address.to_string()] {
        let error = client.download(&link(authority)).await.unwrap_err();
        let shown = format!("{} {error:?}", chain(&error));
        for secret in ["us3r", "s3cret", "s1gned"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
    let insecure = client.download(&link("store.example")).await.unwrap_err();
    assert!(matches!(insecure.kind(), ErrorKind::InsecureLink));
    let requests = peer.requests();
    assert!(!requests[0].contains("s3cret") && !requests[0].contains("uthorization"));
}

#[tokio::test]
async fn an_invalid_link_is_final_and_no_connection_is_tried() {
    let client = Client::new("http://127.0.0.1:1".parse().unwrap(), &credentials()[0]).unwrap();
    for link in [
        "http://127.0.0.1:99999/x?sig=s1gned",
        "http://127.0.0.1:0/x?sig=s1gned",
        "http://[::1]:65536/x?sig=s1gned",
        "https://store.example:443443/x?sig=s1gned",
        "https://:443/x?sig=s1gned",
        "https:///x?sig=s1gned",
        "https://[::zz]/x?sig=s1gned",
        "https://[::1/x?sig=s1gned",
        "https://300.1.1.1/x?sig=s1gned",
        "https://store..example/x?sig=s1gned",
        "https://u:p@store.example:99999/x?sig=s1gned",
    ] {
        let error = client.download(&SnapshotUrl::new(link)).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidLink { .. }),
            "{link}: {error}"
        );
        assert!(
            !error.is_transient() && !error.may_have_been_sent(),
            "{link}"
        );
        assert!(
            !format!("{} {error:?}", chain(&error)).contains("s1gned"),
            "{link}"
        );
    }
    for base in [
        "http://127.0.0.1:99999",
        "https://a.example:0",
        "https://a..example",
        "https://[::zz]",
    ] {
        assert!(base.parse::<atlas_transport::BaseUrl>().is_err(), "{base}");
    }
}
