//! Tests of the judge of requests: equivalent requests pass, others fail.

use std::time::Duration;

use atlas_conformance::{ClientCase, Difference, Observation, Outcome, WireRequest, judge};

/// Returns the faults of a request if a case requires `required`.
fn faults(
    required: &serde_json::Value,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<Difference> {
    let case = serde_json::json!({
        "call": {}, "answers": [],
        "expect": {"requests": [required], "outcome": {"kind": "ok"}},
    });
    let case: ClientCase = serde_json::from_value(case).unwrap();
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = WireRequest {
        method: "POST".to_owned(),
        target: target.to_owned(),
        headers: headers.collect(),
        body: body.to_vec(),
        at: Duration::ZERO,
    };
    let observation = Observation {
        requests: vec![request],
        outcome: Outcome::of("ok"),
        output: String::new(),
        took: Duration::ZERO,
        memory: None,
    };
    judge(&case, &observation)
}

#[test]
fn a_status_is_compared_if_a_case_names_one() {
    for (required, seen, right) in [
        (None, None, true),
        (None, Some(401), true),
        (Some(401), Some(401), true),
        (Some(401), Some(403), false),
        (Some(401), None, false),
    ] {
        let case = serde_json::json!({
            "call": {}, "answers": [],
            "expect": {"outcome": {"kind": "challenge", "status": required}},
        });
        let case: ClientCase = serde_json::from_value(case).unwrap();
        let observation = Observation {
            requests: Vec::new(),
            outcome: Outcome {
                status: seen,
                ..Outcome::of("challenge")
            },
            output: String::new(),
            took: Duration::ZERO,
            memory: None,
        };
        let found = judge(&case, &observation);
        assert_eq!(found.is_empty(), right, "{required:?} {seen:?}: {found:?}");
    }
}

#[test]
fn a_json_body_is_compared_as_json() {
    let required = serde_json::json!({"body": r#"{"a":"é/","b":[1,2.5,null],"c":{"d":true}}"#});
    for (body, right) in [
        (r#"{"a":"é/","b":[1,2.5,null],"c":{"d":true}}"#, true),
        (
            " { \"c\" : {\"d\":true},\r\n\t\"b\":[1.0, 25e-1 ,null] , \"a\":\"\\u00E9\\/\" }\n",
            true,
        ),
        (r#"{"a":"é/","b":[1,2.5,null],"c":{"d":true},"e":1}"#, false),
        (r#"{"a":"é/","b":[1,2.5,null]}"#, false),
        (r#"{"a":"é/","b":[2.5,1,null],"c":{"d":true}}"#, false),
        (r#"{"a":"é/","b":["1",2.5,null],"c":{"d":true}}"#, false),
        (r#"{"a":"é/","b":[1,2.5,0],"c":{"d":true}}"#, false),
        (r#"{"a":"é/ ","b":[1,2.5,null],"c":{"d":true}}"#, false),
        (r#"{"A":"é/","b":[1,2.5,null],"c":{"d":true}}"#, false),
        (
            r#"{"a":"","a":"é/","b":[1,2.5,null],"c":{"d":true}}"#,
            false,
        ),
        (
            r#"{"a":"é/","b":[1,2.5,null],"c":{"d":false,"d":true}}"#,
            false,
        ),
        (r#"{"a":"é/","b":[1,2.5,null],"c":{"d":true}}{}"#, false),
        (
            "\u{feff}{\"a\":\"é/\",\"b\":[1,2.5,null],\"c\":{\"d\":true}}",
            false,
        ),
        (r#"{"a":"é/","b":[1,2.5,null],"c":{"d":true},}"#, false),
        ("", false),
    ] {
        let found = faults(&required, "/", &[], body.as_bytes());
        assert_eq!(found.is_empty(), right, "{body}: {found:?}");
    }
    let latin_1 = "{\"a\":\"é/\",\"b\":[1,2.5,null],\"c\":{\"d\":true}}"
        .chars()
        .map(|character| u8::try_from(u32::from(character)).unwrap());
    let latin_1: Vec<u8> = latin_1.collect();
    assert!(!faults(&required, "/", &[], &latin_1).is_empty());
    // Large numbers are not rounded.
    let required = serde_json::json!({"body": r#"{"n":9007199254740993}"#});
    assert!(!faults(&required, "/", &[], br#"{"n":9007199254740992}"#).is_empty());

    let required = serde_json::json!({"body": "grant_type=client_credentials"});
    for (body, right) in [
        ("grant_type=client_credentials", true),
        ("grant%5Ftype=client%5fcredentials", true),
        ("scope=&client_id=a&grant_type=client_credentials", true),
        ("grant_type=client_credentials&client_secret=a", false),
        ("grant_type=client_credentials&scope=a&scope=b", false),
        ("grant_type=password", false),
        (
            "grant_type=client_credentials&grant_type=client_credentials",
            false,
        ),
        ("{\"grant_type\":\"client_credentials\"}", false),
    ] {
        let found = faults(&required, "/", &[], body.as_bytes());
        assert_eq!(found.is_empty(), right, "{body}: {found:?}");
    }
}

#[test]
fn a_header_is_compared_by_its_meaning() {
    for (name, required, seen, right) in [
        ("content-type", "application/json", "application/json", true),
        (
            "content-type",
            "application/json",
            "Application/JSON; charset=UTF-8",
            true,
        ),
        (
            "content-type",
            "application/json",
            "application/json;charset=\"utf-8\"",
            true,
        ),
        (
            "content-type",
            "application/json",
            "application/vnd.atlas.2025-03-12+json",
            true,
        ),
        (
            "content-type",
            "application/json",
            "application/VND.atlas.2023-01-01+json ; charset=utf-8",
            true,
        ),
        (
            "content-type",
            "application/json",
            "application/vnd.atlas.2025-13-12+json",
            false,
        ),
        (
            "content-type",
            "application/json",
            "application/vnd.atlas.today+json",
            false,
        ),
        (
            "content-type",
            "application/json",
            "application/vnd.atlas.2025-03-12+csv",
            false,
        ),
        (
            "content-type",
            "application/json",
            "application/json;charset=iso-8859-1",
            false,
        ),
        ("content-type", "application/json", "text/json", false),
        (
            "content-type",
            "application/json",
            "application/jsonp",
            false,
        ),
        ("content-type", "application/json", "", false),
        (
            "content-type",
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;charset=UTF-8",
            true,
        ),
        (
            "content-type",
            "application/x-www-form-urlencoded",
            "application/json",
            false,
        ),
        (
            "accept",
            "application/vnd.atlas.2023-01-01+json",
            "Application/vnd.atlas.2023-01-01+JSON",
            true,
        ),
        (
            "accept",
            "application/vnd.atlas.2023-01-01+json",
            "application/vnd.atlas.2023-02-01+json",
            false,
        ),
        (
            "accept",
            "application/vnd.atlas.2023-01-01+json",
            "*/*;q=0.1, application/vnd.atlas.2023-01-01+json;q=0.9",
            true,
        ),
        (
            "accept",
            "application/vnd.atlas.2023-01-01+json",
            "application/vnd.atlas.2023-01-01+json;q=0.0, */*",
            false,
        ),
        ("authorization", "Bearer t1", "bearer t1", true),
        ("authorization", "Bearer t1", "Bearer T1", false),
        ("authorization", "Bearer t1", "Basic t1", false),
        ("authorization", "Bearer t1", "t1", false),
    ] {
        let headers = serde_json::json!({"headers": {name: required}});
        let found = faults(&headers, "/", &[(name, seen)], b"");
        assert_eq!(found.is_empty(), right, "{name}: {seen}: {found:?}");
    }
}

#[test]
fn a_target_is_compared_by_its_meaning() {
    let required = serde_json::json!({"target": "/a%2Fb/c-d?x=1&y=a%20b"});
    for (target, right) in [
        ("/a%2Fb/c-d?x=1&y=a%20b", true),
        ("/a%2fb/c%2Dd?y=a+b&x=1", true),
        ("/%61%2Fb/c-d?%78=1&y=a%20b", true),
        ("/a/b/c-d?x=1&y=a%20b", false),
        ("/a%252Fb/c-d?x=1&y=a%20b", false),
        ("/a%2FB/c-d?x=1&y=a%20b", false),
        ("/a%2Fb/c-d/?x=1&y=a%20b", false),
        ("//a%2Fb/c-d?x=1&y=a%20b", false),
        ("/a%2Fb/c-d?x=1", false),
        ("/a%2Fb/c-d?x=1&y=a%20b&x=1", false),
        ("/a%2Fb/c-d?x=2&y=a%20b", false),
        ("/a%2Fb/c-d", false),
        ("/a%2Fb/c-d?", false),
    ] {
        let found = faults(&required, target, &[], b"");
        assert_eq!(found.is_empty(), right, "{target}: {found:?}");
    }
    for (required, seen) in [
        ("/a.b/c", "/a%2Eb/c"),
        ("/a?m=1&m=2", "/a?m=2&m=1"),
        ("/a/%2e%2e", "/a/%2E%2E"),
    ] {
        let required = serde_json::json!({"target": required});
        assert!(faults(&required, seen, &[], b"").is_empty(), "{seen}");
    }
    // An unescaped dot segment refers to another folder.
    let required = serde_json::json!({"target": "/a/%2E%2E/b"});
    assert!(!faults(&required, "/a/../b", &[], b"").is_empty());
}

/// Returns the faults of a request for a list if a case requires this target.
fn list_faults(operation: &str, required: &str, target: &str) -> Vec<Difference> {
    let case = serde_json::json!({
        "call": {"operation": operation}, "answers": [],
        "expect": {"requests": [{"target": required}], "outcome": {"kind": "ok"}},
    });
    let case: ClientCase = serde_json::from_value(case).unwrap();
    let request = WireRequest {
        method: "GET".to_owned(),
        target: target.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
        at: Duration::ZERO,
    };
    let observation = Observation {
        requests: vec![request],
        outcome: Outcome::of("ok"),
        output: String::new(),
        took: Duration::ZERO,
        memory: None,
    };
    judge(&case, &observation)
}

#[test]
fn a_parameter_with_its_documented_default_equals_an_absent_one() {
    const LIST: &str = "listGroupFlexClusterBackupSnapshots";
    const TENANT: &str = "listGroupClusterBackupTenantSnapshots";
    let all = "pretty=false&envelope=false&includeCount=true&itemsPerPage=100&pageNum=1";
    for (operation, required, seen, right) in [
        (LIST, "", "?pretty=false", true),
        (LIST, "", "?envelope=false", true),
        (LIST, "", &format!("?{all}")[..], true),
        (LIST, "?pageNum=1", "", true),
        (LIST, "?pageNum=2", "?pageNum=2&pretty=false", true),
        (
            LIST,
            "?itemsPerPage=7",
            "?itemsPerPage=7&includeCount=true",
            true,
        ),
        (TENANT, "", "?pretty=false&envelope=false", true),
        (TENANT, "", "?itemsPerPage=100", false),
        (LIST, "", "?pretty=true", false),
        (LIST, "", "?envelope=true", false),
        (LIST, "", "?pretty=", false),
        (LIST, "", "?pretty=false&pretty=true", false),
        (LIST, "", "?pageNum=0", false),
        (LIST, "", "?itemsPerPage=500", false),
        (LIST, "", "?includeCount=false", false),
        (LIST, "?pretty=true", "?pretty=false", false),
        (LIST, "?pretty=true", "", false),
        (LIST, "?itemsPerPage=7", "?itemsPerPage=100", false),
        (LIST, "", "?other=false", false),
    ] {
        let path = "/api/atlas/v2/groups/1/list";
        let found = list_faults(
            operation,
            &format!("{path}{required}"),
            &format!("{path}{seen}"),
        );
        assert_eq!(found.is_empty(), right, "{required} {seen}: {found:?}");
    }
    let token = "/api/oauth/token";
    let found = list_faults(LIST, token, &format!("{token}?pretty=false"));
    assert!(
        !found.is_empty(),
        "the token endpoint has no such parameter"
    );
}
