//! Request bodies in the styles of different clients.

use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, Sandbox, SandboxServer};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::server::send_raw;

const FLEX: &str = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/flexClusters";

fn send(sandbox: &mut Sandbox, request: http::request::Builder, body: &str) -> Response<Bytes> {
    let request: Request<Bytes> = request
        .header("accept", "application/vnd.atlas.2025-03-12+json")
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .body(body.to_owned().into())
        .unwrap();
    sandbox.handle("2026-05-04T09:42:00Z".parse().unwrap(), request)
}

fn answered(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn a_resource_that_was_read_can_be_changed_and_sent_back() {
    let mut sandbox = Sandbox::new();
    let path = format!("{FLEX}/{FLEX_CLUSTER}");
    let mut cluster = answered(&send(&mut sandbox, Request::get(&path), ""));
    assert!(cluster.get("stateName").is_some() && cluster.get("links").is_some());
    cluster["tags"] = json!([{"key": "team", "value": "shop"}]);
    let change = Request::patch(&path).header("content-type", "application/json");
    let response = send(&mut sandbox, change, &cluster.to_string());
    assert_eq!(response.status(), 200, "{response:?}");
    let shown = answered(&response);
    assert_eq!(shown["tags"], cluster["tags"]);
    assert_eq!(shown["name"], FLEX_CLUSTER);
}

#[test]
fn read_only_and_unknown_fields_are_ignored_at_any_depth() {
    let mut sandbox = Sandbox::new();
    let post = || Request::post(FLEX).header("content-type", "application/json");
    let body = json!({
        "name": "Made", "stateName": "DELETING", "a.b[0]": {"c": []}, "id": 5,
        "providerSettings": {
            "backingProviderName": "AWS", "regionName": "US_EAST_1", "providerName": "FLEX",
            "diskSizeGB": 5.0,
        },
        "tags": [
            {"key": "a", "value": "b", "colour": "red"},
            {"key": "c", "value": "d", "x`, expected": 1},
        ],
    });
    let response = send(&mut sandbox, post(), &body.to_string());
    assert!(response.status().is_success(), "{response:?}");
    let shown = answered(&response);
    assert_eq!(shown["stateName"], "CREATING");
    assert_eq!(shown["tags"][0], json!({"key": "a", "value": "b"}));

    // Invalid fields next to them are still refused.
    for odd in [
        json!({"name": "Other", "unheardOf": 1}),
        json!({"name": 5, "unheardOf": 1, "providerSettings":
            {"backingProviderName": "AWS", "regionName": "US_EAST_1"}}),
    ] {
        let response = send(&mut sandbox, post(), &odd.to_string());
        assert_eq!(response.status(), 400, "{response:?}");
    }
    let mut many: serde_json::Map<_, _> = (0..500).map(|n| (format!("f{n}"), json!(1))).collect();
    many.insert("name".to_owned(), json!(5));
    let response = send(&mut sandbox, post(), &Value::Object(many).to_string());
    assert_eq!(response.status(), 400, "{response:?}");
}

#[test]
fn every_json_media_type_is_accepted() {
    for (media_type, status) in [
        ("application/json", 200),
        ("APPLICATION/JSON", 200),
        ("application/json;charset=utf-8", 200),
        ("application/json ; charset=\"UTF-8\"", 200),
        ("application/vnd.atlas.2024-11-13+json", 200),
        ("application/vnd.atlas.2025-03-12+json; charset=utf-8", 200),
        ("Application/Vnd.Atlas.2024-11-13+JSON", 200),
        ("application/vnd.atlas.2024-11-13+csv", 415),
        ("application/vnd.atlas.yesterday+json", 415),
        ("application/jsonp", 415),
        ("text/json", 415),
        ("", 415),
    ] {
        let mut sandbox = Sandbox::new();
        let project = PROJECT.parse().unwrap();
        let snapshot = sandbox.snapshots(project, &FLEX_CLUSTER.parse().unwrap())[0];
        let path = format!("{FLEX}/{FLEX_CLUSTER}/backup/download");
        let post = Request::post(path).header("content-type", media_type);
        let body = format!("{{ \"snapshotId\" :\n\t\"{snapshot}\" }}\n");
        let response = send(&mut sandbox, post, &body);
        assert_eq!(response.status(), status, "{media_type}: {response:?}");
    }
}

#[test]
fn another_method_returns_405_with_allow_and_no_body() {
    let mut sandbox = Sandbox::new();
    for query in ["", "?envelope=true", "?pretty=true"] {
        let response = send(&mut sandbox, Request::put(format!("{FLEX}{query}")), "{}");
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, POST");
        let names: Vec<_> = response
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        assert_eq!(names, ["allow", "date"], "{response:?}");
        assert!(response.body().is_empty());
    }
}

#[tokio::test]
async fn the_log_names_the_fields_that_were_ignored() {
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = log.clone();
    let server = SandboxServer::builder(Sandbox::new())
        .log(move |answered| kept.lock().unwrap().push(answered.ignored_fields.clone()))
        .start()
        .await
        .unwrap();
    for body in [
        r#"{"tags": [], "stateName": "IDLE", "providerSettings": {"x": 1}}"#,
        r#"{"tags": []}"#,
    ] {
        let length = body.len();
        let token = OWNER.access_token;
        let request = format!(
            "PATCH {FLEX}/{FLEX_CLUSTER} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             accept: application/vnd.atlas.2025-03-12+json\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answer = send_raw(&server, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let log = log.lock().unwrap();
    assert_eq!(*log, [vec!["providerSettings", "stateName"], vec![]]);
}
