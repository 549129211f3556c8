//! Tests of the testees for curl, requests and urllib with calls of every shape in the API, and of the
//! testee for pyatlassdk, which supports only documented operations, with a few cases.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use atlas_conformance::{ClientRun, ScriptedAnswer, ScriptedServer, Verdict, all_cases};
use serde_json::{Value, json};

use super::program::{is_installed, runs};

/// Makes one call with a testee; returns its reply, and the line and the body of the request.
async fn call(command: &[String], call: &Value, answer: Value) -> (Value, String, String) {
    let answer: ScriptedAnswer = serde_json::from_value(answer).unwrap();
    let server = ScriptedServer::start(&[answer], "downloadGroupClusterBackupTenant")
        .await
        .unwrap();
    let mut message = json!({
        "url": server.url, "operation": "", "query": {}, "body": null, "version": "2023-01-01",
        "parameters": {"groupId": "g1", "name": "a/b"}, "envelope": false, "pretty": false,
        "auth": {"kind": "bearer", "token": "t0ken"}, "timeoutMs": 5000, "retryMs": 1,
    });
    for (name, value) in call.as_object().unwrap() {
        message[name] = value.clone();
    }
    let line = json!({"run": {"call": message}}).to_string() + "\n";
    let command = command.to_vec();
    let said = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap().stdout
    });
    let said = serde_json::from_slice(&said.await.unwrap()).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{said}");
    let line = format!("{} {}", requests[0].method, requests[0].target);
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    (said, line, body)
}

/// Returns calls with the server's response and the expected line and body of the request, kind of the
/// outcome, and value.
fn shapes() -> Value {
    let group = "/api/atlas/v2/groups/{groupId}";
    let logs = format!("{group}/logs/{{name}}.gz");
    let roles = format!("{group}/users/{{name}}:addRole");
    let gzip = [["content-type", "application/vnd.atlas.2023-02-01+gzip"]];
    let too_deep_for_the_judge = "[".repeat(300) + &"]".repeat(300);
    json!([
        {
            "call": {"method": "GET", "path": logs, "query": {"a": ["1", "2"], "b": "x"}},
            "answer": {"json": ["x", {"n": 1}]},
            "line": "GET /api/atlas/v2/groups/g1/logs/a%2Fb.gz?a=1&a=2&b=x",
            "kind": "ok",
            "value": ["x", {"n": 1}],
        },
        {
            "call": {"method": "POST", "path": roles, "body": [{"role": "OWNER"}]},
            "answer": {"status": 202},
            "line": "POST /api/atlas/v2/groups/g1/users/a%2Fb:addRole",
            "body": [{"role": "OWNER"}],
            "kind": "ok",
        },
        {
            "call": {"method": "PUT", "path": group, "body": "text"},
            "answer": {"status": 201, "json": true},
            "line": "PUT /api/atlas/v2/groups/g1",
            "body": "text",
            "kind": "ok",
            "value": true,
        },
        {
            "call": {"method": "DELETE", "path": group},
            "answer": {"status": 200},
            "line": "DELETE /api/atlas/v2/groups/g1",
            "kind": "ok",
        },
        {
            "call": {"method": "GET", "path": group},
            "answer": {"headers": gzip, "body": "not JSON"},
            "line": "GET /api/atlas/v2/groups/g1",
            "kind": "ok",
        },
        {
            "call": {"method": "GET", "path": group},
            "answer": {"status": 200},
            "line": "GET /api/atlas/v2/groups/g1",
            "kind": "unreadable",
        },
        {
            "call": {"method": "GET", "path": group},
            "answer": {"body": too_deep_for_the_judge},
            "line": "GET /api/atlas/v2/groups/g1",
            "kind": "ok",
        },
        {
            "call": {"method": "GET", "path": group},
            "answer": {"status": 404, "json": {"error": 404, "errorCode": "GROUP_NOT_FOUND"}},
            "line": "GET /api/atlas/v2/groups/g1",
            "kind": "api_error",
        },
    ])
}

async fn supports_every_shape(command: &[String]) {
    for shape in shapes().as_array().unwrap() {
        let (said, line, body) = call(command, &shape["call"], shape["answer"].clone()).await;
        assert_eq!(line, shape["line"]);
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        assert_eq!(body, shape["body"], "{line}");
        assert_eq!(said["outcome"]["kind"], shape["kind"], "{line}: {said}");
        assert_eq!(said["value"], shape["value"], "{line}: {said}");
    }
}

fn testee(program: impl Into<PathBuf>, file: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testees");
    let words = [program.into(), folder.join(file)];
    words.map(|word| word.display().to_string()).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_supports_calls_of_every_shape() {
    supports_every_shape(&testee("python3", "curl.py")).await;
}

/// Finds a Python with this module.
pub(crate) fn python_with(module: &str) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let own = target.map(|target| target.join("peers/bin/python3"));
    let mut candidates = own.into_iter().chain([PathBuf::from("python3")]);
    let import = format!("import {module}");
    let python = candidates.find(|python| runs(Command::new(python).args(["-c", &import])));
    let install = "python3 -m venv target/peers && target/peers/bin/pip install -r \
                   conformance/peers/requirements.txt";
    is_installed(python.is_some(), module, install).then_some(python?)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_supports_calls_of_every_shape() {
    if let Some(python) = python_with("requests_oauthlib") {
        supports_every_shape(&testee(python, "with_requests.py")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pyatlassdk_calls_operations_by_their_methods() {
    let expected = [
        ("api/client-getGroup", Verdict::Pass),
        ("api/client-createGroupFlexCluster", Verdict::Pass),
        ("api/client-addGroupUsers", Verdict::Pass),
        ("api/client-deleteGroup", Verdict::Fail),
        ("api/client-createGroupStandbyLink", Verdict::Unimplemented),
        ("digest/algorithm-sha-256", Verdict::Pass),
        ("digest/algorithm-unknown", Verdict::Crashed),
        ("oauth/three-calls-one-token", Verdict::Pass),
    ];
    let Some(python) = python_with("pyatlassdk") else {
        return;
    };
    let mut cases = all_cases().unwrap();
    cases.retain(|case| expected.iter().any(|(id, _)| case.id == *id));
    let command = testee(python, "with_pyatlassdk.py");
    let run = ClientRun::default().jobs(2);
    let judgements = run.judge(&command, &cases).await.unwrap();
    assert_eq!(judgements.len(), expected.len());
    for judgement in judgements {
        let (_, verdict) = expected
            .iter()
            .find(|(id, _)| judgement.case == *id)
            .unwrap();
        assert_eq!(judgement.verdict, *verdict, "{judgement:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urllib_supports_calls_of_every_shape() {
    let command = testee("node", "urllib.mjs");
    let there = runs(Command::new("node").arg(&command[1]).stdin(Stdio::null()));
    let install = "npm install --prefix conformance/testees";
    if is_installed(there, "urllib", install) {
        supports_every_shape(&command).await;
    }
}
