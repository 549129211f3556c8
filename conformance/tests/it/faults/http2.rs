//! Faulty HTTP/2 peers, frame by frame (RFC 9113 section 4.1).

use atlas_transport::{Client, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;

use super::{builder, documented, unknown};
use crate::operation;
use crate::tls::Identity;

type Stream = TlsStream<TcpStream>;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Returns the frames of status 200 and the documented body.
fn answer(stream: u32) -> Vec<u8> {
    // 0x88 is `:status: 200` in the static table (RFC 7541 appendix A).
    let mut frames = frame(HEADERS, END_HEADERS, stream, &[0x88]);
    frames.extend(frame(DATA, END_STREAM, stream, documented().as_bytes()));
    frames
}

fn goaway(last_stream: u32, reason: u32) -> Vec<u8> {
    let payload = [last_stream.to_be_bytes(), reason.to_be_bytes()].concat();
    frame(GOAWAY, 0, 0, &payload)
}

fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

/// Reads frames up to the end of a request.
async fn request(stream: &mut Stream) -> bool {
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return false;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.unwrap();
        if matches!(head[3], DATA | HEADERS) && head[4] & END_STREAM != 0 {
            return true;
        }
    }
}

/// Starts a server that sends each connection its replies, one per request, and then closes it.
async fn serve(scripts: Vec<Vec<Vec<u8>>>) -> Client {
    let identity = Identity::new("localhost", &["h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    tokio::spawn(async move {
        for script in scripts {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = identity.acceptor.accept(stream).await.unwrap();
            let mut preface = [0; 24];
            stream.read_exact(&mut preface).await.unwrap();
            stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
            for reply in script {
                if !request(&mut stream).await || stream.write_all(&reply).await.is_err() {
                    break;
                }
            }
            let _ = stream.shutdown().await;
        }
    });
    builder(&url).trust(identity.authority).build().unwrap()
}

#[tokio::test]
async fn a_refused_stream_is_retried_even_for_a_post() {
    let client = serve(vec![vec![reset(1, REFUSED_STREAM), answer(3)]]).await;
    client.send(&operation()).await.unwrap();
}

#[tokio::test]
async fn after_a_goaway_before_its_stream_a_post_is_retried() {
    let client = serve(vec![vec![goaway(0, NO_ERROR)], vec![answer(1)]]).await;
    client.send(&operation()).await.unwrap();
}

#[tokio::test]
async fn a_goaway_after_the_stream_leaves_the_outcome_of_a_post_unknown() {
    let client = serve(vec![vec![goaway(1, NO_ERROR)], vec![answer(1)]]).await;
    let error = client.send(&operation()).await.unwrap_err();
    let cause = unknown(&error);
    assert!(matches!(cause, ErrorKind::Interrupted { .. }), "{cause:?}");
}

#[tokio::test]
async fn a_reset_stream_leaves_the_outcome_of_a_post_unknown() {
    let client = serve(vec![vec![reset(1, INTERNAL_ERROR), answer(3)]]).await;
    let error = client.send(&operation()).await.unwrap_err();
    let cause = unknown(&error);
    assert!(matches!(cause, ErrorKind::Interrupted { .. }), "{cause:?}");
}

#[tokio::test]
async fn a_goaway_between_two_calls_fails_none() {
    let mut last = answer(1);
    last.extend(goaway(1, NO_ERROR));
    let client = serve(vec![vec![last], vec![answer(1)]]).await;
    for _ in 0..2 {
        client.send(&operation()).await.unwrap();
    }
}
