//! A server that sends the documented response to every request, so that the measured cost of a call
//! is the client's. Requests without `Authorization` get a digest challenge; digests are not verified.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{PlainRestore, RESTORE, compact};

/// A server on its own thread, until the process ends.
#[derive(Debug)]
pub struct FixedServer {
    /// The base URL, `http://127.0.0.1:PORT`.
    pub url: String,
}

impl FixedServer {
    /// Starts a server.
    ///
    /// # Panics
    /// Panics if no port can be bound or no thread can be started.
    pub fn start() -> Self {
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let listener = TcpListener::bind(local).await.expect("a free port");
                let address = listener.local_addr().expect("the listener is bound");
                let _ = sender.send(format!("http://{address}"));
                serve(listener).await;
            });
        });
        let url = receiver.recv().expect("the server starts");
        Self { url }
    }
}

const CHALLENGE: &str = "Digest realm=\"MMS Public API\", domain=\"\", \
    nonce=\"Nfx+VMFO0sY4tpgy1sHRakvvv0NN4S91\", algorithm=MD5, qop=\"auth\", stale=false";

async fn serve(listener: TcpListener) {
    let body = Bytes::from(compact::<PlainRestore>(RESTORE));
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let body = body.clone();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let body = body.clone();
            async move {
                let authorized = request.headers().contains_key(AUTHORIZATION);
                let _ = request.into_body().collect().await;
                if !authorized {
                    let response = Response::builder()
                        .status(StatusCode::UNAUTHORIZED)
                        .header(WWW_AUTHENTICATE, CHALLENGE)
                        .body(Full::default())
                        .expect("a fixed response");
                    return Ok(response);
                }
                let response = Response::builder()
                    .header(
                        "content-type",
                        "application/vnd.atlas.2023-01-01+json;charset=utf-8",
                    )
                    .body(Full::new(body))
                    .expect("a fixed response");
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}
