//! Export and import of worlds, and their schema.

use atlas_sandbox::{DEDICATED_CLUSTER, OWNER, PROJECT, Sandbox, SandboxServer};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

const NOW: &str = "2026-05-04T09:42:00Z";

fn send(sandbox: &mut Sandbox, method: &str, path: &str, body: &Value) -> Response<Bytes> {
    let body = if body.is_null() {
        Bytes::new()
    } else {
        body.to_string().into()
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/atlas/v2{path}"))
        .header("accept", "application/vnd.atlas.2025-03-12+json")
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header("content-type", "application/json")
        .body(body)
        .unwrap();
    sandbox.handle(NOW.parse().unwrap(), request)
}

fn answered(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

/// A world with changes of every kind.
fn lived_in() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let project = format!("/groups/{PROJECT}");
    let flex = json!({"name": "Made", "providerSettings": {
        "backingProviderName": "AZURE", "regionName": "EUROPE_NORTH"}});
    let snapshot = json!({"description": "by hand", "retentionInDays": 3});
    let backup = format!("{project}/clusters/{DEDICATED_CLUSTER}/backup");
    let taken = send(
        &mut sandbox,
        "POST",
        &format!("{backup}/snapshots"),
        &snapshot,
    );
    assert_eq!(taken.status(), 200, "{taken:?}");
    let known = send(
        &mut sandbox,
        "GET",
        &format!("{backup}/snapshots"),
        &Value::Null,
    );
    let known = answered(&known)["results"][1]["id"].clone();
    let restore = json!({"deliveryType": "automated", "snapshotId": known,
        "targetClusterName": "Sharded0", "targetGroupId": PROJECT});
    let download = json!({"deliveryType": "download", "snapshotId": known});
    for (method, path, body) in [
        ("POST", format!("{project}/flexClusters"), flex),
        (
            "PATCH",
            format!("{project}/settings"),
            json!({"isDataExplorerEnabled": false}),
        ),
        ("POST", format!("{backup}/restoreJobs"), restore),
        ("POST", format!("{backup}/restoreJobs"), download),
        ("PATCH", project.clone(), json!({"name": "Renamed"})),
    ] {
        let response = send(&mut sandbox, method, &path, &body);
        assert!(response.status().is_success(), "{path}: {response:?}");
    }
    sandbox.set_min_fidelity(atlas_sandbox::Fidelity::Documented);
    sandbox
}

#[test]
fn an_exported_world_is_the_same_after_import() {
    let now = NOW.parse().unwrap();
    let seed = lived_in().to_seed(now);
    let mut again = Sandbox::from_seed(&seed).unwrap();
    assert_eq!(again.seed_clock(), Some(now));
    assert_eq!(again.to_seed(now), seed);
    let later = "2026-05-04T09:50:00Z".parse().unwrap();
    let path = format!("/api/atlas/v2/groups/{PROJECT}/flexClusters/Made");
    let request = Request::get(path)
        .header("accept", "application/vnd.atlas.2025-03-12+json")
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .body(Bytes::new())
        .unwrap();
    let cluster = answered(&again.handle(later, request));
    assert_eq!(
        cluster["stateName"], "IDLE",
        "scheduled changes still apply"
    );
    assert_eq!(cluster["providerSettings"]["regionName"], "EUROPE_NORTH");
}

#[tokio::test]
async fn the_schema_of_a_server_matches_its_exports_and_imports() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/world.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let now = NOW.parse().unwrap();
    for sandbox in [Sandbox::new(), lived_in()] {
        let seed: Value = serde_json::from_str(&sandbox.to_seed(now)).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&seed)
            .map(|it| it.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    for (odd, place) in [
        (json!({"projects": [{"id": "x"}]}), "projects[0].id"),
        (
            json!({"projects": [{"clusters": [{"name": "A", "kind": {"sharded": 51}}]}]}),
            "sharded",
        ),
        (
            json!({"projects": [{"clusters": [{"name": "A", "kind": "flex", "state": "X"}]}]}),
            "state",
        ),
        (
            json!({"logins": [{"roles": ["Project Owner"]}]}),
            "logins[0]",
        ),
        (
            json!({"logins": [{"roles": [], "publicKey": "x"}]}),
            "logins[0]",
        ),
        (
            json!({"resources": [{"path": "x", "body": {}}]}),
            "resources[0].path",
        ),
        (
            json!({"scheduled": [{"at": NOW, "path": "/orgs/x"}]}),
            "scheduled[0]",
        ),
        (
            json!({"settings": {"minFidelity": "perfect"}}),
            "settings.minFidelity",
        ),
        (json!({"worlds": 1}), "worlds"),
    ] {
        assert!(!validator.is_valid(&odd), "{odd}");
        let error = Sandbox::from_seed(&odd.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(place), "{odd}: {error}");
    }
    let server = SandboxServer::start().await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap();
    let request =
        format!("GET /sandbox/schemas/world HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let answer = crate::server::send_raw(&server, request.as_bytes()).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), schema);
}

#[test]
fn logins_of_a_seed_have_the_permissions_of_their_roles() {
    let seed = json!({
        "organizations": [{"id": "aaaaaaaaaaaaaaaaaaaaaaaa", "name": "Shop"}],
        "logins": [{"roles": ["GROUP_READ_ONLY"], "accessToken": "watcher"},
            {"roles": ["Project Owner"], "accessToken": "manager"}],
        "projects": [{"name": "Orders", "clusters": [{"name": "A", "kind": "flex"}]}],
    });
    let mut sandbox = Sandbox::from_seed(&seed.to_string()).unwrap();
    let mut ask = |method: &str, token: &str| {
        let projects = answered(&send(&mut sandbox, "GET", "/groups", &Value::Null));
        let project = &projects["results"][0];
        assert_eq!(project["orgId"], "aaaaaaaaaaaaaaaaaaaaaaaa");
        let id = project["id"].as_str().unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/atlas/v2/groups/{id}/flexClusters/A"))
            .header("accept", "application/vnd.atlas.2025-03-12+json")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .body("{}".into())
            .unwrap();
        sandbox
            .handle(NOW.parse().unwrap(), request)
            .status()
            .as_u16()
    };
    assert_eq!(ask("GET", "watcher"), 200);
    assert_eq!(ask("PATCH", "watcher"), 403);
    assert_eq!(ask("PATCH", "manager"), 200);
    assert_eq!(ask("GET", "nobody"), 401);
}

/// A server with its own clock, and the responses of its control endpoints.
async fn control(server: &SandboxServer, method: &str, path: &str, body: &str) -> (String, Value) {
    let host = server.url().strip_prefix("http://").unwrap();
    let length = body.len();
    let kind = if body.is_empty() {
        ""
    } else {
        "content-type: application/json\r\n"
    };
    let request = format!(
        "{method} /sandbox/{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{kind}\
         content-length: {length}\r\n\r\n{body}"
    );
    let answer = crate::server::send_raw(server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body = serde_json::from_str(body).unwrap_or_default();
    (head[9..12].to_owned(), body)
}

#[tokio::test]
async fn a_reset_restores_the_start_of_the_server() {
    let seed = r#"{"settings": {"restoreSeconds": 7}, "projects": [{"name": "Mine"}]}"#;
    let faults = r#"[{"operation": "getGroup", "do": "reset"}]"#;
    let server = SandboxServer::builder(Sandbox::from_seed(seed).unwrap())
        .faults(atlas_sandbox::FaultPlan::from_json(faults).unwrap())
        .start_at(NOW.parse().unwrap())
        .start()
        .await
        .unwrap();
    let without_time = |mut world: Value| {
        world["clock"].take();
        world
    };
    let first = without_time(control(&server, "GET", "world", "").await.1);
    for (method, path, body) in [
        ("PUT", "world", ""),
        ("DELETE", "faults", ""),
        (
            "PUT",
            "clock",
            r#"{"now": "2030-01-01T00:00:00Z", "stopped": true}"#,
        ),
    ] {
        assert_eq!(
            control(&server, method, path, body).await.0,
            "204",
            "{path}"
        );
    }
    let put = without_time(control(&server, "GET", "world", "").await.1);
    assert_ne!(put["projects"], first["projects"]);
    assert_eq!(
        put["settings"], first["settings"],
        "settings of the start remain"
    );
    assert_eq!(control(&server, "GET", "faults", "").await.1, json!([]));

    assert_eq!(control(&server, "POST", "reset", "").await.0, "204");
    let again = without_time(control(&server, "GET", "world", "").await.1);
    assert_eq!(again["projects"], first["projects"]);
    assert_eq!(
        control(&server, "GET", "faults", "").await.1[0]["operation"],
        "getGroup"
    );
    let clock = control(&server, "GET", "clock", "").await.1;
    assert!(
        clock["now"].as_str().unwrap().starts_with("2026-05-04"),
        "{clock}"
    );
    assert_eq!(clock["stopped"], false);
}

#[test]
fn a_login_with_a_scope_sees_and_does_nothing_outside_of_it() {
    let (here, there) = ("a".repeat(24), "b".repeat(24));
    let seed = json!({
        "organizations": [{"id": here, "name": "Here"}, {"id": there, "name": "There"}],
        "logins": [{"roles": ["ORG_OWNER"], "accessToken": "of-here", "scope": here}],
        "projects": [{"id": "c".repeat(24), "name": "C", "organization": here},
            {"id": "d".repeat(24), "name": "D", "organization": there}],
    });
    let mut sandbox = Sandbox::from_seed(&seed.to_string()).unwrap();
    let mut ask = |path: &str| {
        let request = Request::get(format!("/api/atlas/v2{path}"))
            .header("accept", "application/vnd.atlas.2025-03-12+json")
            .header("authorization", "Bearer of-here")
            .body(Bytes::new())
            .unwrap();
        let response = sandbox.handle(NOW.parse().unwrap(), request);
        (response.status().as_u16(), answered(&response))
    };
    assert_eq!(ask("/orgs").1["totalCount"], 1);
    assert_eq!(ask("/groups").1["results"][0]["name"], "C");
    assert_eq!(ask("/groups").1["totalCount"], 1);
    assert_eq!(
        ask(&format!("/groups/{}/databaseUsers", "c".repeat(24))).0,
        200
    );
    assert_eq!(
        ask(&format!("/groups/{}/databaseUsers", "d".repeat(24))).0,
        403
    );
    assert_eq!(ask(&format!("/orgs/{}/apiKeys", "b".repeat(24))).0, 403);

    for (odd, place) in [
        (
            json!({"logins": [{"roles": [], "accessToken": "x", "scope": "f".repeat(24)}]}),
            "scope",
        ),
        (
            json!({"logins": [{"roles": [], "accessToken": "x", "resource": "/orgs/x/apiKeys/y"}]}),
            "resource",
        ),
        (
            json!({"resources": [{"path": "/groups/x/databaseUser/admin/app", "body": {}}]}),
            "no operation",
        ),
        (
            json!({"resources": [{"path": "/groups/x/clusters/New", "body": {}}]}),
            "a cluster belongs in",
        ),
    ] {
        let error = Sandbox::from_seed(&odd.to_string())
            .unwrap_err()
            .to_string();
        assert!(error.contains(place), "{odd}: {error}");
    }
}

#[test]
fn values_of_the_path_may_be_omitted_in_the_body() {
    let mut sandbox = Sandbox::new();
    let user = json!({"databaseName": "admin", "username": "app", "password": "long enough",
        "roles": [{"databaseName": "shop", "roleName": "readWrite"}]});
    let path = format!("/groups/{PROJECT}/databaseUsers");
    let response = send(&mut sandbox, "POST", &path, &user);
    assert_eq!(response.status(), 201, "{response:?}");
    assert_eq!(answered(&response)["groupId"], PROJECT);

    let cluster = format!("/groups/{PROJECT}/clusters/{DEDICATED_CLUSTER}");
    let change = json!({"minimumEnabledTlsProtocol": "TLS1_3"});
    send(
        &mut sandbox,
        "PATCH",
        &format!("{cluster}/processArgs"),
        &change,
    );
    let shown = answered(&send(&mut sandbox, "GET", &cluster, &Value::Null));
    let settings = &shown["advancedConfiguration"];
    assert_eq!(
        settings["minimumEnabledTlsProtocol"], "TLS1_3",
        "one setting in both"
    );
}
