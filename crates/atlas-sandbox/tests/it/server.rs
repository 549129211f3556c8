//! The server on a real socket.

use atlas_sandbox::{FaultPlan, Sandbox, SandboxServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) async fn send_raw(server: &SandboxServer, request: &[u8]) -> String {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn every_refusal_on_the_wire_has_an_error_body() {
    let server = SandboxServer::start().await.unwrap();
    let answer = send_raw(
        &server,
        b"GET /x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer.contains("\"errorCode\":\"RESOURCE_NOT_FOUND\""),
        "{answer}"
    );

    let mut large =
        b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1048577\r\n\r\n"
            .to_vec();
    large.resize(large.len() + 1_048_577, b' ');
    let answer = send_raw(&server, &large).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(server.with(|sandbox| sandbox.requests()), 1);
}

#[tokio::test]
async fn the_links_of_a_server_on_every_address_lead_to_the_requested_host() {
    let get = async |server: &SandboxServer, host: &str| {
        let address = server.url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let token = atlas_sandbox::OWNER.access_token;
        let request = format!(
            "GET /api/atlas/v2/groups/{} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             accept: application/vnd.atlas.2025-03-12+json\r\nauthorization: Bearer {token}\r\n\r\n",
            atlas_sandbox::PROJECT
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let everywhere = SandboxServer::builder(Sandbox::new());
    let everywhere = everywhere
        .address([0, 0, 0, 0].into())
        .start()
        .await
        .unwrap();
    let own = everywhere.url().to_owned();
    assert!(own.starts_with("http://127.0.0.1:"), "{own}");
    for (host, linked) in [
        ("sandbox:8080", "http://sandbox:8080/api/"),
        ("[::1]:8080", "http://[::1]:8080/api/"),
        ("a/b", "http://[::1]:8080/api/"),
    ] {
        let answer = get(&everywhere, host).await;
        assert!(answer.contains(linked), "{answer}");
    }
    let here = SandboxServer::start().await.unwrap();
    let answer = get(&here, "sandbox:8080").await;
    assert!(answer.contains(here.url()), "{answer}");
}

#[tokio::test]
async fn two_servers_are_two_worlds() {
    let (one, two) = (
        SandboxServer::start().await.unwrap(),
        SandboxServer::start().await.unwrap(),
    );
    assert_ne!(one.url(), two.url());
    send_raw(
        &one,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(two.with(|sandbox| sandbox.requests()), 0);
}

pub(crate) async fn get(server: &SandboxServer, path: &str) -> String {
    let token = atlas_sandbox::OWNER.access_token;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         accept: application/vnd.atlas.2025-03-12+json\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    send_raw(server, request.as_bytes()).await
}

pub(crate) const SEED: &str = r#"{"projects": [{
    "id": "32b6e34b3d91647abb20e7b8", "name": "<Shop> & Co",
    "clusters": [
        {"name": "Orders", "kind": "flex", "snapshots": [
            {"id": "32b6e34b3d91647abb20e7c0", "bytes": 1000, "finished": "2026-05-04T09:42:00Z"}
        ]},
        {"name": "Carts", "kind": {"sharded": 3}}
    ]
}]}"#;

pub(crate) const ORDERS: &str = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/flexClusters/Orders";

#[tokio::test]
async fn a_seed_is_the_world_and_its_page_shows_it() {
    let server = SandboxServer::builder(Sandbox::from_seed(SEED).unwrap());
    let server = server.start().await.unwrap();
    let answer = get(&server, &format!("{ORDERS}/backup/snapshots")).await;
    assert!(
        answer.contains("\"finishTime\":\"2026-05-04T09:42:00Z\""),
        "{answer}"
    );
    let page = get(&server, "/").await;
    assert!(
        page.contains("text/html") && page.contains("&lt;Shop&gt; &amp; Co"),
        "{page}"
    );
    assert!(page.contains("<td>Carts<td>sharded (3)"), "{page}");
    for odd in [
        "",
        r#"{"projects": 1}"#,
        r#"{"settings": {"nonceSeconds": -1}}"#,
        r#"{"projects": [{"id": "X"}]}"#,
        r#"{"projects": [], "more": 1}"#,
    ] {
        assert!(Sandbox::from_seed(odd).is_err(), "{odd}");
    }
}

#[tokio::test]
async fn a_fault_also_applies_to_a_path_with_a_trailing_slash() {
    let plan = r#"[{"operation": "listGroups", "do": {"status": {"status": 503}}}]"#;
    let server = SandboxServer::builder(Sandbox::new())
        .faults(FaultPlan::from_json(plan).unwrap())
        .start()
        .await
        .unwrap();
    for path in ["/api/atlas/v2/groups", "/api/atlas/v2/groups/"] {
        let answer = get(&server, path).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{path}: {answer}");
    }
    let journal = server.journal();
    assert_eq!(journal.find("operation=listGroups").unwrap().len(), 2);
}

#[tokio::test]
async fn each_fault_of_the_plan_acts_on_its_request() {
    let plan = r#"[
        {"operation": "getGroupFlexCluster", "nth": [1], "do": {"status": {"status": 503, "retryAfter": 7}}},
        {"operation": "getGroupFlexCluster", "nth": [1], "do": "reset"},
        {"operation": "getGroupFlexCluster", "nth": [1], "do": {"truncate": 10}},
        {"path": "/api/oauth/", "do": {"delayMs": 1}}
    ]"#;
    let plan = FaultPlan::from_json(plan).unwrap();
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = log.clone();
    let server = SandboxServer::builder(Sandbox::from_seed(SEED).unwrap())
        .faults(plan)
        .log(move |answered| kept.lock().unwrap().push(answered.clone()))
        .start()
        .await
        .unwrap();
    let answer = get(&server, ORDERS).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 7"), "{answer}");
    assert_eq!(get(&server, ORDERS).await, "");
    let answer = get(&server, ORDERS).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && body.len() == 10,
        "{answer}"
    );
    let answer = get(&server, ORDERS).await;
    assert!(answer.contains("\"name\":\"Orders\""), "{answer}");
    assert!(
        get(&server, "/api/oauth/token?secret")
            .await
            .starts_with("HTTP/1.1 405")
    );

    let log = log.lock().unwrap();
    let statuses: Vec<_> = log
        .iter()
        .map(|line| line.status.map(|it| it.as_u16()))
        .collect();
    assert_eq!(statuses, [Some(503), None, Some(200), Some(200), Some(405)]);
    assert_eq!(log[4].path, "/api/oauth/token");
    for odd in ["{}", r#"[{"do": "explode"}]"#, r#"[{"operation": "x"}]"#] {
        assert!(FaultPlan::from_json(odd).is_err(), "{odd}");
    }
}

#[tokio::test]
async fn a_rule_does_not_count_the_requests_on_which_an_earlier_rule_acts() {
    for (second, expected) in [(1, [503, 504, 200, 200]), (2, [503, 200, 504, 200])] {
        let plan = format!(
            r#"[{{"operation": "listOrgs", "nth": [1], "do": {{"status": {{"status": 503}}}}}},
                {{"operation": "listOrgs", "nth": [{second}], "do": {{"status": {{"status": 504}}}}}}]"#
        );
        let server = SandboxServer::builder(Sandbox::new())
            .faults(FaultPlan::from_json(&plan).unwrap())
            .start()
            .await
            .unwrap();
        for status in expected {
            let answer = get(&server, "/api/atlas/v2/orgs").await;
            assert_eq!(&answer[9..12], status.to_string(), "{second}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_status_without_a_body_has_none_and_no_headers_of_one() {
    for (status, length) in [(204, None), (205, Some("0")), (304, None)] {
        let plan = format!(r#"[{{"do": {{"status": {{"status": {status}, "retryAfter": 1}}}}}}]"#);
        let server = SandboxServer::builder(Sandbox::new())
            .faults(FaultPlan::from_json(&plan).unwrap())
            .start()
            .await
            .unwrap();
        let answer = get(&server, "/api/atlas/v2/orgs").await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(body, "", "{status}");
        let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        assert_eq!(value("content-length: "), length, "{answer}");
        assert_eq!(value("content-type: "), None, "{answer}");
        assert_eq!(value("retry-after: "), Some("1"), "{answer}");
    }
}

#[tokio::test]
async fn a_deletion_without_content_has_no_envelope() {
    let server = SandboxServer::start().await.unwrap();
    let token = atlas_sandbox::OWNER.access_token;
    let request = format!(
        "DELETE /api/atlas/v2/groups/{}/flexClusters/{}?envelope=true HTTP/1.1\r\nhost: x\r\n\
         connection: close\r\naccept: application/vnd.atlas.2024-11-13+json\r\n\
         authorization: Bearer {token}\r\n\r\n",
        atlas_sandbox::PROJECT,
        atlas_sandbox::FLEX_CLUSTER,
    );
    let answer = send_raw(&server, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(!answer.contains("\ncontent-"), "{answer}");
}

#[tokio::test]
async fn time_passes_at_the_given_scale() {
    use std::sync::atomic::{AtomicI64, Ordering};
    let seconds = std::sync::Arc::new(AtomicI64::new(1_780_000_000));
    let clock = seconds.clone();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = seen.clone();
    let server = SandboxServer::builder(Sandbox::new())
        .clock(move || jiff::Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap())
        .time_scale(60)
        .log(move |answered| kept.lock().unwrap().push(answered.at.as_second()))
        .start()
        .await
        .unwrap();
    get(&server, "/").await;
    seconds.fetch_add(10, Ordering::SeqCst);
    get(&server, "/").await;
    assert_eq!(*seen.lock().unwrap(), [1_780_000_000, 1_780_000_600]);
}
