//! Outages while a snapshot is prepared: waited out as long as patience lasts, reported, and the
//! end of a pull if they persist.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_backup::{Backups, DownloadOptions, Error, Event, Pick, PullOptions, Pulled, silent};
use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, SandboxServer};
use atlas_transport::retry::RetryPolicy;
use futures_util::FutureExt as _;
use http::Method;
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::outages::{Asked, Fault, flaky, flaky_with, is_file};
use crate::{folder, name, project};

const FAULTS: [Fault; 6] = [
    Fault::Status(503, ""),
    Fault::Status(429, "7"),
    Fault::Status(500, ""),
    Fault::Status(504, ""),
    Fault::Reset,
    Fault::Silence,
];
const PATIENCE: Duration = Duration::from_secs(120);
/// A call that is not answered takes its total timeout.
const A_CALL: Duration = Duration::from_secs(91);

fn options() -> DownloadOptions {
    DownloadOptions::default().patience(PATIENCE)
}

/// The sandbox, which fails once a switch is set.
async fn until(down: &Arc<AtomicBool>, fault: Fault) -> (SandboxServer, Backups) {
    let down = down.clone();
    flaky_with(RetryPolicy::default(), move |_, _| {
        down.load(Ordering::SeqCst).then_some(fault)
    })
    .await
}

/// Records the reports of an outage, and starts one as soon as a job is awaited.
fn falling<'a>(
    down: &'a Arc<AtomicBool>,
    told: &'a Mutex<Vec<(String, Duration)>>,
) -> impl FnMut(Event) + Send + 'a {
    move |event| match event {
        Event::Preparing { .. } => down.store(true, Ordering::SeqCst),
        Event::Retrying { reason, since, .. } => told.lock().unwrap().push((reason, since)),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_a_snapshot_is_prepared_is_bounded_by_patience_and_reported() {
    for fault in FAULTS {
        for cluster in [FLEX_CLUSTER, DEDICATED_CLUSTER] {
            for is_piped in [false, true] {
                let down = Arc::default();
                let (server, backups) = until(&down, fault).await;
                server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_mins(10)));
                let (folder, told) = (folder(), Mutex::default());
                let out = folder.path().join("s.tgz");
                let (cluster, pick, options) = (name(cluster), Pick::Latest, options());
                let show = falling(&down, &told);
                let start = Instant::now();
                let error = if is_piped {
                    let writing = backups.download_to_writer(
                        project(),
                        &cluster,
                        &pick,
                        Vec::new(),
                        &options,
                        show,
                    );
                    writing.await.unwrap_err()
                } else {
                    let saving = backups.download(project(), &cluster, &pick, &out, &options, show);
                    saving.await.unwrap_err()
                };
                assert!(matches!(error, Error::Call(_)), "{error:?}");
                assert!(error.is_transient(), "{error:?}");
                let took = start.elapsed();
                assert!(took >= PATIENCE, "{took:?}: {error:?}");
                assert!(took < PATIENCE + A_CALL * 2, "{took:?}: {error:?}");
                let told = told.into_inner().unwrap();
                assert!(!told.is_empty(), "{error:?}");
                assert!(told.iter().all(|(reason, _)| !reason.is_empty()));
                assert!(told.is_sorted_by_key(|(_, since)| *since), "{told:?}");
            }
        }
    }
}

/// Polls are not retries: a policy without retries does not end them earlier.
#[tokio::test(start_paused = true)]
async fn patience_bounds_the_polls_of_a_client_that_does_not_retry() {
    for (patience, at_least) in [(0, 0), (60, 60)] {
        let down: Arc<AtomicBool> = Arc::default();
        let is_down = down.clone();
        let (server, backups) =
            flaky(move |_, _| is_down.load(Ordering::SeqCst).then_some(Fault::Reset)).await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_mins(10)));
        let (folder, told) = (folder(), Mutex::default());
        let out = folder.path().join("s.tgz");
        let options = DownloadOptions::default().patience(Duration::from_secs(patience));
        let (cluster, pick) = (name(FLEX_CLUSTER), Pick::Latest);
        let start = Instant::now();
        let saving = backups.download(
            project(),
            &cluster,
            &pick,
            &out,
            &options,
            falling(&down, &told),
        );
        let error = saving.await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        let took = start.elapsed().as_secs();
        assert!((at_least..at_least + 5).contains(&took), "{took}");
        assert_eq!(told.into_inner().unwrap().is_empty(), patience == 0);
    }
}

/// Pulls, and returns one letter for each snapshot; `seen` is called for each.
async fn pull(
    backups: &Backups,
    folder: &TempDir,
    mut seen: impl FnMut(&Pulled) + Send,
) -> (String, Result<(), Error>) {
    let mut letters = String::new();
    let report = |pulled: Pulled| {
        seen(&pulled);
        letters.push(match pulled {
            Pulled::Downloaded { .. } => 'T',
            Pulled::AlreadyPresent { .. } => '.',
            Pulled::Failed { .. } => 'F',
            other => panic!("{other:?}"),
        });
    };
    let cluster = name(FLEX_CLUSTER);
    let options = PullOptions::default().download(options());
    let pulling = backups.pull(project(), &cluster, folder.path(), &options, report, silent);
    let pulled = pulling.await.map(drop);
    (letters, pulled)
}

fn listed(folder: &TempDir) -> usize {
    let text = std::fs::read(folder.path().join("catalogue.json")).unwrap();
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
    listed.len()
}

#[tokio::test(start_paused = true)]
async fn a_persistent_outage_ends_a_pull_and_downloaded_files_stay() {
    for fault in FAULTS {
        let down = Arc::default();
        let (_server, backups) = until(&down, fault).await;
        let (folder, start) = (folder(), Instant::now());
        let pulling = pull(&backups, &folder, |_| down.store(true, Ordering::SeqCst));
        let (letters, pulled) = pulling.await;
        let error = pulled.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert!(matches!(error, Error::Call(_)), "{error:?}");
        assert!(letters == "T" || letters == "TF", "{letters}: {error:?}");
        let took = start.elapsed();
        assert!(took < PATIENCE + A_CALL * 2, "{took:?}: {error:?}");
        assert_eq!(listed(&folder), 1);
        down.store(false, Ordering::SeqCst);
        let (letters, pulled) = pull(&backups, &folder, |_| {}).await;
        pulled.unwrap();
        assert_eq!(letters, ".TTTTTTT");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_down_ends_a_pull() {
    for fault in FAULTS {
        let down: Arc<AtomicBool> = Arc::default();
        let is_down = down.clone();
        let (_server, backups) = flaky_with(RetryPolicy::default(), move |_, request| {
            (is_file(request) && is_down.load(Ordering::SeqCst)).then_some(fault)
        })
        .await;
        let folder = folder();
        let pulling = pull(&backups, &folder, |_| down.store(true, Ordering::SeqCst));
        let (letters, pulled) = pulling.await;
        let error = pulled.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert!(letters == "T" || letters == "TF", "{letters}: {error:?}");
        assert_eq!(listed(&folder), 1);
    }
}

/// A failure of one snapshot does not prevent others from being downloaded, whatever the status.
#[tokio::test(start_paused = true)]
async fn a_failure_of_one_snapshot_does_not_end_a_pull() {
    for status in [400, 404, 409, 500] {
        let second = Arc::new(Mutex::new(String::new()));
        let failing = second.clone();
        let (server, backups) = flaky_with(RetryPolicy::default(), move |_, request| {
            let id = failing.lock().unwrap();
            (is_for(request, &id)).then_some(Fault::Status(status, ""))
        })
        .await;
        let listed = server.with(|sandbox| sandbox.snapshots(project(), &name(FLEX_CLUSTER)));
        *second.lock().unwrap() = listed[1].to_string();
        let folder = folder();
        let (letters, pulled) = pull(&backups, &folder, |_| {}).await;
        pulled.unwrap();
        assert_eq!(letters, "TFTTTTTT", "{status}");
    }
}

/// Whether a request is for a download of a snapshot.
fn is_for(request: &Asked, snapshot: &str) -> bool {
    let body = request.body().clone().collect().now_or_never();
    let body = body.unwrap().unwrap().to_bytes();
    request.method() == Method::POST && String::from_utf8_lossy(&body).contains(snapshot)
}

#[tokio::test(start_paused = true)]
async fn a_job_that_does_not_end_in_time_does_not_end_a_pull() {
    let (server, backups) = flaky(|_, _| None).await;
    server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(2 * 3600)));
    let (folder, start) = (folder(), Instant::now());
    let pulling = pull(&backups, &folder, |_| {
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::ZERO));
    });
    let (letters, pulled) = pulling.await;
    pulled.unwrap();
    assert_eq!(letters, "FTTTTTTT");
    assert!(start.elapsed() < Duration::from_secs(2 * 3600));
}
