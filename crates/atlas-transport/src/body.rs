//! Reads a response body, with a size limit and a time limit for each piece, and decompresses it.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::Body as _;
use http_body_util::BodyExt;

use crate::chain::{BoxError, found};
use crate::error::{ErrorKind, Phase};
use crate::timer::Timer;
use crate::transport::Incoming;

/// Waits for the next piece of a body; returns `None` at its end.
pub(crate) async fn next(
    body: &mut Incoming,
    timer: &mut Timer,
) -> Result<Option<Bytes>, ErrorKind> {
    loop {
        let Some(frame) = timer.wait(Phase::Body, body.frame()).await? else {
            return Ok(None);
        };
        let frame = frame.map_err(broken)?;
        // Trailers are ignored.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
}

/// Returns the error of an incomplete body: invalid framing or a broken connection.
fn broken(source: BoxError) -> ErrorKind {
    let is_framing = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
        )
    };
    if found::<rustls::Error>(&source).is_none() && found(&source).is_some_and(is_framing) {
        ErrorKind::Malformed { source }
    } else {
        ErrorKind::Interrupted { source }
    }
}

/// The maximum number of values in a body. Each may need a hundred times the memory of its text.
const MAX_VALUES: usize = 1_000_000;
/// A shorter body cannot exceed that.
const SHORT: usize = 2 * MAX_VALUES;

/// Returns an error for a body with more values than any real response.
pub(crate) fn check_values(body: &[u8]) -> Result<(), ErrorKind> {
    if body.len() > SHORT && memchr::memchr_iter(b',', body).count() > MAX_VALUES {
        return Err(ErrorKind::TooManyValues { limit: MAX_VALUES });
    }
    Ok(())
}

/// Reads a whole body; the limit applies to the decompressed size.
pub(crate) async fn collect(
    headers: &HeaderMap,
    mut body: Incoming,
    limit: usize,
    timer: &mut Timer,
) -> Result<Bytes, ErrorKind> {
    // An empty body needs no decoding: a 204 has no content (RFC 9110 section 15.3.5).
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut sink = Sink::new(headers, limit)?;
    while let Some(data) = next(&mut body, timer).await? {
        // A body in one uncompressed piece needs no copy.
        if let Sink::Plain(out) = &sink
            && out.bytes.is_empty()
            && body.is_end_stream()
        {
            return if data.len() > limit {
                Err(out.too_large())
            } else {
                Ok(data)
            };
        }
        sink.write(&data)?;
    }
    sink.finish()
}

enum Sink {
    Plain(Limited),
    /// A decoder, and whether it has received any data.
    Gzip(Box<MultiGzDecoder<Limited>>, bool),
}

impl Sink {
    fn new(headers: &HeaderMap, limit: usize) -> Result<Self, ErrorKind> {
        let out = Limited {
            bytes: Vec::new(),
            limit,
        };
        let encoding = headers
            .get(CONTENT_ENCODING)
            .map_or(&b"identity"[..], |value| value.as_bytes().trim_ascii());
        let is = |name: &str| encoding.eq_ignore_ascii_case(name.as_bytes());
        if is("identity") || is("") {
            Ok(Self::Plain(out))
        } else if is("gzip") || is("x-gzip") {
            Ok(Self::Gzip(Box::new(MultiGzDecoder::new(out)), false))
        } else {
            Err(ErrorKind::Encoding {
                encoding: String::from_utf8_lossy(encoding).to_ascii_lowercase(),
            })
        }
    }

    fn write(&mut self, data: &[u8]) -> Result<(), ErrorKind> {
        match self {
            Self::Plain(out) => out.write_all(data).map_err(|_| out.too_large()),
            Self::Gzip(decoder, begun) => {
                *begun |= !data.is_empty();
                match decoder.write_all(data) {
                    Ok(()) => Ok(()),
                    Err(error) => Err(decoder.get_ref().explain(&error)),
                }
            }
        }
    }

    fn finish(self) -> Result<Bytes, ErrorKind> {
        match self {
            Self::Plain(out) => Ok(out.bytes.into()),
            Self::Gzip(_, false) => Ok(Bytes::new()),
            Self::Gzip(mut decoder, true) => match decoder.try_finish() {
                Ok(()) => Ok(std::mem::take(&mut decoder.get_mut().bytes).into()),
                Err(error) => Err(decoder.get_ref().explain(&error)),
            },
        }
    }
}

/// A buffer with a maximum size.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
}

impl Limited {
    fn too_large(&self) -> ErrorKind {
        ErrorKind::TooLarge { limit: self.limit }
    }

    fn explain(&self, error: &io::Error) -> ErrorKind {
        if error.kind() == io::ErrorKind::FileTooLarge {
            self.too_large()
        } else {
            ErrorKind::Encoding {
                encoding: "gzip".to_owned(),
            }
        }
    }
}

impl Write for Limited {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn read(encoding: Option<&str>, body: &[u8], limit: usize) -> Result<Bytes, ErrorKind> {
        let mut headers = HeaderMap::new();
        if let Some(encoding) = encoding {
            headers.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let mut sink = Sink::new(&headers, limit)?;
        for piece in body.chunks(7) {
            sink.write(piece)?;
        }
        sink.finish()
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_body_is_read_up_to_its_limit_and_not_one_byte_more() {
        let body = vec![b'x'; 1000];
        for (encoding, bytes) in [(None, body.clone()), (Some("gzip"), gzip(&body))] {
            assert_eq!(read(encoding, &bytes, 1000).unwrap(), body);
            let error = read(encoding, &bytes, 999).unwrap_err();
            assert!(
                matches!(error, ErrorKind::TooLarge { limit: 999 }),
                "{error}"
            );
        }
    }

    #[test]
    fn broken_and_unknown_encodings_are_errors() {
        let whole = gzip(b"some text that is long enough to be cut");
        let cut = &whole[..whole.len() - 9];
        for (encoding, bytes) in [("gzip", cut), ("gzip", b"plain"), ("br", b"plain")] {
            let error = read(Some(encoding), bytes, 1000).unwrap_err();
            assert!(
                matches!(error, ErrorKind::Encoding { .. }),
                "{encoding}: {error}"
            );
        }
        assert_eq!(read(Some(" Identity"), b"plain", 1000).unwrap(), "plain");
        assert_eq!(read(Some("gzip"), b"", 1000).unwrap(), "");
        let members = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(read(Some("gzip"), &members, 1000).unwrap(), "one two");
    }

    #[test]
    fn a_body_with_too_many_values_is_an_error() {
        let list = |items: usize| format!("[{}1]", "1,".repeat(items));
        assert!(check_values(list(MAX_VALUES).as_bytes()).is_ok());
        let error = check_values(list(MAX_VALUES + 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("1000000 values"), "{error}");
        assert!(check_values(" ".repeat(16 << 20).as_bytes()).is_ok());
    }
}
