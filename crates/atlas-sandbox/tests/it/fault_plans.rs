//! Fault plans: a rule that can never act is an error.

use atlas_sandbox::{FaultPlan, FaultPlanError};

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_rule_that_cannot_act_is_refused_with_what_is_expected() {
    for (plan, problem) in [
        (
            r#"[{"operation": "getGroupFlexClusters", "do": "reset"}]"#,
            r#"rule 1: no such operation "getGroupFlexClusters"; did you mean "getGroupFlexCluster"?"#,
        ),
        (
            r#"[{"operation": "GETGROUPFLEXCLUSTER", "do": "reset"}]"#,
            r#"did you mean "getGroupFlexCluster"?"#,
        ),
        (
            r#"[{"operation": "", "do": "reset"}]"#,
            r#"no such operation ""; expected an operationId"#,
        ),
        (
            r#"[{"operation": "\u001b[2J", "do": "reset"}]"#,
            r#"no such operation "\u{1b}[2J"; expected"#,
        ),
        (r#"[{"operation": null, "do": "reset"}]"#, "null"),
        (
            r#"[{"operation": "listGroupClusters", "do": {"status": 503}}]"#,
            r#"rule 1: do: status: invalid type: integer `503`, expected a fault such as {"status": {"status": 503}}"#,
        ),
        (
            r#"{"operation": "listGroupClusters", "do": "reset"}"#,
            "expected an array",
        ),
        (
            r#"[{"path": "sandbox-store", "do": "reset"}]"#,
            "expected a leading slash",
        ),
        (
            r#"[{"path": "", "do": "reset"}]"#,
            "expected a leading slash",
        ),
        (
            r#"[{"path": "/api/atlas/v2/group/", "do": "reset"}]"#,
            "invalid path",
        ),
        (
            r#"[{"path": "/api/atlas/v1.0", "do": "reset"}]"#,
            "invalid path",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups?pretty=true", "do": "reset"}]"#,
            "without a query",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/a b", "do": "reset"}]"#,
            "percent-encoded",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/*/flexClusters", "do": "reset"}]"#,
            "a path is a prefix",
        ),
        (
            r#"[{"operation": "getGroup", "path": "/api/atlas/v2/groups/*", "do": "reset"}]"#,
            "a path is a prefix",
        ),
        (
            r#"[{"path": "/sandbox/world", "do": "reset"}]"#,
            "control requests have no faults",
        ),
        (
            r#"[{"operation": "listGroups", "path": "/sandbox-store/", "do": "reset"}]"#,
            "no request of listGroups has a path",
        ),
        (
            r#"[{"operation": "listGroups", "path": "/api/atlas/v2/groups/1", "do": "reset"}]"#,
            "no request of listGroups has a path",
        ),
        (r#"[{"nth": [0], "do": "reset"}]"#, "counted from 1"),
        (r#"[{"nth": [1, 0], "do": "reset"}]"#, "counted from 1"),
        (r#"[{"nth": [], "do": "reset"}]"#, "nth is empty"),
        (r#"[{"nth": [2, 2], "do": "reset"}]"#, "nth lists 2 twice"),
        (r#"[{"nth": [-1], "do": "reset"}]"#, "invalid value"),
        (r#"[{"nth": null, "do": "reset"}]"#, "null"),
        (r#"[{"nth": 1, "do": "reset"}]"#, "invalid type"),
        (
            r#"[{"do": {"status": {"status": 42}}}]"#,
            "invalid status 42: expected 200 to 599",
        ),
        (
            r#"[{"do": {"status": {"status": 100}}}]"#,
            "invalid status 100",
        ),
        (
            r#"[{"do": {"status": {"status": 600}}}]"#,
            "invalid status 600",
        ),
        (
            r#"[{"do": {"status": {"status": 503, "retry_after": 1}}}]"#,
            "unknown field",
        ),
        (
            r#"[{"do": {"status": {"status": 503, "errorCode": ""}}}]"#,
            "invalid errorCode",
        ),
        (
            r#"[{"do": {"status": {"status": 503, "errorCode": "A\nB"}}}]"#,
            "invalid errorCode",
        ),
        (r#"[{"do": {"delayMs": 0}}]"#, "expected at least 1"),
        (r#"[{"do": {"delayMs": 3600001}}]"#, "at most 3600000"),
        (r#"[{"do": {"delayMs": 18446744073709551615}}]"#, "at most"),
        (r#"[{"do": {"slow": 0}}]"#, "invalid slow 0"),
        (
            r#"[{"do": {"slow": 18446744073709551615}}]"#,
            "invalid slow",
        ),
        (r#"[{"do": {"truncate": -1}}]"#, "invalid value"),
        (
            r#"[{"path": "/api/atlas/v2/groups/{groupId}/clusters", "do": "reset"}]"#,
            "not its name in braces",
        ),
        (
            r#"[{"operation": "getGroup", "path": "/api/atlas/v2/groups/{", "do": "reset"}]"#,
            "not its name in braces",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/32b6/clusters/%zz", "do": "reset"}]"#,
            "two hexadecimal digits",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/32b6/clusters/a%2/", "do": "reset"}]"#,
            "two hexadecimal digits",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/32b6/clusters/a%/b%20", "do": "reset"}]"#,
            "two hexadecimal digits",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/a|b", "do": "reset"}]"#,
            "percent-encoded",
        ),
        (
            r#"[{"path": "/api/atlas/v2/groups/a\\b", "do": "reset"}]"#,
            "percent-encoded",
        ),
        (
            r#"[{"path": "/sandbox-store/../x", "do": "reset"}]"#,
            "no segments . and ..",
        ),
        (
            r#"[{"path": "/api/atlas/./v2/", "do": "reset"}]"#,
            "no segments . and ..",
        ),
        (
            r#"[{"path": "/sandbox-store/x", "do": "reset"}]"#,
            "the token endpoint or a file",
        ),
        (
            r#"[{"path": "/sandbox-store/32b6e34b3d91647abb20e7b8.tgz.sig", "do": "reset"}]"#,
            "the token endpoint or a file",
        ),
        (
            r#"[{"path": "/sandbox-store/", "do": "staleNonce"}]"#,
            "staleNonce cannot act",
        ),
        (
            r#"[{"path": "/sandbox-store/", "do": "expiredToken"}]"#,
            "expiredToken cannot act",
        ),
        (
            r#"[{"path": "/api/oauth/token", "do": "staleNonce"}]"#,
            "staleNonce cannot act",
        ),
        (
            r#"[{"path": "/api/oauth/rev", "do": "staleNonce"}]"#,
            "staleNonce cannot act",
        ),
        (
            r#"[{"do": {"truncate": 18446744073709551615}}]"#,
            "invalid number of bytes",
        ),
        (
            r#"[{"do": {"stall": 18446744073709551615}}]"#,
            "invalid number of bytes",
        ),
        (
            r#"[{"operation": "getGroup", "do": {"truncate": 1099511627776}}]"#,
            "at most 16777216",
        ),
        (
            r#"[{"nth": [18446744073709551615], "do": "reset"}]"#,
            "at most 1000000",
        ),
        (
            r#"[{"nth": [1, 1000001], "do": "reset"}]"#,
            "at most 1000000",
        ),
        (r#"[{"do": "reset", "times": 1}]"#, "unknown field"),
        (r#"[{"do": "reset", "hits": 1}]"#, "unknown field"),
        (
            r#"[{"do": {"reset": null, "slow": 1}}]"#,
            "invalid fault plan",
        ),
        (r#"[{"operation": "listGroups"}]"#, "missing field"),
        (
            r#"[{"do": "reset"}, {"operation": "listGroups", "do": "reset"}]"#,
            "rule 2: rule 1 decides about every request",
        ),
        (
            r#"[{"path": "/api/", "do": "reset"},
                {"path": "/sandbox-store/", "do": "reset"},
                {"operation": "getGroup", "nth": [1], "do": "reset"}]"#,
            "rule 3: rule 1 decides about every request",
        ),
        (
            r#"[{"operation": "getGroup", "do": "reset"},
                {"operation": "getProject", "nth": [1], "do": "reset"}]"#,
            "rule 2: rule 1 decides",
        ),
    ] {
        let error = FaultPlan::from_json(plan).expect_err(plan).to_string();
        assert!(error.starts_with("invalid fault plan: "), "{plan}: {error}");
        assert!(error.contains(problem), "{plan}: {error}");
        assert!(!error.contains(['\n', '\u{1b}']), "{plan}: {error}");
    }
    let many = format!(
        "[{}]",
        vec![r#"{"nth": [1], "do": "reset"}"#; 1001].join(",")
    );
    let error = FaultPlan::from_json(&many).unwrap_err();
    assert!(
        matches!(error, FaultPlanError::TooManyRules { rules: 1001, .. }),
        "{error}"
    );
}

#[test]
fn a_rule_that_can_act_is_accepted() {
    for plan in [
        "[]",
        r#"[{"do": "reset"}]"#,
        r#"[{"path": "/", "nth": [1], "do": "reset"}]"#,
        r#"[{"path": "/api/oauth/token", "do": "expiredToken"}]"#,
        r#"[{"path": "/api/oauth/re", "do": "reset"}]"#,
        r#"[{"path": "/sandbox-store/32b6e34b3d91647abb20e7b8.tgz", "do": {"truncate": 0}}]"#,
        r#"[{"path": "/sandbox-", "do": {"stall": 1}}]"#,
        r#"[{"path": "/sandbox-store/32b6e34b3d91647abb20e7b8.t", "do": {"truncate": 1099511627776}}]"#,
        r#"[{"path": "/api/atlas/v2/groups/32b6/flexClusters/a%2", "do": "staleNonce"}]"#,
        r#"[{"path": "/api/", "nth": [1000000], "do": "staleNonce"}]"#,
        r#"[{"path": "/", "do": "expiredToken"}]"#,
        r#"[{"path": "/api/atlas/v2/groups/32b6", "do": {"delayMs": 1}}]"#,
        r#"[{"path": "/api/atlas/v2/groups/32b6/flexClusters/a%20b/back", "do": "reset"}]"#,
        r#"[{"path": "/api/atlas/v2/groups/32b6/flexClusters:tenantUp", "do": "reset"}]"#,
        r#"[{"operation": "getProject", "path": "/api/atlas/v2/groups/32b6", "do": "reset"}]"#,
        r#"[{"operation": "getGroup", "nth": [1], "do": "reset"},
            {"operation": "getGroup", "do": {"slow": 1}}]"#,
        r#"[{"operation": "getGroup", "do": "staleNonce"},
            {"path": "/api/atlas/v2/groups/", "do": "reset"}]"#,
        r#"[{"do": {"status": {"status": 599, "errorCode": "A_B", "retryAfter": 18446744073709551615}}}]"#,
    ] {
        let read = FaultPlan::from_json(plan);
        assert!(read.is_ok(), "{plan}: {read:?}");
    }
}

#[test]
fn every_operation_of_the_catalog_can_fail_by_its_id_a_former_id_and_its_path() {
    for operation in atlas_catalog::Operation::all() {
        let id = operation.id();
        // A former id may be the current id of another operation.
        let former = operation.former_ids();
        let former = former.filter(|name| atlas_catalog::Operation::find(name) == Some(operation));
        let path = operation.path();
        let literal = path.split('{').next().unwrap();
        for plan in former
            .chain([id])
            .map(|name| format!(r#""operation": "{name}""#))
            .chain([
                format!(r#""operation": "{id}", "path": "{literal}""#),
                format!(r#""path": "{literal}""#),
            ])
        {
            let plan = format!(r#"[{{{plan}, "do": "staleNonce"}}]"#);
            let read = FaultPlan::from_json(&plan);
            assert!(read.is_ok(), "{plan}: {read:?}");
        }
    }
    assert_eq!(atlas_catalog::Operation::all().len(), 546);
}
