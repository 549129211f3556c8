//! The `Content-Range` header: the part of a file in a response.

use std::fmt;
use std::str::FromStr;

/// The value of a `Content-Range` header in bytes (RFC 9110 section 14.4):
///
/// ```text
/// Content-Range = "bytes" SP ( first "-" last "/" ( complete-length / "*" ) / "*/" complete-length )
/// ```
///
/// A value with inconsistent numbers is invalid.
///
/// ```
/// use atlas_transport::ContentRange;
///
/// let part: ContentRange = "bytes 100-199/1000".parse()?;
/// assert_eq!(part, ContentRange::Part { first: 100, last: 199, length: Some(1000) });
/// assert!("bytes 199-100/1000".parse::<ContentRange>().is_err());
/// assert!("bytes 0-1000/1000".parse::<ContentRange>().is_err());
/// # Ok::<(), atlas_transport::ContentRangeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentRange {
    /// The response contains this part, both ends included.
    Part {
        /// The first byte, from 0.
        first: u64,
        /// Its last byte.
        last: u64,
        /// The length of the whole file, if the server knows it.
        length: Option<u64>,
    },
    /// No part of a file of this length matches the requested range; sent with status 416.
    Unsatisfied {
        /// The length of the whole file.
        length: u64,
    },
}

/// A text that is not a valid `Content-Range` in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("invalid content range: expected bytes such as \"bytes 0-99/1000\"")]
pub struct ContentRangeError;

impl fmt::Debug for ContentRangeError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentRange {
    type Err = ContentRangeError;

    fn from_str(text: &str) -> Result<Self, ContentRangeError> {
        read(text).ok_or(ContentRangeError)
    }
}

fn read(text: &str) -> Option<ContentRange> {
    let (unit, rest) = text.trim().split_once(' ')?;
    let (range, length) = rest.trim_start().split_once('/')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    if range == "*" {
        let length = number(length)?;
        return Some(ContentRange::Unsatisfied { length });
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let length = match length {
        "*" => None,
        length => Some(number(length)?),
    };
    let fits = first <= last && length.is_none_or(|length| last < length);
    fits.then_some(ContentRange::Part {
        first,
        last,
        length,
    })
}

/// Parses digits only: `parse` alone would accept a plus sign.
fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_consistent_range_is_valid() {
        for (text, read) in [
            ("bytes 0-0/1", Some((0, 0, Some(1)))),
            ("Bytes  5-9/*", Some((5, 9, None))),
            ("bytes 0-18446744073709551614/18446744073709551615", {
                Some((0, u64::MAX - 1, Some(u64::MAX)))
            }),
            ("bytes 0-0/0", None),
            ("bytes 1-0/9", None),
            ("bytes 0-9/9", None),
            ("bytes +0-9/99", None),
            ("bytes -9/99", None),
            ("bytes 0-/99", None),
            ("bytes 0-9", None),
            ("bytes 0-9/", None),
            ("lines 0-9/99", None),
            ("bytes=0-9/99", None),
            ("bytes 0-9/99999999999999999999", None),
            ("", None),
        ] {
            let expected = read.map(|(first, last, length)| ContentRange::Part {
                first,
                last,
                length,
            });
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        let unsatisfied = ContentRange::Unsatisfied { length: 7 };
        assert_eq!("bytes */7".parse(), Ok(unsatisfied));
        assert_eq!("bytes */*".parse::<ContentRange>(), Err(ContentRangeError));
    }
}
