//! Complete responses that differ from the documentation.

use std::io::Write as _;

use atlas_model::shared::TenantRestore;
use atlas_model::{Answer, ResponseError};
use atlas_transport::{Error, ErrorKind};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::peer::{Act, Peer, answer};
use super::{client, documented, get, post, unknown};
use crate::operation;

async fn answered(
    status: &str,
    headers: &str,
    body: impl AsRef<[u8]>,
) -> Result<Answer<TenantRestore>, Error> {
    let peer = Peer::start(vec![vec![Act::Read, answer(status, headers, body)]]).await;
    client(&peer).send(&operation()).await
}

/// Returns the message of an unreadable body.
#[track_caller]
fn unreadable<T: std::fmt::Debug>(sent: Result<T, Error>) -> String {
    let error = sent.unwrap_err();
    match error.kind() {
        ErrorKind::Response(ResponseError::Unreadable(_)) => error.to_string(),
        _ => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn an_html_page_with_status_200_is_not_a_resource() {
    let page = "<html><body>Please log in to the guest network</body></html>";
    let line = unreadable(answered("200 OK", "content-type: text/html\r\n", page).await);
    assert!(
        line.contains("text/html") && line.contains("proxy"),
        "{line}"
    );
}

#[tokio::test]
async fn invalid_utf_8_is_not_a_resource() {
    let line = unreadable(answered("200 OK", "", b"{\"status\": \"\xff\xfe\"}").await);
    assert!(line.contains("200"), "{line}");
}

#[tokio::test]
async fn a_duplicate_key_keeps_its_first_value_and_is_a_deviation() {
    let twice = r#"{"status": "PENDING", "status": "COMPLETED"}"#;
    let answer = answered("200 OK", "", twice).await.unwrap();
    assert_eq!(answer.value.status.unwrap().as_str(), "PENDING");
    let deviations: Vec<String> = answer.deviations.iter().map(ToString::to_string).collect();
    assert_eq!(deviations, ["status: duplicate field `status`"]);
}

#[tokio::test]
async fn a_value_of_another_type_is_left_out_and_is_a_deviation() {
    let body = r#"{"status": 7, "snapshotId": "no id", "clusterName": "Cluster0"}"#;
    let answer = answered("200 OK", "", body).await.unwrap();
    assert_eq!(answer.value.cluster_name.as_deref(), Some("Cluster0"));
    assert!(answer.value.status.is_none() && answer.value.snapshot_id.is_none());
    let paths = answer.deviations.iter().map(atlas_model::Deviation::path);
    assert_eq!(paths.collect::<Vec<_>>(), ["status", "snapshotId"]);
}

#[tokio::test]
async fn endless_nesting_is_an_error_and_not_a_crash() {
    let deep = format!("{{\"undocumented\": {}", "[".repeat(1_000_000));
    unreadable(answered("200 OK", "", deep).await);
}

#[tokio::test]
async fn an_empty_response_is_not_a_resource_unless_its_status_is_204() {
    for status in ["200 OK", "202 Accepted"] {
        let line = unreadable(answered(status, "", "").await);
        assert!(line.contains("empty"), "{status}: {line}");
    }
    let empty = answered("204 No Content", "", "{\"status\": \"PENDING\"}").await;
    assert_eq!(empty.unwrap().value, TenantRestore::default());
}

#[tokio::test]
async fn a_resource_is_read_despite_a_missing_or_wrong_content_type() {
    for content_type in [
        "",
        "content-type: text/plain;charset=iso-8859-1\r\n",
        "content-type: ,;=\r\n",
    ] {
        let answer = answered("200 OK", content_type, documented())
            .await
            .unwrap();
        assert_eq!(answer.meta.version, None);
        assert_eq!(answer.deviations, []);
    }
}

#[tokio::test]
async fn an_unknown_status_keeps_its_text_and_null_is_none() {
    let body = r#"{"status": "THAWING", "snapshotUrl": null, "links": null, "undocumented": {}}"#;
    let answer = answered("200 OK", "", body).await.unwrap();
    assert_eq!(answer.value.status.unwrap().as_str(), "THAWING");
    assert!(answer.value.snapshot_url.is_none() && answer.value.links.is_none());
}

#[tokio::test]
async fn a_body_that_is_not_an_object_is_not_a_resource() {
    for body in ["null", "[]", "\"text\"", "1"] {
        unreadable(answered("200 OK", "", body).await);
    }
}

#[tokio::test]
async fn a_response_is_read_up_to_the_limit_of_its_decompressed_size() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![b' '; (16 << 20) + 1]).unwrap();
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 1 << 16);
    let bodies = [
        (bomb, "content-encoding: gzip\r\n"),
        (vec![b' '; (16 << 20) + 1], ""),
    ];
    for (body, headers) in bodies {
        let error = answered("200 OK", headers, body).await.unwrap_err();
        assert!(
            matches!(unknown(&error), ErrorKind::TooLarge { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn broken_or_unknown_compression_is_an_error() {
    let broken = "content-encoding: gzip\r\n";
    let unknown_coding = "content-encoding: br\r\n";
    for headers in [broken, unknown_coding] {
        let (sent, _) = post(vec![vec![Act::Read, answer("200 OK", headers, "{}")]]).await;
        let error = sent.unwrap_err();
        assert!(
            matches!(unknown(&error), ErrorKind::Encoding { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn execute_returns_a_response_unchanged() {
    let peer = Peer::start(vec![vec![
        Act::Read,
        answer("418 I'm a teapot", "x-a: \u{e9}\r\n", "short"),
    ]])
    .await;
    let response = client(&peer).execute(get()).await.unwrap();
    assert_eq!(response.status().as_u16(), 418);
    assert_eq!(response.headers()["x-a"].as_bytes(), "\u{e9}".as_bytes());
    assert_eq!(response.body(), "short");
}
