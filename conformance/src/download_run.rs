//! Putting a download to a client: the sandbox gives the file, and may see the client killed.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use atlas_sandbox::{
    Answered, FLEX_CLUSTER, FaultPlan, OWNER, PROJECT, SNAPSHOT, Sandbox, SandboxServer,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::case::{DownloadCase, FileAfter};
use crate::client_run::{Found, PutError};
use crate::message::{DownloadMessage, Run};
use crate::scripted::lock;
use crate::testee::Testee;

/// Has a snapshot downloaded, and looks at the file.
pub(crate) async fn put(
    testee: &mut Testee,
    command: &[String],
    case: &DownloadCase,
) -> Result<Found, PutError> {
    let odd = |problem: &dyn std::fmt::Display| PutError::Case(problem.to_string());
    let project: ProjectId = PROJECT.parse().map_err(|error| odd(&error))?;
    let cluster: ClusterName = FLEX_CLUSTER.parse().map_err(|error| odd(&error))?;
    let snapshot: SnapshotId = SNAPSHOT.parse().map_err(|error| odd(&error))?;
    let mut sandbox = match &case.settings {
        Some(settings) => {
            let seed = serde_json::json!({"settings": settings}).to_string();
            Sandbox::from_seed(&seed).map_err(|error| odd(&error))?
        }
        None => Sandbox::new(),
    };
    let taken = Timestamp::UNIX_EPOCH;
    sandbox.add_snapshot_at(project, &cluster, snapshot, case.bytes, taken);
    let whole = sandbox
        .snapshot_file(project, &cluster, snapshot)
        .unwrap_or_default();
    let faults = match &case.faults {
        Value::Null => FaultPlan::default(),
        plan => FaultPlan::from_json(&plan.to_string()).map_err(|error| odd(&error))?,
    };
    let log = Arc::new(Mutex::new(String::new()));
    let kept = log.clone();
    let server = SandboxServer::builder(sandbox)
        .faults(faults)
        .log(move |answered| note(&kept, answered))
        .start()
        .await?;

    let folder = tempfile::tempdir()?;
    let out = folder.path().join("snapshot.tgz");
    if let Some(before) = &case.before {
        std::fs::write(&out, before)?;
    }
    let message = DownloadMessage {
        url: server.url().to_owned(),
        project: PROJECT.to_owned(),
        cluster: FLEX_CLUSTER.to_owned(),
        snapshot: SNAPSHOT.to_owned(),
        out: out.display().to_string(),
        replace: case.replace,
        token: OWNER.access_token.to_owned(),
    };
    let mut between = Vec::new();
    let answer = if case.kill {
        let mut victim = Testee::start(command).await?;
        tokio::select! {
            ended = victim.run(Run::Download(message.clone())) => {
                ended?;
                between.push("it ended before it could be killed".to_owned());
            }
            () = stalled(&server) => {}
        }
        victim.kill().await;
        if case.before.is_none() && out.exists() {
            between.push("an incomplete file had the final name when it was killed".to_owned());
        }
        testee.run(Run::Download(message)).await?
    } else {
        testee.run(Run::Download(message)).await?
    };

    let mut faults = between;
    if !case.outcome.is_met_by(&answer.outcome) {
        let (seen, required) = (&answer.outcome, &case.outcome);
        faults.push(format!("outcome: {seen:?}, required {required:?}"));
    }
    faults.extend(file_fault(&out, case, &whole));
    if let Some(percent) = case.at_most_percent {
        let fetched = server.with(|sandbox| sandbox.served_bytes());
        let allowed = whole.len() as u64 * percent / 100;
        if fetched > allowed {
            faults.push(format!("{fetched} bytes were asked for, allowed {allowed}"));
        }
    }
    let mut conversation = lock(&log).clone();
    conversation.push_str(&answer.output);
    Ok((faults, conversation))
}

/// Notes what the sandbox answered.
fn note(log: &Mutex<String>, answered: &Answered) {
    let status = answered
        .status
        .map_or_else(|| "(gone)".to_owned(), |status| status.to_string());
    let (method, path) = (&answered.method, &answered.path);
    let _ = writeln!(lock(log), "> {method} {path}\n< {status}\n");
}

/// Waits until the plan lets an answer stall, and a moment for the client to keep what it has.
async fn stalled(server: &SandboxServer) {
    while server.stalled() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
}

fn file_fault(out: &Path, case: &DownloadCase, whole: &[u8]) -> Option<String> {
    let there = std::fs::read(out).ok();
    let (right, required) = match case.after {
        FileAfter::Complete => (there.as_deref() == Some(whole), "the whole snapshot"),
        FileAfter::Absent => (there.is_none(), "nothing"),
        FileAfter::Before => {
            let before = case.before.as_deref().map(str::as_bytes);
            (there.as_deref() == before, "what was there before")
        }
    };
    let seen = there.map_or_else(|| "nothing".to_owned(), |it| format!("{} bytes", it.len()));
    (!right).then(|| format!("under the file's name is {seen}, required {required}"))
}
