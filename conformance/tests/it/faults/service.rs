//! A transport without a socket, for tests on paused time.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_service::Service;

type Script = dyn FnMut() -> (u16, String, String) + Send;

/// Responds to each request with the status, header lines and body of a script.
#[derive(Clone)]
pub(crate) struct Scripted(Arc<Mutex<Script>>);

impl Scripted {
    pub(crate) fn new(script: impl FnMut() -> (u16, String, String) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(script)))
    }
}

impl Service<Request<Full<Bytes>>> for Scripted {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Full<Bytes>>) -> Self::Future {
        let (status, headers, body) = (self.0.lock().unwrap())();
        let mut response = Response::builder().status(status);
        for line in headers.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            response = response.header(name.trim(), value);
        }
        ready(Ok(response.body(Full::new(body.into())).unwrap()))
    }
}
