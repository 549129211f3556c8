//! The JSON Schemas of the server match the accepted requests and the responses.

use atlas_sandbox::{FaultPlan, SandboxServer};
use serde_json::{Value, json};

use crate::control::control;
use crate::server::get;

async fn schema(server: &SandboxServer, name: &str) -> jsonschema::Validator {
    let answer = control(server, "GET", &format!("schemas/{name}"), "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let schema = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[tokio::test]
async fn a_fault_plan_matches_the_schema_if_it_is_accepted() {
    let server = SandboxServer::start().await.unwrap();
    let schema = schema(&server, "faults").await;
    for good in [
        json!([]),
        json!([{"do": "reset"}]),
        json!([{"operation": "listGroupFlexClusters", "nth": [1, 2],
            "do": {"status": {"status": 503, "retryAfter": 1, "errorCode": "A"}}}]),
        json!([{"path": "/sandbox-store/", "nth": [1_000_000], "do": {"truncate": 100_000}}]),
        json!([{"path": "/sandbox-store/", "do": {"stall": 1_100_585_369_600_u64}}]),
        json!([{"operation": "listProjects", "path": "/api/", "do": "staleNonce"},
            {"path": "/api/oauth/token", "nth": [3], "do": "expiredToken"},
            {"do": {"delayMs": 3_600_000}}]),
        json!([{"operation": "getGroup", "do": {"slow": 1}}]),
        json!([{"operation": "getGroup", "do": {"status": {"status": 200, "errorCode": null}}}]),
    ] {
        assert!(FaultPlan::from_json(&good.to_string()).is_ok(), "{good}");
        assert!(schema.is_valid(&good), "{good}");
    }
    for bad in [
        json!({}),
        json!([{}]),
        json!([{"do": "explode"}]),
        json!([{"do": "reset", "more": 1}]),
        json!([{"operation": "", "do": "reset"}]),
        json!([{"operation": null, "do": "reset"}]),
        json!([{"path": "sandbox-store", "do": "reset"}]),
        json!([{"path": "/?a", "do": "reset"}]),
        json!([{"nth": [], "do": "reset"}]),
        json!([{"nth": [0], "do": "reset"}]),
        json!([{"nth": [2, 2], "do": "reset"}]),
        json!([{"nth": [1_000_001], "do": "reset"}]),
        json!([{"nth": 1, "do": "reset"}]),
        json!([{"do": {"status": {"status": 42}}}]),
        json!([{"do": {"status": {"status": 600}}}]),
        json!([{"do": {"status": {"status": 503, "errorCode": ""}}}]),
        json!([{"do": {"status": {"status": 503, "retry_after": 1}}}]),
        json!([{"do": {"delayMs": 0}}]),
        json!([{"do": {"delayMs": 3_600_001}}]),
        json!([{"do": {"slow": 0}}]),
        json!([{"do": {"truncate": -1}}]),
        json!([{"do": {"truncate": 1_100_585_369_601_u64}}]),
        json!([{"do": {"truncate": 1, "stall": 1}}]),
    ] {
        assert!(FaultPlan::from_json(&bad.to_string()).is_err(), "{bad}");
        assert!(!schema.is_valid(&bad), "{bad}");
    }
    let many = |count: usize| Value::from(vec![json!({"nth": [1], "do": "reset"}); count]);
    assert!(schema.is_valid(&many(1000)) && !schema.is_valid(&many(1001)));
    assert!(FaultPlan::from_json(&many(1001).to_string()).is_err());
}

#[tokio::test]
async fn a_clock_request_matches_the_schema_if_it_is_accepted() {
    let server = SandboxServer::start().await.unwrap();
    let schema = schema(&server, "clock").await;
    for (method, body, good) in [
        ("POST", json!({"advanceSeconds": 0}), true),
        ("POST", json!({"advanceSeconds": 3_162_240_000_u64}), true),
        ("POST", json!({"advanceSeconds": 3_162_240_001_u64}), false),
        ("POST", json!({"advanceSeconds": -1}), false),
        ("POST", json!({"advanceSeconds": 1.5}), false),
        ("PUT", json!({"now": "2026-05-04T09:42:00Z"}), true),
        ("PUT", json!({"stopped": true}), true),
        ("PUT", json!({"stopped": 1}), false),
        ("PUT", json!({"now": 1}), false),
        ("PUT", json!({}), false),
    ] {
        let answer = control(&server, method, "clock", &body.to_string()).await;
        let status = if good { "HTTP/1.1 204" } else { "HTTP/1.1 400" };
        assert!(answer.starts_with(status), "{body}: {answer}");
        assert_eq!(schema.is_valid(&body), good, "{body}");
    }
}

#[tokio::test]
async fn the_journal_matches_its_schema() {
    let server = SandboxServer::start().await.unwrap();
    control(&server, "PUT", "faults", r#"[{"nth": [1], "do": "reset"}]"#).await;
    get(&server, "/x").await;
    get(&server, "/api/atlas/v2/groups").await;
    let schema = schema(&server, "requests").await;
    let answer = control(&server, "GET", "requests", "").await;
    let shown: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(shown["recorded"], 2);
    schema.validate(&shown).unwrap();
}
