//! The control endpoints: their effects, and their access control.

use atlas_sandbox::{Sandbox, SandboxServer};

use crate::server::{ORDERS, SEED, get, send_raw};

/// A control request as a test in another language sends it.
pub(crate) async fn control(
    server: &SandboxServer,
    method: &str,
    name: &str,
    body: &str,
) -> String {
    let host = server.url().strip_prefix("http://").unwrap();
    control_with(server, method, name, &format!("host: {host}\r\n"), body).await
}

/// A control request with these header lines.
pub(crate) async fn control_with(
    server: &SandboxServer,
    method: &str,
    name: &str,
    lines: &str,
    body: &str,
) -> String {
    let length = body.len();
    let request = format!(
        "{method} /sandbox/{name} HTTP/1.1\r\n{lines}connection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    send_raw(server, request.as_bytes()).await
}

#[tokio::test]
async fn another_language_sets_the_world_its_faults_and_its_clock_over_http() {
    let server = SandboxServer::builder(Sandbox::new())
        .clock(|| jiff::Timestamp::from_second(1_780_000_000).unwrap())
        .start()
        .await
        .unwrap();
    assert!(get(&server, ORDERS).await.starts_with("HTTP/1.1 404"));
    let answer = control(&server, "PUT", "world", SEED).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(get(&server, ORDERS).await.starts_with("HTTP/1.1 200"));
    let plan = r#"[{"nth": [1], "do": {"status": {"status": 503}}}]"#;
    control(&server, "PUT", "faults", plan).await;
    assert!(get(&server, ORDERS).await.starts_with("HTTP/1.1 503"));
    assert!(get(&server, ORDERS).await.starts_with("HTTP/1.1 200"));
    control(&server, "POST", "clock", r#"{"advanceSeconds": 3600}"#).await;
    let world = control(&server, "GET", "world", "").await;
    assert!(
        world.contains("\"clock\":\"2026-05-28T21:26:40Z\""),
        "{world}"
    );
    assert!(world.contains("\"kind\":{\"sharded\":3}"), "{world}");
    control(&server, "PUT", "world", "").await;
    assert!(get(&server, ORDERS).await.starts_with("HTTP/1.1 404"));
    let base = server.with(|sandbox| {
        sandbox.snapshots(
            atlas_sandbox::PROJECT.parse().unwrap(),
            &atlas_sandbox::FLEX_CLUSTER.parse().unwrap(),
        )
    });
    assert_eq!(base.len(), 8, "the default world again");
}

#[tokio::test]
async fn an_invalid_control_request_is_refused_and_changes_nothing() {
    let server = SandboxServer::start().await.unwrap();
    for (method, name, body, status) in [
        ("PUT", "world", "{", "400"),
        ("PUT", "faults", "{}", "400"),
        ("POST", "clock", r#"{"advanceSeconds": -1}"#, "400"),
        ("POST", "clock", "[60]", "400"),
        ("DELETE", "clock", "", "405"),
        ("PUT", "requests", "[]", "405"),
        ("POST", "health", "", "405"),
        ("GET", "schemas/nothing", "", "404"),
        ("GET", "faults?operation=getGroup", "", "400"),
        ("GET", "nothing", "", "404"),
    ] {
        let answer = control(&server, method, name, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("\"errorCode\""), "{answer}");
    }
    let host = server.url().strip_prefix("http://").unwrap();
    let foreign = format!(
        "PUT /sandbox/world HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: text/plain\r\ncontent-length: 0\r\n\r\n"
    );
    let answer = send_raw(&server, foreign.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    for (name, most) in [("world", 16 << 20), ("faults", 1 << 20)] {
        let large = " ".repeat(most + 1);
        let answer = control(&server, "PUT", name, &large).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
    let world = control(&server, "GET", "world", "").await;
    assert!(
        world.contains("Flex0") && world.contains("\"requests\":0"),
        "{world}"
    );
}

#[tokio::test]
async fn no_web_page_can_use_the_control_endpoints() {
    let server = SandboxServer::start().await.unwrap();
    let port = server.url().rsplit_once(':').unwrap().1.to_owned();
    let other = if port == "9" { 10 } else { 9 };
    for (lines, status) in [
        // The local names of this machine.
        (format!("host: 127.0.0.1:{port}\r\n"), 200),
        (format!("host: localhost:{port}\r\n"), 200),
        (format!("HOST: LocalHost:{port}\r\n"), 200),
        (format!("host: localhost.:{port}\r\n"), 200),
        (format!("host: [::1]:{port}\r\n"), 200),
        (format!("host: [0:0:0:0:0:0:0:1]:{port}\r\n"), 200),
        // The name of an attacker that resolves to this machine.
        ("host: evil.example\r\n".to_owned(), 403),
        (format!("host: evil.example:{port}\r\n"), 403),
        (format!("host: evil.example.:{port}\r\n"), 403),
        (format!("host: localhost.evil.example:{port}\r\n"), 403),
        (format!("host: 127.0.0.1.evil.example:{port}\r\n"), 403),
        (format!("host: 0.0.0.0:{port}\r\n"), 403),
        (format!("host: 10.0.0.1:{port}\r\n"), 403),
        (format!("host: [fe80::1]:{port}\r\n"), 403),
        (format!("host: localhost:{other}\r\n"), 403),
        ("host: localhost\r\n".to_owned(), 403),
        (format!("host: localhost:0{port}9\r\n"), 403),
        (format!("host: localhost@evil.example:{port}\r\n"), 400),
        (format!("host: evil@localhost:{port}\r\n"), 400),
        (format!("host: localhost:{port}/\r\n"), 400),
        ("host: \r\n".to_owned(), 400),
        (String::new(), 400),
        (
            format!("host: localhost:{port}\r\nhost: evil.example\r\n"),
            400,
        ),
        (
            format!("host: localhost:{port}\r\nhost: localhost:{port}\r\n"),
            400,
        ),
        // Headers that a browser sends for a page, even for one of this server.
        (
            format!("host: localhost:{port}\r\norigin: http://evil.example\r\n"),
            403,
        ),
        (
            format!("host: localhost:{port}\r\norigin: http://localhost:{port}\r\n"),
            403,
        ),
        (format!("host: localhost:{port}\r\norigin: null\r\n"), 403),
        (format!("host: localhost:{port}\r\norigin: \r\n"), 403),
        (
            format!("host: localhost:{port}\r\nsec-fetch-site: cross-site\r\n"),
            403,
        ),
        (
            format!("host: localhost:{port}\r\nsec-fetch-site: same-site\r\n"),
            403,
        ),
        (
            format!("host: localhost:{port}\r\nsec-fetch-site: none\r\n"),
            200,
        ),
    ] {
        for (method, name, body) in [
            ("GET", "world", ""),
            ("GET", "faults", ""),
            ("PUT", "world", SEED),
            ("PUT", "faults", r#"[{"nth": [9], "do": "reset"}]"#),
            ("POST", "clock", r#"{"advanceSeconds": 1}"#),
            ("PUT", "clock", r#"{"stopped": false}"#),
            ("GET", "clock", ""),
            ("GET", "requests", ""),
            ("DELETE", "requests", ""),
            ("GET", "schemas/faults", ""),
        ] {
            let status = match (status, method) {
                (200, "PUT" | "POST" | "DELETE") => 204,
                (status, _) => status,
            };
            let answer = control_with(&server, method, name, &lines, body).await;
            let starts = format!("HTTP/1.1 {status}");
            assert!(answer.starts_with(&starts), "{method} {lines:?}: {answer}");
            if status == 403 {
                assert!(answer.contains("control requests must"), "{answer}");
            }
        }
    }
}

#[tokio::test]
async fn the_host_of_an_absolute_target_is_checked_too() {
    let server = SandboxServer::start().await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap();
    for (target, header, status) in [
        (host, host, 200),
        ("evil.example", host, 403),
        (host, "evil.example", 403),
    ] {
        let request = format!(
            "GET http://{target}/sandbox/world HTTP/1.1\r\nhost: {header}\r\n\
             connection: close\r\n\r\n"
        );
        let answer = send_raw(&server, request.as_bytes()).await;
        let starts = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&starts), "{target} {header}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_http_2_is_checked() {
    let server = SandboxServer::start().await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap();
    for (name, status) in [(host, "200"), ("evil.example", "403")] {
        let output = std::process::Command::new("curl")
            .args(["--silent", "--http2-prior-knowledge", "--noproxy", "*"])
            .args(["--output", "/dev/null", "--write-out", "%{http_code}"])
            .args(["--header", &format!("Host: {name}")])
            .arg(format!("{}/sandbox/world", server.url()))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), status, "{name}");
    }
}

#[tokio::test]
async fn beyond_loopback_control_requests_need_the_token() {
    let server = SandboxServer::builder(Sandbox::new()).address([0, 0, 0, 0].into());
    let server = server.start().await.unwrap();
    let token = server.control_token().unwrap().to_owned();
    assert!(token.len() >= 32, "128 bits");
    let another = SandboxServer::builder(Sandbox::new()).address([0, 0, 0, 0].into());
    let another = another.start().await.unwrap();
    assert_ne!(another.control_token().unwrap(), token);
    assert!(!format!("{server:?}").contains(&token));
    let owner = atlas_sandbox::OWNER.access_token;
    for (lines, status) in [
        (String::new(), 401),
        (format!("authorization: Bearer {owner}\r\n"), 401),
        ("authorization: Bearer \r\n".to_owned(), 401),
        (format!("authorization: Bearer {}\r\n", &token[1..]), 401),
        (format!("authorization: Bearer {token}0\r\n"), 401),
        (format!("authorization: Basic {token}\r\n"), 401),
        (
            format!("authorization: Bearer x\r\nauthorization: Bearer {token}\r\n"),
            401,
        ),
        (format!("authorization: Bearer {token}\r\n"), 200),
        (format!("authorization: bearer {token}\r\n"), 200),
        (
            format!("authorization: Bearer {token}\r\norigin: http://evil.example\r\n"),
            403,
        ),
    ] {
        let lines = format!("host: atlas:8080\r\n{lines}");
        for name in ["world", "faults", "clock", "requests", "schemas/faults"] {
            let answer = control_with(&server, "GET", name, &lines, "").await;
            let starts = format!("HTTP/1.1 {status}");
            assert!(answer.starts_with(&starts), "{lines:?}: {answer}");
            assert!(!answer.contains(&token), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_chosen_token_is_required_on_loopback_too() {
    let server = SandboxServer::builder(Sandbox::new()).control_token("chosen-token");
    let server = server.start().await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap();
    let lines = format!("host: {host}\r\n");
    let answer = control_with(&server, "GET", "world", &lines, "").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let lines = format!("host: {host}\r\nauthorization: Bearer chosen-token\r\n");
    let answer = control_with(&server, "GET", "world", &lines, "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let lines = "host: evil.example\r\nauthorization: Bearer chosen-token\r\n";
    let answer = control_with(&server, "GET", "world", lines, "").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");

    for odd in ["", "short", "with a space", "line\nbreak", "größer-als"] {
        let server = SandboxServer::builder(Sandbox::new()).control_token(odd);
        let error = server.start().await.unwrap_err();
        assert!(
            error.to_string().starts_with("invalid control token"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn another_site_can_neither_read_nor_embed_the_page_nor_run_code_in_it() {
    let seed = r#"{"projects": [{"id": "32b6e34b3d91647abb20e7b8",
        "name": "<script>alert('\"&')</script>"}]}"#;
    let server = SandboxServer::builder(Sandbox::from_seed(seed).unwrap());
    let server = server.start().await.unwrap();
    let page = |host: &str| {
        let request = format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let server = &server;
        async move { send_raw(server, request.as_bytes()).await }
    };
    let shown = page(server.url().strip_prefix("http://").unwrap()).await;
    for line in [
        "content-security-policy: default-src 'none'; style-src 'unsafe-inline';",
        "frame-ancestors 'none'",
        "x-frame-options: DENY",
        "x-content-type-options: nosniff",
        "cross-origin-resource-policy: same-origin",
        "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains("<script"), "{shown}");
    assert!(!shown.contains("access-control-"), "{shown}");
    for secret in [
        atlas_sandbox::OWNER.private_key,
        atlas_sandbox::OWNER.client_secret,
        atlas_sandbox::OWNER.access_token,
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for (host, status) in [
        ("localhost", 200),
        ("sandbox:8080", 200),
        ("[::1]:80", 200),
        ("192.0.2.7:8080", 200),
        ("evil.example", 403),
        ("evil.example.:8080", 403),
        ("localhost.evil.example", 403),
        ("evil@x", 400),
    ] {
        let answer = page(host).await;
        let starts = format!("HTTP/1.1 {status}");
        assert!(answer.starts_with(&starts), "{host}: {answer}");
    }
}

#[tokio::test]
async fn the_clock_stops_at_its_end_and_a_request_that_would_pass_it_is_refused() {
    let server = SandboxServer::builder(Sandbox::new())
        .clock(|| "8999-12-31T23:59:00Z".parse().unwrap())
        .start()
        .await
        .unwrap();
    for odd in [
        "{}",
        "null",
        r#"{"advanceSeconds": 61}"#,
        r#"{"advanceSeconds": 1.5}"#,
        r#"{"advanceSeconds": 1e300}"#,
        r#"{"advanceSeconds": "1"}"#,
        r#"{"advanceSeconds": 18446744073709551615}"#,
        r#"{"advanceSeconds": 4294967295}"#,
        r#"{"advanceSeconds": 1, "more": 1}"#,
    ] {
        let answer = control(&server, "POST", "clock", odd).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{odd}: {answer}");
        assert!(answer.contains("invalid"), "{odd}: {answer}");
    }
    let answer = control(&server, "POST", "clock", r#"{"advanceSeconds": 60}"#).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    for _ in 0..3 {
        server.advance(u32::MAX);
    }
    let world = control(&server, "GET", "world", "").await;
    assert!(
        world.contains("\"clock\":\"9000-01-01T00:00:00Z\""),
        "{world}"
    );
    assert!(get(&server, ORDERS).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn the_rules_of_the_plan_are_shown_with_their_counts() {
    let server = SandboxServer::start().await.unwrap();
    let plan = r#"[{"operation": "listFlexBackups", "nth": [2, 3], "do": "reset"},
        {"path": "/api/oauth/token", "do": {"status": {"status": 503, "retryAfter": 1}}}]"#;
    control(&server, "PUT", "faults", plan).await;
    let snapshots = format!(
        "/api/atlas/v2/groups/{}/flexClusters/{}/backup/snapshots",
        atlas_sandbox::PROJECT,
        atlas_sandbox::FLEX_CLUSTER
    );
    assert!(get(&server, &snapshots).await.starts_with("HTTP/1.1 200"));
    assert_eq!(get(&server, &snapshots).await, "");
    let answer = control(&server, "GET", "faults", "").await;
    let rules = answer.split_once("\r\n\r\n").unwrap().1;
    let rules: serde_json::Value = serde_json::from_str(rules).unwrap();
    assert_eq!(
        rules,
        serde_json::json!([
            {"operation": "listGroupFlexClusterBackupSnapshots", "nth": [2, 3], "do": "reset",
             "matched": 2, "hits": 1},
            {"path": "/api/oauth/token", "do": {"status": {"status": 503, "retryAfter": 1}},
             "matched": 0, "hits": 0},
        ])
    );
    // A refused plan leaves the old one in effect.
    let answer = control(&server, "PUT", "faults", r#"[{"nth": [], "do": "reset"}]"#).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(get(&server, &snapshots).await, "");
}
