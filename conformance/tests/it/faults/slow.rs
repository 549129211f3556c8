//! Slow peers. The waits are real but short; no test sleeps to let others finish.

use std::time::Duration;

use atlas_model::SnapshotUrl;
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{ErrorKind, Phase};

use super::peer::{Act, Peer, send};
use super::{builder, client, documented, post, unknown};
use crate::operation;

#[track_caller]
fn timed_out(kind: &ErrorKind) -> Phase {
    match kind {
        ErrorKind::Timeout { phase, .. } => *phase,
        _ => panic!("{kind:?}"),
    }
}

#[tokio::test]
async fn a_peer_that_stalls_times_out_in_the_phase_in_which_it_stalls() {
    for (begun, phase) in [
        ("", Phase::Head),
        ("HTTP/1.1 200 OK\r\nx-a: b\r\n", Phase::Head),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\"",
            Phase::Body,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
            Phase::Body,
        ),
    ] {
        let (sent, peer) = post(vec![vec![Act::Read, send(begun), Act::Stall]]).await;
        let error = sent.unwrap_err();
        assert_eq!(timed_out(unknown(&error)), phase, "{begun:?}");
        assert_eq!(peer.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_drip_that_never_stalls_is_ended_by_the_total_timeout() {
    let body = documented().into_bytes();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    let peer = Peer::start(vec![vec![Act::Read, send(head), Act::Drip(body)]]).await;
    let client = builder(&peer.url())
        .total_timeout(Duration::from_millis(400))
        .build()
        .unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    assert_eq!(timed_out(unknown(&error)), Phase::Call);

    let head = Act::Drip(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n".to_vec());
    let (sent, _) = post(vec![vec![Act::Read, head]]).await;
    let error = sent.unwrap_err();
    assert_eq!(timed_out(unknown(&error)), Phase::Head);
}

/// Reading the whole body would take 80 s.
#[tokio::test]
async fn a_dripping_refusal_of_a_file_is_not_read_to_its_end() {
    let head = "HTTP/1.1 403 Forbidden\r\ncontent-length: 4000\r\n\r\n";
    let drip = Act::Drip(vec![b' '; 4000]);
    let peer = Peer::start(vec![vec![Act::Read, send(head), drip]]).await;
    let link = SnapshotUrl::new(&format!("{}/s.tgz", peer.url()));
    let client = client(&peer);
    let opened = tokio::time::timeout(Duration::from_secs(20), client.download(&link));
    let error = opened.await.unwrap().unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::LinkExpired { code: None, .. }),
        "{error:?}"
    );
}

/// A call that ends before it is connected was not sent, whichever limit ends it.
#[tokio::test]
async fn a_connect_timeout_is_distinguished_from_a_lost_response() {
    let limit = Duration::from_millis(300);
    for total in [false, true] {
        let peer = Peer::start(vec![vec![Act::Stall]]).await;
        let url = format!("https://localhost:{}", peer.address.port());
        let builder = builder(&url).retry(RetryPolicy::none());
        let builder = if total {
            builder.read_timeout(limit * 50).total_timeout(limit)
        } else {
            builder.read_timeout(limit)
        };
        let error = builder
            .build()
            .unwrap()
            .send(&operation())
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Connect { .. }),
            "{error:?}"
        );
        assert!(!error.may_have_been_sent() && error.is_transient());
        assert!(
            format!("{error:?}").contains(": timed out after 0.3 s"),
            "{error:?}"
        );
    }
}
