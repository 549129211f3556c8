//! Malformed bodies, sent to every operation.

use atlas_catalog::{Body, Operation, Place};
use atlas_sandbox::{DEDICATED_CLUSTER, ORG, OWNER, PROJECT, Sandbox};
use http::Request;

use crate::world::now;

/// A request to an operation, with resources of the default world in its path.
fn request(operation: Operation, body: &'static str) -> Request<bytes::Bytes> {
    let mut path = operation.path();
    for parameter in operation.parameters() {
        let value = match parameter.name.as_str() {
            _ if parameter.place != Place::Path => continue,
            "groupId" => PROJECT,
            "orgId" => ORG,
            "clusterName" => DEDICATED_CLUSTER,
            "federationSettingsId" => "32b6e34b3d91647abb20e7c3",
            "userId" => "32b6e34b3d91647abb20e7c1",
            "databaseName" => "admin",
            _ => "32b6e34b3d91647abb20e7b8",
        };
        path = path.replace(&format!("{{{}}}", parameter.name), value);
    }
    let newest = operation.versions().last().unwrap();
    Request::builder()
        .method(operation.method())
        .uri(path)
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header(
            "accept",
            format!("application/vnd.atlas.{}+json", newest.name),
        )
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

#[test]
fn no_body_makes_the_sandbox_panic() {
    let mut sandbox = Sandbox::new();
    sandbox.limit_rates(false);
    for body in [
        "",
        "null",
        "5",
        "\"x\"",
        "[]",
        "{}",
        "[null]",
        "[5]",
        "[{}]",
        "{\"roles\": null}",
        "{\"roles\": [null]}",
        "{\"id\": {}, \"name\": [], \"policies\": {}, \"username\": 5}",
    ] {
        for operation in Operation::all().filter(|it| it.body() != Body::None) {
            let answer = sandbox.handle(now(), request(operation, body));
            assert!(answer.status().as_u16() < 500, "{operation} {body}");
        }
        for operation in Operation::all().filter(|it| it.method() == http::Method::GET) {
            let answer = sandbox.handle(now(), request(operation, ""));
            assert!(answer.status().as_u16() < 500, "{operation} after {body}");
        }
    }
}
