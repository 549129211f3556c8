//! Requests, written by the client's end and read by the server's.

use atlas_model::{
    CallOptions, DownloadTenantSnapshot, OPERATIONS, Operation, OperationExt, ProjectId,
    RequestError, RequestReader, Route, route,
};
use http::{Method, Request, StatusCode};

use crate::{fixture, fixture_json};

const FOLDER: &str = "downloadGroupClusterBackupTenant";

/// The documented operation, from its fixture.
fn documented() -> DownloadTenantSnapshot {
    let facts = fixture_json(&format!("{FOLDER}/operation.json"));
    let body = fixture(&format!("{FOLDER}/request.json"));
    let example = |index: usize| facts["parameters"][index]["example"].as_str().unwrap();
    let reader = RequestReader::new(DownloadTenantSnapshot::META)
        .with_path("groupId", example(0))
        .with_path("clusterName", example(1))
        .with_body(body.as_bytes());
    DownloadTenantSnapshot::decode(&reader).unwrap()
}

fn options() -> CallOptions {
    CallOptions {
        version: Some("2025-02-19".parse().unwrap()),
        ..CallOptions::default()
    }
}

#[test]
fn the_metadata_is_the_documented_one() {
    let facts = fixture_json(&format!("{FOLDER}/operation.json"));
    let meta = DownloadTenantSnapshot::META;
    assert_eq!(facts["operationId"], meta.id);
    assert_eq!(facts["shortOperationId"], meta.short_id);
    assert_eq!(facts["tag"], meta.tag);
    assert_eq!(facts["command"][2], meta.tag_command());
    assert_eq!(facts["method"], meta.method.as_str());
    assert_eq!(facts["path"], meta.path);
    assert_eq!(facts["versionAnswered"], meta.newest().version.to_string());
    assert_eq!(facts["sunset"], meta.sunset().unwrap().to_string());
    assert_eq!(facts["successor"], meta.successor.unwrap());
    for (index, parameter) in meta.path_parameters.iter().enumerate() {
        assert_eq!(facts["parameters"][index]["name"], parameter.name);
        assert_eq!(facts["parameters"][index]["pattern"], parameter.pattern);
    }
}

#[test]
fn an_older_version_answers_a_newer_question_and_none_an_older_one() {
    let meta = DownloadTenantSnapshot::META;
    let answered = meta.answered("2025-02-19".parse().unwrap()).unwrap();
    assert_eq!(answered.version.to_string(), "2023-01-01");
    assert!(meta.answered("2022-12-31".parse().unwrap()).is_none());
}

#[test]
fn a_request_reads_back_as_the_operation_it_was_written_from() {
    let operation = documented();
    for (envelope, pretty) in [(false, false), (true, false), (false, true), (true, true)] {
        let options = CallOptions {
            envelope,
            pretty,
            ..options()
        };
        let request = operation.to_request(&options).unwrap();
        let (read, seen) = DownloadTenantSnapshot::from_request(&request).unwrap();
        assert_eq!((read, seen), (operation.clone(), options));
    }
}

#[test]
fn the_route_table_finds_the_operation_and_names_other_methods() {
    let request = documented().to_request(&options()).unwrap();
    let path = request.uri().path();
    assert!(
        matches!(route(&Method::POST, path), Route::Operation(found) if found.meta.id == FOLDER)
    );
    assert!(
        matches!(route(&Method::GET, path), Route::OtherMethods(methods) if methods == [&Method::POST])
    );
    for odd in [
        "/",
        "",
        "/api/atlas/v2",
        &format!("{path}/"),
        &format!("/{path}"),
    ] {
        assert!(matches!(route(&Method::POST, odd), Route::Unknown), "{odd}");
    }
}

/// Changes the documented request and reads it as a server does.
fn refused(change: impl FnOnce(&mut Request<Vec<u8>>)) -> RequestError {
    let mut request = documented()
        .to_request(&options())
        .unwrap()
        .map(|body| body.to_vec());
    change(&mut request);
    DownloadTenantSnapshot::from_request(&request).unwrap_err()
}

#[test]
fn a_request_that_strays_is_refused_with_its_field_named() {
    let path = |group: &str, cluster: &str| {
        format!("/api/atlas/v2/groups/{group}/clusters/{cluster}/backup/tenant/download")
    };
    let good = "32b6e34b3d91647abb20e7b8";
    let bodies = [
        (
            r#"{"snapshotId":"X","targetDeploymentItemName":"a"}"#,
            "snapshotId",
        ),
        (
            r#"{"snapshotId":"32b6e34b3d91647abb20e7b8","targetDeploymentItemName":"a b"}"#,
            "targetDeploymentItemName",
        ),
        (
            r#"{"snapshotId":"32b6e34b3d91647abb20e7b8","targetDeploymentItemName":"a","targetProjectId":"Y"}"#,
            "targetProjectId",
        ),
    ];
    for (body, field) in bodies {
        let error = refused(|request| *request.body_mut() = body.into());
        assert_eq!(error.field(), Some(field), "{error}");
        assert!(error.to_string().starts_with(field), "{error}");
        let answer = error.to_api_error();
        assert_eq!(
            (answer.error.unwrap(), answer.error_code.as_deref().unwrap()),
            (400, "VALIDATION_ERROR")
        );
    }
    let targets = [
        (path("32B6", "Cluster0"), "groupId"),
        (path(good, "a%20b"), "clusterName"),
        (path(good, "%ff"), "clusterName"),
        (path(good, ""), "clusterName"),
        (path(good, "a%2fb"), "clusterName"),
        (path(good, "a") + "?envelope=yes", "envelope"),
        (path(good, "a") + "?pretty", "pretty"),
    ];
    for (target, field) in targets {
        let error = refused(|request| *request.uri_mut() = target.parse().unwrap());
        assert_eq!(error.field(), Some(field), "{target}: {error}");
    }
}

#[test]
fn a_body_may_not_set_what_only_atlas_says_nor_repeat_or_break_off() {
    let good = r#""snapshotId":"32b6e34b3d91647abb20e7b8","targetDeploymentItemName":"a""#;
    for body in [
        format!(r#"{{{good},"status":"COMPLETED"}}"#),
        format!(r#"{{{good},"snapshotId":"32b6e34b3d91647abb20e7b8"}}"#),
        format!("{{{good}"),
        format!("{{{good}}} trailing"),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "not json".to_owned(),
        format!(r#"{{{good},"targetProjectId":7}}"#),
    ] {
        let error = refused(|request| *request.body_mut() = body.clone().into_bytes());
        assert!(
            matches!(error, RequestError::Body { .. }),
            "{body}: {error}"
        );
        assert_eq!(error.to_string().lines().count(), 1);
    }
    let error = refused(|request| request.body_mut().clear());
    assert!(matches!(error, RequestError::EmptyBody { .. }), "{error}");
    let error = refused(|request| request.body_mut().insert(0, 0xff));
    assert!(matches!(error, RequestError::Body { .. }), "{error}");
}

#[test]
fn a_null_target_project_is_an_absent_one() {
    let body = br#"{"snapshotId":"32b6e34b3d91647abb20e7b8","targetDeploymentItemName":"a","targetProjectId":null}"#;
    let reader = RequestReader::new(DownloadTenantSnapshot::META)
        .with_path("groupId", "32b6e34b3d91647abb20e7b8")
        .with_path("clusterName", "a")
        .with_body(&body[..]);
    let operation = DownloadTenantSnapshot::decode(&reader).unwrap();
    assert_eq!(operation.request.target_project_id, None::<ProjectId>);
}

#[test]
fn headers_that_ask_for_no_version_or_send_no_json_are_refused() {
    let cases = [
        ("accept", "application/json", StatusCode::NOT_ACCEPTABLE),
        ("accept", "*/*", StatusCode::NOT_ACCEPTABLE),
        (
            "accept",
            "application/vnd.atlas.2022-12-31+json",
            StatusCode::NOT_ACCEPTABLE,
        ),
        (
            "content-type",
            "text/plain",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "content-type",
            "application/x-www-form-urlencoded",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ];
    for (name, value, status) in cases {
        let error = refused(|request| {
            request.headers_mut().insert(name, value.parse().unwrap());
        });
        assert_eq!(
            error.to_api_error().status(),
            Some(status),
            "{value}: {error}"
        );
    }
    let error = refused(|request| *request.method_mut() = Method::PUT);
    assert!(
        matches!(error, RequestError::WrongOperation { .. }),
        "{error}"
    );
    let answered = error.to_api_error();
    assert_eq!(answered.status(), Some(StatusCode::NOT_FOUND));
    assert!(answered.has_code("RESOURCE_NOT_FOUND"));
}

#[test]
fn missing_named_values_are_named() {
    let operation = &OPERATIONS[0];
    let empty = RequestReader::new(operation.meta);
    let error = operation.request(&empty, &options()).unwrap_err();
    assert_eq!(error.to_string(), "groupId is missing");
}
