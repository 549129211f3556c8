//! Moments.

use jiff::{SignedDuration, Timestamp};

/// A moment after another, or the last one there is.
pub(crate) fn later(moment: Timestamp, time: SignedDuration) -> Timestamp {
    moment.checked_add(time).unwrap_or(Timestamp::MAX)
}
