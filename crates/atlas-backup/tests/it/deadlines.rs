//! Waits end at their deadlines, whatever a server does meanwhile, and name the awaited operation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_backup::{Backups, Error, Event, JobState, Pick, WaitPolicy, silent};
use atlas_model::{RestoreJobId, SnapshotId};
use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, SandboxServer};
use atlas_transport::retry::RetryPolicy;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use tokio::time::Instant;

use crate::altered;
use crate::existing_jobs::asked;
use crate::jobs::paused;
use crate::outages::{Fault, flaky_with};
use crate::{BY_KIND, name, project};

const ID: &str = "32b6e34b3d91647abb20e7b8";

fn within(seconds: u64) -> WaitPolicy {
    WaitPolicy::default().deadline(Duration::from_secs(seconds))
}

async fn silent_since(seconds: u64) -> (SandboxServer, Backups) {
    flaky_with(RetryPolicy::default(), move |now, _| {
        (now >= Duration::from_secs(seconds)).then_some(Fault::Silence)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_responds_is_awaited_up_to_the_deadline() {
    let (job, snapshot): (RestoreJobId, SnapshotId) = (ID.parse().unwrap(), ID.parse().unwrap());
    for cluster in [FLEX_CLUSTER, DEDICATED_CLUSTER] {
        for (deadline, most) in [(5, 6), (0, 1)] {
            let (cluster, policy) = (name(cluster), within(deadline));
            for call in ["snapshot", "job", "request"] {
                let (_server, backups) = silent_since(0).await;
                let start = Instant::now();
                let error = match call {
                    "snapshot" => {
                        let watching =
                            backups.watch_snapshot(project(), &cluster, snapshot, &policy, silent);
                        watching.await.unwrap_err()
                    }
                    "job" => {
                        let watching = backups.watch_job(project(), &cluster, job, &policy, silent);
                        watching.await.unwrap_err()
                    }
                    _ => {
                        let pick = Pick::Latest;
                        let asking =
                            backups.request_download(project(), &cluster, &pick, &policy, silent);
                        asking.await.unwrap_err()
                    }
                };
                let took = start.elapsed().as_secs();
                assert!(took <= most, "{call} {took}: {error:?}");
                assert!(matches!(error, Error::Deadline { .. }), "{error:?}");
                assert!(error.is_transient());
                let line = format!("{error:?}");
                assert!(line.contains("timed out after"), "{line}");
            }
        }
    }
}

/// It may have been applied, so it is not dropped.
#[tokio::test(start_paused = true)]
async fn a_download_request_in_progress_is_not_dropped_at_the_deadline() {
    let (_server, backups) = flaky_with(RetryPolicy::default(), |_, request| {
        (request.method() == Method::POST).then_some(Fault::Silence)
    })
    .await;
    let (cluster, pick, start) = (name(FLEX_CLUSTER), Pick::Latest, Instant::now());
    let policy = within(5);
    let asking = backups.request_download(project(), &cluster, &pick, &policy, silent);
    let error = asking.await.unwrap_err();
    let took = start.elapsed().as_secs();
    assert!((80..=100).contains(&took), "{took}: {error:?}");
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_a_wait_outlasts_is_reported() {
    for fault in [Fault::Status(503, ""), Fault::Reset] {
        for call in ["snapshot", "job", "request"] {
            let down = Arc::new(Mutex::new(false));
            let is_down = down.clone();
            let (server, backups) = flaky_with(RetryPolicy::default(), move |now, _| {
                (*is_down.lock().unwrap() && now < Duration::from_secs(300)).then_some(fault)
            })
            .await;
            let cluster = name(FLEX_CLUSTER);
            let job = asked(&backups, FLEX_CLUSTER).await;
            let newest =
                server.with(|sandbox| *sandbox.snapshots(project(), &cluster).last().unwrap());
            *down.lock().unwrap() = true;
            let mut told = Vec::new();
            let show = |event| {
                if let Event::Retrying {
                    reason,
                    since,
                    wait,
                } = event
                {
                    told.push((reason, since, wait));
                }
            };
            let policy = WaitPolicy::default();
            match call {
                "snapshot" => {
                    let watching =
                        backups.watch_snapshot(project(), &cluster, newest, &policy, show);
                    assert!(watching.await.unwrap().completed);
                }
                "job" => {
                    let watching = backups.watch_job(project(), &cluster, job, &policy, show);
                    assert_eq!(watching.await.unwrap().state, JobState::Done);
                }
                _ => {
                    let pick = Pick::Latest;
                    let asking =
                        backups.request_download(project(), &cluster, &pick, &policy, show);
                    asking.await.unwrap();
                }
            }
            assert!(told.len() > 3, "{call}: {told:?}");
            assert!(told.is_sorted_by_key(|(_, since, _)| *since), "{told:?}");
            assert!(
                told.iter()
                    .all(|(_, _, wait)| *wait <= Duration::from_secs(30))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_snapshot_is_reported_as_a_snapshot() {
    let server = SandboxServer::start().await.unwrap();
    let cluster = name(FLEX_CLUSTER);
    let newest = server.with(|sandbox| *sandbox.snapshots(project(), &cluster).last().unwrap());
    let backups = altered::backups(&server, move |_, _, body| {
        for snapshot in body["results"].as_array_mut().into_iter().flatten() {
            if snapshot["status"] == "COMPLETED" {
                snapshot["status"] = json!("PENDING");
            }
        }
    });
    let policy = within(2);
    let watching = backups.watch_snapshot(project(), &cluster, newest, &policy, silent);
    let error = watching.await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error:?}");
    let expected =
        format!("snapshot {newest} was not complete within 2 s; watch it, or allow more time");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_late_turn_is_not_reported_as_a_job() {
    let (server, backups) = paused().await;
    server.with(|sandbox| sandbox.set_download_pause(SignedDuration::from_hours(1)));
    let (cluster, pick, policy) = (name(FLEX_CLUSTER), Pick::Latest, within(20));
    asked(&backups, FLEX_CLUSTER).await;
    let asking = backups.request_download(project(), &cluster, &pick, &policy, silent);
    let error = asking.await.unwrap_err();
    assert!(matches!(error, Error::Deadline { .. }), "{error:?}");
    let expected =
        "no download could be requested within 20 s; try again later, or allow more time";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_restore_is_reported_as_one() {
    for (cluster, kind) in BY_KIND {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.add_cluster(project(), name("Target"), kind));
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(20)));
        let (source, target) = (name(cluster), name("Target"));
        let pick = Pick::Latest;
        let restored = backups.restore(project(), &source, &pick, project(), &target);
        let restored = restored.await.unwrap().id.unwrap();
        let download = asked(&backups, cluster).await;
        for (job, expected) in [(restored, true), (download, false)] {
            let mut told = Vec::new();
            let show = |event| {
                if let Event::Preparing { restore, .. } = event {
                    told.push(restore);
                }
            };
            let policy = WaitPolicy::default();
            let watching = backups.watch_job(project(), &source, job, &policy, show);
            watching.await.unwrap();
            let is_so = !told.is_empty() && told.iter().all(|it| *it == expected);
            assert!(is_so || !expected, "{cluster}: {told:?}");
            assert!(told.iter().all(|it| *it == expected), "{cluster}: {told:?}");
        }
    }
}
