//! Seeds: a small text cannot create a world that exhausts the machine.

use std::fmt::Write as _;

use atlas_sandbox::{ClusterKind, PROJECT, Sandbox, SandboxServer};
use jiff::Timestamp;
use serde_json::json;

use crate::server::{SEED, send_raw};

const ID: &str = "32b6e34b3d91647abb20e7b8";
const TIME: &str = "2026-05-04T09:42:00Z";
const SNAPSHOTS: &str = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/flexClusters/C0/backup";

/// A seed with one cluster.
fn cluster(rest: &str) -> String {
    format!(r#"{{"projects": [{{"id": "{ID}", "clusters": [{{"name": "C0", {rest}}}]}}]}}"#)
}

/// A seed with one Flex snapshot.
fn snapshot(rest: &str) -> String {
    cluster(&format!(
        r#""kind": "flex", "snapshots": [{{"id": "{ID}", {rest}}}]"#
    ))
}

/// Distinct ids.
fn id(number: usize) -> String {
    format!("{number:024x}")
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn a_value_out_of_bounds_is_named_with_its_path_and_its_bounds() {
    let deep = format!(r#"{{"projects": {}"#, "[".repeat(100_000));
    let long = "x".repeat(65);
    for (seed, said) in [
        (
            r#"["2026-05-04T09:42:00Z"]"#.to_owned(),
            "expected an object, not an array",
        ),
        (
            cluster(r#""kind": {"sharded": 20000}"#),
            "projects[0].clusters[0].kind.sharded: 20000; expected 1 to 50",
        ),
        (cluster(r#""kind": {"sharded": 0}"#), "0; expected 1 to 50"),
        (
            cluster(r#""kind": {"sharded": 51}"#),
            "51; expected 1 to 50",
        ),
        (
            cluster(r#""kind": {"sharded": -1}"#),
            "-1; expected 1 to 50",
        ),
        (
            cluster(r#""kind": {"sharded": 2.5}"#),
            "2.5; expected 1 to 50",
        ),
        (
            cluster(r#""kind": {"sharded": "2"}"#),
            "sharded: invalid type",
        ),
        (cluster(r#""kind": "sharded""#), "kind.sharded: this name needs a value"),
        (cluster(r#""kind": "M10""#), "kind: unknown name `M10`"),
        (
            snapshot(r#""bytes": 1152921504606846976"#),
            "projects[0].clusters[0].snapshots[0].bytes: 1152921504606846976; \
             expected 0 to 1099511627776",
        ),
        (snapshot(r#""bytes": 1099511627777"#), "expected 0 to"),
        (
            snapshot(r#""bytes": 18446744073709551615"#),
            "expected 0 to",
        ),
        (
            snapshot(r#""bytes": 18446744073709551616"#),
            "expected 0 to",
        ),
        (snapshot(r#""bytes": 1e300"#), "expected 0 to"),
        (snapshot(r#""bytes": -1"#), "-1; expected 0 to"),
        (
            snapshot(r#""bytes": 1, "finished": "yesterday""#),
            "RFC 3339",
        ),
        (
            snapshot(r#""bytes": 1, "finished": "1969-12-31T23:59:59Z""#),
            "expected a year from 1970 to 8999",
        ),
        (
            snapshot(r#""bytes": 1, "finished": "9999-01-01T00:00:00Z""#),
            "expected a year from 1970 to 8999",
        ),
        (
            format!(r#"{{"projects": [{{"id": "{ID}", "name": "{long}"}}]}}"#),
            "projects[0].name: 65 characters; expected 1 to 64",
        ),
        (
            format!(r#"{{"projects": [{{"id": "{ID}", "name": ""}}]}}"#),
            "projects[0].name: 0 characters",
        ),
        (
            format!(r#"{{"projects": [{{"id": "{ID}"}}, {{"id": "{ID}"}}]}}"#),
            "projects[1].id: duplicate project 32b6e34b3d91647abb20e7b8",
        ),
        (
            format!(
                r#"{{"projects": [{{"id": "{ID}", "clusters": [
                    {{"name": "C0", "kind": "flex"}}, {{"name": "C0", "kind": "tenant"}}]}}]}}"#
            ),
            "projects[0].clusters[1].name: duplicate cluster \"C0\" in the project",
        ),
        (
            cluster(&format!(
                r#""kind": "flex", "snapshots": [
                    {{"id": "{ID}", "bytes": 1}}, {{"id": "{ID}", "bytes": 2}}]"#
            )),
            "projects[0].clusters[0].snapshots[1].id: duplicate snapshot",
        ),
        (
            cluster(&format!(
                r#""kind": "flex", "snapshots": [{{"id": "{ID}", "bytes": 1}}], "jobs": [
                    {{"id": "{ID}", "snapshot": "{ID}", "delivery": "download", "asked": "{TIME}"}},
                    {{"id": "{ID}", "snapshot": "{ID}", "delivery": "download", "asked": "{TIME}"}}]"#
            )),
            "projects[0].clusters[0].jobs[1].id: duplicate job 32b6e34b3d91647abb20e7b8",
        ),
        (
            r#"{"organizations": []}"#.to_owned(),
            "organizations: the default project needs 32b6e34b3d91647abb20e7b0",
        ),
        (
            format!(r#"{{"organizations": [{{"id": "{ID}"}}, {{"id": "{ID}"}}]}}"#),
            "organizations[1].id: duplicate organization 32b6e34b3d91647abb20e7b8",
        ),
        (
            r#"{"logins": [{"roles": [], "accessToken": "a"}, {"roles": [], "accessToken": "a"}]}"#
                .to_owned(),
            "logins[1]: another login has the same key, client or token",
        ),
        (
            r#"{"resources": [{"path": "/users/a%20b", "body": {}}, {"path": "/users/a b", "body": {}}]}"#
                .to_owned(),
            "resources[1].path: \"/users/a%20b\": duplicate resource",
        ),
        (
            format!(
                r#"{{"scheduled": [
                    {{"path": "/groups/{PROJECT}", "at": "{TIME}", "merge": {{"a": 1}}}},
                    {{"path": "/groups/{PROJECT}", "at": "{TIME}", "merge": {{"a": 2}}}}]}}"#
            ),
            "scheduled[1].path: \"/groups/32b6e34b3d91647abb20e7b8\": duplicate change at \
             2026-05-04T09:42:00Z; put all fields into one merge",
        ),
        (
            r#"{"projects": [{"id": "\u001b[2J\n"}]}"#.to_owned(),
            "projects[0].id: ",
        ),
        (
            r#"{"settings": {"nonceSeconds": -1}}"#.to_owned(),
            "settings.nonceSeconds: -1; expected 0 to 4294967295",
        ),
        (
            r#"{"settings": {"restoreSeconds": 1e99}}"#.to_owned(),
            "settings.restoreSeconds: 1e+99; expected",
        ),
        (
            r#"{"settings": {"failingJobs": 4294967296}}"#.to_owned(),
            "settings.failingJobs: 4294967296; expected",
        ),
        (
            r#"{"logins": [{"roles": [], "accessToken": ""}]}"#.to_owned(),
            "logins[0].accessToken: empty",
        ),
        (
            r#"{"logins": [{"roles": [], "publicKey": "a b", "privateKey": "c"}]}"#.to_owned(),
            "logins[0].publicKey: expected a text without spaces",
        ),
        (
            r#"{"logins": [{"roles": [], "publicKey": "a", "privateKey": ""}]}"#.to_owned(),
            "logins[0].privateKey: empty",
        ),
        (
            r#"{"logins": [{"roles": [], "clientId": "\u0000", "clientSecret": "a"}]}"#.to_owned(),
            "logins[0].clientId: expected",
        ),
        (
            r#"{"logins": [{"roles": [], "clientId": "a", "clientSecret": ["b", "\n"]}]}"#
                .to_owned(),
            "logins[0].clientSecret: expected",
        ),
        (r#"{"more": 1}"#.to_owned(), "unknown field `more`"),
        ("{} {}".to_owned(), "trailing characters"),
        (deep, "invalid seed: projects"),
        (" ".repeat((16 << 20) + 1), "expected at most 16777216"),
    ] {
        let shown: String = seed.chars().take(200).collect();
        let error = Sandbox::from_seed(&seed).expect_err(&shown).to_string();
        assert!(error.starts_with("invalid seed: "), "{error}");
        assert!(error.contains(said), "{error}");
        assert!(error.len() < 600, "{error}");
        assert!(!error.contains(['\n', '\u{1b}']), "{error}");
    }
}

#[test]
fn organizations_need_neither_ids_nor_names() {
    let text = r#"{"organizations": [{}, {}], "projects": []}"#;
    let world = Sandbox::from_seed(text)
        .unwrap()
        .to_seed(crate::world::now());
    let world: serde_json::Value = serde_json::from_str(&world).unwrap();
    let ids = world["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"]);
    let ids: Vec<_> = ids.map(|id| id.as_str().unwrap()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
    assert!(ids.iter().all(|id| id.len() == 24), "{ids:?}");
}

#[test]
fn no_more_items_than_the_bounds_are_accepted() {
    let mut projects = String::new();
    for number in 0..10_001 {
        let _ = write!(projects, r#"{{"id": "{}"}},"#, id(number));
    }
    let projects = format!(r#"{{"projects": [{}]}}"#, projects.trim_end_matches(','));
    let mut clusters = String::new();
    for number in 0..10_001 {
        let _ = write!(clusters, r#"{{"name": "C{number}", "kind": "flex"}},"#);
    }
    let clusters = format!(
        r#"{{"projects": [{{"id": "{ID}", "clusters": [{}]}}]}}"#,
        clusters.trim_end_matches(',')
    );
    let snapshots = |count: usize| {
        let listed: Vec<String> = (0..count)
            .map(|number| format!(r#"{{"id": "{}", "bytes": 1099511627776}}"#, id(number)))
            .collect();
        listed.join(",")
    };
    let many = cluster(&format!(
        r#""kind": "flex", "snapshots": [{}]"#,
        snapshots(10_001)
    ));
    let sharded = cluster(&format!(
        r#""kind": {{"sharded": 50}}, "snapshots": [{}]"#,
        snapshots(201)
    ));
    let mut shards = String::new();
    for number in 0..201 {
        let _ = write!(
            shards,
            r#"{{"name": "C{number}", "kind": {{"sharded": 50}}}},"#
        );
    }
    let shards = format!(
        r#"{{"projects": [{{"id": "{ID}", "clusters": [{}]}}]}}"#,
        shards.trim_end_matches(',')
    );
    for (seed, said) in [
        (shards, "10050 shards; expected at most 10000"),
        (
            projects,
            "projects[10000]: 10001 projects; expected at most 10000",
        ),
        (clusters, "10001 clusters; expected at most 10000"),
        (many, "10001 snapshot files; expected at most 10000"),
        (sharded, "10050 snapshot files; expected at most 10000"),
    ] {
        let error = Sandbox::from_seed(&seed).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let most = cluster(&format!(
        r#""kind": {{"sharded": 50}}, "snapshots": [{}]"#,
        snapshots(200)
    ));
    assert!(Sandbox::from_seed(&most).is_ok());
}

#[tokio::test]
async fn a_refused_world_changes_nothing() {
    let server = SandboxServer::builder(Sandbox::from_seed(SEED).unwrap());
    let server = server.start().await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap();
    let ask = async |method: &str, body: &str| {
        let length = body.len();
        let request = format!(
            "{method} /sandbox/world HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let answer = send_raw(&server, request.as_bytes()).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].to_owned(), body.to_owned())
    };
    let shown = async || {
        let mut world: serde_json::Value = serde_json::from_str(&ask("GET", "").await.1).unwrap();
        world["clock"].take();
        world
    };
    let before = shown().await;
    // All values but the last are valid.
    for odd in [
        snapshot(r#""bytes": 18446744073709551615"#),
        r#"{"settings": {"failingJobs": 3}, "projects": [{"id": "nope"}]}"#.to_owned(),
        r#"{"settings": {"limitRates": false, "failingJobs": -1}}"#.to_owned(),
    ] {
        let (status, body) = ask("PUT", &odd).await;
        assert_eq!(status, "400", "{body}");
        assert!(body.contains("invalid seed: "), "{body}");
        assert_eq!(shown().await, before);
    }
}

#[tokio::test]
async fn a_file_of_a_tebibyte_is_announced_and_its_end_is_read_at_once() {
    let seed = snapshot(r#""bytes": 1099511627776"#);
    let mut sandbox = Sandbox::from_seed(&seed).unwrap();
    let now: Timestamp = "2026-05-04T09:42:00Z".parse().unwrap();
    let ask = http::Request::post(format!("{SNAPSHOTS}/download"))
        .header("content-type", "application/json")
        .header("accept", "application/vnd.atlas.2024-11-13+json")
        .header(
            "authorization",
            format!("Bearer {}", atlas_sandbox::OWNER.access_token),
        )
        .body(format!(r#"{{"snapshotId": "{ID}"}}"#).into())
        .unwrap();
    let answer = sandbox.handle(now, ask);
    let job: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    let link = job["snapshotUrl"].as_str().unwrap();
    let target = link.strip_prefix("http://127.0.0.1").unwrap();
    let get = http::Request::get(target)
        .header("range", "bytes=-8")
        .body(bytes::Bytes::new())
        .unwrap();
    let answer = sandbox.handle(now, get);
    assert_eq!(answer.status(), 206);
    let length: u64 = answer.headers()["content-range"]
        .to_str()
        .unwrap()
        .rsplit_once('/')
        .unwrap()
        .1
        .parse()
        .unwrap();
    assert!(length > 1 << 40, "{length}");
    let body = answer.body();
    assert_eq!(body.len(), 8);
    let size = u32::from_le_bytes(body[4..].try_into().unwrap());
    // Two records and the first file before the data, two records after it.
    assert_eq!(size % 512, 0);
}

#[test]
fn extreme_values_from_code_are_clamped() {
    let mut sandbox = Sandbox::empty();
    let (project, name) = (ID.parse().unwrap(), "C0".parse().unwrap());
    for shards in [0, u16::MAX] {
        let mut sandbox = Sandbox::empty();
        let kind = ClusterKind::Sharded { shards };
        sandbox.add_cluster(project, "S0".parse().unwrap(), kind);
        let name = "S0".parse().unwrap();
        sandbox.add_snapshot_at(project, &name, ID.parse().unwrap(), 1, Timestamp::MAX);
        let files = sandbox.snapshot_files(project, &name, ID.parse().unwrap());
        assert_eq!(files.len(), usize::from(shards.clamp(1, 50)));
    }
    sandbox.add_cluster(project, "C0".parse().unwrap(), ClusterKind::Flex);
    for (number, finished) in [(1, Timestamp::MIN), (2, Timestamp::MAX)] {
        let id = id(number).parse().unwrap();
        sandbox.add_snapshot_at(project, &name, id, u64::MAX, finished);
    }
    // At the ends of time, too, every list and the page respond.
    for now in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
        for path in [
            "/",
            &format!("{SNAPSHOTS}/snapshots"),
            "/api/atlas/v2/clusters",
        ] {
            let request = http::Request::get(path)
                .header("accept", "application/vnd.atlas.2025-03-12+json")
                .header(
                    "authorization",
                    format!("Bearer {}", atlas_sandbox::OWNER.access_token),
                )
                .body(bytes::Bytes::new())
                .unwrap();
            assert_eq!(sandbox.handle(now, request).status(), 200, "{path} {now}");
        }
    }
}

#[tokio::test]
async fn time_that_passes_too_fast_stops_at_the_end_of_the_clock() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    for (scale, shown) in [
        (0, "\"clock\":\"2026-05-28T20:26:40Z\""),
        (1, "\"clock\":\"2026-06-08T10:13:20Z\""),
        (u32::MAX, "\"clock\":\"9000-01-01T00:00:00Z\""),
    ] {
        let seconds = Arc::new(AtomicI64::new(1_780_000_000));
        let clock = seconds.clone();
        let server = SandboxServer::builder(Sandbox::new())
            .clock(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap())
            .time_scale(scale)
            .start()
            .await
            .unwrap();
        seconds.fetch_add(913_600, Ordering::SeqCst);
        let host = server.url().strip_prefix("http://").unwrap();
        let request =
            format!("GET /sandbox/world HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = send_raw(&server, request.as_bytes()).await;
        assert!(answer.contains(shown), "{scale}: {answer}");
    }
}

#[test]
fn a_scheduled_merge_after_which_the_world_cannot_be_exported_is_refused() {
    let project = format!("/groups/{ID}");
    let cluster = format!("{project}/clusters/A");
    for (path, merge) in [
        (&cluster, json!({"replicationSpecs": 7})),
        (&cluster, json!({"createDate": 5})),
        (&cluster, json!({"name": "B"})),
        (&cluster, json!({"stateName": "ODD"})),
        (&cluster, json!(7)),
        (&project, json!({"name": null})),
        (&project, json!({"orgId": 7})),
    ] {
        let seed = json!({
            "projects": [{"id": ID, "clusters": [{"name": "A", "kind": "replicaSet"}]}],
            "scheduled": [{"at": "2027-01-01T00:00:00Z", "path": path, "merge": merge}],
        });
        let error = Sandbox::from_seed(&seed.to_string()).unwrap_err();
        assert!(error.to_string().contains("scheduled[0].merge"), "{error}");
    }
}
