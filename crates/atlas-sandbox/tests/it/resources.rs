//! The paths of resources in seeds.

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, ORG, PROJECT, Sandbox};
use serde_json::json;

const ID: &str = "32b6e34b3d91647abb20e7b8";
const TIME: &str = "2026-05-04T09:42:00Z";

#[test]
fn a_resource_below_something_that_does_not_exist_is_refused() {
    let other = "f".repeat(24);
    for (path, missing) in [
        (
            format!("/groups/{other}/accessList/192.0.2.1%2F32"),
            format!("project {other}"),
        ),
        (
            format!("/orgs/{other}/teams/{ID}"),
            format!("organization {other}"),
        ),
        (
            format!("/groups/{PROJECT}/clusters/None/backup/schedule"),
            "cluster None in the project".to_owned(),
        ),
    ] {
        let seed = json!({"resources": [{"path": path, "body": {}}]});
        let error = Sandbox::from_seed(&seed.to_string()).unwrap_err();
        let expected =
            format!("invalid seed: resources[0].path: {path:?}: the world has no {missing}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_resource_below_something_that_exists_is_accepted() {
    let deleted = json!([{"id": PROJECT, "clusters": [
        {"name": "Old", "kind": "replicaSet", "deleted": true}]}]);
    for (projects, path) in [
        (
            json!(null),
            format!("/groups/{PROJECT}/accessList/192.0.2.1"),
        ),
        (json!(null), format!("/orgs/{ORG}/teams/{ID}")),
        (
            json!(null),
            format!("/groups/{PROJECT}/clusters/{DEDICATED_CLUSTER}/backup/schedule"),
        ),
        (
            json!(null),
            format!("/groups/{PROJECT}/clusters/{FLEX_CLUSTER}/backup/schedule"),
        ),
        (
            json!(null),
            format!("/groups/{PROJECT}/clusters/provider/regions"),
        ),
        (
            deleted,
            format!("/groups/{PROJECT}/clusters/Old/backup/schedule"),
        ),
    ] {
        let seed = json!({"projects": projects, "resources": [{"path": path, "body": {}}]});
        Sandbox::from_seed(&seed.to_string()).unwrap();
    }
}

#[test]
fn a_resource_that_no_request_can_find_is_refused() {
    let (list, slash) = ("this path is that of a list", "write / in a name as %2F");
    let (none, dots) = (
        "no operation has such a path; expected",
        "segments . and ..",
    );
    let backup = "belong in the fields snapshots and jobs";
    let project = format!("/groups/{PROJECT}");
    let dedicated = format!("{project}/clusters/{DEDICATED_CLUSTER}");
    let flex = format!("{project}/flexClusters/{FLEX_CLUSTER}");
    for (path, problem) in [
        (format!("{project}/accessList/192.0.2.0/24"), slash),
        (format!("{project}/accessList/2001:db8::/32"), slash),
        (
            format!("/orgs/{ORG}/apiKeys/{ID}/accessList/192.0.2.0/24"),
            slash,
        ),
        (format!("{project}/databaseUsers/admin/app/x"), slash),
        (format!("{project}/peers/1/2"), slash),
        (format!("/orgs/{ORG}/teams/abc/def"), slash),
        ("/users/a/b".to_owned(), slash),
        (format!("{project}/accessList"), list),
        (format!("{project}/databaseUsers"), list),
        (format!("{project}/databaseUsers/app/certs"), list),
        (format!("{project}/clusters"), list),
        (format!("{project}/invites"), list),
        (format!("{project}/liveMigrations"), list),
        (format!("{project}/streams/privateLinkConnections"), list),
        (format!("{project}/streams/vpcPeeringConnections"), list),
        (
            format!("{project}/clusters/{DEDICATED_CLUSTER}/search/indexes/db/coll"),
            list,
        ),
        (format!("/orgs/{ORG}/teams/{ID}/users"), list),
        ("/orgs".to_owned(), list),
        ("/groups".to_owned(), list),
        ("/users".to_owned(), list),
        (format!("{project}/databaseUsers/admin"), none),
        (format!("{project}/nothing"), none),
        (
            format!("{project}/clusters/{DEDICATED_CLUSTER}/nothing"),
            none,
        ),
        (format!("{project}/streams:withSampleConnections"), none),
        (format!("{project}/databaseUsers/admin/.."), dots),
        (format!("{project}/accessList/."), dots),
        (format!("{project}/accessList/%2e%2E"), dots),
        (format!("{project}/../settings"), dots),
        ("/orgs/%2e".to_owned(), "organization belongs in"),
        (format!("{dedicated}/backup/snapshots/{ID}"), backup),
        (
            format!("{dedicated}/backup/snapshots/shardedCluster/{ID}"),
            backup,
        ),
        (format!("{dedicated}/backup/restoreJobs/{ID}"), backup),
        (format!("{flex}/backup/snapshots/{ID}"), backup),
        (format!("{flex}/backup/restoreJobs/{ID}"), backup),
        (format!("{dedicated}/backup/tenant/snapshots/{ID}"), backup),
        (format!("{dedicated}/backup/tenant/restores/{ID}"), backup),
    ] {
        let seed = json!({"resources": [{"path": path, "body": {}}]});
        let Err(error) = Sandbox::from_seed(&seed.to_string()) else {
            panic!("accepted {path}");
        };
        let error = error.to_string();
        assert!(
            error.starts_with("invalid seed: resources[0].path: "),
            "{error}"
        );
        assert!(error.contains(problem), "{error}");
    }
    let change = json!({"scheduled": [
        {"path": format!("{project}/accessList"), "at": TIME, "remove": true}]});
    let error = Sandbox::from_seed(&change.to_string()).unwrap_err();
    let expected = "the world has no resource with this path";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn a_path_of_an_operation_on_a_resource_is_accepted() {
    let cluster = format!("/groups/{PROJECT}/clusters/{DEDICATED_CLUSTER}");
    for path in [
        format!("/groups/{PROJECT}/settings"),
        format!("/groups/{PROJECT}/maintenanceWindow"),
        format!("/groups/{PROJECT}/accessList/192.0.2.0%2F24"),
        format!("/groups/{PROJECT}/databaseUsers/admin/app%2Fx"),
        format!("/groups/{PROJECT}/databaseUsers/$external/a..b"),
        format!("/groups/{PROJECT}/integrations/DATADOG"),
        format!("/groups/{PROJECT}/pushBasedLogExport"),
        format!("/groups/{PROJECT}/streams/S/connections/C"),
        format!("/groups/{PROJECT}/alertConfigs/{ID}/alerts/{ID}"),
        format!("{cluster}/processArgs"),
        format!("{cluster}/search/indexes/{ID}"),
        format!("{cluster}/search/deployment"),
        format!("{cluster}/collStats/pinned"),
        format!("/orgs/{ORG}/settings"),
        format!("/orgs/{ORG}/teams/{ID}/users/{ID}"),
        format!("/federationSettings/{ID}"),
        format!("/users/{ID}"),
    ] {
        let seed = json!({"resources": [{"path": path, "body": {}}]});
        Sandbox::from_seed(&seed.to_string()).unwrap();
    }
}

#[test]
fn an_exported_world_may_have_paths_that_no_operation_has() {
    let path = format!("/groups/{PROJECT}/accessList/192.0.2.0/24");
    let world = json!({"made": 1, "resources": [{"path": path, "body": {}}]});
    Sandbox::from_seed(&world.to_string()).unwrap();
}
