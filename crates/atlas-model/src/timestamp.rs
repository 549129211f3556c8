//! Points in time: RFC 3339 in bodies, three older forms in headers.

use std::fmt;

use compact_str::{CompactString, ToCompactString};
use serde::{Deserialize, Serialize};

use crate::resource::{Checked, Deviation};

/// A point in time in a body, RFC 3339 with up to nine fractional digits.
///
/// Kept as the text that came and parsed when [`instant`](Timestamp::instant) is asked for: most
/// readers of a response look at one of its dates or none.
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

/// A text that is no RFC 3339 timestamp.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no RFC 3339 timestamp such as 2026-05-04T09:42:00Z")]
pub struct TimestampError(#[source] jiff::Error);

impl Timestamp {
    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The point in time, to the nanosecond.
    ///
    /// # Errors
    /// [`TimestampError`] if Atlas sent something else than RFC 3339.
    pub fn instant(&self) -> Result<jiff::Timestamp, TimestampError> {
        self.0.parse().map_err(TimestampError)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self(instant.to_compact_string())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Checked for Timestamp {
    fn check(&self, field: &'static str) -> Option<Deviation> {
        let error = self.instant().err()?;
        Some(Deviation::new(
            field,
            format!("{:?} is {error}", self.as_str()),
        ))
    }
}

/// Parses the date of a `Deprecation` or `Sunset` header.
///
/// Three forms are read: the HTTP date of RFC 9110 section 5.6.7, the same with a one-digit day
/// (what Atlas sends), and the `@` seconds of RFC 9745.
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

/// Prints a date as an HTTP date, `Thu, 22 Jan 2026 00:00:00 GMT`.
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
    fn an_http_date_reads_back_as_itself() {
        let instant = jiff::Timestamp::from_second(1_769_040_000).unwrap();
        assert_eq!(http_date(instant), "Thu, 22 Jan 2026 00:00:00 GMT");
        assert_eq!(header_date(&http_date(instant)), Some(instant));
    }
}
