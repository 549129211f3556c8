//! Outages: waited out up to a deadline while a job or snapshot is watched, and for minutes while a
//! file is downloaded; permanent failures end both at once.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use atlas_backup::{Backups, Error, Event, JobState, Pick, WaitPolicy, silent};
use atlas_sandbox::{Body, DEDICATED_CLUSTER, FLEX_CLUSTER, Sandbox, SandboxServer};
use atlas_transport::retry::RetryPolicy;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tower_service::Service;

use crate::{folder, name, names, project, quietly};

/// The fate of a request, instead of the sandbox's response.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Status(u16, &'static str),
    Reset,
    Silence,
}

pub(crate) type Asked = Request<Full<Bytes>>;
type Plan = dyn FnMut(Duration, &Asked) -> Option<Fault> + Send;

/// The sandbox behind a network that fails by a plan, which receives the time since the start.
#[derive(Clone)]
struct Flaky<S> {
    sandbox: S,
    start: Instant,
    plan: Arc<Mutex<Plan>>,
}

impl<S> Service<Request<Full<Bytes>>> for Flaky<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Body>, Error = io::Error>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<Body>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let fault = (self.plan.lock().unwrap())(self.start.elapsed(), &request);
        let answer = self.sandbox.call(request);
        Box::pin(async move {
            match fault {
                None => answer.await,
                Some(Fault::Reset) => Err(io::ErrorKind::ConnectionReset.into()),
                Some(Fault::Silence) => std::future::pending().await,
                Some(Fault::Status(status, retry_after)) => {
                    let mut response = answer.await?;
                    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                    let headers = response.headers_mut();
                    headers.clear();
                    if !retry_after.is_empty() {
                        headers.insert("retry-after", retry_after.parse().unwrap());
                    }
                    Ok(response)
                }
            }
        })
    }
}

/// A sandbox on the paused clock of the test, behind a plan, with a client without retries: waits
/// are not retries.
pub(crate) async fn flaky(
    plan: impl FnMut(Duration, &Asked) -> Option<Fault> + Send + 'static,
) -> (SandboxServer, Backups) {
    flaky_with(RetryPolicy::none(), plan).await
}

/// The same with a client that has a retry policy.
pub(crate) async fn flaky_with(
    policy: RetryPolicy,
    plan: impl FnMut(Duration, &Asked) -> Option<Fault> + Send + 'static,
) -> (SandboxServer, Backups) {
    let start = Instant::now();
    let clock = move || {
        let passed = SignedDuration::try_from(start.elapsed()).unwrap();
        Timestamp::from_second(1_770_000_000).unwrap() + passed
    };
    let server = SandboxServer::start_with(Sandbox::new(), clock)
        .await
        .unwrap();
    let service = Flaky {
        sandbox: server.service(),
        start,
        plan: Arc::new(Mutex::new(plan)),
    };
    let client = crate::client(&server)
        .retry(policy)
        .build_with(service)
        .unwrap();
    (server, Backups::new(client))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn is_job(request: &Asked) -> bool {
    request.uri().path().contains("/restoreJobs/")
}

pub(crate) fn is_file(request: &Asked) -> bool {
    request.uri().path().starts_with("/sandbox-store/")
}

#[tokio::test(start_paused = true)]
async fn an_outage_during_the_wait_for_a_job_is_waited_out() {
    for fault in [
        Fault::Status(503, ""),
        Fault::Status(429, "7"),
        Fault::Status(502, ""),
        Fault::Reset,
        Fault::Silence,
    ] {
        for cluster in [FLEX_CLUSTER, DEDICATED_CLUSTER] {
            let (server, backups) = flaky(move |now, request| {
                let out = now > seconds(20) && now < seconds(800);
                (out && is_job(request)).then_some(fault)
            })
            .await;
            server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(60)));
            let start = Instant::now();
            quietly(&backups, cluster, &folder()).await.unwrap();
            assert!(start.elapsed() >= seconds(800));
            assert!(start.elapsed() < seconds(800 + 90), "{:?}", start.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_a_download_is_requested_or_a_snapshot_watched_is_waited_out() {
    let (_server, backups) = flaky_with(RetryPolicy::default(), |now, request| {
        let out = now < seconds(300) && request.method() == http::Method::POST;
        out.then_some(Fault::Status(503, ""))
    })
    .await;
    quietly(&backups, FLEX_CLUSTER, &folder()).await.unwrap();

    let down = Arc::new(Mutex::new(false));
    let is_down = down.clone();
    let (server, backups) = flaky(move |now, _| {
        (*is_down.lock().unwrap() && now < seconds(900)).then_some(Fault::Reset)
    })
    .await;
    let cluster = name(FLEX_CLUSTER);
    let newest = server.with(|sandbox| *sandbox.snapshots(project(), &cluster).last().unwrap());
    let policy = WaitPolicy::default();
    *down.lock().unwrap() = true;
    let watched = backups.watch_snapshot(project(), &cluster, newest, &policy, silent);
    assert!(watched.await.unwrap().completed);
    *down.lock().unwrap() = false;
    let asked = backups.request_download(project(), &cluster, &Pick::Latest, &policy, silent);
    let job = asked.await.unwrap().id.unwrap();
    *down.lock().unwrap() = true;
    let watched = backups.watch_job(project(), &cluster, job, &policy, silent);
    assert_eq!(watched.await.unwrap().state, JobState::Done);
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_stays_ends_the_wait_at_its_deadline_and_is_named() {
    for fault in [Fault::Status(503, ""), Fault::Reset, Fault::Silence] {
        let (server, backups) = flaky(move |_, request| is_job(request).then_some(fault)).await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(60)));
        let (folder, start) = (folder(), Instant::now());
        let out = folder.path().join("s.tgz");
        // Before patience ends.
        let wait = WaitPolicy::default().deadline(seconds(600));
        let options = atlas_backup::DownloadOptions::default().wait(wait);
        let (cluster, pick) = (name(FLEX_CLUSTER), Pick::Latest);
        let saving = backups.download(project(), &cluster, &pick, &out, &options, silent);
        let error = saving.await.unwrap_err();
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
        assert_eq!(start.elapsed().as_secs(), 600);
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(!cause.is_empty(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_does_not_pass_ends_the_wait_at_once() {
    for status in [401, 403, 404, 501] {
        let asked = Arc::new(Mutex::new(0));
        let counted = asked.clone();
        let (server, backups) = flaky(move |_, request| {
            is_job(request).then(|| {
                *counted.lock().unwrap() += 1;
                Fault::Status(status, "")
            })
        })
        .await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(60)));
        let error = quietly(&backups, FLEX_CLUSTER, &folder())
            .await
            .unwrap_err();
        let Error::Call(error) = error else {
            panic!("{error}");
        };
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(*asked.lock().unwrap(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_a_busy_server_requests_is_kept_up_to_a_minute() {
    for (asked, at_least) in [("45", 45), ("86400", 60), ("18446744073709551615", 60)] {
        let looks = Arc::new(Mutex::new(Vec::new()));
        let seen = looks.clone();
        let (server, backups) = flaky(move |now, request| {
            is_job(request).then(|| seen.lock().unwrap().push(now));
            (is_job(request) && now < seconds(3)).then_some(Fault::Status(503, asked))
        })
        .await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_secs(30)));
        quietly(&backups, FLEX_CLUSTER, &folder()).await.unwrap();
        let looks = looks.lock().unwrap();
        let waited = looks[1].saturating_sub(looks[0]).as_secs();
        assert_eq!(waited, at_least, "{looks:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_turn_and_for_the_job_have_one_deadline() {
    let (server, backups) = flaky(|_, _| None).await;
    let cluster = name(FLEX_CLUSTER);
    server.with(|sandbox| {
        sandbox.set_download_pause(SignedDuration::from_secs(50));
        sandbox.set_download_delay(SignedDuration::from_secs(50));
    });
    let ask = |limit| {
        let wait = WaitPolicy::default().deadline(seconds(limit));
        let options = atlas_backup::DownloadOptions::default().wait(wait);
        let (backups, cluster) = (&backups, &cluster);
        async move {
            let folder = folder();
            let out = folder.path().join("s.tgz");
            let pick = Pick::Latest;
            let progress = |_: Event| {};
            backups
                .download(project(), cluster, &pick, &out, &options, &progress)
                .await
        }
    };
    // Its turn is at once, and its result after the deadline.
    let start = Instant::now();
    assert!(matches!(ask(10).await, Err(Error::Deadline { .. })));
    assert_eq!(start.elapsed(), seconds(10));
    // Its turn is after 40 s, and its result 50 s later.
    let start = Instant::now();
    assert!(matches!(ask(60).await, Err(Error::Deadline { .. })));
    assert_eq!(start.elapsed(), seconds(60));
}

#[tokio::test(start_paused = true)]
async fn no_policy_makes_a_wait_panic_or_spin() {
    let extremes = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
    for first in extremes {
        for longest in extremes {
            for deadline in [Duration::ZERO, seconds(100), Duration::MAX] {
                let looks = Arc::new(Mutex::new(0));
                let counted = looks.clone();
                let (server, backups) = flaky(move |_, request| {
                    is_job(request).then(|| *counted.lock().unwrap() += 1);
                    None
                })
                .await;
                server.with(|sandbox| {
                    sandbox.set_download_delay(SignedDuration::from_secs(20));
                });
                let cluster = name(FLEX_CLUSTER);
                let policy = WaitPolicy::default();
                let policy = policy.first(first).longest(longest).deadline(deadline);
                let ready = WaitPolicy::default();
                let asked =
                    backups.request_download(project(), &cluster, &Pick::Latest, &ready, silent);
                let job = asked.await.unwrap().id.unwrap();
                let endless = longest == Duration::MAX && deadline == Duration::MAX;
                if first == Duration::MAX && endless {
                    // Waits as long as the server requested.
                    continue;
                }
                let watched = backups.watch_job(project(), &cluster, job, &policy, silent);
                let watched = watched.await;
                let case = format!("{first:?} {longest:?} {deadline:?}");
                if deadline == Duration::ZERO {
                    assert!(matches!(watched, Err(Error::Deadline { .. })), "{case}");
                } else {
                    assert!(watched.is_ok(), "{case}: {watched:?}");
                }
                assert!(*looks.lock().unwrap() <= 402, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_store_is_waited_out_for_minutes_and_then_final() {
    for (fault, until, whole) in [
        (Fault::Status(503, ""), 10, true),
        (Fault::Status(503, "5"), 60, true),
        (Fault::Reset, 5, true),
        (Fault::Reset, 600, true),
        (Fault::Status(429, "86400"), 600, true),
        (Fault::Status(500, ""), 100_000, false),
        (Fault::Reset, 100_000, false),
    ] {
        let (server, backups) = flaky_with(RetryPolicy::default(), move |now, request| {
            (is_file(request) && now < seconds(until)).then_some(fault)
        })
        .await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::ZERO));
        let start = Instant::now();
        let folder = folder();
        let saved = quietly(&backups, FLEX_CLUSTER, &folder).await;
        assert_eq!(saved.is_ok(), whole, "{until}: {saved:?}");
        if whole {
            assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"]);
            let late = start.elapsed().saturating_sub(seconds(until));
            assert!(late <= seconds(61), "{until}: {late:?}");
        } else {
            let minutes = start.elapsed().as_secs() / 60;
            assert!((15..17).contains(&minutes), "{minutes}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_permanent_refusal_of_a_store_is_retried_only_with_one_new_link() {
    for status in [400, 401, 404, 407, 410, 451, 501, 505, 511] {
        let asked = Arc::new(Mutex::new(0));
        let counted = asked.clone();
        let (_server, backups) = flaky_with(RetryPolicy::default(), move |_, request| {
            is_file(request).then(|| {
                *counted.lock().unwrap() += 1;
                Fault::Status(status, "")
            })
        })
        .await;
        quietly(&backups, FLEX_CLUSTER, &folder())
            .await
            .unwrap_err();
        let most = match status {
            // May concern ranges: the whole file is requested as well. For the others a new link
            // may help.
            501 | 400 | 401 | 404 | 410 => 2,
            _ => 1,
        };
        assert_eq!(*asked.lock().unwrap(), most, "{status}");
    }
}
