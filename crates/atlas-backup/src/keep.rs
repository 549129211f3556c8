//! How many snapshots a folder keeps.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

/// How many snapshots a folder keeps: the last so many (`14`), or those of so many days (`30d`).
///
/// The newest one is always kept.
///
/// ```
/// use atlas_backup::Keep;
///
/// assert_eq!("14".parse(), Ok(Keep::Last(14)));
/// assert_eq!("30d".parse(), Ok(Keep::Days(30)));
/// assert!("0".parse::<Keep>().is_err(), "the newest is always kept");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The newest so many.
    Last(usize),
    /// Those taken within so many days.
    Days(u32),
}

/// A text that is no [`Keep`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no number of snapshots to keep; give a number from 1 such as 14, or days such as 30d")]
pub struct KeepError;

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
    /// Which of the snapshots taken at these moments, the newest first, are kept no more.
    pub(crate) fn beyond(self, taken: &[Option<Timestamp>], now: Timestamp) -> Vec<usize> {
        let old = |(index, taken): &(usize, &Option<Timestamp>)| match self {
            // The newest is kept, whatever its age.
            _ if *index == 0 => false,
            Self::Last(count) => *index >= count,
            Self::Days(days) => taken.is_some_and(|taken| {
                now.duration_since(taken) > SignedDuration::from_hours(24 * i64::from(days))
            }),
        };
        let beyond = taken.iter().enumerate().filter(old);
        beyond.map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_kept_whatever_is_asked_for() {
        let now = Timestamp::from_second(100 * 86_400).unwrap();
        let at = |day: i64| Some(Timestamp::from_second(day * 86_400).unwrap());
        let taken = [at(99), at(98), at(90), None, at(1)];
        assert_eq!(Keep::Last(1).beyond(&taken, now), [1, 2, 3, 4]);
        assert_eq!(Keep::Last(3).beyond(&taken, now), [3, 4]);
        assert_eq!(Keep::Last(9).beyond(&taken, now), [0; 0]);
        assert_eq!(Keep::Days(2).beyond(&taken, now), [2, 4]);
        assert_eq!(Keep::Days(1).beyond(&[at(1), at(0)], now), [1]);
        assert_eq!(Keep::Days(1).beyond(&[], now), [0; 0]);
    }

    #[test]
    fn what_is_no_number_or_no_days_is_refused() {
        for odd in ["", "d", "0", "0d", "-1", "+1", "1.5", "3w", "99999999999"] {
            assert_eq!(odd.parse::<Keep>(), Err(KeepError), "{odd}");
        }
    }
}
