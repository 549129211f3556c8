//! Runs every case against this workspace, one test per case: client cases against the client, which
//! runs as its own process, and server cases against the sandbox.
//!
//! `cargo test -p atlas-conformance --test cases -- digest/stale`

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::collections::BTreeMap;
use std::process::ExitCode;

use atlas_conformance::{Case, ClientRun, Judgement, Verdict, judge_server, sandbox};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let not_yet = not_yet();
    let mut trials = Vec::new();
    for case in atlas_conformance::all_cases().unwrap() {
        if case.is_for_clients() {
            let case = case.clone();
            trials.push(Trial::test(format!("client/{}", case.id), move || {
                judged(client(&case))
            }));
        }
        if case.is_for_servers() {
            let not_yet = not_yet.get(&case.id).cloned();
            trials.push(Trial::test(
                format!("server/{}", case.id),
                move || match not_yet {
                    Some(reason) => does_not_hold(server(&case), &reason),
                    None => judged(server(&case)),
                },
            ));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns the cases that the sandbox does not pass yet, each with the reason.
fn not_yet() -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/not-yet.json");
    let listed: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut all = BTreeMap::new();
    for entry in listed.as_array().unwrap() {
        for case in entry["cases"].as_array().unwrap() {
            let case = case.as_str().unwrap().to_owned();
            let reason = entry["reason"].as_str().unwrap().to_owned();
            assert!(all.insert(case.clone(), reason).is_none(), "{case} twice");
        }
    }
    all
}

/// Fails if a listed case passes, so that it has to be removed from the list.
fn does_not_hold(judging: impl Future<Output = Judgement>, reason: &str) -> Result<(), Failed> {
    let judgement = block_on(judging);
    match judgement.verdict {
        Verdict::Warn | Verdict::Fail | Verdict::Differs | Verdict::Unimplemented => Ok(()),
        Verdict::Pass => Err("passes; remove it from tests/cases/not-yet.json".into()),
        _ => Err(format!("listed because {reason}: {}", judgement.explained()).into()),
    }
}

async fn client(case: &Case) -> Judgement {
    let own = env!("CARGO_BIN_EXE_atlas-conformance");
    let command = [own, "testee"].map(str::to_owned);
    ClientRun::default()
        .judge_alone(&command, "atlas-rs", case)
        .await
}

async fn server(case: &Case) -> Judgement {
    let (_server, testee) = sandbox().await.unwrap();
    judge_server(&testee, case).await
}

/// Fails unless the case passes: this workspace implements everything that the cases test.
fn judged(judging: impl Future<Output = Judgement>) -> Result<(), Failed> {
    let judgement = block_on(judging);
    if judgement.verdict == Verdict::Pass {
        return Ok(());
    }
    let explained = judgement.explained();
    Err(format!("{explained}\n\n{}", judgement.conversation).into())
}

fn block_on(judging: impl Future<Output = Judgement>) -> Judgement {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(judging)
}
