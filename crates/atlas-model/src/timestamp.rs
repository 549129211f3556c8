//! Points in time: RFC 3339 in bodies, three older forms in headers.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use compact_str::{CompactString, ToCompactString};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error_chain::debug_as_chain;

/// A point in time in a body, RFC 3339 with up to nine fractional digits.
///
/// Kept as the received text and parsed by [`instant`](Timestamp::instant): most callers use few of
/// the timestamps in a response.
///
/// Two timestamps are equal if their texts are; they are ordered by the points in time.
///
/// ```
/// use atlas_model::Timestamp;
///
/// let timestamp: Timestamp = serde_json::from_str("\"2026-05-04T09:42:00Z\"")?;
/// assert_eq!(timestamp.instant()?.as_second(), 1_777_887_720);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(CompactString);

/// The error for a text that is not an RFC 3339 timestamp.
#[derive(Clone, thiserror::Error)]
#[error("invalid timestamp {text:?}: expected RFC 3339, such as 2026-05-04T09:42:00Z")]
pub struct TimestampError {
    text: CompactString,
}

debug_as_chain!(TimestampError);

impl Timestamp {
    /// Returns the text as received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the point in time, to the nanosecond.
    ///
    /// # Errors
    /// [`TimestampError`] if the text is not RFC 3339.
    pub fn instant(&self) -> Result<jiff::Timestamp, TimestampError> {
        self.0.parse().map_err(|_| TimestampError {
            text: self.0.chars().take(SHOWN).collect(),
        })
    }
}

impl Ord for Timestamp {
    /// Orders by point in time, then by text. Texts that are not RFC 3339 come first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = self.instant().ok().cmp(&other.instant().ok());
        by_time.then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self(instant.to_compact_string())
    }
}

impl From<&str> for Timestamp {
    /// Keeps the text unchecked; [`instant`](Timestamp::instant) fails if it is not RFC 3339.
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The number of characters of an invalid text that an error shows.
const SHOWN: usize = 80;

/// Parses the date of a `Deprecation` or `Sunset` header.
///
/// Supports three forms: the HTTP date of RFC 9110 section 5.6.7, the same with a one-digit day
/// (sent by Atlas), and the `@` seconds of RFC 9745.
pub(crate) fn header_date(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    match text.strip_prefix('@') {
        Some(seconds) => jiff::Timestamp::from_second(seconds.parse().ok()?).ok(),
        None => jiff::fmt::rfc2822::DateTimeParser::new()
            .relaxed_weekday(true)
            .parse_timestamp(text)
            .ok(),
    }
}

/// When to send the next request: the header `Retry-After` (RFC 9110 section 10.2.3).
///
/// ```
/// use std::time::Duration;
///
/// use atlas_model::RetryAfter;
///
/// let now = "2026-05-04T09:42:00Z".parse().unwrap();
/// let seconds = RetryAfter::parse("55").unwrap();
/// assert_eq!(seconds.delay(now), Duration::from_secs(55));
/// let date = RetryAfter::parse("Mon, 04 May 2026 09:42:10 GMT").unwrap();
/// assert_eq!(date.delay(now), Duration::from_secs(10));
/// assert_eq!(RetryAfter::parse("soon"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetryAfter {
    /// After this number of seconds.
    Seconds(u64),
    /// At this time.
    At(jiff::Timestamp),
}

impl RetryAfter {
    /// Parses the header's value; `None` if it is neither seconds nor a date.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More seconds than fit are longer than any wait.
            return Some(Self::Seconds(text.parse().unwrap_or(u64::MAX)));
        }
        http_date_of_any_age(text).map(Self::At)
    }

    /// Returns the time from `now`; zero for a date in the past.
    pub fn delay(self, now: jiff::Timestamp) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds),
            Self::At(at) => at.duration_since(now).try_into().unwrap_or_default(),
        }
    }
}

/// Parses an HTTP date, also in the two obsolete forms that RFC 9110 section 5.6.7 requires every
/// recipient to accept.
pub(crate) fn http_date_of_any_age(text: &str) -> Option<jiff::Timestamp> {
    header_date(text).or_else(|| {
        ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .iter()
            .find_map(|form| {
                let parsed = jiff::fmt::strtime::parse(form, text).ok()?;
                TimeZone::UTC.to_timestamp(parsed.to_datetime().ok()?).ok()
            })
    })
}

/// Formats a date as an HTTP date, `Thu, 22 Jan 2026 00:00:00 GMT`.
pub fn http_date(instant: jiff::Timestamp) -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&instant)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_dates_are_read_in_every_form_atlas_and_the_rfcs_use() {
        let expected = Some(jiff::Timestamp::from_second(1_722_816_000).unwrap());
        assert_eq!(header_date("Mon, 5 Aug 2024 00:00:00 GMT"), expected);
        assert_eq!(header_date("Mon, 05 Aug 2024 00:00:00 GMT"), expected);
        assert_eq!(header_date("@1722816000"), expected);
        assert_eq!(header_date(" @1722816000 "), expected);
        for odd in ["", "@", "@9999999999999999999", "true", "5 Aug", "\u{661}"] {
            assert_eq!(header_date(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_retry_after_is_seconds_or_a_date_of_any_age() {
        let at = |seconds| jiff::Timestamp::from_second(seconds).unwrap();
        // The three dates of RFC 9110 section 5.6.7 are the same instant.
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(
                RetryAfter::parse(date),
                Some(RetryAfter::At(at(784_111_777))),
                "{date}"
            );
        }
        let late = RetryAfter::At(at(100));
        assert_eq!(late.delay(at(90)), Duration::from_secs(10));
        assert_eq!(late.delay(at(101)), Duration::ZERO);
        let huge = RetryAfter::parse("99999999999999999999999");
        assert_eq!(huge, Some(RetryAfter::Seconds(u64::MAX)));
        for odd in ["", "-1", "1.5", "+1", "\u{661}", "1 s", "Nov"] {
            assert_eq!(RetryAfter::parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn an_http_date_reads_back_as_itself() {
        let instant = jiff::Timestamp::from_second(1_769_040_000).unwrap();
        assert_eq!(http_date(instant), "Thu, 22 Jan 2026 00:00:00 GMT");
        assert_eq!(header_date(&http_date(instant)), Some(instant));
    }
}
