//! Runs every case at what this workspace makes, one test a case: client cases to the client, which
//! runs as a process of its own, and server cases to the sandbox.
//!
//! `cargo test -p atlas-conformance --test cases -- digest/stale`

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::collections::BTreeSet;
use std::process::ExitCode;

use atlas_conformance::{Case, ClientRun, Judgement, Verdict, judge_server, sandbox};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let emulated = emulated();
    let mut trials = Vec::new();
    for case in atlas_conformance::all_cases().unwrap() {
        if case.is_for_clients() {
            let case = case.clone();
            trials.push(Trial::test(format!("client/{}", case.id), move || {
                judged(client(&case))
            }));
        }
        if case.is_for_servers() {
            let emulated = is_emulated(&case, &emulated);
            trials.push(Trial::test(format!("server/{}", case.id), move || {
                if emulated {
                    judged(server(&case))
                } else {
                    not_emulated(server(&case))
                }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The operations that the sandbox emulates.
fn emulated() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/operations.json");
    let listed: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let listed = listed.as_array().unwrap().iter();
    listed
        .map(|it| it["operationId"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether the sandbox emulates the operation of a generated case. It does what all others need.
fn is_emulated(case: &Case, emulated: &BTreeSet<String>) -> bool {
    let Some(name) = case.id.strip_prefix("api/") else {
        return true;
    };
    let name = name.split_once('-').map_or(name, |(_, name)| name);
    let operation = name
        .split_once('-')
        .map_or(name, |(operation, _)| operation);
    emulated.contains(operation)
}

/// What the sandbox does not emulate, it says so of; a case that passes all the same belongs to
/// those that must.
fn not_emulated(judging: impl Future<Output = Judgement>) -> Result<(), Failed> {
    let judgement = block_on(judging);
    if judgement.verdict == Verdict::Unimplemented {
        return Ok(());
    }
    Err(format!("not expected to be judged: {}", judgement.explained()).into())
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

/// Nothing but a pass is one: what is ours does all that the cases are about.
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
