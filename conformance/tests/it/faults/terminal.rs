//! Tests that an error is a single line without control characters, for any text of a server.

use std::error::Error as _;

use atlas_model::SnapshotUrl;
use atlas_transport::{Client, Credentials, Error};

use super::peer::{Act, Peer, answer};
use super::{builder, get};
use crate::operation;

/// An escape sequence, C1 controls, a change of writing direction, DEL and line ends.
const EVIL: &str = "\u{1b}[31m\u{9b}2J\u{202e}\u{2066}\u{2028}\u{7f}\r\nerror: fake\n\t";
/// The part of [`EVIL`] that is valid in a header.
const EVIL_HEADER: &str = "\u{9b}2J\u{202e}\u{2066}\u{2028}\u{85}error: fake";

#[track_caller]
fn assert_harmless(what: &str, error: &Error, directions: bool) {
    let mut lines = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        lines.push(error.to_string());
        source = error.source();
    }
    let turns = |c| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    for line in lines {
        let found = line
            .chars()
            .find(|c| c.is_control() || directions && turns(*c));
        assert_eq!(found, None, "{what}: {line:?}");
        assert!(line.len() < 1500, "{what}: {}", line.len());
    }
}

#[tokio::test]
async fn errors_escape_text_of_headers() {
    let long = "x".repeat(20_000);
    for header in [
        format!(
            "www-authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=\"{EVIL_HEADER}\"\r\n"
        ),
        format!("www-authenticate: Digest {EVIL_HEADER}\r\n"),
        format!("www-authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"{EVIL_HEADER}\"\r\n"),
        format!("www-authenticate: Digest realm=\"r\", nonce=\"n\", algorithm={long}\r\n"),
        format!("content-encoding: {EVIL_HEADER}\r\n"),
        format!("content-encoding: {long}\r\n"),
        format!("location: https://u:p@{EVIL_HEADER}/\r\n"),
        format!("x-java-method: {EVIL_HEADER}\r\n"),
        format!("retry-after: {EVIL_HEADER}\r\n"),
    ] {
        for status in ["401 Unauthorized", "302 Found", "403 Forbidden"] {
            let peer = Peer::start(vec![vec![Act::Read, answer(status, &header, "")]]).await;
            let base = peer.url().parse().unwrap();
            let client = Client::new(base, &Credentials::api_key("public", "private")).unwrap();
            let error = client.send(&operation()).await.unwrap_err();
            assert_harmless(&header, &error, true);
            let peer = Peer::start(vec![vec![Act::Read, answer(status, &header, "")]]).await;
            let link = SnapshotUrl::new(&format!("{}/s.tgz", peer.url()));
            let client = builder(&peer.url()).build().unwrap();
            let error = client.download(&link).await.unwrap_err();
            assert_harmless(&header, &error, true);
        }
    }
}

#[tokio::test]
async fn errors_escape_text_of_bodies() {
    let json = serde_json::json!(EVIL);
    for (status, body) in [
        (
            "400 Bad Request",
            format!(
                "{{\"error\": 400, \"errorCode\": {json}, \"detail\": {json}, \"reason\": {json}}}"
            ),
        ),
        (
            "400 Bad Request",
            format!(
                "{{\"error\": 400, \"errorCode\": \"A\", \"badRequestDetail\": {{\"fields\": [{{\"field\": {json}, \"description\": {json}}}]}}}}"
            ),
        ),
        ("502 Bad Gateway", format!("<html>{EVIL}</html>")),
        (
            "200 OK",
            format!("{{\"status\": {{\"a\": {json}}}, {json}: 1}}"),
        ),
        ("200 OK", format!("[{json}]")),
        ("200 OK", EVIL.to_owned()),
        (
            "401 Unauthorized",
            format!("{{\"error\": {json}, \"error_description\": {json}}}"),
        ),
        (
            "403 Forbidden",
            format!("<Error><Code>{EVIL}</Code><Message>{EVIL}</Message></Error>"),
        ),
    ] {
        let script = || vec![Act::Read, answer(status, "", &body)];
        let peer = Peer::start((0..3).map(|_| script()).collect()).await;
        // Values of another type are skipped unless the client is strict.
        let client = super::client(&peer).strict();
        let error = client.send(&operation()).await.unwrap_err();
        assert_harmless(&body, &error, false);

        let peer = Peer::start(vec![script()]).await;
        let service = Credentials::service_account("id", "s3cret");
        let client = Client::new(peer.url().parse().unwrap(), &service).unwrap();
        let error = client.execute(get()).await.unwrap_err();
        assert_harmless(&body, &error, true);

        if status != "200 OK" {
            let peer = Peer::start(vec![script()]).await;
            let client = builder(&peer.url()).build().unwrap();
            let link = SnapshotUrl::new(&format!("{}/s.tgz", peer.url()));
            let error = client.download(&link).await.unwrap_err();
            assert_harmless(&body, &error, true);
        }
    }
}
