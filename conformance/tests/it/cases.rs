//! Checks the cases against their schema, their number, and that the judge finds faults.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use atlas_conformance::{
    Case, Kind, Observation, Outcome, WireRequest, all_cases, cases_in, judge,
};
use atlas_sandbox::{Sandbox, SandboxServer};
use serde::Deserialize;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs some cases against a server with the program, which trusts a certificate or none.
fn server_judged(url: &str, trusted: Option<&Path>, filter: &str) -> (Option<i32>, String) {
    let mut judge = Command::new(env!("CARGO_BIN_EXE_atlas-conformance"));
    judge.args(["server", url, "--filter", filter]);
    judge.env_remove("SSL_CERT_FILE");
    if let Some(path) = trusted {
        judge.env("SSL_CERT_FILE", path);
    }
    let output = judge.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_judged_over_tls_if_its_certificate_is_trusted() {
    let server = SandboxServer::builder(Sandbox::new()).tls();
    let server = server.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("sandbox.pem");
    std::fs::write(&certificate, server.certificate().unwrap()).unwrap();
    // These include raw requests.
    let (code, said) = server_judged(server.url(), Some(&certificate), "refusal/");
    assert!(
        code == Some(0) && said.contains("0 not as expected"),
        "{said}"
    );
    let (code, said) = server_judged(server.url(), None, "version/");
    assert_eq!(code, Some(2), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("SSL_CERT_FILE"), "{said}");
    assert!(said.contains("invalid peer certificate"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_case_and_an_invalid_url_are_errors() {
    let server = SandboxServer::start().await.unwrap();
    let (code, said) = server_judged(server.url(), None, "no/such/case");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no selected case id contains"), "{said}");
    let (code, said) = server_judged("no url", None, "version/");
    assert!(code == Some(2) && said.contains("invalid URL"), "{said}");
}

/// Returns every file of cases.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    paths.flat_map(below).collect()
}

/// Returns the files of cases, each with the area of its cases: the name of the file or folder.
fn case_files() -> Vec<(String, PathBuf)> {
    let named = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    };
    let mut files = Vec::new();
    for path in entries(&fixtures().join("cases")) {
        if path.is_dir() {
            files.extend(entries(&path).into_iter().map(|file| (named(&path), file)));
        } else {
            files.push((named(&path), path));
        }
    }
    files
}

#[test]
fn every_case_matches_the_schema() {
    let schema = jsonschema::validator_for(&json(&fixtures().join("case.schema.json"))).unwrap();
    for (area, path) in case_files() {
        let cases = json(&path);
        let problems: Vec<_> = schema
            .iter_errors(&cases)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", path.display());
        for case in cases.as_array().unwrap() {
            assert_eq!(case["area"], *area, "{}", case["id"]);
        }
    }
}

#[test]
fn a_case_is_a_choice_if_and_only_if_no_other_source_requires_it() {
    for (_, path) in case_files() {
        for case in json(&path).as_array().unwrap() {
            let source = case["source"].as_str().unwrap();
            let mut parts = source.split("; ").filter(|part| !part.starts_with("curl "));
            let chosen = parts.all(|part| part.starts_with("choice: "));
            let is_choice = case["level"] == "CHOICE";
            assert_eq!(chosen, is_choice, "{}: {source}", case["id"]);
        }
    }
}

#[test]
fn the_requirement_of_a_case_is_a_sentence_about_a_testee() {
    let subjects = ["The client ", "The server ", "The testee "];
    for (_, path) in case_files() {
        for case in json(&path).as_array().unwrap() {
            let requires = case["requires"].as_str().unwrap();
            let begins = subjects.iter().any(|subject| requires.starts_with(subject));
            assert!(begins && requires.ends_with('.'), "{}", case["id"]);
        }
    }
}

#[test]
fn the_embedded_cases_are_those_of_the_folder() {
    let ids = |cases: Vec<Case>| -> Vec<String> {
        let mut ids: Vec<String> = cases.into_iter().map(|case| case.id).collect();
        ids.sort();
        ids
    };
    let folder = cases_in(&fixtures().join("cases")).unwrap();
    assert_eq!(
        ids(all_cases().unwrap()),
        ids(folder),
        "run: cargo run -p atlas-conformance-generator -- generate"
    );
}

#[test]
fn an_invalid_case_does_not_match_the_schema() {
    let schema = jsonschema::validator_for(&json(&fixtures().join("case.schema.json"))).unwrap();
    let case = json!({
        "id": "pattern/x", "area": "pattern", "level": "MUST", "since": "2023-01-01",
        "requires": "something or other", "source": "facts: pattern of groupId",
        "pattern": {"field": "groupId", "text": "", "accepted": false},
    });
    assert!(schema.is_valid(&json!([case])));
    for (pointer, value) in [
        ("/level", json!("PERHAPS")),
        ("/source", json!("somewhere")),
        ("/source", json!("RFC 9110, section 3")),
        ("/source", json!("RFC 9110 section 3;facts: x")),
        ("/source", json!("choice: ")),
        ("/source", json!("curl tests 1 to 2")),
        ("/id", json!("no area")),
        ("/pattern/field", json!("name")),
        ("/pattern/accepted", json!("no")),
        (
            "/pattern",
            json!({"field": "groupId", "text": "", "accepted": false, "more": 1}),
        ),
    ] {
        let mut invalid = case.clone();
        *invalid.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&json!([invalid])), "{pointer}");
    }
    let mut two = case.clone();
    two["flow"] = json!({"steps": [{}]});
    assert!(!schema.is_valid(&json!([two])), "two kinds");
}

#[test]
fn the_readme_has_the_number_of_cases() {
    let all: Vec<Value> = files(&fixtures().join("cases"))
        .iter()
        .flat_map(|path| json(path).as_array().unwrap().clone())
        .collect();
    let ids: BTreeSet<_> = all.iter().map(|case| case["id"].to_string()).collect();
    assert_eq!(ids.len(), all.len(), "ids are unique");
    for case in &all {
        let id = case["id"].as_str().unwrap();
        assert_eq!(id.split('/').next(), case["area"].as_str(), "{id}");
    }
    let readme = std::fs::read_to_string(fixtures().join("../README.md")).unwrap();
    let (entries, cases) = (all.len(), all_cases().unwrap().len());
    let number = format!("{entries} entries as data, which make {cases} cases:");
    assert!(
        readme.contains(&number),
        "the README does not contain {number:?}"
    );
}

#[test]
fn the_backup_operations_of_tenant_and_flex_have_cases_with_every_authentication() {
    let all = all_cases().unwrap();
    let operations = json(&fixtures().join("operations.json"));
    let ids = operations.as_array().unwrap().iter();
    let ids = ids.map(|it| it["operationId"].as_str().unwrap());
    let ids = ids.filter(|id| id.contains("BackupTenant") || id.contains("FlexClusterBackup"));
    let ids: Vec<&str> = ids.collect();
    assert_eq!(ids.len(), 12);
    for id in ids {
        for auth in ["bearer", "digest", "oauth"] {
            for side in ["client", "server"] {
                let wanted = format!("operation/{side}-{id}[auth={auth}");
                let found = all.iter().any(|case| case.id.starts_with(&wanted));
                assert!(found, "{wanted}");
            }
        }
    }
}

/// A conversation of a client.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Conversation {
    case: String,
    why: String,
    requests: Vec<Said>,
    outcome: Outcome,
    output: String,
    took_ms: u64,
    memory: Option<u64>,
    fault: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Said {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    at_ms: u64,
}

impl Conversation {
    fn observation(&self) -> Observation {
        let requests = self.requests.iter().map(|said| WireRequest {
            method: said.method.clone(),
            target: said.target.clone(),
            headers: said.headers.clone(),
            body: said.body.clone().into_bytes(),
            at: Duration::from_millis(said.at_ms),
        });
        Observation {
            requests: requests.collect(),
            outcome: self.outcome.clone(),
            output: self.output.clone(),
            took: Duration::from_millis(self.took_ms),
            memory: self.memory,
        }
    }
}

#[test]
fn the_fault_of_each_invalid_conversation_is_reported_and_valid_ones_pass() {
    let all = all_cases().unwrap();
    let conversations = json(&fixtures().join("conversations.json"));
    let conversations: Vec<Conversation> = serde_json::from_value(conversations).unwrap();
    let mut right = 0;
    for conversation in &conversations {
        let case = all.iter().find(|case| case.id == conversation.case);
        let Some(Kind::Client(case)) = case.map(|case| &case.kind) else {
            panic!("{} is not a client case", conversation.case);
        };
        let faults = judge(case, &conversation.observation());
        if conversation.fault.is_empty() {
            assert!(faults.is_empty(), "{}: {faults:?}", conversation.case);
            right += 1;
        } else {
            let reported = faults
                .iter()
                .any(|it| it.to_string().contains(&conversation.fault));
            assert!(reported, "{}: {faults:?}", conversation.why);
        }
    }
    assert!(right >= 3 && conversations.len() - right >= 40);
}
