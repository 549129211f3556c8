//! A store with scripted responses, next to the sandbox's Atlas.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use atlas_backup::Backups;
use atlas_sandbox::{Body, SandboxServer};
use atlas_transport::Client;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

/// The responses of a store: to the n-th request, counted from 1, with these headers.
pub(crate) type Script = dyn FnMut(usize, &HeaderMap) -> Answer + Send;

/// A status, headers and a body, after which the response ends, breaks or hangs.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Break,
    Hang,
    /// Sends the body byte by byte, one a second.
    Drip,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answered = Response<UnsyncBoxBody<Bytes, BoxError>>;

#[derive(Clone)]
struct Scripted<S> {
    atlas: S,
    script: Arc<Mutex<(usize, Box<Script>)>>,
}

/// Backups with the sandbox's Atlas and a scripted store.
pub(crate) fn backups(
    server: &SandboxServer,
    script: impl FnMut(usize, &HeaderMap) -> Answer + Send + 'static,
) -> Backups {
    let service = Scripted {
        atlas: server.service(),
        script: Arc::new(Mutex::new((0, Box::new(script)))),
    };
    let client: Client = crate::client(server).build_with(service).unwrap();
    Backups::new(client)
}

impl<S> Service<Request<Full<Bytes>>> for Scripted<S>
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
        if !request.uri().path().starts_with("/sandbox-store/") {
            let answering = self.atlas.call(request);
            return Box::pin(async move {
                let response = answering.await?;
                Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
            });
        }
        assert!(
            !request.headers().contains_key("authorization"),
            "the link is enough"
        );
        let answer = {
            let mut script = self.script.lock().unwrap();
            script.0 += 1;
            let number = script.0;
            (script.1)(number, request.headers())
        };
        Box::pin(async move {
            let mut response = Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value);
            }
            let body = Ending {
                left: answer.body.into(),
                end: answer.end,
                beat: None,
            };
            Ok(response.body(body.boxed_unsync()).unwrap())
        })
    }
}

struct Ending {
    left: Bytes,
    end: End,
    beat: Option<Pin<Box<Sleep>>>,
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BoxError>>> {
        if self.end == End::Drip && !self.left.is_empty() {
            let beat = self
                .beat
                .get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(1))));
            std::task::ready!(beat.as_mut().poll(context));
            self.beat = None;
            let byte = self.left.split_to(1);
            return Poll::Ready(Some(Ok(http_body::Frame::data(byte))));
        }
        if !self.left.is_empty() {
            let size = self.left.len().min(100_000);
            let piece = self.left.split_to(size);
            return Poll::Ready(Some(Ok(http_body::Frame::data(piece))));
        }
        match self.end {
            End::Whole | End::Drip => Poll::Ready(None),
            End::Break => Poll::Ready(Some(Err("reset".into()))),
            End::Hang => Poll::Pending,
        }
    }
}
