//! Tests of the sandbox with curl: the command lines of the documented page, and a digest session
//! that ends early.

use std::process::Command;

use atlas_conformance::OperationFixture;
use atlas_sandbox::{FLEX_CLUSTER, FaultPlan, OWNER, PROJECT, Sandbox, SandboxServer};

/// Runs a documented command line with its placeholders filled in.
fn run(fixture: &OperationFixture, auth: &str, server: &SandboxServer) -> String {
    let command = &fixture.commands[auth];
    let documented = format!("https://cloud.mongodb.com{}", fixture.path);
    let here = format!("{}{}", server.url(), fixture.target());
    let arguments = command.arguments.iter().map(|argument| {
        argument
            .replace(&documented, &here)
            .replace("${ACCESS_TOKEN}", OWNER.access_token)
            .replace("${PUBLIC_KEY}", OWNER.public_key)
            .replace("${PRIVATE_KEY}", OWNER.private_key)
            .replace("{ <Payload> }", &fixture.wire_body)
    });
    let output = Command::new(&command.program)
        .args(arguments)
        .args(["--silent", "--show-error"])
        .output()
        .expect("curl not found; install it with: apt-get install curl");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{shown}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn both_curl_commands_of_the_page_get_the_documented_response() {
    let fixture = atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap();
    assert_eq!(fixture.commands.len(), 2);
    for (auth, requests) in [("bearer", 1), ("digest", 2)] {
        let server = SandboxServer::start().await.unwrap();
        let shown = run(&fixture, auth, &server);
        let (head, body) = shown.rsplit_once("\r\n\r\n").unwrap();
        assert!(head.contains("HTTP/1.1 200 OK"), "{auth}: {shown}");
        assert!(head.contains(&fixture.version_answered), "{auth}: {shown}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["snapshotId"], fixture.request["snapshotId"]);
        assert_eq!(
            server.with(|sandbox| sandbox.requests()),
            requests,
            "{auth}"
        );

        let link = body["snapshotUrl"].as_str().unwrap();
        let file = Command::new("curl")
            .args(["--silent", "--fail", "--output", "-", link])
            .output()
            .unwrap();
        assert!(file.status.success() && file.stdout.starts_with(&[0x1f, 0x8b]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_early_by_the_fault_plan_and_curl_recovers() {
    let plan = r#"[{"operation": "getGroupFlexCluster", "nth": [2], "do": "staleNonce"}]"#;
    let server = SandboxServer::builder(Sandbox::new())
        .faults(FaultPlan::from_json(plan).unwrap())
        .start()
        .await
        .unwrap();
    let output = Command::new("curl")
        .args([
            "--silent",
            "--digest",
            "--user",
            &format!("{}:{}", OWNER.public_key, OWNER.private_key),
        ])
        .args(["-H", "Accept: application/vnd.atlas.2025-03-12+json"])
        .arg(format!(
            "{}/api/atlas/v2/groups/{PROJECT}/flexClusters/{FLEX_CLUSTER}",
            server.url()
        ))
        .output()
        .unwrap();
    let body = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        body.contains(&format!("\"name\":\"{FLEX_CLUSTER}\"")),
        "{body}"
    );
    assert_eq!(
        server.with(|sandbox| sandbox.requests()),
        3,
        "challenge, stale nonce, success"
    );
}
