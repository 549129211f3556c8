//! Streams a snapshot's file, or a part of it.

use std::pin::pin;
use std::time::Duration;

use atlas_model::AnswerMeta;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, request};
use tokio::time::{Instant, timeout};

use crate::body;
use crate::call::{Shared, again};
use crate::content_range::ContentRange;
use crate::error::{Error, ErrorKind, asked_wait};
use crate::retry_loop::{Answered, Exchange, Failed};
use crate::secrets::Secrets;
use crate::settings::MinRate;
use crate::timer::Timer;
use crate::transport::Incoming;

/// A part of a file to request (RFC 9110 section 14.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, from 0.
    pub first: u64,
    /// The last byte; `None` for the end of the file.
    pub last: Option<u64>,
    /// A strong `ETag` that the file must still have (RFC 9110 section 13.1.5); otherwise the store returns
    /// the whole file. A weak tag never matches.
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

/// A snapshot's file in transfer, from [`Client::download`](crate::Client::download).
///
/// No file name or path is accepted from the server. Dropping it ends the transfer.
pub struct Download {
    headers: HeaderMap,
    part: Option<ContentRange>,
    body: Incoming,
    timer: Timer,
    rate: Rate,
}

/// Measures the transfer rate of a file.
struct Rate {
    min: MinRate,
    /// The bytes received in the current window, and the time spent waiting for them.
    received: u64,
    waited: Duration,
}

impl Rate {
    fn new(min: MinRate) -> Self {
        Self {
            min,
            received: 0,
            waited: Duration::ZERO,
        }
    }

    /// Returns the rest of the window; `None` if there is no minimum rate.
    fn left(&self) -> Option<Duration> {
        (self.min.bytes() > 0).then(|| self.min.window.saturating_sub(self.waited))
    }

    /// Adds the bytes received after a wait; fails at the end of a window with too few bytes.
    fn observe(&mut self, bytes: usize, waited: Duration) -> Result<(), ErrorKind> {
        self.received = self.received.saturating_add(bytes as u64);
        self.waited = self.waited.saturating_add(waited);
        if self.waited < self.min.window {
            return Ok(());
        }
        if self.received < self.min.bytes() {
            return Err(ErrorKind::TooSlow {
                bytes_per_second: self.min.bytes_per_second,
                window: self.min.window,
            });
        }
        *self = Self::new(self.min);
        Ok(())
    }
}

/// How many bytes of an error response are read to find its code.
const REFUSAL: usize = 4 << 10;

/// A request for a file or a part of it.
pub(crate) struct FileRequest<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) parts: request::Parts,
    pub(crate) range: Option<&'a ByteRange>,
    pub(crate) min_rate: MinRate,
}

impl Exchange for FileRequest<'_> {
    type Response = Download;

    async fn attempt(&mut self, timer: &mut Timer) -> Result<Download, Failed> {
        let transport = &self.shared.transports.files;
        let request = again(&self.parts, &Bytes::new());
        let host = self.parts.uri.authority().map_or("", |host| host.as_str());
        let response = self.shared.once(transport, host, request, timer).await?;
        let (head, body) = response.into_parts();
        Ok(self.open(head, body, timer).await?)
    }
}

impl FileRequest<'_> {
    /// Evaluates the response to the request.
    async fn open(
        &self,
        head: Parts,
        body: Incoming,
        timer: &mut Timer,
    ) -> Result<Download, ErrorKind> {
        let part = match head.status {
            StatusCode::OK => None,
            StatusCode::PARTIAL_CONTENT => Some(part(&head.headers, self.range)?),
            StatusCode::FORBIDDEN => {
                let code = refusal(body, timer).await;
                return Err(ErrorKind::LinkExpired {
                    status: head.status,
                    code,
                });
            }
            StatusCode::BAD_REQUEST => {
                let code = refusal(body, timer).await;
                if code.as_ref().is_some_and(|code| code.contains("Expired")) {
                    return Err(ErrorKind::LinkExpired {
                        status: head.status,
                        code,
                    });
                }
                return Err(unusable(&head));
            }
            _ => return Err(unusable(&head)),
        };
        let timer = Timer::new(self.shared.settings.read_timeout, None);
        Ok(Download {
            part,
            ..Download::of(head.headers, body, timer, self.min_rate)
        })
    }
}

impl Answered for Download {
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }

    fn retry_after(&self) -> Option<Duration> {
        None
    }

    fn mask(&mut self, _: &Secrets) {}
}

impl Download {
    /// Wraps a whole body that is in transfer.
    pub(crate) fn of(headers: HeaderMap, body: Incoming, timer: Timer, min_rate: MinRate) -> Self {
        Self {
            headers,
            part: None,
            body,
            timer,
            rate: Rate::new(min_rate),
        }
    }

    /// Returns the number of bytes of this transfer, if the store announced it.
    pub fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH.as_str())?.trim().parse().ok()
    }

    /// Returns the part of the file that is transferred; `None` for the whole file.
    pub fn part(&self) -> Option<ContentRange> {
        self.part
    }

    /// Returns the file's `ETag`, if the store sent one. A weak one (`W/"…"`) means an equivalent file, not
    /// necessarily the same bytes.
    pub fn etag(&self) -> Option<&str> {
        self.header(ETAG.as_str())
    }

    /// Returns a header of the store, if it is present and valid text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Waits for the next bytes; returns `None` at the end of the file or part.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if no bytes arrive within the client's read timeout,
    /// [`ErrorKind::TooSlow`] if the rate is below its
    /// [`min_rate`](crate::ClientBuilder::min_rate), and [`ErrorKind::Interrupted`] if the connection
    /// breaks before the announced end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let (rate, body, timer) = (&mut self.rate, &mut self.body, &mut self.timer);
        let mut next = pin!(body::next(body, timer));
        // Only waiting counts: the caller may be slow to write the file.
        let mut since = Instant::now();
        loop {
            let next = next.as_mut();
            let chunk = match rate.left() {
                None => next.await?,
                Some(left) => {
                    let Ok(chunk) = timeout(left, next).await else {
                        rate.observe(0, since.elapsed())?;
                        since = Instant::now();
                        continue;
                    };
                    chunk?
                }
            };
            if let Some(chunk) = &chunk {
                rate.observe(chunk.len(), since.elapsed())?;
            }
            return Ok(chunk);
        }
    }
}

/// Returns the error of a response without the file.
fn unusable(head: &Parts) -> ErrorKind {
    ErrorKind::Link {
        status: head.status,
        retry_after: asked_wait(&AnswerMeta::read(head.status, &head.headers)),
    }
}

/// Returns the part in a response, if it matches the requested range.
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
        // Both ends are included; the full range of 2^64 bytes exceeds any length.
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
        source: "the content range does not match the requested range".into(),
    })
}

/// Returns the error code of a store: the `Code` of the XML that S3, Google and Azure send.
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
    // A slow body is not waited for: the part that was received is searched.
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
