//! The sandbox's Atlas, with responses that a test changes.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use atlas_backup::Backups;
use atlas_sandbox::{Body, SandboxServer};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tower_service::Service;

/// Changes the response to a request: its path, the headers and the JSON body.
pub(crate) type Alter = dyn FnMut(&str, &mut HeaderMap, &mut Value) + Send;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Answered = Response<UnsyncBoxBody<Bytes, BoxError>>;

#[derive(Clone)]
struct Altered<S> {
    atlas: S,
    alter: Arc<Mutex<Box<Alter>>>,
}

/// Backups on the sandbox, with responses changed by `alter`.
pub(crate) fn backups(
    server: &SandboxServer,
    alter: impl FnMut(&str, &mut HeaderMap, &mut Value) + Send + 'static,
) -> Backups {
    let service = Altered {
        atlas: server.service(),
        alter: Arc::new(Mutex::new(Box::new(alter))),
    };
    Backups::new(crate::client(server).build_with(service).unwrap())
}

impl<S> Service<Request<Full<Bytes>>> for Altered<S>
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
        let path = request.uri().path().to_owned();
        let alter = Arc::clone(&self.alter);
        let answering = self.atlas.call(request);
        Box::pin(async move {
            let response = answering.await?;
            if path.starts_with("/sandbox-store/") {
                return Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()));
            }
            let (mut head, body) = response.into_parts();
            let mut body = body.collect().await?.to_bytes();
            if let Ok(mut json) = serde_json::from_slice::<Value>(&body) {
                let mut alter = alter.lock().unwrap();
                alter(&path, &mut head.headers, &mut json);
                body = json.to_string().into();
                head.headers.remove("content-length");
            }
            let body = Full::new(body)
                .map_err(|never| match never {})
                .boxed_unsync();
            Ok(Response::from_parts(head, body))
        })
    }
}
