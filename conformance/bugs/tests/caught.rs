//! Checks that a case catches each injected bug, and that a client or server without a bug passes all
//! cases: one trial per bug.
//!
//! `cargo test -p atlas-conformance-bugs --test caught -- server/nc-ignored`

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use atlas_conformance::{
    Case, Judgement, ServerTestee, Testee, Verdict, all_cases, judge_client, judge_server,
};
use atlas_conformance_bugs::{ANOTHER_STYLE, Bug, BuggyServer, CLIENT_BUGS, NONE, SERVER_BUGS};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use tokio::task::JoinSet;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of the time is spent waiting.
    arguments.test_threads = arguments.test_threads.or(Some(TRIALS_AT_ONCE));
    let cases: Arc<[Case]> = all_cases().unwrap().into();
    let mut trials = vec![
        Trial::test("readme", the_readme_has_the_number_of_bugs),
        Trial::test("names", names_are_unique),
    ];
    // Valid clients of both styles pass every case. They take longest and start first.
    for right in [NONE, ANOTHER_STYLE] {
        let cases = cases.clone();
        trials.push(Trial::test(format!("client/{right}"), move || {
            right_passes(failure_of_client(right, &cases))
        }));
    }
    // So do bugs that only slow cases catch.
    let mut bugs = CLIENT_BUGS.to_vec();
    bugs.sort_by_key(|bug| Reverse(slowness(bug.area)));
    for bug in bugs {
        let cases = cases.clone();
        trials.push(Trial::test(format!("client/{bug}"), move || {
            caught(failure_of_client(bug, &cases))
        }));
    }
    for bug in SERVER_BUGS {
        let cases = cases.clone();
        trials.push(Trial::test(format!("server/{bug}"), move || {
            caught(failure_of_server(*bug, &cases))
        }));
    }
    trials.push(Trial::test(format!("server/{NONE}"), move || {
        right_passes(failure_of_server(NONE, &cases))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

const TRIALS_AT_ONCE: usize = 4;

/// The number of processes that share the cases of a valid client.
const PROCESSES: usize = 4;

/// The areas whose cases wait, the slowest last.
const SLOW: [&str; 5] = ["digest", "oauth", "flow", "fault", "download"];

/// Sorts the cases by how soon they are likely to catch a bug: those of its area first, and slow
/// ones last. For a valid client, which runs all, the slowest come first.
fn sorted(bug: Bug, cases: impl Iterator<Item = Case>) -> Vec<Case> {
    let mut sorted: Vec<Case> = cases.collect();
    sorted.sort_by_key(|case| (case.area != bug.area, slowness(&case.area)));
    if is_right(bug) {
        sorted.reverse();
    }
    sorted
}

fn slowness(area: &str) -> Option<usize> {
    SLOW.iter().position(|slow| *slow == area)
}

fn is_right(bug: Bug) -> bool {
    [NONE, ANOTHER_STYLE].contains(&bug)
}

/// Returns a case that a client with a bug does not pass.
async fn failure_of_client(bug: Bug, cases: &[Case]) -> Option<String> {
    let wrapper = env!("CARGO_BIN_EXE_buggy-client");
    let reference = env!("CARGO_BIN_EXE_reference-client");
    let command = [wrapper, "--bug", bug.name, "--", reference].map(str::to_owned);
    let cases = cases.iter().filter(|case| case.is_for_clients()).cloned();
    let queue = Arc::new(Mutex::new(VecDeque::from(sorted(bug, cases))));
    let mut processes = JoinSet::new();
    for _ in 0..if is_right(bug) { PROCESSES } else { 1 } {
        let (queue, command) = (queue.clone(), command.clone());
        processes.spawn(async move {
            let mut testee = Testee::start(&command).await.unwrap();
            loop {
                let case = queue.lock().unwrap().pop_front()?;
                testee.reset().await.unwrap();
                let judgement = judge_client(&mut testee, &command, &case).await;
                if is_failure(bug, &judgement) {
                    return Some(judgement.explained());
                }
            }
        });
    }
    while let Some(failure) = processes.join_next().await {
        if let Some(failure) = failure.unwrap() {
            return Some(failure);
        }
    }
    None
}

/// Returns a case that a server with a bug does not pass.
async fn failure_of_server(bug: Bug, cases: &[Case]) -> Option<String> {
    let server = BuggyServer::start(bug).await.unwrap();
    let testee = ServerTestee::new("buggy", server.url()).unwrap();
    let not_yet = not_yet();
    let judged = |case: &&Case| case.is_for_servers() && !not_yet.contains(&case.id);
    let cases = cases.iter().filter(judged).cloned();
    for case in sorted(bug, cases) {
        let judgement = judge_server(&testee, &case).await;
        if is_failure(bug, &judgement) {
            return Some(judgement.explained());
        }
    }
    None
}

/// Returns the cases that the sandbox does not pass yet; they cannot catch a bug.
fn not_yet() -> BTreeSet<String> {
    let listed: Value =
        serde_json::from_str(include_str!("../../tests/cases/not-yet.json")).unwrap();
    let entries = listed.as_array().unwrap().iter();
    let cases = entries.flat_map(|entry| entry["cases"].as_array().unwrap());
    cases
        .map(|case| case.as_str().unwrap().to_owned())
        .collect()
}

/// Whether a case catches a bug. A missing ability or an error does not catch one. A valid testee
/// must pass every case that it implements.
fn is_failure(bug: Bug, judgement: &Judgement) -> bool {
    match judgement.verdict {
        Verdict::Pass | Verdict::Unimplemented => false,
        Verdict::Fail | Verdict::Warn | Verdict::Differs => true,
        _ => is_right(bug),
    }
}

fn caught(failure: impl Future<Output = Option<String>>) -> Result<(), Failed> {
    match block_on(failure) {
        Some(_) => Ok(()),
        None => Err("no case caught it".into()),
    }
}

fn right_passes(failure: impl Future<Output = Option<String>>) -> Result<(), Failed> {
    match block_on(failure) {
        None => Ok(()),
        Some(failure) => Err(format!("without a bug: {failure}").into()),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn the_readme_has_the_number_of_bugs() -> Result<(), Failed> {
    let readme = include_str!("../../../README.md");
    let number = format!("{} injected bugs", CLIENT_BUGS.len() + SERVER_BUGS.len());
    if readme.contains(&number) {
        Ok(())
    } else {
        Err(format!("README.md does not contain {number:?}").into())
    }
}

fn names_are_unique() -> Result<(), Failed> {
    for bugs in [CLIENT_BUGS, SERVER_BUGS] {
        let names: BTreeSet<_> = bugs.iter().chain([&NONE, &ANOTHER_STYLE]).collect();
        if names.len() != bugs.len() + 2 {
            return Err("two bugs have the same name".into());
        }
    }
    Ok(())
}
