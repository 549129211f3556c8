//! The values in requests and responses.

use atlas_model::flex_clusters::{FlexClusterDescription, GetFlexCluster};
use atlas_model::flex_snapshots::FlexBackupSnapshot;
use atlas_model::projects::Project;
use atlas_model::{
    ApiError, Body, CallOptions, CollectionName, DatabaseName, Empty, OperationExt, Page,
    Patterned, Payload, ProjectId, ResponseError, Secret, SnapshotUrl,
};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

const ID: &str = "32b6e34b3d91647abb20e7b8";

fn read<T: Payload>(body: &Value) -> (T, Vec<String>) {
    let (value, deviations) = T::read(&body.to_string().into()).unwrap();
    (value, deviations.iter().map(ToString::to_string).collect())
}

#[test]
fn only_the_invalid_part_of_a_page_is_left_out() {
    let body = json!({"results": [{"id": ID, "status": 5}, 7, {"id": "odd"}], "totalCount": 3});
    let (page, deviations): (Page<FlexBackupSnapshot>, _) = read(&body);
    assert_eq!(page.total_count, Some(3));
    let ids: Vec<bool> = page.items().iter().map(|item| item.id.is_some()).collect();
    assert_eq!(ids, [true, false]);
    assert_eq!(
        deviations,
        [
            "results[0].status: a number, expected a string",
            "results[1]: a number, expected an object",
            "results[2].id: a string, expected 24 lowercase hex digits",
        ]
    );
    assert_eq!(page.into_items().len(), 2);
}

#[test]
fn an_empty_response_and_a_file_are_read_with_any_content() {
    let odd = Bytes::from_static(b"{");
    assert_eq!(Empty::read(&odd), Ok((Empty, Vec::new())));
    let (file, deviations) = Body::read(&odd).unwrap();
    assert_eq!((file.bytes(), deviations.len()), (&odd, 0));
}

#[test]
fn a_value_that_was_read_can_be_changed_and_sent_back_with_its_read_only_fields() {
    let (mut cluster, _): (FlexClusterDescription, _) =
        read(&json!({"groupId": ID, "name": "Flex0", "stateName": "IDLE", "tags": []}));
    cluster.termination_protection_enabled = Some(true);
    assert_eq!(
        serde_json::to_value(&cluster).unwrap(),
        json!({"groupId": ID, "name": "Flex0", "stateName": "IDLE", "tags": [],
               "terminationProtectionEnabled": true})
    );
}

#[test]
fn no_pattern_bound_or_required_field_is_enforced_on_a_response() {
    let (project, deviations): (Project, _) = read(&json!({"name": "odd / name \u{1f600}"}));
    assert_eq!(project.name.as_deref(), Some("odd / name \u{1f600}"));
    assert_eq!(deviations, [""; 0]);
}

#[test]
fn the_error_of_an_id_of_another_type_states_what_is_expected() {
    let strict = serde_json::from_value::<ProjectId>(json!(1)).unwrap_err();
    assert_eq!(
        strict.to_string(),
        "invalid type: integer `1`, expected a string (24 lowercase hex digits)"
    );
}

#[test]
fn a_timestamp_keeps_its_text() {
    let (snapshot, _): (FlexBackupSnapshot, _) =
        read(&json!({"finishTime": "2026-01-02T03:04:05Z"}));
    let time = snapshot.finish_time.unwrap();
    assert_eq!(
        (time.as_str(), time.to_string()),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z".into())
    );
}

#[test]
fn debug_hides_links_and_secrets_and_shows_that_it_did() {
    let shown = format!(
        "{:?} {:?}",
        SnapshotUrl::new("https://store.example/s3cr3t"),
        Secret::from("s3cr3t")
    );
    assert!(!shown.contains("s3cr3t"), "{shown}");
    assert!(
        shown.contains("SnapshotUrl") && shown.contains("Secret"),
        "{shown}"
    );
}

fn refusal(status: u16, body: &Value) -> ResponseError {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let options = CallOptions::default();
    GetFlexCluster::from_response(response, &options).unwrap_err()
}

#[test]
fn an_error_lists_its_likely_causes_in_order() {
    let error = |status: u16, code: &str| json!({"error": status, "errorCode": code});
    for (status, code, hint) in [
        (
            400,
            "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API",
            "the cluster is not a Flex cluster",
        ),
        (429, "RATE_LIMITED_TOKEN_BUCKET", "wait before"),
        (500, "UNEXPECTED_ERROR", "try again later"),
        (599, "UNEXPECTED_ERROR", "try again later"),
        (
            404,
            "CLUSTER_NOT_FOUND",
            "; check the cluster's name; check the project id",
        ),
    ] {
        let error = refusal(status, &error(status, code));
        assert!(!error.likely_causes().is_empty(), "{code}");
        assert!(error.to_string().contains(hint), "{error}");
    }
    assert_eq!(refusal(418, &error(418, "TEAPOT")).likely_causes(), []);
    let unreadable = refusal(502, &json!([1]));
    assert!(unreadable.to_string().len() > 20, "{unreadable}");
    let cut: ResponseError = {
        let response = Response::new(Bytes::from_static(b"{\"name\": 1"));
        GetFlexCluster::from_response(response, &CallOptions::default()).unwrap_err()
    };
    assert!(cut.to_string().contains("line 1"), "{cut}");
}

#[test]
fn only_a_429_has_throttle_numbers() {
    let parameters = ["here", "55", "10", "5", "60"].map(Value::from).to_vec();
    let of = |code: &str| {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, code, "");
        error.with_parameters(parameters.clone())
    };
    let throttle = of("RATE_LIMITED_TOKEN_BUCKET").throttle().unwrap();
    assert_eq!(
        (throttle.wait.as_secs(), throttle.capacity, throttle.refill),
        (55, 10, 5)
    );
    assert_eq!(
        (throttle.endpoint.as_str(), throttle.period.as_secs()),
        ("here", 60)
    );
    assert!(of("ANOTHER").throttle().is_none());
    assert_eq!(of("ANOTHER").to_string(), "429 ANOTHER");
}

#[test]
fn two_wrong_digits_side_by_side_are_as_wrong_as_one() {
    for id in [
        "zz".repeat(12),
        format!("gg{}", &ID[2..]),
        format!("{}!!", &ID[2..]),
    ] {
        let error = ProjectId::parse(&id).unwrap_err();
        assert!(error.pattern().contains("[a-f0-9]"), "{id}");
    }
}

#[test]
fn debug_of_a_body_shows_its_length() {
    let response = Response::new(Bytes::from_static(b"{\"name\": \"s3cr3t\"}"));
    let read = GetFlexCluster::from_response(response, &CallOptions::default());
    let shown = format!("{:?}", read.unwrap().body);
    assert!(shown.contains("18") && !shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn a_version_has_ten_characters_and_two_hyphens() {
    for odd in [
        "2025-03-1",
        "2025-03-123",
        "2025/03/12",
        "20250312",
        "2025-0a-12",
        "aaaa-bb-cc",
    ] {
        assert!(odd.parse::<atlas_model::ApiVersion>().is_err(), "{odd}");
    }
}

#[test]
fn a_text_matches_if_and_only_if_it_parses() {
    for text in ["sample", "a b", "Größe", "", ".", "..", "a/b"] {
        let parsed = DatabaseName::parse(text).is_ok();
        assert_eq!(DatabaseName::is_match(text), parsed, "{text:?}");
        let parsed = CollectionName::parse(text).is_ok();
        assert_eq!(CollectionName::is_match(text), parsed, "{text:?}");
    }
    assert!(DatabaseName::is_match("sample") && !DatabaseName::is_match(".."));
}
