//! How many snapshots a folder keeps.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// How many snapshots a folder keeps: the last so many (`14`), or those of so many days (`30d`).
///
/// Days are counted back from the newest snapshot, not from today: when no new snapshots arrive, the
/// old ones stay.
///
/// ```
/// use atlas_backup::Keep;
///
/// assert_eq!("14".parse(), Ok(Keep::Last(14)));
/// assert_eq!("30d".parse(), Ok(Keep::Days(30)));
/// assert!("0".parse::<Keep>().is_err(), "the newest is always kept");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    /// The newest so many.
    Last(usize),
    /// Those taken within so many days before the newest.
    Days(u32),
}

/// The error of a text that is not a [`Keep`]. `Debug` reads as `Display` does.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid number of snapshots to keep: expected a number from 1, such as 14, or days, such as 30d"
)]
pub struct KeepError;

impl fmt::Debug for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Keep {
    type Err = KeepError;

    fn from_str(text: &str) -> Result<Self, KeepError> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: u32 = text.parse().ok().filter(|_| digits)?;
            (number > 0).then_some(number)
        };
        let keep = match text.strip_suffix('d') {
            Some(days) => number(days).map(Self::Days),
            None => number(text).and_then(|last| Some(Self::Last(last.try_into().ok()?))),
        };
        keep.ok_or(KeepError)
    }
}

impl Keep {
    /// How many of the newest are kept, whatever their age.
    pub(crate) fn floor(self, at_least: usize) -> usize {
        match self {
            Self::Last(count) => count.max(1),
            Self::Days(_) => at_least.max(1),
        }
    }

    /// Whether the snapshot at a place in `taken`, which has the newest first, is kept no more.
    pub(crate) fn is_beyond(self, at_least: usize, taken: &[Timestamp], place: usize) -> bool {
        if place < self.floor(at_least) {
            return false;
        }
        match self {
            Self::Last(_) => true,
            Self::Days(days) => {
                let limit = SignedDuration::from_hours(24 * i64::from(days));
                let pair = taken.first().zip(taken.get(place));
                pair.is_some_and(|(newest, taken)| newest.duration_since(*taken) > limit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beyond(keep: Keep, at_least: usize, days: &[i64]) -> Vec<i64> {
        let at = |day: &i64| Timestamp::from_second(day * 86_400).unwrap();
        let taken: Vec<_> = days.iter().map(at).collect();
        let places = (0..taken.len()).filter(|place| keep.is_beyond(at_least, &taken, *place));
        places.map(|place| days[place]).collect()
    }

    #[test]
    fn the_newest_are_kept_whatever_is_asked_for_and_days_count_from_the_newest() {
        let days = [99, 98, 90, 1];
        assert_eq!(beyond(Keep::Last(1), 3, &days), [98, 90, 1]);
        assert_eq!(beyond(Keep::Last(3), 1, &days), [1]);
        assert_eq!(beyond(Keep::Last(9), 1, &days), [0; 0]);
        assert_eq!(beyond(Keep::Last(0), 1, &days), [98, 90, 1]);
        assert_eq!(beyond(Keep::Days(2), 1, &days), [90, 1]);
        assert_eq!(beyond(Keep::Days(9), 0, &days), [1]);
        assert_eq!(beyond(Keep::Days(2), 3, &days), [1]);
        assert_eq!(beyond(Keep::Days(1), 0, &[1]), [0; 0]);
        assert_eq!(beyond(Keep::Days(u32::MAX), 1, &days), [0; 0]);
    }

    #[test]
    fn texts_other_than_numbers_and_days_are_refused() {
        for odd in ["", "d", "0", "0d", "-1", "+1", "1.5", "3w", "99999999999"] {
            assert_eq!(odd.parse::<Keep>(), Err(KeepError), "{odd}");
        }
    }
}
