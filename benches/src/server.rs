//! A server that gives the documented answer to everything, so that a call's cost is the client's.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{PlainRestore, RESTORE, compact};

/// A server on a thread of its own, until the process ends.
#[derive(Debug)]
pub struct FixedServer {
    /// Where it answers: `http://127.0.0.1:PORT`.
    pub url: String,
}

impl FixedServer {
    /// Starts it.
    ///
    /// # Panics
    /// If no port or no thread can be had.
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
                let address = listener.local_addr().expect("it is bound");
                let _ = sender.send(format!("http://{address}"));
                serve(listener).await;
            });
        });
        let url = receiver.recv().expect("the server starts");
        Self { url }
    }
}

async fn serve(listener: TcpListener) {
    let body = Bytes::from(compact::<PlainRestore>(RESTORE));
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let body = body.clone();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let body = body.clone();
            async move {
                let _ = request.into_body().collect().await;
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
