//! Measures the memory of responses, in its own binary, since the whole process is measured. Linux
//! only: it is read from `/proc`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::io::Write as _;

use atlas_transport::{Client, Credentials, ErrorKind};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Returns the peak memory of this process, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kilobytes * 1024
}

/// Compresses zeros piece by piece.
struct Bomb {
    encoder: GzEncoder<Vec<u8>>,
    zeros: Vec<u8>,
    left: u64,
}

impl Bomb {
    fn next(&mut self) -> Option<Vec<u8>> {
        while self.left > 0 {
            self.encoder.write_all(&self.zeros).unwrap();
            self.left -= 1;
            let out = std::mem::take(self.encoder.get_mut());
            if !out.is_empty() {
                return Some(out);
            }
        }
        None
    }
}

#[tokio::test]
async fn a_gzip_bomb_of_ten_gigabytes_is_not_held_in_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut bomb = Bomb {
            encoder: GzEncoder::new(Vec::new(), Compression::fast()),
            zeros: vec![0; 1 << 20],
            left: 10 << 10,
        };
        while let Some(piece) = bomb.next() {
            if stream.write_all(&piece).await.is_err() {
                return bomb.left;
            }
        }
        0
    });
    let before = peak();
    let client = Client::new(url.parse().unwrap(), &Credentials::bearer("t0ken")).unwrap();
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let error = client.execute(request).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::TooLarge { .. }),
        "{error:?}"
    );
    let left = server.await.unwrap();
    assert!(left > 0, "the client read the bomb to its end");
    let peak = peak();
    assert!(peak < 64 << 20, "{before} bytes before, {peak} at most");
}
