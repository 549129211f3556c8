//! Failed snapshots, which differ from missing ones.

use atlas_backup::{Backups, DownloadOptions, Error, Pick, WaitPolicy, silent};
use atlas_model::SnapshotId;
use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};
use serde_json::json;

use crate::{altered, folder, name, names, project};

/// Backups of a cluster whose newest snapshot failed, and that snapshot.
async fn failed(cluster: &str) -> (SandboxServer, Backups, SnapshotId) {
    let server = SandboxServer::start().await.unwrap();
    let snapshots = server.with(|sandbox| sandbox.snapshots(project(), &name(cluster)));
    let newest = *snapshots.last().unwrap();
    let backups = altered::backups(&server, move |_, _, body| {
        let listed = body["results"].as_array_mut();
        for snapshot in listed.into_iter().flatten() {
            if snapshot["id"] == newest.to_string() {
                let is_small = snapshot["status"] == "COMPLETED";
                snapshot["status"] = json!(if is_small { "FAILED" } else { "failed" });
            }
        }
    });
    (server, backups, newest)
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_failed_is_never_called_missing() {
    for cluster in [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER, SHARDED_CLUSTER] {
        let (server, backups, newest) = failed(cluster).await;
        let (folder, cluster) = (folder(), name(cluster));
        let (policy, options) = (WaitPolicy::default(), DownloadOptions::default());
        let pick = Pick::Id(newest);
        let out = folder.path().join("s.tgz");
        let watched = backups.watch_snapshot(project(), &cluster, newest, &policy, silent);
        let asked = backups.request_download(project(), &cluster, &pick, &policy, silent);
        let saved = backups.download(project(), &cluster, &pick, &out, &options, silent);
        for error in [
            watched.await.unwrap_err(),
            asked.await.unwrap_err(),
            saved.await.unwrap_err(),
        ] {
            let expected = format!(
                "snapshot {newest} of {cluster} failed; take a new snapshot, or choose another one"
            );
            assert!(matches!(error, Error::SnapshotFailed { .. }), "{error}");
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(names(&folder), [""; 0]);
        let now = jiff::Timestamp::UNIX_EPOCH;
        let jobs = server.with(|sandbox| sandbox.jobs(now, project(), &cluster).len());
        assert_eq!(jobs, 0, "no job is requested");
        // Others are picked as if it did not exist.
        let latest = backups.pick(project(), &cluster, &Pick::Latest).await;
        assert!(latest.is_err() || latest.unwrap().id != newest);
        let unknown = "32b6e34b3d91647abb20e7ff".parse().unwrap();
        let missing = backups.pick(project(), &cluster, &Pick::Id(unknown)).await;
        assert!(matches!(missing, Err(Error::NoSnapshot { .. })));
    }
}
