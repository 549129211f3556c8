//! Refused requests: those of logins from another organization, and those that no login may make.

use atlas_sandbox::{DEDICATED_CLUSTER, ORG, OWNER, PROJECT, READER, Sandbox};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

const NOW: &str = "2026-05-04T09:42:00Z";

fn ask(
    sandbox: &mut Sandbox,
    token: &str,
    method: &str,
    path: &str,
    body: &Value,
) -> Response<Bytes> {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/atlas/v2{path}"))
        .header("accept", "application/vnd.atlas.2025-03-12+json")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    sandbox.handle(NOW.parse().unwrap(), request)
}

/// A world with an organization whose owner has no role in the default one.
fn with_stranger() -> Sandbox {
    let other = "e".repeat(24);
    let seed = json!({
        "organizations": [{"id": ORG, "name": "Sandbox"}, {"id": other, "name": "Other"}],
        "logins": [{"roles": ["ORG_OWNER"], "accessToken": "stranger", "scope": other}],
        "projects": [
            {"id": PROJECT, "name": "Sandbox", "organization": ORG, "clusters": [
                {"name": DEDICATED_CLUSTER, "kind": "replicaSet",
                 "snapshots": [{"id": "a".repeat(24), "bytes": 1000}]},
                {"name": "Cluster0", "kind": "tenant"},
            ]},
            {"id": "d".repeat(24), "name": "Own", "organization": other, "clusters": [
                {"name": "Target", "kind": "replicaSet"}]},
        ],
        "resources": [
            {"path": format!("/federationSettings/{}", "9".repeat(24)), "body": {"id": "9".repeat(24)}},
            {"path": format!("/federationSettings/{}/connectedOrgConfigs/{ORG}", "9".repeat(24)),
             "body": {"orgId": ORG}},
        ],
    });
    Sandbox::from_seed(&seed.to_string()).unwrap()
}

#[test]
fn operations_without_a_documented_role_are_not_open_to_strangers_and_readers() {
    let user = json!({"country": "IE", "emailAddress": "a@b.example", "firstName": "A",
        "lastName": "B", "mobileNumber": "2025550123", "password": "long enough", "username": "a@b.example",
        "roles": [{"orgId": ORG, "roleName": "ORG_OWNER"}]});
    let restore = json!({"snapshotId": "a".repeat(24), "targetDeploymentItemName": "Cluster0"});
    let tenant = format!("/groups/{PROJECT}/clusters/Cluster0/backup/tenant");
    let federation = format!("/federationSettings/{}", "9".repeat(24));
    for (method, path, body) in [
        (
            "POST",
            "/groups".to_owned(),
            json!({"name": "p", "orgId": ORG}),
        ),
        ("POST", "/users".to_owned(), user),
        ("POST", format!("{tenant}/restore"), restore),
        ("GET", format!("{tenant}/snapshots"), Value::Null),
        (
            "GET",
            format!("{federation}/connectedOrgConfigs"),
            Value::Null,
        ),
        (
            "POST",
            "/orgs".to_owned(),
            json!({"name": "o", "federationSettingsId": "9".repeat(24)}),
        ),
        (
            "POST",
            format!("/groups/{}:migrate", "d".repeat(24)),
            json!({"destinationOrgId": ORG}),
        ),
    ] {
        let refused = ask(&mut with_stranger(), "stranger", method, &path, &body);
        assert_eq!(refused.status(), 403, "{path}: {refused:?}");
        let fidelity = &refused.headers()["x-sandbox-fidelity"];
        assert_ne!(fidelity, "recorded", "no refusal for a role was recorded");
        if method != "GET" {
            let reader = READER.access_token;
            let refused = ask(&mut with_stranger(), reader, method, &path, &body);
            assert_eq!(refused.status(), 403, "{path}: {refused:?}");
        }
    }
    let mut sandbox = with_stranger();
    let seen = ask(&mut sandbox, "stranger", "GET", "/clusters", &Value::Null);
    let seen: Value = serde_json::from_slice(seen.body()).unwrap();
    assert_eq!(seen["totalCount"], 1, "{seen}");
    let found = ask(
        &mut sandbox,
        "stranger",
        "GET",
        "/groups/byName/Sandbox",
        &Value::Null,
    );
    assert_eq!(found.status(), 404);
}

#[test]
fn a_restore_needs_its_role_in_the_target_too() {
    let mut sandbox = with_stranger();
    let body = json!({"deliveryType": "automated", "snapshotId": "a".repeat(24),
        "targetClusterName": DEDICATED_CLUSTER, "targetGroupId": PROJECT});
    let path = format!(
        "/groups/{}/clusters/Target/backup/restoreJobs",
        "d".repeat(24)
    );
    let refused = ask(&mut sandbox, "stranger", "POST", &path, &body);
    assert_eq!(refused.status(), 403, "{refused:?}");
}

#[test]
fn clusters_without_hardware_or_of_excessive_size_are_refused() {
    let mut sandbox = Sandbox::new();
    let mut post = |path: &str, body: Value| {
        let path = format!("/groups/{PROJECT}{path}");
        ask(&mut sandbox, OWNER.access_token, "POST", &path, &body)
    };
    let region = json!({"regionConfigs": [{"providerName": "AWS", "priority": 7,
        "regionName": "US_EAST_1", "electableSpecs": {"instanceSize": "M30", "nodeCount": 3}}]});
    for specs in [
        json!([]),
        json!([{"regionConfigs": []}]),
        Value::Array(vec![region.clone(); 51]),
    ] {
        let body = json!({"name": "Many", "clusterType": "SHARDED", "replicationSpecs": specs});
        assert_eq!(post("/clusters", body).status(), 400);
    }
    let most = json!({"name": "Most", "clusterType": "SHARDED",
        "replicationSpecs": vec![region; 50]});
    assert_eq!(post("/clusters", most).status(), 201);

    let owner = OWNER.access_token;
    for name in ["", " ", &"n".repeat(65), "a\u{1b}[31m"] {
        let body = json!({"name": name, "orgId": ORG});
        assert_eq!(
            ask(&mut sandbox, owner, "POST", "/groups", &body).status(),
            400,
            "{name:?}"
        );
        let body = json!({ "name": name });
        let path = format!("/groups/{PROJECT}");
        assert_eq!(
            ask(&mut sandbox, owner, "PATCH", &path, &body).status(),
            400,
            "{name:?}"
        );
    }
    let body = json!({"name": "Second", "orgId": ORG});
    assert_eq!(
        ask(&mut sandbox, owner, "POST", "/groups", &body).status(),
        201
    );
    let path = format!("/groups/{PROJECT}");
    let taken = ask(
        &mut sandbox,
        owner,
        "PATCH",
        &path,
        &json!({"name": "Second"}),
    );
    assert_eq!(taken.status(), 409, "{taken:?}");
}

#[test]
fn a_body_that_names_a_place_without_a_role_is_refused() {
    let mut sandbox = with_stranger();
    let (other, own) = ("e".repeat(24), "d".repeat(24));
    let user = json!({"country": "IE", "emailAddress": "a@b.example", "firstName": "A",
        "lastName": "B", "mobileNumber": "2025550123", "password": "long enough", "username": "a@b.example",
        "roles": [{"orgId": other, "roleName": "ORG_OWNER"}, {"orgId": ORG, "roleName": "ORG_OWNER"}]});
    let connection = json!({"name": "C", "type": "Cluster", "clusterName": DEDICATED_CLUSTER,
        "clusterGroupId": PROJECT, "dbRoleToExecute": {"role": "atlasAdmin", "type": "BUILT_IN"}});
    let invited = json!({"username": "a@b.example", "roles": ["ORG_MEMBER"],
        "groupRoleAssignments": [{"groupId": PROJECT, "roles": ["GROUP_OWNER"]}]});
    for (path, body) in [
        ("/users".to_owned(), user),
        (format!("/groups/{own}/streams/S/connections"), connection),
        (format!("/orgs/{other}/invites"), invited),
    ] {
        let refused = ask(&mut sandbox, "stranger", "POST", &path, &body);
        assert_eq!(refused.status(), 403, "{path}: {refused:?}");
    }
}

#[test]
fn a_stranger_sees_neither_the_users_nor_the_organization_of_others() {
    let mut sandbox = with_stranger();
    let mut get = |path: &str| ask(&mut sandbox, "stranger", "GET", path, &Value::Null);
    let user = get("/users/byName/owner@sandbox.example");
    assert_eq!(user.status(), 404, "{user:?}");
    let orgs: Value = serde_json::from_slice(get("/orgs").body()).unwrap();
    assert_eq!(orgs["totalCount"], 1, "{orgs}");
}

#[test]
fn a_cluster_that_is_being_deleted_cannot_be_the_target_of_a_restore() {
    let mut sandbox = with_stranger();
    let owner = OWNER.access_token;
    let path = format!("/groups/{PROJECT}/clusters");
    let deleted = format!("{path}/{DEDICATED_CLUSTER}");
    ask(&mut sandbox, owner, "DELETE", &deleted, &Value::Null);
    let body = json!({"deliveryType": "automated", "snapshotId": "a".repeat(24),
        "targetClusterName": DEDICATED_CLUSTER, "targetGroupId": PROJECT});
    let path = format!("{deleted}/backup/restoreJobs");
    let refused = ask(&mut sandbox, owner, "POST", &path, &body);
    assert_eq!(refused.headers()["x-error-code"], "ATLAS_GENERAL_ERROR");
    assert_eq!(refused.status(), 400, "{refused:?}");
}

#[test]
fn a_cluster_that_is_being_deleted_cannot_be_changed() {
    let mut sandbox = Sandbox::new();
    let owner = OWNER.access_token;
    let path = format!("/groups/{PROJECT}/clusters/{DEDICATED_CLUSTER}");
    assert_eq!(
        ask(&mut sandbox, owner, "DELETE", &path, &Value::Null).status(),
        202
    );
    let snapshot = json!({"description": "late", "retentionInDays": 1});
    let path = format!("{path}/backup/snapshots");
    let refused = ask(&mut sandbox, owner, "POST", &path, &snapshot);
    assert_eq!(refused.status(), 400, "{refused:?}");
    assert_eq!(refused.headers()["x-error-code"], "ATLAS_GENERAL_ERROR");
    assert_eq!(
        ask(&mut sandbox, owner, "GET", &path, &Value::Null).status(),
        200
    );
}

#[test]
fn a_seed_whose_bodies_are_of_another_type_is_refused() {
    for (seed, place) in [
        (
            json!({"resources": [{"path": "/groups/x/accessList/1", "body": 5}]}),
            "resources[0].body",
        ),
        (
            json!({"projects": [{"clusters": [{"name": "A", "kind": "replicaSet",
            "body": {"replicationSpecs": [5]}}]}]}),
            "clusters[0].body",
        ),
        (
            json!({"projects": [{"name": "n", "body": {"id": "b".repeat(24)}}]}),
            "body.id",
        ),
        (
            json!({"organizations": [{"name": "n", "body": {"isDeleted": "no"}}]}),
            "organizations[0].body",
        ),
        (
            json!({"projects": [{"clusters": [{"name": "A", "kind": "flex", "deleted": true}]}]}),
            "deleted",
        ),
    ] {
        let error = Sandbox::from_seed(&seed.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(place), "{seed}: {error}");
    }
}
