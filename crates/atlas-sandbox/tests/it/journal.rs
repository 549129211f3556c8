//! The journal: the recorded requests and queries.

use atlas_sandbox::{FaultPlan, OWNER, PROJECT, Sandbox, SandboxServer};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::control::control;
use crate::server::{get, send_raw};

/// The response of `GET /sandbox/requests` to a query.
pub(crate) async fn requests(server: &SandboxServer, query: &str) -> Value {
    let answer = control(server, "GET", &format!("requests{query}"), "").await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

/// Sends a request with a body and these additional header lines.
pub(crate) async fn send(server: &SandboxServer, line: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    );
    send_raw(server, request.as_bytes()).await
}

fn clusters() -> String {
    format!("/api/atlas/v2/groups/{PROJECT}/flexClusters")
}

#[tokio::test]
async fn a_request_is_shown_with_its_operation_its_status_and_its_fault() {
    let plan = r#"[{"operation": "createGroupFlexCluster", "nth": [9], "do": "reset"},
        {"operation": "listGroupFlexClusters", "nth": [2], "do": {"status": {"status": 503}}},
        {"operation": "listGroupFlexClusters", "nth": [2], "do": "reset"}]"#;
    let server = SandboxServer::builder(Sandbox::new())
        .clock(|| "2026-05-04T09:42:00Z".parse().unwrap())
        .faults(FaultPlan::from_json(plan).unwrap())
        .start()
        .await
        .unwrap();
    let target = format!("{}?pageNum=1", clusters());
    for _ in 0..3 {
        get(&server, &target).await;
    }
    let shown = requests(&server, "").await;
    assert_eq!(shown["recorded"], 3);
    assert_eq!(shown["last"], 3);
    let shown = shown["requests"].as_array().unwrap();
    assert_eq!(shown.len(), 3, "a control request is not recorded");
    let mut first = shown[0].clone();
    let headers = first["headers"].take();
    assert_eq!(
        first,
        json!({"number": 1, "at": "2026-05-04T09:42:00Z", "method": "GET", "target": target,
            "operation": "listGroupFlexClusters", "headers": null, "body": null, "bodyBytes": 0,
            "status": 200, "fault": null, "ignoredFields": []})
    );
    assert_eq!(headers["authorization"], "Bearer (redacted)");
    assert_eq!(shown[1]["status"], 503);
    let fault = json!({"rule": 2, "do": {"status": {"status": 503}}});
    assert_eq!(shown[1]["fault"], fault);
    assert_eq!(shown[2]["status"], Value::Null);
    assert_eq!(shown[2]["fault"], json!({"rule": 3, "do": "reset"}));

    let kept = server.journal().requests();
    assert_eq!(kept[1].fault(), Some(2));
    assert_eq!(kept[1].operation().unwrap().id(), "listGroupFlexClusters");
    assert_eq!(serde_json::to_value(&kept[1]).unwrap(), shown[1]);
}

#[tokio::test]
async fn an_operation_that_is_not_emulated_still_has_its_id() {
    let server = SandboxServer::start().await.unwrap();
    get(
        &server,
        &format!("/api/atlas/v2/groups/{PROJECT}/accessList"),
    )
    .await;
    let found = server
        .journal()
        .find("operation=listProjectIpAccessLists")
        .unwrap();
    assert_eq!(
        found[0].operation().unwrap().id(),
        "listGroupAccessListEntries"
    );
}

#[tokio::test]
async fn ignored_fields_and_the_body_are_shown() {
    let server = SandboxServer::start().await.unwrap();
    let body = json!({"name": "Flex1", "odd": 1,
        "providerSettings": {"backingProviderName": "AWS", "regionName": "US_EAST_1"}});
    let headers = format!(
        "authorization: Bearer {}\r\naccept: application/vnd.atlas.2024-11-13+json\r\n\
         content-type: application/json\r\n",
        OWNER.access_token
    );
    let line = format!("POST {}", clusters());
    send(&server, &line, &headers, &body.to_string()).await;
    let shown = requests(&server, "").await["requests"][0].clone();
    assert_eq!(shown["body"], body);
    assert_eq!(shown["status"], 201, "{shown}");
    assert!(
        shown["ignoredFields"].to_string().contains("odd"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_query_filters_the_requests() {
    let server = SandboxServer::start().await.unwrap();
    get(&server, &clusters()).await;
    get(&server, &format!("/api/atlas/v2/groups/{PROJECT}")).await;
    get(&server, "/api/atlas/v2/nothing").await;
    send(&server, "POST /api/oauth/token", "", "").await;
    for (query, numbers) in [
        ("", vec![1, 2, 3, 4]),
        ("?operation=getGroup", vec![2]),
        ("?operation=getProject", vec![2]),
        ("?operation=projects.getGroup", vec![2]),
        ("?operation=getGroup&status=404", vec![]),
        ("?method=post", vec![4]),
        ("?status=200", vec![1, 2]),
        ("?status=none", vec![]),
        ("?path=/api/atlas/v2/groups/", vec![1, 2]),
        ("?path=%2Fapi%2Foauth", vec![4]),
        ("?since=2", vec![3, 4]),
        ("?limit=1", vec![4]),
        ("?status=200&limit=1", vec![2]),
        ("?limit=0", vec![]),
    ] {
        let shown = requests(&server, query).await;
        let shown = shown["requests"].as_array().unwrap().iter();
        let shown: Vec<_> = shown.map(|it| it["number"].as_u64().unwrap()).collect();
        assert_eq!(shown, numbers, "{query}");
    }
    for (query, problem) in [
        (
            "operation=getGrup",
            "no such operation \\\"getGrup\\\"; did you mean",
        ),
        ("operation=", "no such operation"),
        ("method=", "invalid method"),
        ("method=DELTE", "invalid method"),
        ("status=42", "100 to 599, or none"),
        ("path=api", "a leading slash"),
        ("since=-1", "the number of a request"),
        ("limit=x", "a number of requests"),
        ("limit=1&limit=2", "expected only once"),
        ("operationId=getGroup", "unknown parameter"),
    ] {
        let answer = control(&server, "GET", &format!("requests?{query}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{query}: {answer}");
        assert!(answer.contains(problem), "{query}: {answer}");
    }
}

#[tokio::test]
async fn clearing_removes_the_requests_and_continues_the_numbers() {
    let server = SandboxServer::start().await.unwrap();
    get(&server, "/x").await;
    let answer = control(&server, "DELETE", "requests", "").await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let shown = requests(&server, "").await;
    assert_eq!(shown, json!({"recorded": 0, "last": 1, "requests": []}));
    get(&server, "/y").await;
    let shown = requests(&server, "").await;
    assert_eq!(shown["recorded"], 1);
    assert_eq!(shown["requests"][0]["number"], 2);
}

#[tokio::test]
async fn the_oldest_are_dropped_first_by_number_and_by_memory() {
    let server = SandboxServer::builder(Sandbox::new())
        .journal(2)
        .start()
        .await
        .unwrap();
    for path in ["/a", "/b", "/c"] {
        get(&server, path).await;
    }
    let paths: Vec<_> = server
        .journal()
        .requests()
        .iter()
        .map(atlas_sandbox::RecordedRequest::path)
        .collect();
    assert_eq!(paths, ["/b", "/c"]);
    assert_eq!(server.journal().recorded(), 3);

    let none = SandboxServer::builder(Sandbox::new())
        .journal(0)
        .start()
        .await
        .unwrap();
    get(&none, "/a").await;
    assert_eq!(
        (none.journal().requests().len(), none.journal().last()),
        (0, 1)
    );

    let server = SandboxServer::builder(Sandbox::new())
        .journal(usize::MAX)
        .start();
    let server = server.await.unwrap();
    let body = "x".repeat(64 << 10);
    for _ in 0..300 {
        send(&server, "POST /x", "", &body).await;
    }
    let kept = server.journal().requests();
    assert!(
        (200..=256).contains(&kept.len()),
        "{} of 64 KiB",
        kept.len()
    );
    assert_eq!(kept.last().unwrap().number(), 300);
}

#[tokio::test]
async fn long_parts_are_cut_or_omitted_and_marked() {
    let server = SandboxServer::start().await.unwrap();
    let body = format!("\"{}\"", "x".repeat(64 << 10));
    let long = format!("/{}", "a".repeat(20_000));
    let headers = format!("x-long: {}\r\nx-short: b\r\n", "c".repeat(20_000));
    send(&server, &format!("POST {long}"), &headers, &body).await;
    let shown = requests(&server, "").await["requests"][0].clone();
    assert_eq!(shown["target"].as_str().unwrap().len(), 8 << 10);
    assert_eq!(shown["headersOmitted"], 1);
    assert_eq!(shown["headers"]["x-short"], "b");
    assert_eq!(shown["bodyBytes"], body.len());
    assert_eq!(shown["body"], Value::Null);
    assert_eq!(shown["bodyOmitted"], "body has more than 65536 bytes");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_recorded_as_refused() {
    let server = SandboxServer::start().await.unwrap();
    let body = " ".repeat((1 << 20) + 1);
    let answer = send(&server, &format!("POST {}", clusters()), "", &body).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("at most 1048576 bytes"), "{answer}");
    let shown = requests(&server, "?operation=createGroupFlexCluster").await;
    assert_eq!(shown["requests"][0]["status"], 413);
    assert_eq!(shown["requests"][0]["bodyBytes"], Value::Null);
    assert_eq!(shown["requests"][0]["bodyOmitted"], "body was not read");
}

#[tokio::test]
async fn a_request_whose_client_goes_away_is_recorded_without_a_status() {
    let plan = r#"[{"path": "/api/", "do": {"delayMs": 3600000}}]"#;
    let server = SandboxServer::builder(Sandbox::new())
        .faults(FaultPlan::from_json(plan).unwrap())
        .start()
        .await
        .unwrap();
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /api/atlas/v2 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    // The request has arrived once its rule has matched.
    let taken = async {
        while !control(&server, "GET", "faults", "")
            .await
            .contains("\"hits\":1")
        {}
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, taken).await.unwrap();
    assert!(server.journal().requests().is_empty());
    drop(stream);
    let recorded = async {
        while server.journal().requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(limit, recorded).await.unwrap();
    let shown = requests(&server, "?status=none").await["requests"][0].clone();
    assert_eq!(shown["status"], Value::Null);
    assert_eq!(shown["fault"]["do"], json!({"delayMs": 3_600_000}));
}

#[tokio::test]
async fn the_page_and_control_requests_are_not_recorded() {
    let server = SandboxServer::start().await.unwrap();
    get(&server, "/").await;
    control(&server, "PUT", "faults", "[]").await;
    control(&server, "GET", "nothing", "").await;
    assert_eq!(server.journal().recorded(), 0);
}
