//! Requests for jobs that Atlas has accepted, or may have accepted, with unusable responses.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use atlas_backup::{Backups, DownloadOptions, Error, JobView, Pick, WaitPolicy, silent};
use atlas_sandbox::{Body, ClusterKind, FLEX_CLUSTER, SandboxServer};
use atlas_transport::ErrorKind;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use jiff::SignedDuration;
use tower_service::Service;

use crate::{BY_KIND, folder, name, names, project};

/// The response to a request that the sandbox has accepted.
#[derive(Debug, Clone, Copy)]
enum Instead {
    Text(&'static str),
    /// The job, with another value in place of its id.
    Id(&'static str),
    /// A body that breaks off.
    Broken,
    /// Another status, and whether with `Retry-After`.
    Status(u16, bool),
    /// No response.
    Reset,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answered = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// The sandbox, with other responses to POST requests.
#[derive(Clone)]
struct Posts<S>(S, Instead);

impl<S> Service<Request<Full<Bytes>>> for Posts<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<Body>, Error = std::io::Error> + Clone,
    S::Future: Send + 'static,
{
    type Response = Answered;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answered, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let instead = (request.method() == Method::POST).then_some(self.1);
        let answering = self.0.call(request);
        Box::pin(async move {
            let response = answering.await?;
            let Some(instead) = instead else {
                return Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()));
            };
            assert!(response.status().is_success(), "{response:?}");
            let (mut head, body) = response.into_parts();
            let whole = body.collect().await?.to_bytes();
            head.headers.remove("content-length");
            let mut text = String::from_utf8(whole.to_vec()).unwrap();
            match instead {
                Instead::Text(instead) => instead.clone_into(&mut text),
                Instead::Id(id) => {
                    let mut job: serde_json::Value = serde_json::from_str(&text).unwrap();
                    job["id"] = serde_json::from_str(id).unwrap();
                    text = job.to_string();
                }
                Instead::Broken => {
                    let part = whole.slice(..whole.len() / 2);
                    let pieces = [Ok(http_body::Frame::data(part)), Err("reset".into())];
                    let body = StreamBody::new(futures_util::stream::iter(pieces));
                    return Ok(Response::from_parts(head, BodyExt::boxed_unsync(body)));
                }
                Instead::Status(status, asks) => {
                    head.status = StatusCode::from_u16(status).unwrap();
                    if asks {
                        head.headers.insert("retry-after", "1".parse().unwrap());
                    }
                    text = String::new();
                }
                Instead::Reset => return Err("reset".into()),
            }
            let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
            Ok(Response::from_parts(head, body.boxed_unsync()))
        })
    }
}

async fn with(instead: Instead, kind: ClusterKind) -> (SandboxServer, Backups) {
    let server = SandboxServer::start().await.unwrap();
    server.with(|sandbox| sandbox.add_cluster(project(), name("Target"), kind));
    let service = Posts(server.service(), instead);
    let client = crate::client(&server).build_with(service).unwrap();
    (server, Backups::new(client))
}

async fn restore(backups: &Backups, cluster: &str) -> Result<JobView, Error> {
    let (source, target) = (name(cluster), name("Target"));
    let restoring = backups.restore(project(), &source, &Pick::Latest, project(), &target);
    restoring.await
}

const UNREADABLE: [Instead; 12] = [
    Instead::Text(""),
    Instead::Text("{"),
    Instead::Text("null"),
    Instead::Text("[]"),
    Instead::Text("[{\"id\":\"32b6e34b3d91647abb20e7b8\"}]"),
    Instead::Text("\"accepted\""),
    Instead::Text("{}"),
    Instead::Text("<html>"),
    Instead::Id("\"no id\""),
    Instead::Id("7"),
    Instead::Id("null"),
    Instead::Id("{\"zz\": 1}"),
];

#[tokio::test(start_paused = true)]
async fn an_accepted_restore_with_an_unreadable_response_is_reported_as_accepted() {
    for (cluster, kind) in BY_KIND {
        for instead in UNREADABLE.into_iter().chain([Instead::Broken]) {
            let (server, backups) = with(instead, kind).await;
            let error = restore(&backups, cluster).await.unwrap_err();
            assert_eq!(server.with(|sandbox| sandbox.writes()), 1, "sent once");
            let line = format!("{error:?}");
            let begins = "the restore was accepted, but the response cannot be read; check the restore \
                          jobs of the cluster before repeating it";
            assert!(line.starts_with(begins), "{instead:?}: {line}");
            assert!(!line.contains("saved"), "{line}");
            assert!(!line.contains("refused"), "{line}");
            assert!(!error.is_transient(), "{line}");
            assert!(matches!(error, Error::AcceptedUnreadable { .. }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_accepted_download_with_an_unreadable_response_is_reported_as_accepted() {
    for (cluster, kind) in BY_KIND {
        for instead in UNREADABLE {
            let (server, backups) = with(instead, kind).await;
            // A response with a link needs no id.
            server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_mins(1)));
            let (cluster, policy) = (name(cluster), WaitPolicy::default());
            let asking =
                backups.request_download(project(), &cluster, &Pick::Latest, &policy, silent);
            let folder = folder();
            let out = folder.path().join("s.tgz");
            let options = DownloadOptions::default();
            let saving =
                backups.download(project(), &cluster, &Pick::Latest, &out, &options, silent);
            for error in [asking.await.unwrap_err(), saving.await.unwrap_err()] {
                let line = format!("{error:?}");
                let begins = "the download was accepted, but the response cannot be read; ";
                assert!(line.starts_with(begins), "{instead:?}: {line}");
                assert!(!line.contains("saved"), "{line}");
                assert!(!error.is_transient(), "{line}");
            }
            assert_eq!(names(&folder), [""; 0]);
        }
    }
}

/// A script that retries transient errors would restore twice.
#[tokio::test(start_paused = true)]
async fn a_restore_with_an_unknown_outcome_is_not_transient_and_is_reported_as_such() {
    for (cluster, kind) in BY_KIND {
        for (instead, status) in [
            (Instead::Status(500, false), Some(500)),
            (Instead::Status(502, false), Some(502)),
            (Instead::Status(503, false), Some(503)),
            (Instead::Status(504, false), Some(504)),
            (Instead::Status(408, false), Some(408)),
            (Instead::Reset, None),
        ] {
            let (server, backups) = with(instead, kind).await;
            let error = restore(&backups, cluster).await.unwrap_err();
            assert_eq!(server.with(|sandbox| sandbox.writes()), 1, "sent once");
            let line = format!("{error:?}");
            assert!(
                line.contains("may have been applied; check before retrying"),
                "{line}"
            );
            assert_eq!(error.status().map(|it| it.as_u16()), status, "{line}");
            assert!(!error.is_transient(), "{instead:?}: {line}");
            let Error::Call(error) = error else {
                panic!("{line}");
            };
            let is_unknown = matches!(error.kind(), ErrorKind::OutcomeUnknown { .. });
            assert!(is_unknown && error.may_have_been_sent(), "{line}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_restore_is_reported_as_refused_and_may_be_repeated() {
    for (status, asks, is_transient) in [
        (429, false, true),
        (503, true, true),
        (400, false, false),
        (409, false, false),
        (501, false, false),
    ] {
        let instead = Instead::Status(status, asks);
        let (_server, backups) = with(instead, ClusterKind::Flex).await;
        let error = restore(&backups, FLEX_CLUSTER).await.unwrap_err();
        assert_eq!(error.is_transient(), is_transient, "{error:?}");
        let Error::Call(error) = error else {
            panic!("{error:?}");
        };
        assert!(matches!(error.kind(), ErrorKind::Response(_)), "{error:?}");
    }
}
