//! A TCP proxy that limits the rate of each connection and counts the bytes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A proxy on a free loopback port; dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    /// The base URL, `http://127.0.0.1:PORT`.
    pub url: String,
    passed: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

/// A callback with the number of bytes sent to clients.
pub type Watch = Arc<dyn Fn(u64) + Send + Sync>;

impl Proxy {
    /// Starts a proxy for `target`, `127.0.0.1:PORT`, that limits each connection to `rate` bytes per
    /// second.
    ///
    /// # Errors
    /// Fails if no port can be bound.
    pub async fn start(target: String, rate: u64, watch: Watch) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let passed = Arc::new(AtomicU64::new(0));
        let counted = passed.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, counted, watch) = (target.clone(), counted.clone(), watch.clone());
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(target).await {
                        let _ = relay(client, server, rate, &counted, &watch).await;
                    }
                });
            }
        });
        Ok(Self {
            url,
            passed,
            accepting,
        })
    }

    /// Returns the number of bytes sent to clients.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn relay(
    client: TcpStream,
    server: TcpStream,
    rate: u64,
    passed: &AtomicU64,
    watch: &Watch,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        tokio::io::copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let answering = async {
        let mut buffer = vec![0; 64 << 10];
        let mut due = Instant::now();
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                return to_client.shutdown().await;
            }
            // A pause of the server does not allow a higher rate later.
            let takes = Duration::from_nanos(read as u64 * 1_000_000_000 / rate.max(1));
            due = due.max(Instant::now()) + takes;
            to_client.write_all(&buffer[..read]).await?;
            watch(passed.fetch_add(read as u64, Ordering::SeqCst) + read as u64);
            tokio::time::sleep_until(due).await;
        }
    };
    tokio::try_join!(asking, answering).map(drop)
}
