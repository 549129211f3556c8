//! Broken connections.

use atlas_transport::{ErrorKind, Phase};

use super::peer::{Act, Peer, answer, send};
use super::{builder, client, documented, get, post, unknown};
use crate::operation;

#[tokio::test]
async fn a_refused_connection_is_retried_and_nothing_was_sent() {
    let client = builder("http://127.0.0.1:1").build().unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Connect { .. }),
        "{error:?}"
    );
    assert!(!error.may_have_been_sent());
    assert_eq!(error.attempts().len(), 2);
    let line = error.to_string();
    assert!(
        line.ends_with("(3 attempts; earlier: not sent, not sent)"),
        "{line}"
    );
}

#[tokio::test]
async fn a_post_whose_response_is_reset_has_an_unknown_outcome_and_a_get_is_retried() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        let reset = || vec![Act::Read, send(begun), Act::Reset];
        let (sent, peer) = post(vec![reset()]).await;
        let error = sent.unwrap_err();
        let cause = unknown(&error);
        assert!(matches!(cause, ErrorKind::Interrupted { .. }), "{cause:?}");
        assert_eq!(peer.requests().len(), 1, "sent once: {begun:?}");
        assert_eq!(error.status(), None);

        let peer = Peer::start(vec![reset(), vec![Act::Read, answer("200 OK", "", "{}")]]).await;
        let response = client(&peer).execute(get()).await.unwrap();
        assert_eq!(response.body(), "{}");
        assert_eq!(peer.requests().len(), 2);
    }
}

#[tokio::test]
async fn an_idempotent_post_is_retried() {
    let lost = vec![Act::Read, Act::Reset];
    let peer = Peer::start(vec![
        lost,
        vec![Act::Read, answer("200 OK", "", documented())],
    ])
    .await;
    let sent = client(&peer).assume_idempotent().send(&operation()).await;
    assert!(sent.is_ok(), "{sent:?}");
    let requests = peer.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0], requests[1], "the same bytes");
}

#[tokio::test]
async fn a_truncated_body_has_an_unknown_outcome_with_its_status() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"sta";
    let too_long = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"status\": 1}";
    for (cut, ending) in [
        (chunked, None),
        (too_long, None),
        (too_long, Some(Act::Reset)),
    ] {
        let mut script = vec![Act::Read, send(cut)];
        script.extend(ending);
        let (sent, _) = post(vec![script]).await;
        let error = sent.unwrap_err();
        let cause = unknown(&error);
        assert!(matches!(cause, ErrorKind::Interrupted { .. }), "{cause:?}");
        assert_eq!(error.status().unwrap(), 200);
    }
}

#[tokio::test]
async fn a_refusal_with_a_truncated_body_has_a_known_outcome() {
    let cut = "HTTP/1.1 404 Not Found\r\ncontent-length: 1000\r\n\r\n{";
    let (sent, _) = post(vec![vec![Act::Read, send(cut)]]).await;
    let error = sent.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Interrupted { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn bytes_beyond_the_content_length_are_not_part_of_this_or_the_next_response() {
    let body = documented();
    let short = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len() - 1
    );
    let again = vec![Act::Read, answer("200 OK", "", &body)];
    let peer = Peer::start(vec![vec![Act::Read, send(short)], again]).await;
    let client = client(&peer);
    let error = client.send(&operation()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Response(_)), "{error:?}");
    client.send(&operation()).await.unwrap();
    assert_eq!(peer.connections(), 2, "the first is not reused");
}

#[tokio::test]
async fn two_framings_are_malformed() {
    let both = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n\
                2\r\n{}\r\n0\r\n\r\n";
    let (sent, _) = post(vec![vec![Act::Read, send(both)]]).await;
    let error = sent.unwrap_err();
    assert!(
        matches!(unknown(&error), ErrorKind::Malformed { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn invalid_http_is_malformed() {
    for nonsense in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
    ] {
        let (sent, _) = post(vec![vec![Act::Read, send(nonsense)]]).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(unknown(&error), ErrorKind::Malformed { .. }),
            "{nonsense}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused() {
    let huge = Act::Flood {
        piece: format!("x-padding: {}\r\n", "x".repeat(1000)).into_bytes(),
        times: None,
    };
    let many = Act::Flood {
        piece: b"a: b\r\n".to_vec(),
        times: None,
    };
    for flood in [huge, many] {
        let (sent, _) = post(vec![vec![Act::Read, send("HTTP/1.1 200 OK\r\n"), flood]]).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(unknown(&error), ErrorKind::Malformed { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
    ] {
        let endless = Act::Flood {
            piece: vec![b' '; 1 << 16],
            times: None,
        };
        let (sent, _) = post(vec![vec![Act::Read, send(head), endless]]).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(unknown(&error), ErrorKind::TooLarge { limit: 16_777_216 }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn interim_responses_are_skipped() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let (sent, _) = post(vec![vec![
        Act::Read,
        send(interim),
        answer("200 OK", "", documented()),
    ]])
    .await;
    assert!(sent.is_ok(), "{sent:?}");
}

#[tokio::test]
async fn endless_interim_responses_time_out() {
    let endless = Act::Flood {
        piece: b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(),
        times: None,
    };
    let (sent, _) = post(vec![vec![Act::Read, endless]]).await;
    let error = sent.unwrap_err();
    let cause = unknown(&error);
    assert!(
        matches!(
            cause,
            ErrorKind::Timeout {
                phase: Phase::Head,
                ..
            }
        ),
        "{cause:?}"
    );
}

#[tokio::test]
async fn a_pooled_connection_that_the_server_closes_fails_no_call() {
    for headers in ["connection: close\r\n", ""] {
        let once = || vec![Act::Read, answer("200 OK", headers, documented())];
        let peer = Peer::start(vec![once(), once(), once()]).await;
        let client = client(&peer);
        for _ in 0..3 {
            client.send(&operation()).await.unwrap();
        }
        assert_eq!(peer.connections(), 3);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_no_credentials_are_sent_elsewhere() {
    let elsewhere = Peer::start(vec![vec![Act::Read]]).await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
    ] {
        let location = format!("location: {}/stolen\r\n", elsewhere.url());
        let (sent, peer) = post(vec![vec![Act::Read, answer(status, &location, "")]]).await;
        let error = sent.unwrap_err();
        assert!(error.status().unwrap().is_redirection(), "{error:?}");
        assert_eq!(peer.requests().len(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}
