//! Health check and clock of a server.

use atlas_sandbox::{Sandbox, SandboxServer};

use crate::control::{control, control_with};
use crate::server::get;

fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn health_needs_neither_token_nor_host_and_returns_only_the_version() {
    let server = SandboxServer::builder(Sandbox::new()).control_token("chosen-token");
    let server = server.start().await.unwrap();
    for lines in [
        "",
        "host: probe.example\r\n",
        "host: x\r\norigin: http://evil.example\r\n",
    ] {
        let answer = control_with(&server, "GET", "health", lines, "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(!answer.contains("access-control-"), "{answer}");
        let expected = serde_json::json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")});
        assert_eq!(body(&answer), expected);
    }
    let answer = control_with(&server, "HEAD", "health", "host: x\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = control_with(&server, "GET", "health/", "host: x\r\n", "").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn the_clock_is_read_set_stopped_and_advanced() {
    let server = SandboxServer::builder(Sandbox::new())
        .clock(|| "2026-01-01T00:00:00Z".parse().unwrap())
        .start_at("2026-05-04T09:42:00Z".parse().unwrap())
        .start()
        .await
        .unwrap();
    let now = async || body(&control(&server, "GET", "clock", "").await).to_string();
    assert_eq!(
        now().await,
        r#"{"now":"2026-05-04T09:42:00Z","stopped":false}"#
    );
    for (method, body, expected) in [
        // Backwards, too.
        (
            "PUT",
            r#"{"now": "2020-02-29T23:00:00+01:00"}"#,
            r#""2020-02-29T22:00:00Z","stopped":false"#,
        ),
        (
            "PUT",
            r#"{"stopped": true}"#,
            r#""2020-02-29T22:00:00Z","stopped":true"#,
        ),
        (
            "POST",
            r#"{"advanceSeconds": 60}"#,
            r#""2020-02-29T22:01:00Z","stopped":true"#,
        ),
        (
            "PUT",
            r#"{"now": "2026-07-01T00:00:00Z"}"#,
            r#""2026-07-01T00:00:00Z","stopped":true"#,
        ),
        (
            "PUT",
            r#"{"stopped": false}"#,
            r#""2026-07-01T00:00:00Z","stopped":false"#,
        ),
        (
            "POST",
            r#"{"advanceSeconds": 1}"#,
            r#""2026-07-01T00:00:01Z","stopped":false"#,
        ),
        (
            "PUT",
            r#"{"now": "9000-01-01T00:00:00Z", "stopped": true}"#,
            r#""9000-01-01T00:00:00Z","stopped":true"#,
        ),
        (
            "PUT",
            r#"{"now": "1970-01-01T00:00:00Z", "stopped": false}"#,
            r#""1970-01-01T00:00:00Z","stopped":false"#,
        ),
    ] {
        let answer = control(&server, method, "clock", body).await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{body}: {answer}");
        assert_eq!(now().await, format!("{{\"now\":{expected}}}"), "{body}");
        // The world also works with a clock that was set back.
        assert!(
            get(&server, "/api/atlas/v2/groups")
                .await
                .starts_with("HTTP/1.1 200")
        );
    }
    for odd in [
        "{}",
        "null",
        r#"{"now": null}"#,
        r#"{"stopped": null}"#,
        r#"{"now": "yesterday"}"#,
        r#"{"now": 1}"#,
        r#"{"now": "2026-05-04"}"#,
        r#"{"now": "2026-05-04T09:42:00"}"#,
        r#"{"now": "1969-12-31T23:59:59Z"}"#,
        r#"{"now": "9000-01-01T00:00:01Z"}"#,
        r#"{"advanceSeconds": 1}"#,
        r#"{"now": "2026-05-04T09:42:00Z", "more": 1}"#,
    ] {
        let answer = control(&server, "PUT", "clock", odd).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{odd}: {answer}");
        assert!(answer.contains("invalid"), "{odd}: {answer}");
    }
    assert!(now().await.contains("1970-01-01T00:00:00Z"));
}

#[tokio::test]
async fn a_stopped_clock_does_not_follow_its_source_and_resumes_from_its_time() {
    use std::sync::atomic::{AtomicI64, Ordering};
    let seconds = std::sync::Arc::new(AtomicI64::new(1_780_000_000));
    let source = seconds.clone();
    let server = SandboxServer::builder(Sandbox::new())
        .clock(move || jiff::Timestamp::from_second(source.load(Ordering::SeqCst)).unwrap())
        .start()
        .await
        .unwrap();
    let now = async || body(&control(&server, "GET", "clock", "").await)["now"].clone();
    server.set_clock("2026-05-04T00:00:00Z".parse().unwrap());
    seconds.fetch_add(5, Ordering::SeqCst);
    assert_eq!(now().await, "2026-05-04T00:00:05Z");
    server.stop_clock(true);
    seconds.fetch_add(5, Ordering::SeqCst);
    assert_eq!(now().await, "2026-05-04T00:00:05Z");
    server.stop_clock(false);
    seconds.fetch_add(5, Ordering::SeqCst);
    assert_eq!(now().await, "2026-05-04T00:00:10Z");
}
