//! A hundred clusters at once, within the limit of connections.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use atlas_backup::{Backups, PullOptions, silent, snapshot_files, verify};
use atlas_sandbox::{Body, ClusterKind, SandboxServer};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::Full;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::{client, folder, name, project};

const CLUSTERS: u64 = 100;
const CONNECTIONS: usize = 8;

/// The number of open requests for files: from sending until the body is dropped.
#[derive(Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

/// One open request.
struct Open(Arc<Counts>);

impl Open {
    fn new(counts: &Arc<Counts>) -> Self {
        let now = counts.now.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most.fetch_max(now, Ordering::SeqCst);
        counts.all.fetch_add(1, Ordering::SeqCst);
        Self(counts.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The sandbox, with files that start to arrive a second after the request.
#[derive(Clone)]
struct Counting<S> {
    atlas: S,
    counts: Arc<Counts>,
}

impl<S> Service<Request<Full<Bytes>>> for Counting<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Body>, Error = std::io::Error>,
    S::Future: Send + 'static,
{
    type Response = Response<Counted>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.atlas.poll_ready(context)
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let is_file = request.uri().path().starts_with("/sandbox-store/");
        let open = is_file.then(|| Open::new(&self.counts));
        let answering = self.atlas.call(request);
        Box::pin(async move {
            let response = answering.await?;
            Ok(response.map(|body| Counted {
                wait: open
                    .is_some()
                    .then(|| Box::pin(sleep(Duration::from_secs(1)))),
                body,
                _open: open,
            }))
        })
    }
}

struct Counted {
    body: Body,
    wait: Option<Pin<Box<Sleep>>>,
    _open: Option<Open>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<http_body::Frame<Bytes>>>> {
        if let Some(wait) = &mut self.wait {
            ready!(wait.as_mut().poll(context));
            self.wait = None;
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_clusters_at_once_share_the_connections_that_are_allowed() {
    let server = SandboxServer::start().await.unwrap();
    let clusters: Vec<_> = (0..CLUSTERS)
        .map(|number| name(&format!("Many{number}")))
        .collect();
    server.with(|sandbox| {
        for (number, cluster) in (0..).zip(&clusters) {
            sandbox.add_cluster(project(), cluster.clone(), ClusterKind::Flex);
            // Four arrive in several spans.
            let size = if number % 25 == 0 { 20 << 20 } else { 10 << 10 };
            let snapshot = format!("32b6e34b3d91647abb20{number:04}");
            sandbox.add_snapshot(project(), cluster, snapshot.parse().unwrap(), size);
        }
    });
    let counts = Arc::<Counts>::default();
    let service = Counting {
        atlas: server.service(),
        counts: counts.clone(),
    };
    let backups = Backups::new(client(&server).build_with(service).unwrap());
    let backups = backups.connection_limit(CONNECTIONS);
    let root = folder();
    let options = PullOptions::default();
    let pulls = clusters.iter().map(async |cluster| {
        let folder = root.path().join(cluster.as_str());
        let pulling = backups.pull(project(), cluster, &folder, &options, |_| (), silent);
        let summary = pulling.await.unwrap();
        assert_eq!(summary.held, 1, "{cluster}");
        let files = snapshot_files(&folder).unwrap();
        assert_eq!(files.len(), 1, "{cluster}");
        verify(&files[0]).unwrap();
    });
    join_all(pulls).await;
    assert_eq!(counts.most.load(Ordering::SeqCst), CONNECTIONS);
    assert_eq!(counts.now.load(Ordering::SeqCst), 0);
    let all = counts.all.load(Ordering::SeqCst) as u64;
    assert!(all > CLUSTERS, "{all}");
}
