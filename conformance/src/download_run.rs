//! Runs a download case: serves the file and kills the client if the case requires it.

use std::path::Path;
use std::time::Duration;

use crate::archive_server::ArchiveServer;
use crate::case::{DownloadCase, FileAfter};
use crate::client_run::{Found, RunError};
use crate::difference::Difference;
use crate::message::{DownloadMessage, Run};
use crate::testee::Testee;
use crate::variables::Variables;

/// Runs the download and checks the file.
pub(crate) async fn run(
    testee: &mut Testee,
    command: &[String],
    case: &DownloadCase,
) -> Result<Found, RunError> {
    let world = Variables::default_world()?;
    let server = ArchiveServer::start(case, &world).await?;
    let whole = server.file();

    let folder = tempfile::tempdir()?;
    let out = folder.path().join("snapshot.tgz");
    if let Some(before) = &case.before {
        std::fs::write(&out, before)?;
    }
    let message = DownloadMessage {
        url: server.url.clone(),
        project: world.get("project").to_owned(),
        cluster: world.get("flex").to_owned(),
        snapshot: world.get("flex.snapshot").to_owned(),
        out: out.display().to_string(),
        replace: case.replace,
        token: world.get("owner.token").to_owned(),
    };
    let mut differences = Vec::new();
    let reply = if case.kill {
        let mut victim = Testee::start(command).await?;
        tokio::select! {
            ended = victim.run(Run::Download(message.clone())) => {
                ended?;
                let seen = "ended before it could be killed";
                differences.push(Difference::new("the first run", "waits for the file", seen));
            }
            () = stalled(&server, folder.path()) => {}
        }
        victim.kill().await;
        server.stop_stalling();
        if case.before.is_none() && out.exists() {
            let seen = "an incomplete file";
            differences.push(Difference::new("the file after the kill", "no file", seen));
        }
        testee.run(Run::Download(message)).await?
    } else {
        testee.run(Run::Download(message)).await?
    };

    if !case.outcome.is_met_by(&reply.outcome) {
        differences.push(Difference::new("outcome", &case.outcome, &reply.outcome));
    }
    differences.extend(file_difference(&out, case, &whole));
    if let Some(percent) = case.at_most_percent {
        let allowed = (whole.len() as u64).saturating_mul(percent) / 100;
        let fetched = server.served();
        if fetched > allowed {
            let allowed = format!("at most {allowed}");
            differences.push(Difference::new("bytes fetched", allowed, fetched));
        }
    }
    differences.extend(server.malformed().map(|it| it.difference()));
    let conversation = server.conversation() + &reply.output;
    Ok(Found {
        differences,
        has_sent: !conversation.is_empty(),
        conversation,
        reply: Some(reply),
    })
}

/// Waits until a response stalls and the client has written the received bytes.
async fn stalled(server: &ArchiveServer, folder: &Path) {
    server.stalled().await;
    let mut written = None;
    loop {
        tokio::time::sleep(SETTLED).await;
        let now = size_of(folder);
        if written == Some(now) {
            return;
        }
        written = Some(now);
    }
}

/// The time without a write after which the client has written all received bytes.
const SETTLED: Duration = Duration::from_millis(60);

/// Returns the total size of the files in a folder, in bytes.
fn size_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    sizes.sum()
}

fn file_difference(out: &Path, case: &DownloadCase, whole: &[u8]) -> Option<Difference> {
    let there = std::fs::read(out).ok();
    let (right, required) = match case.after {
        FileAfter::Complete => (there.as_deref() == Some(whole), "the whole snapshot"),
        FileAfter::Absent => (there.is_none(), "no file"),
        FileAfter::Before => {
            let before = case.before.as_deref().map(str::as_bytes);
            (there.as_deref() == before, "the initial file")
        }
    };
    let seen = there.map_or_else(|| "no file".to_owned(), |it| format!("{} bytes", it.len()));
    (!right).then(|| Difference::new("the file", required, seen))
}
