//! Runs every case at what this workspace makes, one test a case: client cases to the client, which
//! runs as a process of its own, and server cases to the sandbox.
//!
//! `cargo test -p atlas-conformance --test cases -- digest/stale`

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::process::ExitCode;

use atlas_conformance::{Case, ClientRun, Judgement, Verdict, judge_server, sandbox};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for case in atlas_conformance::all_cases().unwrap() {
        if case.is_for_clients() {
            let case = case.clone();
            trials.push(Trial::test(format!("client/{}", case.id), move || {
                judged(client(&case))
            }));
        }
        if case.is_for_servers() {
            trials.push(Trial::test(format!("server/{}", case.id), move || {
                judged(server(&case))
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let judgement = runtime.block_on(judging);
    if judgement.verdict == Verdict::Pass {
        return Ok(());
    }
    let explained = judgement.explained();
    Err(format!("{explained}\n\n{}", judgement.conversation).into())
}
