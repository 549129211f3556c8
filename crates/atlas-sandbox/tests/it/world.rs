//! The world without a socket or a clock.

use std::io::Read;

use atlas_model::{ApiError, api_error::code};
use atlas_sandbox::{CLUSTER, OWNER, PROJECT, READER, SNAPSHOT, Sandbox};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub(crate) fn after(duration: SignedDuration) -> Timestamp {
    now().checked_add(duration).unwrap()
}

pub(crate) fn path() -> String {
    format!("/api/atlas/v2/groups/{PROJECT}/clusters/{CLUSTER}/backup/tenant/download")
}

fn body() -> Value {
    json!({"snapshotId": SNAPSHOT, "targetDeploymentItemName": "any"})
}

/// The documented request of the owner.
pub(crate) fn request() -> Request<Bytes> {
    Request::post(path())
        .header("authorization", format!("Bearer {}", OWNER.access_token))
        .header("accept", "application/vnd.atlas.2025-02-19+json")
        .header("content-type", "application/json")
        .body(body().to_string().into())
        .unwrap()
}

fn asked(change: impl FnOnce(&mut Request<Bytes>)) -> Response<Bytes> {
    let mut request = request();
    change(&mut request);
    Sandbox::new().handle(now(), request)
}

pub(crate) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn the_response_is_the_documented_one_with_its_headers() {
    let response = asked(|_| {});
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers();
    assert_eq!(
        headers["content-type"],
        "application/vnd.atlas.2023-01-01+json;charset=utf-8"
    );
    assert_eq!(headers["sunset"], "Thu, 22 Jan 2026 00:00:00 GMT");
    assert!(headers.contains_key("deprecation") && headers.contains_key("ratelimit-remaining"));
    let answer = json(&response);
    assert_eq!(answer["status"], "COMPLETED");
    assert_eq!(answer["deliveryType"], "DOWNLOAD");
    assert_eq!(answer["expirationDate"], "2026-11-23T16:00:00Z");
    assert_eq!(answer["snapshotId"], SNAPSHOT);
}

/// A change of the documented request.
type Change = Box<dyn FnOnce(&mut Request<Bytes>)>;

#[test]
fn each_refusal_has_its_status_and_its_code() {
    let set = |name: &'static str, value: &'static str| {
        move |request: &mut Request<Bytes>| {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    };
    let at = |path: String| {
        move |request: &mut Request<Bytes>| *request.uri_mut() = path.parse().unwrap()
    };
    let other = "32b6e34b3d91647abb20e7ff";
    let cases: Vec<(Change, u16, &str)> = vec![
        (
            Box::new(at("/nowhere".to_owned())),
            404,
            code::RESOURCE_NOT_FOUND,
        ),
        (
            Box::new(set("authorization", "Bearer wrong")),
            401,
            code::UNEXPECTED_ERROR,
        ),
        (
            Box::new(set("authorization", "Basic eDp5")),
            401,
            code::UNEXPECTED_ERROR,
        ),
        (
            Box::new(set("accept", "application/json")),
            406,
            code::UNEXPECTED_ERROR,
        ),
        (
            Box::new(set("content-type", "text/plain")),
            415,
            code::UNEXPECTED_ERROR,
        ),
        (
            Box::new(at(path().replace(CLUSTER, "-"))),
            400,
            code::VALIDATION_ERROR,
        ),
        (
            Box::new(|request| *request.body_mut() = "{".into()),
            400,
            code::VALIDATION_ERROR,
        ),
        (
            Box::new(at(path() + "?pretty=1")),
            400,
            code::VALIDATION_ERROR,
        ),
        (
            Box::new(at(path().replace(PROJECT, other))),
            404,
            code::GROUP_NOT_FOUND,
        ),
        (
            Box::new(at(path().replace(CLUSTER, "Other"))),
            404,
            code::CLUSTER_NOT_FOUND,
        ),
        (
            Box::new(move |request| {
                let body = body().to_string().replace(SNAPSHOT, other);
                *request.body_mut() = body.into();
            }),
            404,
            code::RESOURCE_NOT_FOUND,
        ),
    ];
    for (change, status, error_code) in cases {
        let response = asked(change);
        let error: ApiError = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(response.status(), status, "{error}");
        assert_eq!(error.error, Some(status));
        assert!(error.has_code(error_code), "{error}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}

#[test]
fn a_refused_field_is_named() {
    let response = asked(|request| {
        *request.body_mut() = r#"{"snapshotId":"X","targetDeploymentItemName":"a"}"#.into();
    });
    let fields = &json(&response)["badRequestDetail"]["fields"];
    assert_eq!(fields[0]["field"], "snapshotId");
    let description = fields[0]["description"].as_str().unwrap();
    assert!(description.contains("hex"), "{description}");
}

#[test]
fn a_reader_may_not_download() {
    let response = asked(|request| {
        let token = format!("Bearer {}", READER.access_token);
        request
            .headers_mut()
            .insert("authorization", token.parse().unwrap());
    });
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[test]
fn a_second_download_within_the_pause_is_a_conflict() {
    let mut sandbox = Sandbox::new();
    sandbox.set_download_pause(SignedDuration::from_secs(60));
    assert_eq!(sandbox.handle(now(), request()).status(), 200);
    let response = sandbox.handle(after(SignedDuration::from_secs(59)), request());
    assert_eq!(response.status(), StatusCode::CONFLICT);
    let response = sandbox.handle(after(SignedDuration::from_secs(60)), request());
    assert_eq!(response.status(), StatusCode::OK);
}

#[test]
fn a_forced_error_is_returned_once_in_the_requested_form() {
    let mut sandbox = Sandbox::new();
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    sandbox.answer_next_with(ApiError::new(status, code::UNEXPECTED_ERROR, "forced"));
    let mut enveloped = request();
    *enveloped.uri_mut() = (path() + "?envelope=true&pretty=true").parse().unwrap();
    let response = sandbox.handle(now(), enveloped);
    assert_eq!(json(&response)["status"], 500);
    assert_eq!(json(&response)["content"]["detail"], "forced");
    assert!(response.body().contains(&b'\n'));
    assert_eq!(sandbox.handle(now(), request()).status(), StatusCode::OK);
}

#[test]
fn the_sunset_is_enforced_only_if_set_and_only_after_its_date() {
    let mut sandbox = Sandbox::new();
    sandbox.enforce_sunset(true);
    let eve: Timestamp = "2026-01-21T23:59:59Z".parse().unwrap();
    let day: Timestamp = "2026-01-22T00:00:00Z".parse().unwrap();
    assert_eq!(sandbox.handle(eve, request()).status(), StatusCode::OK);
    let response = sandbox.handle(day, request());
    assert_eq!(response.status(), StatusCode::GONE);
    let detail = json(&response)["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("downloadGroupFlexClusterBackup"),
        "{detail}"
    );
}

/// Requests a snapshot download and returns the path of its link.
fn link(sandbox: &mut Sandbox) -> String {
    let answer = json(&sandbox.handle(now(), request()));
    let url = answer["snapshotUrl"].as_str().unwrap();
    url.strip_prefix("http://127.0.0.1").unwrap().to_owned()
}

fn get(sandbox: &mut Sandbox, path: &str, headers: &[(&'static str, &str)]) -> Response<Bytes> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    sandbox.handle(now(), request.body(Bytes::new()).unwrap())
}

#[test]
fn a_link_returns_a_valid_gzipped_tar() {
    let mut sandbox = Sandbox::new();
    let path = link(&mut sandbox);
    let response = get(&mut sandbox, &path, &[]);
    assert_eq!(response.status(), StatusCode::OK);
    let mut names = Vec::new();
    let gunzip = flate2::read::GzDecoder::new(&response.body()[..]);
    for entry in tar::Archive::new(gunzip).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        assert_eq!(data.len() as u64, entry.size());
        names.push(entry.path().unwrap().display().to_string());
    }
    assert_eq!(names, ["metadata.json", "collection-0.wt"]);
    let put = Request::put(path).body(Bytes::new()).unwrap();
    let refused = sandbox.handle(now(), put);
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers()["allow"], "GET, HEAD");
}

#[test]
fn a_link_serves_ranges_of_the_file_that_its_tag_names() {
    let mut sandbox = Sandbox::new();
    let path = link(&mut sandbox);
    let whole = get(&mut sandbox, &path, &[]);
    let (file, length) = (whole.body().clone(), whole.body().len());
    let etag = whole.headers()["etag"].to_str().unwrap().to_owned();
    for (range, part) in [
        ("bytes=0-9", 0..10),
        ("bytes=10-", 10..length),
        ("bytes=-7", length - 7..length),
    ] {
        let response = get(
            &mut sandbox,
            &path,
            &[("range", range), ("if-range", &etag)],
        );
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(*response.body(), file[part.clone()]);
        let expected = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        assert_eq!(response.headers()["content-range"], expected);
    }
    let changed = [("range", "bytes=0-9"), ("if-range", "\"other\"")];
    assert_eq!(get(&mut sandbox, &path, &changed).status(), StatusCode::OK);
    let beyond = format!("bytes={length}-");
    let response = get(&mut sandbox, &path, &[("range", &beyond)]);
    assert_eq!(response.status(), StatusCode::RANGE_NOT_SATISFIABLE);
}

#[test]
fn a_link_expires_after_four_hours_and_refuses_authorization() {
    let mut sandbox = Sandbox::new();
    let path = link(&mut sandbox);
    let fetch = || Request::get(&path).body(Bytes::new()).unwrap();
    let almost = after(SignedDuration::new(4 * 3600 - 1, 0));
    assert_eq!(sandbox.handle(almost, fetch()).status(), StatusCode::OK);
    let expired = sandbox.handle(after(SignedDuration::from_hours(4)), fetch());
    assert_eq!(expired.status(), StatusCode::FORBIDDEN);
    assert_eq!(expired.headers()["content-type"], "application/xml");
    let altered = get(&mut sandbox, &format!("{path}0"), &[]);
    assert_eq!(altered.status(), StatusCode::FORBIDDEN);
    let leaked = get(&mut sandbox, &path, &[("authorization", "Bearer x")]);
    assert_eq!(leaked.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn an_empty_bucket_returns_429_with_the_wait_and_refills() {
    let mut sandbox = Sandbox::new();
    let ask = |sandbox: &mut Sandbox, at: Timestamp| sandbox.handle(at, request());
    for left in (0..4000).rev() {
        let answer = ask(&mut sandbox, now());
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["ratelimit-remaining"], left.to_string());
    }
    let answer = ask(&mut sandbox, now());
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "1");
    assert_eq!(answer.headers()["ratelimit-limit"], "4000");
    let error: ApiError = serde_json::from_slice(answer.body()).unwrap();
    let throttle = error.throttle().unwrap();
    assert_eq!(
        (throttle.wait.as_secs(), throttle.capacity, throttle.refill),
        (1, 4000, 2000)
    );
    assert_eq!(throttle.endpoint, "downloadGroupClusterBackupTenant");
    let later = after(SignedDuration::from_secs(1));
    assert_eq!(
        ask(&mut sandbox, later).headers()["ratelimit-remaining"],
        "32"
    );
    let much_later = after(SignedDuration::from_hours(1));
    let answer = ask(&mut sandbox, much_later);
    assert_eq!(answer.headers()["ratelimit-remaining"], "3999");

    sandbox.limit_rates(false);
    for _ in 0..5000 {
        assert_eq!(ask(&mut sandbox, much_later).status(), StatusCode::OK);
    }
}

#[test]
fn the_jobs_of_a_cluster_can_be_read_from_code() {
    let mut sandbox = Sandbox::new();
    sandbox.set_download_delay(SignedDuration::from_secs(100));
    let (project, cluster) = (PROJECT.parse().unwrap(), CLUSTER.parse().unwrap());
    assert_eq!(sandbox.jobs(now(), project, &cluster), []);
    let answer = json(&sandbox.handle(now(), request()));
    for (seconds, status) in [(0, "PENDING"), (50, "RUNNING"), (100, "COMPLETED")] {
        let at = after(SignedDuration::from_secs(seconds));
        let jobs = sandbox.jobs(at, project, &cluster);
        assert_eq!(jobs.len(), 1);
        assert_eq!(jobs[0].0.to_string(), answer["id"]);
        assert_eq!(jobs[0].1.as_str(), status);
    }
}

#[test]
fn the_backups_of_a_deleted_dedicated_cluster_stay_and_those_of_others_go() {
    let cluster = |name: &str, kind: &str| {
        json!({"name": name, "kind": serde_json::from_str::<Value>(kind).unwrap(),
               "deleted": !kind.starts_with('"') || kind == "\"replicaSet\"",
               "snapshots": [{"id": SNAPSHOT, "bytes": 1000}]})
    };
    let clusters = [
        cluster("Set", "\"replicaSet\""),
        cluster("Shards", "{\"sharded\": 2}"),
        cluster("Flex", "\"flex\""),
        cluster("Tenant", "\"tenant\""),
    ];
    let seed = json!({"projects": [{"id": PROJECT, "clusters": clusters}]});
    let mut sandbox = Sandbox::from_seed(&seed.to_string()).unwrap();
    for gone in ["Flex", "Tenant"] {
        sandbox.delete_cluster(PROJECT.parse().unwrap(), &gone.parse().unwrap());
    }
    let mut ask = |path: &str| {
        let path = format!("/api/atlas/v2/groups/{PROJECT}/{path}");
        let authorization = format!("Bearer {}", OWNER.access_token);
        let headers = [
            ("authorization", authorization.as_str()),
            ("accept", "application/vnd.atlas.2025-02-19+json"),
        ];
        let response = get(&mut sandbox, &path, &headers);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        (response.status().as_u16(), body)
    };
    for name in ["Set", "Shards", "Flex", "Tenant"] {
        for path in ["clusters", "flexClusters"] {
            let (status, body) = ask(&format!("{path}/{name}"));
            assert_eq!(
                (status, &body["errorCode"]),
                (404, &json!(code::CLUSTER_NOT_FOUND))
            );
        }
    }
    for path in ["clusters", "flexClusters"] {
        assert_eq!(ask(path).1["results"], json!([]), "{path}");
    }
    for (path, left) in [
        ("Set/backup/snapshots", 200),
        ("Set/backup/restoreJobs", 200),
        ("Shards/backup/snapshots/shardedClusters", 200),
        ("Flex/backup/snapshots", 404),
        ("Tenant/backup/snapshots", 404),
        ("Tenant/backup/tenant/snapshots", 404),
    ] {
        assert_eq!(ask(&format!("clusters/{path}")).0, left, "{path}");
    }
    let snapshots = ask("clusters/Set/backup/snapshots").1;
    assert_eq!(snapshots["results"][0]["id"], SNAPSHOT);

    let taken = Request::post(format!(
        "/api/atlas/v2/groups/{PROJECT}/clusters/Set/backup/snapshots"
    ))
    .header("authorization", format!("Bearer {}", OWNER.access_token))
    .header("accept", "application/vnd.atlas.2025-02-19+json")
    .header("content-type", "application/json")
    .body(Bytes::from_static(
        br#"{"description": "late", "retentionInDays": 1}"#,
    ))
    .unwrap();
    assert_eq!(sandbox.handle(now(), taken).status(), StatusCode::NOT_FOUND);
}
