//! Errors: the source of the response, likely causes, and `Debug` equal to `Display`.

use std::error::Error;

use atlas_model::flex_clusters::GetFlexCluster;
use atlas_model::{
    ApiError, ApiVersion, AskedOperation, CallOptions, Cause, ClusterName, ItemsPerPage,
    OperationExt, Payload, ProjectId, ResponseError, Timestamp, VersionedMediaType, read_answer,
};
use bytes::Bytes;
use http::Response;

fn asked() -> AskedOperation {
    AskedOperation::new(
        "getGroupCluster",
        "/api/atlas/v2/groups/{groupId}/clusters/{clusterName}",
    )
    .roles(vec!["Project Read Only", "Project Owner"])
    .versions(vec![
        "2023-02-01".parse().unwrap(),
        "2024-08-05".parse().unwrap(),
    ])
    .successor(Some("getGroupFlexCluster"))
}

fn refused(status: u16, headers: &[(&str, &str)], body: &str) -> ResponseError {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(Bytes::from(body.to_owned())).unwrap();
    read_answer(asked, &response, false).unwrap_err()
}

const HTML: (&str, &str) = ("content-type", "text/html;charset=utf-8");

#[test]
fn a_redirect_names_its_target_without_what_may_be_secret() {
    let target = "https://u:s3cret@login.example/sign-in?token=s3cret#s3cret";
    for status in [301, 302, 303, 307, 308] {
        let headers = [("location", target), HTML];
        let error = refused(status, &headers, "<html>Sign in</html>");
        let expected = format!(
            "getGroupCluster answered {status}: redirected to https://login.example/sign-in; check \
             the base URL and any proxy in between"
        );
        assert_eq!(error.to_string(), expected);
        let target = error.meta().redirect.as_deref();
        assert_eq!(target, Some("https://login.example/sign-in"));
        assert!(!format!("{:?}", error.meta()).contains("s3cret"));
    }
    // 201 has a `Location` without being a redirect.
    let created = Response::builder()
        .status(201)
        .header("location", "/api/atlas/v2/groups/1")
        .body(Bytes::from_static(b"{}"));
    let answer = read_answer(asked, &created.unwrap(), false).unwrap();
    assert_eq!(answer.meta.redirect, None);
}

#[test]
fn a_web_page_is_recognised_with_every_status_and_media_type() {
    for (status, media_type) in [
        (200, "text/html"),
        (200, "application/json"),
        (200, "application/xhtml+xml"),
        (404, "text/html"),
        (403, "text/plain"),
        (502, "text/html; charset=utf-8"),
    ] {
        let page = "\n<!DOCTYPE html><html><title>Sign in</title></html>";
        let error = refused(status, &[("content-type", media_type)], page);
        assert!(matches!(error, ResponseError::Unreadable(_)));
        let line = error.to_string();
        assert!(
            line.contains(&format!("answered {status} with {media_type}")),
            "{line}"
        );
        assert!(line.contains("a web page, not the API"), "{line}");
        assert!(
            line.contains("check the base URL and any proxy in between"),
            "{line}"
        );
    }
}

#[test]
fn an_error_that_is_not_from_atlas_suggests_checking_the_base_url_and_proxies() {
    let causes = |status| refused(status, &[], r#"{"message":"Not Found"}"#).likely_causes();
    assert_eq!(causes(404), [Cause::NotAtlas]);
    assert_eq!(causes(302), [Cause::NotAtlas]);
    assert_eq!(causes(403)[0], Cause::NotAtlas);
    assert_eq!(causes(407), [Cause::ProxyLogin]);
    assert_eq!(causes(502), [Cause::ServerTrouble, Cause::NotAtlas]);
    assert_eq!(causes(511), [Cause::NetworkLogin]);
    // Atlas answers some requests without a valid key with an empty 401.
    assert_eq!(causes(401)[0], Cause::CredentialsRefused);
}

#[test]
fn a_removed_version_lists_the_known_ones() {
    let gone = refused(
        410,
        &[],
        r#"{"error":410,"errorCode":"VERSION_GONE","detail":"Old."}"#,
    );
    assert_eq!(
        gone.to_string(),
        "getGroupCluster answered 410 VERSION_GONE: Old; request a newer version; known versions: \
         2023-02-01, 2024-08-05 (update this client for later ones)"
    );
    let ended = refused(410, &[], r#"{"error":410,"errorCode":"UNEXPECTED_ERROR"}"#);
    let line = ended.to_string();
    assert!(
        line.ends_with("; the operation no longer exists; use getGroupFlexCluster"),
        "{line}"
    );
    let response = Response::builder().status(410);
    let response = response.body(Bytes::from_static(br#"{"errorCode":"VERSION_GONE"}"#));
    let typed = GetFlexCluster::from_response(response.unwrap(), &CallOptions::default());
    let line = typed.unwrap_err().to_string();
    assert!(
        line.contains("known versions: 2024-11-13 (update"),
        "{line}"
    );
}

#[test]
fn a_403_lists_the_documented_roles() {
    let line = refused(403, &[], r#"{"error":403,"errorCode":"USER_UNAUTHORIZED"}"#).to_string();
    let roles = "the credentials may lack the role Project Read Only or Project Owner";
    assert!(line.contains(roles), "{line}");
}

#[test]
fn an_error_body_is_recognised_with_a_byte_order_mark_and_with_a_status_in_decimals() {
    let error = refused(
        404,
        &[],
        "\u{feff}{\"error\":404.0,\"errorCode\":\"A_CODE\"}",
    );
    assert_eq!(error.api_error().and_then(|error| error.error), Some(404));
    assert!(error.to_string().contains("404 A_CODE"), "{error}");
}

/// `main() -> Result<(), Box<dyn Error>>` prints `Debug`.
#[test]
fn debug_of_an_error_is_its_display_chain_in_one_line() {
    let project = ProjectId::parse("nope").unwrap_err();
    let number = "0".parse::<ItemsPerPage>().unwrap_err();
    let unfit = atlas_model::Page::<ProjectId>::read(&Bytes::from_static(b"{")).unwrap_err();
    let page = refused(200, &[HTML], "<html>");
    let ResponseError::Unreadable(unreadable) = page.clone() else {
        panic!("{page}");
    };
    let api: ApiError = serde_json::from_str(r#"{"error":404,"errorCode":"A"}"#).unwrap();
    let errors: [Box<dyn Error>; 10] = [
        Box::new(project),
        Box::new(ClusterName::parse("-").unwrap_err()),
        Box::new(number),
        Box::new("soon".parse::<ApiVersion>().unwrap_err()),
        Box::new("text/html".parse::<VersionedMediaType>().unwrap_err()),
        Box::new(Timestamp::from("yesterday").instant().unwrap_err()),
        Box::new(unfit),
        Box::new(page),
        unreadable,
        Box::new(api),
    ];
    for error in &errors {
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(error.to_string().lines().count(), 1);
    }
    assert_eq!(
        errors[5].to_string(),
        "invalid timestamp \"yesterday\": expected RFC 3339, such as 2026-05-04T09:42:00Z"
    );
    let source = serde_json::from_str::<ApiError>("{").unwrap_err();
    let build = atlas_model::BuildError::Body {
        operation: "createGroupCluster",
        source,
    };
    assert_eq!(
        format!("{build:?}"),
        "the body of createGroupCluster cannot be written as JSON: EOF while parsing an object at \
         line 1 column 1"
    );
}

#[test]
fn timestamps_are_ordered_by_the_points_in_time() {
    let mut times: Vec<Timestamp> = [
        "2026-05-04T09:42:00Z",
        "yesterday",
        "2026-05-04T09:41:59.9Z",
        "2026-05-04T11:42:00+02:00",
        "2025-12-31T23:59:59Z",
        "",
    ]
    .map(Timestamp::from)
    .to_vec();
    times.sort();
    let texts: Vec<&str> = times.iter().map(Timestamp::as_str).collect();
    assert_eq!(
        texts,
        [
            "",
            "yesterday",
            "2025-12-31T23:59:59Z",
            "2026-05-04T09:41:59.9Z",
            "2026-05-04T09:42:00Z",
            "2026-05-04T11:42:00+02:00",
        ]
    );
}
