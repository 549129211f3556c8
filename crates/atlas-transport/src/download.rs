//! A snapshot's file, or a part of it, as it streams in.

use std::time::Duration;

use atlas_model::AnswerMeta;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::{Instant, timeout};

use crate::body;
use crate::content_range::ContentRange;
use crate::error::{Error, ErrorKind, asked_wait};
use crate::timer::Timer;
use crate::transport::Incoming;

/// A part of a file to ask for (RFC 9110 section 14.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, from 0.
    pub first: u64,
    /// The last byte; `None` is up to the end.
    pub last: Option<u64>,
    /// A strong tag that the file must still have (RFC 9110 section 13.1.5); otherwise the whole
    /// file is answered. A weak tag fits nothing.
    pub if_range: Option<String>,
}

impl ByteRange {
    pub(crate) fn put(&self, headers: &mut HeaderMap) -> Result<(), ()> {
        let last = self.last.map(|last| last.to_string()).unwrap_or_default();
        let range = format!("bytes={}-{last}", self.first);
        headers.insert(RANGE, HeaderValue::from_str(&range).map_err(drop)?);
        if let Some(tag) = &self.if_range {
            headers.insert(IF_RANGE, HeaderValue::from_str(tag).map_err(drop)?);
        }
        Ok(())
    }
}

/// A snapshot's file under way, from [`Client::download`](crate::Client::download).
///
/// No file or path name is taken from the server. Dropping it ends the transfer.
pub struct Download {
    headers: HeaderMap,
    part: Option<ContentRange>,
    body: Incoming,
    timer: Timer,
    /// The bytes of the current window, and the time that was waited for them.
    window: (usize, Duration),
}

/// A download that brings fewer bytes within one read timeout is stalled, however steadily they
/// drip.
const STALLED: usize = 1 << 10;
/// How much of a refusal is read, to find out what the store calls it.
const REFUSAL: usize = 4 << 10;

impl Download {
    /// Takes the answer to a request for a file, or for a range of it.
    pub(crate) async fn open(
        head: Parts,
        body: Incoming,
        mut timer: Timer,
        asked: Option<&ByteRange>,
    ) -> Result<Self, ErrorKind> {
        let part = match head.status {
            StatusCode::OK => None,
            StatusCode::PARTIAL_CONTENT => Some(part(&head.headers, asked)?),
            StatusCode::FORBIDDEN => {
                let code = refusal(body, &mut timer).await;
                return Err(ErrorKind::LinkExpired { code });
            }
            StatusCode::BAD_REQUEST => {
                let code = refusal(body, &mut timer).await;
                if code.as_ref().is_some_and(|code| code.contains("Expired")) {
                    return Err(ErrorKind::LinkExpired { code });
                }
                return Err(unusable(&head));
            }
            _ => return Err(unusable(&head)),
        };
        Ok(Self {
            part,
            ..Self::of(head.headers, body, timer)
        })
    }

    /// A whole body that is under way.
    pub(crate) fn of(headers: HeaderMap, body: Incoming, timer: Timer) -> Self {
        Self {
            headers,
            part: None,
            body,
            timer,
            window: (0, Duration::ZERO),
        }
    }

    /// How many bytes this transfer has, if the store announced it.
    pub fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.trim().parse().ok()
    }

    /// Which part of the file it is; `None` is the whole.
    pub fn part(&self) -> Option<ContentRange> {
        self.part
    }

    /// The store's tag of this very file, if it gave one; a weak one (`W/"…"`) says only that the
    /// file means the same, not that its bytes are.
    pub fn etag(&self) -> Option<&str> {
        self.header(ETAG.as_str())
    }

    /// A header of the store, if it is there and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Waits for the next bytes; `None` at the end of the file or part.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if less than 1 KiB comes within the client's read timeout, and
    /// [`ErrorKind::Interrupted`] if the connection breaks before the announced end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let before = Instant::now();
        let chunk = body::next(&mut self.body, &mut self.timer).await?;
        // Only waiting counts: whoever writes the file may take its time.
        self.window.1 = self.window.1.saturating_add(before.elapsed());
        if let Some(chunk) = &chunk {
            self.window.0 = self.window.0.saturating_add(chunk.len());
            if self.window.1 >= self.timer.read_limit() {
                if self.window.0 < STALLED {
                    return Err(self.timer.out_of_time().into());
                }
                self.window = (0, Duration::ZERO);
            }
        }
        Ok(chunk)
    }
}

/// An answer that is not the file.
fn unusable(head: &Parts) -> ErrorKind {
    ErrorKind::Link {
        status: head.status,
        retry_after: asked_wait(&AnswerMeta::read(head.status, &head.headers)),
    }
}

/// The part that an answer holds, if it is one that was asked for.
fn part(headers: &HeaderMap, asked: Option<&ByteRange>) -> Result<ContentRange, ErrorKind> {
    let value = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    let part = value.and_then(|value| value.parse().ok());
    if let (Some(ContentRange::Part { first, last, .. }), Some(asked)) = (part, asked) {
        let length = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok());
        let length: Option<u64> = length.and_then(|value| value.trim().parse().ok());
        // Both ends are included; all of 2^64 bytes are more than any length says.
        let held = (last - first).checked_add(1);
        let fits = length.is_none_or(|length| Some(length) == held);
        if first == asked.first && asked.last.is_none_or(|most| last <= most) && fits {
            return Ok(ContentRange::Part {
                first,
                last,
                length: match part {
                    Some(ContentRange::Part { length, .. }) => length,
                    _ => None,
                },
            });
        }
    }
    Err(ErrorKind::Malformed {
        source: "the content range is not the one that was asked for".into(),
    })
}

/// What a store calls its refusal: the `Code` of the XML that S3, Google and Azure answer with.
async fn refusal(mut body: Incoming, timer: &mut Timer) -> Option<String> {
    let mut text = Vec::new();
    let limit = timer.read_limit();
    let reading = async {
        while text.len() < REFUSAL
            && let Ok(Some(data)) = body::next(&mut body, timer).await
        {
            text.extend_from_slice(&data);
        }
    };
    // One that only drips is not waited for: what came of it by now has to do.
    let _ = timeout(limit, reading).await;
    let text = String::from_utf8_lossy(&text);
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let plain = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && code.len() <= 64).then(|| code.to_owned())
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download")
            .field("length", &self.length())
            .field("part", &self.part)
            .field("etag", &self.etag())
            .finish_non_exhaustive()
    }
}
