//! Arithmetic on timestamps.

use jiff::{SignedDuration, Timestamp};

/// The sum of a time and a duration, clamped to the last timestamp.
pub(crate) fn later(moment: Timestamp, time: SignedDuration) -> Timestamp {
    moment.checked_add(time).unwrap_or(Timestamp::MAX)
}
