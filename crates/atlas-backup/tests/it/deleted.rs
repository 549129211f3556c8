//! Backups of clusters that were deleted.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use atlas_backup::{Backups, ClusterKind, Error, JobState, Pick, silent};
use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower_service::Service;

use crate::{folder, name, names, project, quietly, world};

#[tokio::test]
async fn the_snapshots_of_a_deleted_cluster_are_listed_downloaded_and_restored() {
    for (cluster, kind, files, target) in [
        (
            DEDICATED_CLUSTER,
            ClusterKind::Dedicated,
            1,
            SHARDED_CLUSTER,
        ),
        (SHARDED_CLUSTER, ClusterKind::Sharded, 2, DEDICATED_CLUSTER),
    ] {
        let (server, backups) = world().await;
        server.with(|sandbox| sandbox.delete_cluster(project(), &name(cluster)));
        let (project, cluster_name) = (project(), name(cluster));
        assert_eq!(backups.kind(project, &cluster_name).await.unwrap(), kind);
        let snapshots = backups.snapshots(project, &cluster_name).await.unwrap();
        assert!(!snapshots.is_empty(), "{cluster}");
        let folder = folder();
        let saved = quietly(&backups, cluster, &folder).await.unwrap();
        assert_eq!(saved.len(), files);
        assert_eq!(names(&folder).len(), 2 * files);
        let target = name(target);
        let restored = backups
            .restore(project, &cluster_name, &Pick::Latest, project, &target)
            .await
            .unwrap();
        let jobs = backups.jobs(project, &cluster_name).await.unwrap();
        assert_eq!(jobs.len(), 2, "a download and a restore");
        let job = backups.job(project, &cluster_name, restored.id.unwrap());
        assert_ne!(job.await.unwrap().state, JobState::Failed);
    }
}

#[tokio::test]
async fn a_cluster_without_backups_and_an_unknown_project_stay_errors() {
    let (server, backups) = world().await;
    for cluster in [CLUSTER, FLEX_CLUSTER] {
        server.with(|sandbox| sandbox.delete_cluster(project(), &name(cluster)));
    }
    for cluster in ["Missing", CLUSTER, FLEX_CLUSTER] {
        let error = backups.kind(project(), &name(cluster)).await.unwrap_err();
        assert!(error.to_string().contains("CLUSTER_NOT_FOUND"), "{error}");
    }
    let other = "32b6e34b3d91647abb20e7ff".parse().unwrap();
    let before = server.with(|sandbox| sandbox.requests());
    let error = backups.kind(other, &name(CLUSTER)).await.unwrap_err();
    assert!(error.to_string().contains("GROUP_NOT_FOUND"), "{error}");
    let asked = server.with(|sandbox| sandbox.requests()) - before;
    assert_eq!(asked, 1, "the first answer is final");
}

/// An Atlas whose responses depend on the end of the path.
#[derive(Clone)]
struct Scripted(&'static [(&'static str, u16, &'static str)]);

impl Service<Request<Full<Bytes>>> for Scripted {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let path = request.uri().path();
        let found = self.0.iter().find(|(end, _, _)| path.ends_with(end));
        let (_, status, body) = found.unwrap_or(&("", 404, r#"{"errorCode":"CLUSTER_NOT_FOUND"}"#));
        let mut response = Response::new(Full::from(*body));
        *response.status_mut() = StatusCode::from_u16(*status).unwrap();
        response
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        ready(Ok(response))
    }
}

async fn kind(script: &'static [(&'static str, u16, &'static str)]) -> Result<ClusterKind, Error> {
    let server = atlas_sandbox::SandboxServer::start().await.unwrap();
    let client = crate::client(&server)
        .retry(atlas_transport::retry::RetryPolicy::none())
        .build_with(Scripted(script))
        .unwrap();
    Backups::new(client).kind(project(), &name("Gone")).await
}

#[tokio::test]
async fn the_snapshots_show_whether_the_cluster_was_sharded() {
    let sharded = r#"{"results":[{"id":"32b6e34b3d91647abb20e7b8","type":"shardedCluster"}]}"#;
    let found = kind(Box::leak(Box::new([("/backup/snapshots", 200, sharded)]))).await;
    assert_eq!(found.unwrap(), ClusterKind::Sharded);
    let set = r#"{"results":[{"id":"32b6e34b3d91647abb20e7b8","type":"replicaSet"}]}"#;
    let found = kind(Box::leak(Box::new([("/backup/snapshots", 200, set)]))).await;
    assert_eq!(found.unwrap(), ClusterKind::Dedicated);
}

#[tokio::test]
async fn a_failed_request_is_not_reported_as_cluster_not_found() {
    const DOWN: &str = r#"{"errorCode":"DOWN"}"#;
    for path in [
        "/flexClusters/Gone",
        "/backup/snapshots",
        "/shardedClusters",
    ] {
        let empty = ("/backup/snapshots", 200, r#"{"results":[]}"#);
        let script = Box::leak(Box::new([(path, 503, DOWN), empty]));
        let error = kind(script).await.unwrap_err();
        assert!(error.to_string().contains("DOWN"), "{path}: {error}");
    }
    for path in ["/backup/snapshots", "/shardedClusters"] {
        let script = Box::leak(Box::new([(path, 403, DOWN)]));
        let error = kind(script).await.unwrap_err();
        assert!(
            error.to_string().contains("CLUSTER_NOT_FOUND"),
            "{path}: {error}"
        );
    }
}

#[tokio::test]
async fn the_folder_of_a_deleted_cluster_is_still_brought_up_to_date() {
    let (server, backups) = world().await;
    let cluster = name(DEDICATED_CLUSTER);
    server.with(|sandbox| sandbox.delete_cluster(project(), &cluster));
    let folder = folder();
    let mut taken = 0;
    let report = |_| taken += 1;
    let options = atlas_backup::PullOptions::default();
    let path = folder.path().join("kept");
    backups
        .pull(project(), &cluster, &path, &options, report, silent)
        .await
        .unwrap();
    assert_eq!(taken, 3);
}
