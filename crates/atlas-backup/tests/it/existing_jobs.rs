//! Downloads of existing restore jobs.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use atlas_backup::{
    Backups, DownloadOptions, Error, Event, JobEnd, Pick, Saved, WaitPolicy, silent, verify,
};
use atlas_model::RestoreJobId;
use atlas_sandbox::{
    CLUSTER, ClusterKind, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use crate::jobs::paused;
use crate::{BY_KIND, altered, folder, name, names, project, world};

const KINDS: [&str; 4] = [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER, SHARDED_CLUSTER];

/// Requests a download of the oldest snapshot.
pub(crate) async fn asked(backups: &Backups, cluster: &str) -> RestoreJobId {
    let (cluster, policy) = (name(cluster), WaitPolicy::default());
    let listed = backups.snapshots(project(), &cluster).await.unwrap();
    let oldest = listed.iter().min_by_key(|it| it.taken).unwrap();
    let pick = Pick::Id(oldest.id);
    let asked = backups.request_download(project(), &cluster, &pick, &policy, silent);
    asked.await.unwrap().id.unwrap()
}

async fn download(
    backups: &Backups,
    cluster: &str,
    job: RestoreJobId,
    folder: &TempDir,
    progress: impl FnMut(Event) + Send,
) -> Result<Vec<Saved>, Error> {
    let out = folder.path().join("s.tgz");
    let (cluster, options) = (name(cluster), DownloadOptions::default());
    let pick = Pick::Job(job);
    backups
        .download(project(), &cluster, &pick, &out, &options, progress)
        .await
}

pub(crate) fn count(server: &SandboxServer, cluster: &str) -> usize {
    let cluster = name(cluster);
    server.with(|sandbox| {
        sandbox
            .jobs(Timestamp::UNIX_EPOCH, project(), &cluster)
            .len()
    })
}

#[tokio::test(start_paused = true)]
async fn an_existing_job_is_awaited_and_no_other_one_is_requested() {
    for cluster in KINDS {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(90)));
        let job = asked(&backups, cluster).await;
        let mut waited = Vec::new();
        let folder = folder();
        let saved = download(&backups, cluster, job, &folder, |event| match event {
            Event::Preparing { job, .. } => waited.push(job),
            Event::LinkRenewed => panic!("{cluster}: {event:?}"),
            _ => {}
        });
        let saved = saved.await.unwrap();
        assert_eq!(count(&server, cluster), 1, "{cluster}");
        assert!(!waited.is_empty() && waited.iter().all(|it| *it == Some(job)));
        let view = backups.job(project(), &name(cluster), job).await.unwrap();
        let files = if cluster == SHARDED_CLUSTER { 2 } else { 1 };
        assert_eq!(saved.len(), files);
        for saved in saved {
            assert_eq!(Some(saved.manifest.snapshot), view.snapshot);
            assert!(saved.manifest.taken.is_some());
            verify(&saved.path).unwrap();
        }
    }
}

#[tokio::test]
async fn a_download_of_a_job_that_was_dropped_is_resumed_with_the_same_job() {
    let (server, backups) = world().await;
    server.with(|sandbox| {
        let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
        sandbox.add_cluster(project(), name("Large"), ClusterKind::Flex);
        sandbox.add_snapshot(project(), &name("Large"), snapshot, 40 << 20);
    });
    let (job, folder) = (asked(&backups, "Large").await, folder());
    let notify = tokio::sync::Notify::new();
    let show = |event: Event| {
        if let Event::Received { received, .. } = event
            && received > 9 << 20
        {
            notify.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = notify.notified() => {}
        ended = download(&backups, "Large", job, &folder, show) => panic!("{ended:?}"),
    }
    assert_eq!(names(&folder), ["s.tgz.part", "s.tgz.part.json"]);
    let mut begun = 0;
    let saved = download(&backups, "Large", job, &folder, |event| {
        if let Event::Started { resumed, .. } = event {
            begun = resumed;
        }
    });
    let saved = saved.await.unwrap();
    assert!(begun > 9 << 20, "{begun}");
    verify(&saved[0].path).unwrap();
    assert_eq!(count(&server, "Large"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_links_have_expired_is_followed_by_a_new_one_for_the_same_snapshot() {
    for cluster in KINDS {
        let (server, backups) = paused().await;
        let job = asked(&backups, cluster).await;
        let view = backups.job(project(), &name(cluster), job).await.unwrap();
        tokio::time::advance(Duration::from_secs(5 * 3600)).await;
        server.with(atlas_sandbox::Sandbox::end_links);
        let renewed = Mutex::new(0);
        let folder = folder();
        let saved = download(&backups, cluster, job, &folder, |event| {
            *renewed.lock().unwrap() += usize::from(event == Event::LinkRenewed);
        });
        let saved = saved.await.unwrap();
        let snapshot = saved[0].manifest.snapshot;
        assert_eq!(Some(snapshot), view.snapshot, "{cluster}");
        assert!(*renewed.lock().unwrap() > 0, "{cluster}");
        assert!(count(&server, cluster) > 1, "{cluster}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_complete_without_a_link_is_followed_by_a_new_one() {
    let server = SandboxServer::start().await.unwrap();
    let old: Arc<Mutex<Option<RestoreJobId>>> = Arc::default();
    let known = old.clone();
    let backups = altered::backups(&server, move |path, _, body| {
        let old = known.lock().unwrap();
        if old.is_some_and(|old| path.ends_with(&old.to_string())) {
            body.as_object_mut().unwrap().remove("snapshotUrl");
            body["status"] = json!("COMPLETED");
        }
    });
    let job = asked(&backups, FLEX_CLUSTER).await;
    *old.lock().unwrap() = Some(job);
    let saved = download(&backups, FLEX_CLUSTER, job, &folder(), silent).await;
    assert_eq!(saved.unwrap().len(), 1);
    assert_eq!(count(&server, FLEX_CLUSTER), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_is_an_error_and_no_other_one_is_requested() {
    for cluster in [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER] {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.fail_next_jobs(1));
        let job = asked(&backups, cluster).await;
        let folder = folder();
        let error = download(&backups, cluster, job, &folder, silent).await;
        let is_failed = |error: &Error| match error {
            Error::JobEnded { job: of, how } => *of == Some(job) && *how == JobEnd::Failed,
            _ => false,
        };
        let error = error.unwrap_err();
        assert!(is_failed(&error), "{cluster}: {error}");
        assert_eq!(count(&server, cluster), 1);
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_writes_over_a_cluster_is_refused() {
    for (cluster, kind) in BY_KIND {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.add_cluster(project(), name("Target"), kind));
        let (source, target) = (name(cluster), name("Target"));
        let restore = backups.restore(project(), &source, &Pick::Latest, project(), &target);
        let job = restore.await.unwrap().id.unwrap();
        let folder = folder();
        let error = download(&backups, cluster, job, &folder, silent).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::NotADownload { .. }), "{error}");
        let expected =
            format!("restore job {job} is not a download; choose one that is, or a snapshot");
        assert_eq!(error.to_string(), expected);
        assert_eq!(count(&server, cluster), 1);
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_of_another_cluster_is_not_found() {
    for (cluster, kind) in BY_KIND {
        let (server, backups) = paused().await;
        server.with(|sandbox| sandbox.add_cluster(project(), name("Another"), kind));
        let job = asked(&backups, cluster).await;
        let error = download(&backups, "Another", job, &folder(), silent).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::NoJob { .. }), "{error}");
        assert_eq!(error.status().unwrap().as_u16(), 404);
        let expected =
            format!("Another has no restore job {job}; list its restore jobs to see what there is");
        assert_eq!(error.to_string(), expected);
        assert_eq!(count(&server, "Another"), 0);
    }
}

/// A writer whose bytes a test can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_existing_job_is_written_to_a_writer_and_its_snapshot_is_found_by_other_calls() {
    let (server, backups) = paused().await;
    let job = asked(&backups, DEDICATED_CLUSTER).await;
    let (cluster, options) = (name(DEDICATED_CLUSTER), DownloadOptions::default());
    let (pick, written) = (Pick::Job(job), Shared::default());
    let piping = backups.download_to_writer(
        project(),
        &cluster,
        &pick,
        written.clone(),
        &options,
        silent,
    );
    let manifest = piping.await.unwrap();
    assert_eq!(manifest.bytes, written.0.lock().unwrap().len() as u64);
    assert_eq!(count(&server, DEDICATED_CLUSTER), 1);
    let picked = backups.pick(project(), &cluster, &pick).await.unwrap();
    assert_eq!(picked.id, manifest.snapshot);
    assert_eq!(pick.choose(&[picked]), None, "only Atlas knows");
}
