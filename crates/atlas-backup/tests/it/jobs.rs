//! Waiting for jobs: short waits at first, bounded, and never past their end.

use atlas_model::cloud_backups::CancelBackupRestoreJob;
use std::sync::Mutex;
use std::time::Duration;

use atlas_backup::{Error, Event, JobEnd, JobState, Pick, WaitPolicy, silent};
use atlas_sandbox::{
    CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, Sandbox, SandboxServer,
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::{BY_KIND, folder, latest, name, project, quietly};

/// A sandbox whose clock is the paused one of the test.
pub(crate) async fn paused() -> (SandboxServer, atlas_backup::Backups) {
    let start = Instant::now();
    let clock = move || {
        let passed = SignedDuration::try_from(start.elapsed()).unwrap();
        Timestamp::from_second(1_770_000_000).unwrap() + passed
    };
    let server = SandboxServer::start_with(Sandbox::new(), clock)
        .await
        .unwrap();
    let client = crate::client(&server).build_with(server.service()).unwrap();
    (server, atlas_backup::Backups::new(client))
}

#[tokio::test(start_paused = true)]
async fn a_job_is_polled_often_at_first_and_seldom_later() {
    for cluster in [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER, SHARDED_CLUSTER] {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(240)));
        let folder = folder();
        let start = Instant::now();
        let looks = Mutex::new(Vec::new());
        let progress = |event: Event| {
            if let Event::Preparing { .. } = event {
                looks.lock().unwrap().push(start.elapsed().as_secs());
            }
        };
        latest(&backups, cluster, &folder, &progress).await.unwrap();
        let looks = looks.into_inner().unwrap();
        assert_eq!(looks[1] - looks[0], 1, "{looks:?}");
        assert!((10..20).contains(&looks.len()), "{looks:?}");
        let waits = looks.windows(2).map(|two| two[1] - two[0]);
        assert_eq!(waits.max().unwrap(), 30);
        assert!(start.elapsed() < Duration::from_secs(240 + 31));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_ends_the_wait_at_once_and_one_that_hangs_at_the_deadline() {
    for cluster in [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER] {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.fail_next_jobs(1));
        let error = quietly(&backups, cluster, &folder()).await.unwrap_err();
        let failed = matches!(
            error,
            Error::JobEnded {
                how: JobEnd::Failed,
                ..
            }
        );
        assert!(failed, "{cluster}: {error}");

        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_hours(9)));
        let start = Instant::now();
        let error = quietly(&backups, cluster, &folder()).await.unwrap_err();
        assert!(
            matches!(error, Error::Deadline { .. }),
            "{cluster}: {error}"
        );
        let waited = start.elapsed().as_secs();
        assert!((3500..=3600).contains(&waited), "{waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_or_expired_job_is_reported_as_such() {
    let (server, backups) = paused().await;
    let cluster = name(DEDICATED_CLUSTER);
    let policy = WaitPolicy::default();
    let ask = async || {
        let pick = Pick::Latest;
        let asked = backups.request_download(project(), &cluster, &pick, &policy, silent);
        asked.await.unwrap().id.unwrap()
    };
    let job = ask().await;
    tokio::time::advance(Duration::from_secs(3601)).await;
    let watch = async |job| {
        let watched = backups.watch_job(project(), &cluster, job, &policy, silent);
        watched.await
    };
    let error = watch(job).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::JobEnded {
                how: JobEnd::Expired,
                ..
            }
        ),
        "{error}"
    );

    let job = ask().await;
    let cancel = CancelBackupRestoreJob::new(project(), cluster.clone(), job);
    let client = crate::client(&server).build_with(server.service()).unwrap();
    client.send(&cancel).await.unwrap();
    let error = watch(job).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::JobEnded {
                how: JobEnd::Cancelled,
                ..
            }
        ),
        "{error}"
    );
    let unknown = "32b6e34b3d91647abb20e7ff".parse().unwrap();
    assert!(matches!(watch(unknown).await, Err(Error::Call(_))));
}

#[tokio::test(start_paused = true)]
async fn a_second_download_waits_its_turn() {
    let (server, backups) = paused().await;
    server.with(|sandbox| sandbox.set_download_pause(SignedDuration::from_secs(20)));
    let waited = Mutex::new(0);
    let progress = |event: Event| {
        if event == Event::WaitingForTurn {
            *waited.lock().unwrap() += 1;
        }
    };
    quietly(&backups, FLEX_CLUSTER, &folder()).await.unwrap();
    latest(&backups, FLEX_CLUSTER, &folder(), &progress)
        .await
        .unwrap();
    assert!(*waited.lock().unwrap() >= 3);
}

#[tokio::test(start_paused = true)]
async fn only_a_restore_writes_and_it_reports_its_target() {
    for (cluster, kind) in BY_KIND {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.add_cluster(project(), name("Target"), kind));
        let source = name(cluster);
        let policy = WaitPolicy::default();
        let asked = backups.request_download(project(), &source, &Pick::Latest, &policy, silent);
        assert!(asked.await.unwrap().download);
        assert_eq!(server.with(|sandbox| sandbox.writes()), 0);

        let target = name("Target");
        let restore = backups.restore(project(), &source, &Pick::Latest, project(), &target);
        let job = restore.await.unwrap();
        assert!(!job.download);
        assert_eq!(job.target_cluster.as_deref(), Some("Target"));
        assert_eq!(server.with(|sandbox| sandbox.writes()), 1);
        let watch = backups.watch_job(project(), &source, job.id.unwrap(), &policy, silent);
        assert_eq!(watch.await.unwrap().state, JobState::Done);
        assert_eq!(backups.jobs(project(), &source).await.unwrap().len(), 2);
    }
}
