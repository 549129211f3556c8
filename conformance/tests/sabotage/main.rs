//! The suite is not to be fooled: each fault that the client or the sandbox commits on purpose is
//! caught by some case, one test a fault.
//!
//! `cargo test -p atlas-conformance --test sabotage -- server/nc-ignored`

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::process::ExitCode;
use std::sync::Arc;

use atlas_conformance::{
    ANOTHER_STYLE, CLIENT_SABOTAGES, Case, NO_SABOTAGE, SERVER_SABOTAGES, SabotagedServer,
    ServerTestee, Testee, Variables, Verdict, all_cases, judge_client, judge_server,
};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut cases = all_cases().unwrap();
    // Those that wait for something go last.
    let slow = ["digest", "oauth", "flow", "download", "fault"];
    cases.sort_by_key(|case| slow.iter().position(|area| *area == case.area));
    let cases: Arc<[Case]> = cases.into();
    let mut trials = Vec::new();
    for name in CLIENT_SABOTAGES {
        let cases = cases.clone();
        trials.push(Trial::test(format!("client/{name}"), move || {
            caught(client(name, &cases))
        }));
    }
    for name in SERVER_SABOTAGES {
        let cases = cases.clone();
        trials.push(Trial::test(format!("server/{name}"), move || {
            caught(server(name, &cases))
        }));
    }
    // Right clients of both styles pass every case.
    for right in [NO_SABOTAGE, ANOTHER_STYLE] {
        let cases = cases.clone();
        trials.push(Trial::test(format!("client/{right}"), move || {
            uncaught(client(right, &cases))
        }));
    }
    trials.push(Trial::test(format!("server/{NO_SABOTAGE}"), move || {
        uncaught(server(NO_SABOTAGE, &cases))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The case that catches a client's fault.
async fn client(sabotage: &str, cases: &[Case]) -> Option<String> {
    let own = env!("CARGO_BIN_EXE_atlas-conformance");
    let command = [own, "testee", "--sabotage", sabotage].map(str::to_owned);
    let mut testee = Testee::start(&command).await.unwrap();
    for case in cases.iter().filter(|case| case.is_for_clients()) {
        testee.reset().await.unwrap();
        let judgement = judge_client(&mut testee, &command, case).await;
        if catches(judgement.verdict) {
            return Some(judgement.case);
        }
    }
    None
}

/// The case that catches a server's fault.
async fn server(sabotage: &str, cases: &[Case]) -> Option<String> {
    let server = SabotagedServer::start(sabotage).await.unwrap().unwrap();
    let testee = ServerTestee {
        name: "sabotaged".to_owned(),
        url: server.url().to_owned(),
        variables: Variables::of_the_first_world().unwrap(),
    };
    for case in cases.iter().filter(|case| case.is_for_servers()) {
        let judgement = judge_server(&testee, case).await;
        if catches(judgement.verdict) {
            return Some(judgement.case);
        }
    }
    None
}

fn catches(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Fail | Verdict::Warn)
}

fn caught(catching: impl Future<Output = Option<String>>) -> Result<(), Failed> {
    match block_on(catching) {
        Some(_) => Ok(()),
        None => Err("no case caught it".into()),
    }
}

fn uncaught(catching: impl Future<Output = Option<String>>) -> Result<(), Failed> {
    match block_on(catching) {
        None => Ok(()),
        Some(case) => Err(format!("{case} fails without any fault").into()),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}
