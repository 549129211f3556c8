//! Snapshots of a request and of error messages.

use std::fmt::Write as _;

use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_model::{CallOptions, ClusterName, DeploymentItemName, OperationExt, ProjectId};
use http::Response;

use crate::operation;

fn fixture() -> atlas_conformance::OperationFixture {
    atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap()
}

#[test]
fn the_documented_request_on_the_wire() {
    let options = CallOptions {
        version: Some(fixture().version_asked.parse().unwrap()),
        envelope: true,
        pretty: true,
    };
    let request = operation().to_request(&options).unwrap();
    let mut shown = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        let _ = writeln!(shown, "{name}: {}", value.to_str().unwrap());
    }
    let _ = write!(shown, "\n{}", String::from_utf8_lossy(request.body()));
    insta::assert_snapshot!(shown);
}

#[test]
fn errors_of_responses_without_a_resource() {
    let mut shown = String::new();
    let mut add = |status: u16, media_type: &str, body: String| {
        let response = Response::builder()
            .status(status)
            .header("content-type", media_type)
            .body(body.into())
            .unwrap();
        let options = CallOptions::default();
        let error = DownloadClusterBackupTenant::from_response(response, &options).unwrap_err();
        let _ = writeln!(shown, "{error}");
    };
    for response in fixture()
        .responses
        .iter()
        .filter(|response| response.status != 200)
    {
        add(
            response.status,
            "application/json",
            response.body.to_string(),
        );
    }
    add(
        429,
        "application/json",
        r#"{"error":429,"errorCode":"RATE_LIMITED_TOKEN_BUCKET"}"#.into(),
    );
    add(
        502,
        "text/html",
        "<html><title>Bad Gateway</title></html>".into(),
    );
    add(503, "text/plain", String::new());
    add(
        200,
        "text/html",
        "<html>Sign in at https://proxy.example/?next=secret".into(),
    );
    add(200, "application/json", "7".into());
    insta::assert_snapshot!(shown);
}

#[test]
fn errors_of_texts_outside_their_pattern() {
    let mut shown = String::new();
    for text in [
        "",
        "32b6",
        "32B6E34B3D91647ABB20E7B8",
        "32b6e34b3d91647abb20e7b8\n",
    ] {
        let _ = writeln!(shown, "{}", ProjectId::parse(text).unwrap_err());
    }
    for text in ["", "-a", "a_b", "é"] {
        let _ = writeln!(shown, "{}", ClusterName::parse(text).unwrap_err());
    }
    for text in ["", "a b", "e\u{301}", &"a".repeat(65)] {
        let _ = writeln!(shown, "{}", DeploymentItemName::parse(text).unwrap_err());
    }
    insta::assert_snapshot!(shown);
}
