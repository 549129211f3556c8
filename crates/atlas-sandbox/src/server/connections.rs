//! The connections of a server: their number and how long they may wait for a request.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::rt::{Read, Write};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;

use crate::service::SandboxService;

/// Accepts connections and serves each in a task of its own.
pub(super) struct Connections {
    pub(super) listener: TcpListener,
    pub(super) service: SandboxService,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<TlsAcceptor>,
}

impl Connections {
    /// Runs until it is dropped. Connections that were accepted are served to their end.
    pub(super) async fn run(self) {
        let limit = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let (stream, permit) = accept(&self.listener, &limit).await;
            let service = self.service.clone();
            #[cfg(feature = "tls")]
            if let Some(acceptor) = &self.tls {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    serve_tls(&acceptor, stream, service).await;
                    drop(permit);
                });
                continue;
            }
            tokio::spawn(async move {
                serve(TokioIo::new(stream), service).await;
                drop(permit);
            });
        }
    }
}

/// Accepts the next connection as soon as `limit` has a permit for it.
async fn accept(
    listener: &TcpListener,
    limit: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    if limit.available_permits() == 0 {
        tracing::warn!(
            limit = MAX_CONNECTIONS,
            "connection limit reached; further connections wait"
        );
    }
    // An error would mean that the semaphore was closed, which does not happen.
    let permit = limit.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                return (stream, permit);
            }
            Err(error) => {
                // For instance, no file descriptor is free: another connection may close soon.
                tracing::warn!(%error, "cannot accept a connection; retrying");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Serves a connection after its TLS handshake.
#[cfg(feature = "tls")]
async fn serve_tls(
    acceptor: &TlsAcceptor,
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    service: SandboxService,
) {
    match timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(TokioIo::new(stream), service).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("closed a connection: TLS handshake timed out"),
    }
}

/// Serves the requests of a connection until the client, a fault or a timeout closes it.
async fn serve(stream: impl Read + Write + Unpin + Send + 'static, service: SandboxService) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD_TIMEOUT)
        .keep_alive_timeout(PONG_TIMEOUT);
    let service = TowerToHyperService::new(service);
    let has_request = AtomicBool::new(false);
    let service = service_fn(|request| {
        has_request.store(true, Ordering::Relaxed);
        service.call(request)
    });
    let mut connection = pin!(builder.serve_connection(stream, service));
    // hyper's own timeout starts once it knows the protocol, and HTTP/2 has none for a head.
    let served = match timeout(HEAD_TIMEOUT, connection.as_mut()).await {
        Ok(served) => served,
        Err(_) if has_request.load(Ordering::Relaxed) => connection.await,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    };
    if let Err(error) = served {
        tracing::debug!(error, "connection closed early");
    }
}

/// The number of connections that are served at a time. Further ones wait in the listener's queue.
const MAX_CONNECTIONS: usize = 1024;
/// The time for a TLS handshake and then for the head of the first request. On HTTP/1.1, also the
/// time for the head of each further request, counted from the end of the previous response.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The time for a client's reply to an HTTP/2 ping, which is sent when nothing has been received
/// for [`HEAD_TIMEOUT`].
const PONG_TIMEOUT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use std::future::Future;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::Instant;

    use super::*;
    use crate::server::SandboxServer;

    /// The other end of a served connection.
    async fn connected<F: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(DuplexStream, SandboxService) -> F,
    ) -> DuplexStream {
        let server = SandboxServer::start().await.unwrap();
        let (client, stream) = duplex(64 << 10);
        tokio::spawn(serve(stream, server.service.clone()));
        client
    }

    fn plain(stream: DuplexStream, service: SandboxService) -> impl Future<Output = ()> + Send {
        serve(TokioIo::new(stream), service)
    }

    /// How long the server keeps a connection open that sends only these bytes.
    async fn open_for(mut client: DuplexStream, sent: &[u8]) -> Duration {
        let start = Instant::now();
        client.write_all(sent).await.unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        start.elapsed()
    }

    fn is_head_timeout(elapsed: Duration) -> bool {
        (HEAD_TIMEOUT..HEAD_TIMEOUT + Duration::from_secs(1)).contains(&elapsed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_complete_head_is_closed() {
        let complete = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        for sent in [
            b"".as_slice(),
            b"P",
            b"GET / HTTP/1.1\r\nhost",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            // An empty SETTINGS frame.
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
            complete,
            &[complete.as_slice(), b"GET /"].concat(),
        ] {
            let client = connected(plain).await;
            let elapsed = open_for(client, sent).await;
            assert!(is_head_timeout(elapsed), "{sent:?}: {elapsed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_starts_the_timeout_again() {
        let mut client = connected(plain).await;
        for _ in 0..3 {
            client
                .write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            let mut received = Vec::new();
            while !received.ends_with(b"}") {
                let read = client.read_buf(&mut received).await.unwrap();
                assert!(read > 0, "connection closed");
            }
            assert!(received.starts_with(b"HTTP/1.1 404"));
            sleep(HEAD_TIMEOUT / 2).await;
        }
    }

    #[cfg(feature = "tls")]
    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_tls_handshake_is_closed() {
        let tls = crate::tls::Tls::new(
            &crate::tls::TlsSettings::default(),
            [127, 0, 0, 1].into(),
            jiff::Timestamp::UNIX_EPOCH,
        );
        let acceptor = tls.unwrap().acceptor;
        let client = connected(|stream, service| async move {
            serve_tls(&acceptor, stream, service).await;
        });
        let elapsed = open_for(client.await, b"\x16\x03\x01").await;
        assert!(is_head_timeout(elapsed), "{elapsed:?}");
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_is_accepted_once_another_one_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limit = Arc::new(Semaphore::new(1));
        let _clients = [
            TcpStream::connect(address).await.unwrap(),
            TcpStream::connect(address).await.unwrap(),
        ];
        let (_first, permit) = accept(&listener, &limit).await;
        let mut second = pin!(accept(&listener, &limit));
        assert!(timeout(Duration::ZERO, second.as_mut()).await.is_err());
        drop(permit);
        second.await;
    }
}
