//! Reading responses: lenient types, every error status, malformed bodies.

use atlas_model::envelope::wrap;
use atlas_model::shared_tier_snapshots::{
    DownloadClusterBackupTenant, RestoreStatus, TenantRestore,
};
use atlas_model::{ApiError, CallOptions, OperationExt, ResponseError, Unreadable};
use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{fixture, fixture_json};

const FOLDER: &str = "downloadGroupClusterBackupTenant";

fn read(
    response: Response<Bytes>,
    envelope: bool,
) -> Result<atlas_model::Answer<TenantRestore>, ResponseError> {
    let options = CallOptions {
        envelope,
        ..CallOptions::default()
    };
    DownloadClusterBackupTenant::from_response(response, &options)
}

fn response(status: u16, media_type: Option<&str>, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut builder = Response::builder().status(status);
    if let Some(media_type) = media_type {
        builder = builder.header("content-type", media_type);
    }
    builder.body(body.into()).unwrap()
}

#[test]
fn the_documented_response_is_read_written_and_read_again() {
    let text = fixture(&format!("{FOLDER}/responses/200.json"));
    let answer = read(
        response(
            200,
            Some("application/vnd.atlas.2023-01-01+json;charset=utf-8"),
            text.clone(),
        ),
        false,
    )
    .unwrap();
    assert_eq!(answer.meta.version.unwrap().to_string(), "2023-01-01");
    let restore = &answer.value;
    assert_eq!(restore.status, Some(RestoreStatus::Pending));
    assert_eq!(restore.snapshot_url.as_ref().unwrap().expose(), "string");
    assert_eq!(answer.deviations, []);
    let written = serde_json::to_value(restore).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written, value);
    assert_eq!(answer.body.bytes(), &text);
}

#[test]
fn undocumented_values_are_kept_and_values_of_a_wrong_type_are_deviations() {
    let body = r#"{"id":"NOT AN ID","status":"PAUSED","deliveryType":null,"new":{"a":[1]},
        "snapshotId":"32b6e34b3d91647abb20e7b8","clusterName":"a_b","expirationDate":"soon",
        "snapshotUrl":7}"#;
    let answer = read(response(200, None, body), false).unwrap();
    let restore = &answer.value;
    assert_eq!((restore.id, restore.snapshot_url.as_ref()), (None, None));
    assert!(restore.snapshot_id.is_some());
    assert_eq!(restore.status, Some(RestoreStatus::Other("PAUSED".into())));
    assert_eq!(restore.delivery_type, None);
    assert_eq!(restore.cluster_name.as_deref(), Some("a_b"));
    assert!(restore.expiration_date.as_ref().unwrap().instant().is_err());
    assert_eq!(answer.body.json().unwrap()["new"]["a"][0], 1);
    assert_eq!(answer.body.json().unwrap()["id"], "NOT AN ID");
    let told: Vec<String> = answer.deviations.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "id: a string, expected 24 lowercase hex digits",
            "snapshotUrl: a number, expected a string",
        ]
    );
}

#[test]
fn a_response_in_another_version_than_that_of_the_type_is_a_deviation() {
    let answered = |version: &str| {
        let media_type = format!("application/vnd.atlas.{version}+json");
        let answer = read(response(200, Some(&media_type), "{}"), false).unwrap();
        answer.deviations
    };
    assert_eq!(answered("2023-01-01"), []);
    let told = answered("2024-11-13");
    assert_eq!((told.len(), told[0].path()), (1, ""));
    assert!(told[0].problem().contains("2024-11-13"), "{}", told[0]);
}

#[test]
fn every_documented_error_is_read_in_every_form() {
    for status in [400, 401, 403, 404, 409, 500] {
        let expected = fixture_json(&format!("{FOLDER}/responses/{status}.json"));
        let error: ApiError = serde_json::from_value(expected.clone()).unwrap();
        assert_eq!(serde_json::to_value(&error).unwrap(), expected);
        for (envelope, pretty) in [(false, false), (true, false), (false, true), (true, true)] {
            let options = CallOptions {
                envelope,
                pretty,
                ..CallOptions::default()
            };
            let mut body = serde_json::to_vec(&expected).unwrap();
            if pretty {
                body = serde_json::to_vec_pretty(&expected).unwrap();
            }
            let mut sent = status;
            if envelope {
                // The status in the envelope overrides the status line.
                let inside = StatusCode::from_u16(status).unwrap();
                body = wrap(inside, false, pretty, &body);
                sent = 200;
            }
            let response = response(sent, Some("application/json"), body);
            let read = DownloadClusterBackupTenant::from_response(response, &options).unwrap_err();
            assert_eq!(read.status(), status);
            assert_eq!(read.api_error(), Some(&error));
            assert!(
                read.to_string()
                    .contains(error.error_code.as_deref().unwrap()),
                "{read}"
            );
            assert_eq!(read.to_string().lines().count(), 1);
        }
    }
}

#[test]
fn a_response_without_the_requested_envelope_is_still_read() {
    let text = fixture(&format!("{FOLDER}/responses/200.json"));
    assert!(read(response(200, None, text), true).is_ok());
    let error = fixture(&format!("{FOLDER}/responses/404.json"));
    assert_eq!(
        read(response(404, None, error), true).unwrap_err().status(),
        404
    );
}

#[test]
fn an_envelope_that_was_not_requested_is_not_opened() {
    let body = r#"{"status":404,"content":{"error":404,"errorCode":"CLUSTER_NOT_FOUND"}}"#;
    let error = read(response(200, None, body), false).unwrap_err();
    assert_eq!((error.status().as_u16(), error.api_error()), (200, None));
}

#[test]
fn error_parameters_may_be_absent_empty_null_or_mixed() {
    let cases = [
        ("", None),
        (r#","parameters":null"#, None),
        (r#","parameters":[]"#, Some(0)),
        (r#","parameters":["e",55,10,5,60]"#, Some(5)),
    ];
    for (parameters, expected) in cases {
        let body = format!(
            r#"{{"error":429,"errorCode":"RATE_LIMITED_TOKEN_BUCKET"{parameters},
               "badRequestDetail":{{"fields":[{{"field":"f","description":"d"}}]}},"other":1}}"#
        );
        let error = read(response(429, Some("application/json"), body), false).unwrap_err();
        let api = error.api_error().unwrap();
        assert_eq!(api.parameters.as_ref().map(Vec::len), expected);
        assert!(error.to_string().contains("f: d"), "{error}");
    }
}

#[test]
fn an_error_with_any_subset_of_the_documented_fields_is_recognised() {
    let cases = [
        (
            r#"{"error":401,"reason":"Unauthorized","detail":"Not for you."}"#,
            "answered 401 Unauthorized: Not for you;",
        ),
        (
            r#"{"error":404,"errorCode":null,"detail":"Gone."}"#,
            "answered 401: Gone (the body states 404);",
        ),
        (r#"{"error":"401"}"#, "answered 401;"),
        (r#"{"reason":"Unauthorized"}"#, "answered 401 Unauthorized;"),
        (
            r#"{"errorCode":"A_CODE","parameters":{"a":1}}"#,
            "answered 401 A_CODE;",
        ),
        (
            r#"{"error":400,"badRequestDetail":{"fields":"name is too long"}}"#,
            "answered 401; a field: name is too long (the body states 400);",
        ),
        (
            r#"{"error":"invalid_token","error_description":"It has\nexpired."}"#,
            "answered 401 invalid_token: It has expired;",
        ),
        (
            r#"{"status":401,"content":{"error":401,"reason":"Unauthorized"}}"#,
            "answered 401 Unauthorized;",
        ),
    ];
    for (body, expected) in cases {
        for envelope in [false, true] {
            let error = read(response(401, None, body), envelope).unwrap_err();
            assert!(error.api_error().is_some(), "{body}");
            let line = error.to_string();
            assert!(line.contains(expected), "{line}");
            assert!(line.contains("check the key"), "{line}");
            assert_eq!(line.lines().count(), 1);
        }
    }
}

#[test]
fn no_text_of_an_error_breaks_its_line() {
    let text = "a\\u001b[2J\\u202eb\\u2028c\\u2066d\\u009be";
    for field in ["errorCode", "reason", "detail"] {
        let body = format!("{{\"{field}\":\"{text}\"}}");
        let line = read(response(404, None, body), false)
            .unwrap_err()
            .to_string();
        assert!(line.contains("a [2J b c d e"), "{line:?}");
    }
}

#[test]
fn the_code_is_that_of_the_header_if_the_body_has_none() {
    let bodies = [
        r#"{"error":400,"detail":"No."}"#,
        r#"{"error":400,"errorCode":null}"#,
        "\"No\"",
        "[]",
        "",
        "<html>",
    ];
    let code = "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API";
    for body in bodies {
        let mut response = response(400, None, body);
        let headers = response.headers_mut();
        headers.insert("x-error-code", code.parse().unwrap());
        let error = read(response.clone(), false).unwrap_err();
        let api = error.api_error().unwrap();
        assert_eq!(api.error_code.as_deref(), Some(code), "{body}");
        assert!(error.to_string().contains("cluster operations"), "{error}");
        *response.body_mut() = r#"{"errorCode":"OTHER"}"#.into();
        let error = read(response, false).unwrap_err();
        assert!(error.api_error().unwrap().has_code("OTHER"), "{error}");
    }
}

#[test]
fn an_error_body_with_a_success_status_is_an_error() {
    for (body, status) in [
        (r#"{"error":404,"errorCode":"CLUSTER_NOT_FOUND"}"#, 404),
        (r#"{"error":"401","reason":"Unauthorized"}"#, 401),
        (r#"{"errorCode":"A_CODE","detail":"No."}"#, 200),
        (r#"{"status":401,"error":401,"reason":"Unauthorized"}"#, 401),
        (
            r#"{"status":200,"content":{"error":500,"errorCode":"A"}}"#,
            500,
        ),
    ] {
        let error = read(response(200, None, body), true).unwrap_err();
        assert!(error.api_error().is_some(), "{body}");
        assert_eq!(error.status(), status, "{body}");
    }
    for body in [
        r#"{"error":null}"#,
        r#"{"error":0,"detail":"fine"}"#,
        r#"{"id":"error"}"#,
    ] {
        assert!(read(response(200, None, body), true).is_ok(), "{body}");
    }
}

#[test]
fn a_body_that_is_not_an_atlas_error_becomes_a_usable_error() {
    let long = format!("<html>{}</html>", "x ".repeat(100_000));
    let cases: [(u16, Option<&str>, &[u8], &str); 8] = [
        (
            502,
            Some("text/html"),
            b"<html><h1>Bad\n Gateway</h1>",
            "<html><h1>Bad Gateway</h1>",
        ),
        (503, None, b"", "the body is empty"),
        (
            500,
            Some("application/json"),
            br#"{"error": 500, "errorC"#,
            r#"{"error": 500, "errorC"#,
        ),
        (
            500,
            Some("text/plain;charset=iso-8859-1"),
            b"caf\xe9",
            "café",
        ),
        (500, Some("text/plain"), b"caf\xe9", "caf\u{fffd}"),
        (400, Some("application/json"), b"[]", "[]"),
        (302, None, b"", "302"),
        (500, Some("text/html"), long.as_bytes(), "<html>x x"),
    ];
    for (status, media_type, body, expected) in cases {
        let error = read(response(status, media_type, body.to_vec()), false).unwrap_err();
        let ResponseError::Unreadable(unreadable) = &error else {
            panic!("{error}");
        };
        assert_eq!(error.status(), status);
        assert_eq!(unreadable.media_type.as_deref(), media_type);
        assert!(unreadable.excerpt.chars().count() <= Unreadable::EXCERPT_CHARACTERS);
        let line = error.to_string();
        assert!(line.contains(expected), "{line}");
        assert!(line.contains(&status.to_string()), "{line}");
        assert_eq!(line.lines().count(), 1);
    }
}

#[test]
fn a_success_without_a_resource_is_an_error_that_shows_no_link() {
    let link = "https://store.example/file?signature=s3cret";
    let bodies = [
        format!("<html><a href=\"{link}\">"),
        format!(r#"{{"snapshotUrl":"{link}""#),
        format!("[\"{link}\"]"),
        format!(r#"{{"snapshotUrl":"{}"#, link.replace(':', "\\u003a")),
        String::new(),
        "\u{feff}{}".to_owned(),
    ];
    for body in bodies {
        let error = read(response(200, Some("text/html"), body.clone()), false).unwrap_err();
        assert!(matches!(error, ResponseError::Unreadable(_)), "{body}");
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("store.example"),
            "{shown}"
        );
    }
    for odd in [
        "",
        r#","links":7"#,
        ",\"links\":\"LINK\"",
        ",\"snapshotUrl\":\"LINK\"",
        ",\"id\":\"LINK\"",
    ] {
        let body = format!(r#"{{"snapshotUrl":"{link}"{}}}"#, odd.replace("LINK", link));
        let answer = read(response(200, None, body), false).unwrap();
        assert!(!format!("{answer:?}").contains("s3cret"), "{odd}");
        let told: Vec<String> = answer.deviations.iter().map(ToString::to_string).collect();
        assert!(!told.concat().contains("s3cret"), "{told:?}");
        assert_eq!(told.is_empty(), odd.is_empty());
    }
}

#[test]
fn headers_become_metadata_and_invalid_ones_are_absent() {
    let mut response = response(200, Some("application/vnd.atlas.2023-01-01+json"), "{}");
    let headers = response.headers_mut();
    for (name, value) in [
        ("deprecation", "Mon, 5 Aug 2024 00:00:00 GMT"),
        ("sunset", "Thu, 1 Jul 2027 00:00:00 GMT"),
        ("ratelimit-limit", "1200"),
        ("ratelimit-remaining", "1199"),
        ("x-java-method", "A::b"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    let meta = read(response.clone(), false).unwrap().meta;
    assert_eq!(meta.deprecation.unwrap().as_second(), 1_722_816_000);
    assert_eq!(meta.sunset.unwrap().to_string(), "2027-07-01T00:00:00Z");
    let rate_limit = meta.rate_limit.unwrap();
    assert_eq!((rate_limit.limit, rate_limit.remaining), (Some(1200), 1199));
    assert_eq!(meta.handler.as_deref(), Some("A::b"));
    for name in [
        "deprecation",
        "sunset",
        "ratelimit-remaining",
        "content-type",
    ] {
        response
            .headers_mut()
            .insert(name, "\u{e9}?".parse().unwrap());
    }
    let meta = read(response, false).unwrap().meta;
    assert_eq!(
        (meta.version, meta.deprecation, meta.sunset, meta.rate_limit),
        (None, None, None, None)
    );
}

#[test]
fn an_error_in_an_envelope_and_a_web_page_are_never_a_success() {
    use atlas_model::flex_clusters::{DeleteFlexCluster, GetFlexCluster};
    let bodies = [
        (
            None,
            r#"{"status":404,"content":{"error":404,"errorCode":"CLUSTER_NOT_FOUND"}}"#,
        ),
        (None, r#"{"content":{"error":404}, "status": 404}"#),
        (Some("text/html"), "<html>Sign in</html>"),
    ];
    for (media_type, body) in bodies {
        let options = CallOptions::default();
        let got = GetFlexCluster::from_response(response(200, media_type, body), &options);
        assert!(got.is_err(), "{body}");
        let deleted = DeleteFlexCluster::from_response(response(200, media_type, body), &options);
        assert!(deleted.is_err(), "{body}");
    }
}
