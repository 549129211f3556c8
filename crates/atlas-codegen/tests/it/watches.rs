//! Every entry of `watch.json` can be polled to its end, or `check` reports why not.

use serde_json::{Value, json};

use crate::support::{Small, run};

/// A job that is started and polled, and a call with a response without content.
const JOBS: &str = r##"
openapi: 3.0.1
info: {title: Jobs, version: "2.0", x-xgen-sha: jobs}
paths:
  /api/atlas/v2/{groupId}/jobs:
    post:
      operationId: startJob
      tags: [Jobs]
      parameters:
        - {in: path, name: groupId, required: true, schema: {type: string}}
        - {in: query, name: hint, schema: {type: string}}
      responses:
        "201": {content: {application/vnd.atlas.2023-01-01+json: {schema: {$ref: "#/components/schemas/Job"}}}}
  /api/atlas/v2/{groupId}/jobs/{jobId}:
    get:
      operationId: getJob
      tags: [Jobs]
      parameters:
        - {in: path, name: groupId, required: true, schema: {type: string}}
        - {in: path, name: jobId, required: true, schema: {type: string}}
        - {in: query, name: full, schema: {type: boolean}}
      responses:
        "200": {content: {application/vnd.atlas.2023-01-01+json: {schema: {$ref: "#/components/schemas/Job"}}}}
        "404": {description: Gone.}
    delete:
      operationId: deleteJob
      tags: [Jobs]
      parameters:
        - {in: path, name: groupId, required: true, schema: {type: string}}
        - {in: path, name: jobId, required: true, schema: {type: string}}
      responses:
        "204": {content: {application/vnd.atlas.2023-01-01+json: {}}}
components:
  schemas:
    Base:
      type: object
      properties:
        _id: {type: string}
        state: {type: string, enum: [BUSY, DONE, FAIL]}
        tags: {type: array, items: {type: string}}
    Job:
      type: object
      allOf: [{$ref: "#/components/schemas/Base"}]
      discriminator: {propertyName: kind, mapping: {Big: "#/components/schemas/Big"}}
      properties:
        kind: {type: string}
    Big:
      type: object
      properties:
        size: {type: integer}
        more: {$ref: "#/components/schemas/Base"}
"##;

fn entry() -> Value {
    json!({"id": "startJob", "get": "getJob", "version": "2023-01-01",
        "params": {"groupId": "input:groupId", "jobId": "body:$._id"},
        "until": {"path": "$.state", "values": ["DONE"]}, "fail": ["FAIL"]})
}

fn check(watch: &Value) -> (Option<i32>, String) {
    let small = Small::new(JOBS);
    small.write("watch.json", &watch.to_string());
    let generate = run(small.root(), &["generate"]);
    (generate.code, generate.stderr)
}

fn set(pointer: &str, value: Value) -> Value {
    let mut watch = json!([entry()]);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    watch[0].pointer_mut(parent).unwrap()[key] = value;
    watch
}

#[test]
fn fields_are_found_through_all_of_discriminators_and_references() {
    for (pointer, value) in [
        ("/params/jobId", json!("body:$._id")),
        ("/params/jobId", json!("body:$.size")),
        ("/params/jobId", json!("body:$.more._id")),
        ("/until/path", json!("$.more.state")),
        ("/until", json!({"path": "$.kind", "values": ["anything"]})),
    ] {
        let found = check(&set(pointer, value.clone()));
        assert_eq!(found, (Some(0), String::new()), "{value}");
    }
}

#[test]
fn a_watch_that_cannot_work_is_refused() {
    let mut deleted = entry();
    deleted["id"] = json!("deleteJob");
    let mut without_path = set("/until", json!({"status": 404}));
    let fail_alone = without_path.clone();
    without_path[0].as_object_mut().unwrap().remove("fail");
    without_path[0]["until"] = json!({});
    for (watch, expected) in [
        (
            set("/params/jobId", json!("body:$.id")),
            "params.jobId: response 201 of startJob 2023-01-01 has no string or number at $.id",
        ),
        (
            set("/params/jobId", json!("body:$.tags")),
            "params.jobId: response 201 of startJob 2023-01-01 has no string or number at $.tags",
        ),
        (
            set("/params/jobId", json!("body:$.more.kind")),
            "params.jobId: response 201 of startJob 2023-01-01 has no string or number at $.more.kind",
        ),
        (
            json!([deleted]),
            "params.jobId: response 204 of deleteJob 2023-01-01 has no string or number at $._id",
        ),
        (
            set("/params/jobId", json!("input:jobId")),
            "params.jobId: startJob has no parameter \"jobId\"",
        ),
        (
            set("/params/jobId", json!("input:hint")),
            "params.jobId: parameter \"hint\" of startJob is optional",
        ),
        (
            set("/params/jobId", json!("$._id")),
            "params.jobId: expected input:NAME or body:$.FIELD",
        ),
        (
            set("/params", json!({"groupId": "input:groupId"})),
            "params: getJob requires \"jobId\": add it",
        ),
        (
            set("/until/path", json!("$.status")),
            "until.path: the response of getJob 2023-01-01 has no field $.status",
        ),
        (
            set("/until/values", json!(["DONE", "READY"])),
            "until.values: \"READY\" is not a value of $.state in the facts or overrides",
        ),
        (
            set("/fail", json!(["FAILED"])),
            "fail: \"FAILED\" is not a value of $.state in the facts or overrides",
        ),
        (
            set("/fail", json!(["DONE"])),
            "fail: \"DONE\" is in until.values too: remove one",
        ),
        (
            fail_alone,
            "fail: has no effect without a path in until: remove it",
        ),
        (
            without_path,
            "until: expected a status, or a path such as $.state and a list of values",
        ),
    ] {
        let (code, stderr) = check(&watch);
        assert_eq!(code, Some(2), "{expected}: {stderr}");
        let expected = format!("error: fixtures/api/watch.json: [0].{expected}\n");
        assert_eq!(stderr, expected);
    }
}

#[test]
fn an_operation_is_watched_once() {
    let (code, stderr) = check(&json!([entry(), entry()]));
    let expected =
        "error: fixtures/api/watch.json: [1].id: startJob is watched twice: remove one\n";
    assert_eq!((code, stderr.as_str()), (Some(2), expected));
}

#[test]
fn a_wait_may_end_with_a_value_added_by_the_overrides() {
    let small = Small::new(JOBS);
    let mut overrides: Value = serde_json::from_str(&small.read("overrides.json")).unwrap();
    overrides["values"]["Base.state"] = json!({"reason": "for this test", "values": ["FAILED"]});
    small.write("overrides.json", &overrides.to_string());
    small.write(
        "watch.json",
        &set("/fail", json!(["FAIL", "FAILED"])).to_string(),
    );
    let generate = run(small.root(), &["generate"]);
    assert_eq!((generate.code, generate.stderr.as_str()), (Some(0), ""));
}
