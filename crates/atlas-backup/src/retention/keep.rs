//! How many snapshots a folder keeps.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How many snapshots a folder keeps: rules that add up. A snapshot is kept if any rule keeps it.
///
/// Days are counted back from the newest snapshot, not from today: when no new snapshots arrive, the
/// old ones stay. `daily`, `weekly` and `monthly` keep the newest snapshot of each of the last so
/// many days, ISO weeks or months that have one, in UTC, as restic does.
///
/// The text form is `14`, `30d`, or several rules such as `30d,daily=7,weekly=4,monthly=12`.
///
/// ```
/// use atlas_backup::Keep;
///
/// assert_eq!("14".parse(), Ok(Keep::last(14)));
/// assert_eq!("30d".parse(), Ok(Keep::days(30)));
/// let keep = Keep::days(30).weekly(8).monthly(12);
/// assert_eq!(keep.to_string().parse(), Ok(keep));
/// assert!("0".parse::<Keep>().is_err(), "the newest is always kept");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Keep {
    /// The newest so many; 0 if there is no such rule.
    pub last: usize,
    /// Those taken within so many days before the newest; 0 if there is no such rule.
    pub days: u32,
    /// The newest of each of so many days; 0 if there is no such rule.
    pub daily: usize,
    /// The newest of each of so many ISO weeks; 0 if there is no such rule.
    pub weekly: usize,
    /// The newest of each of so many months; 0 if there is no such rule.
    pub monthly: usize,
}

/// The error of a text that is not a [`Keep`]. `Debug` reads as `Display` does.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid number of snapshots to keep: expected a number from 1, such as 14, or days, such as \
     30d, or rules such as 30d,daily=7,weekly=4,monthly=12"
)]
pub struct KeepError;

impl fmt::Debug for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Keep {
    /// No rule. Only the newest are kept, as many as
    /// [`PullOptions::keep_at_least`](crate::PullOptions::keep_at_least) says.
    #[must_use]
    #[allow(
        clippy::new_without_default,
        reason = "a default must not remove files"
    )]
    pub fn new() -> Self {
        Self {
            last: 0,
            days: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
        }
    }

    /// Keeps the newest so many.
    #[must_use]
    pub fn last(snapshots: usize) -> Self {
        Self {
            last: snapshots,
            ..Self::new()
        }
    }

    /// Keeps those taken within so many days before the newest.
    #[must_use]
    pub fn days(days: u32) -> Self {
        Self {
            days,
            ..Self::new()
        }
    }

    /// Keeps also the newest of each of the last so many days that have one.
    #[must_use]
    pub fn daily(mut self, days: usize) -> Self {
        self.daily = days;
        self
    }

    /// Keeps also the newest of each of the last so many ISO weeks that have one.
    #[must_use]
    pub fn weekly(mut self, weeks: usize) -> Self {
        self.weekly = weeks;
        self
    }

    /// Keeps also the newest of each of the last so many months that have one.
    #[must_use]
    pub fn monthly(mut self, months: usize) -> Self {
        self.monthly = months;
        self
    }

    /// Whether there is no rule but that of the newest so many, which needs no floor.
    #[must_use]
    pub fn is_last_only(self) -> bool {
        self.last > 0 && self == Self::last(self.last)
    }

    /// Which of the snapshots taken at these moments, the newest first, are kept.
    pub(crate) fn kept(self, at_least: usize, taken: &[Timestamp]) -> Vec<Kept> {
        let limit = SignedDuration::from_hours(24 * i64::from(self.days));
        let is_young = |taken: &Timestamp, newest: &Timestamp| {
            self.days > 0 && newest.duration_since(*taken) <= limit
        };
        let newest = taken.first();
        let mut kept: Vec<Kept> = taken
            .iter()
            .map(|taken| match newest {
                Some(newest) if is_young(taken, newest) => Kept::ByAge,
                _ => Kept::No,
            })
            .collect();
        let floor = if self.is_last_only() {
            1
        } else {
            at_least.max(1)
        };
        for kept in kept.iter_mut().take(floor.max(self.last)) {
            *kept = Kept::ByPlace;
        }
        let rules: [(usize, PeriodOf); 3] = [
            (self.daily, |date| (date.year(), date.day_of_year())),
            (self.weekly, |date| {
                let week = date.iso_week_date();
                (week.year(), week.week().into())
            }),
            (self.monthly, |date| (date.year(), date.month().into())),
        ];
        for (count, period) in rules {
            let mut newest_of = Vec::new();
            for (place, taken) in taken.iter().enumerate() {
                let period = period(TimeZone::UTC.to_datetime(*taken).date());
                if newest_of.last().is_none_or(|(_, last)| *last != period) {
                    newest_of.push((place, period));
                }
            }
            for (place, _) in newest_of.into_iter().take(count) {
                kept[place] = Kept::ByPlace;
            }
        }
        kept
    }
}

/// A year, and the number of a day, week or month in it.
type Period = (i16, i16);
/// The period that a date is in.
type PeriodOf = fn(Date) -> Period;

/// Whether a snapshot is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// By no rule.
    No,
    /// By its age alone: whether others are kept does not depend on it.
    ByAge,
    /// By its place among the others: without it another one would be kept.
    ByPlace,
}

impl FromStr for Keep {
    type Err = KeepError;

    fn from_str(text: &str) -> Result<Self, KeepError> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: u32 = text.parse().ok().filter(|_| digits).ok_or(KeepError)?;
            if number == 0 {
                Err(KeepError)
            } else {
                Ok(number)
            }
        };
        let count = |text: &str| usize::try_from(number(text)?).map_err(|_| KeepError);
        let mut keep = Self::new();
        for rule in text.split(',') {
            let before = keep;
            match rule.split_once('=') {
                Some(("daily", days)) => keep.daily = count(days)?,
                Some(("weekly", weeks)) => keep.weekly = count(weeks)?,
                Some(("monthly", months)) => keep.monthly = count(months)?,
                Some(_) => return Err(KeepError),
                None => match rule.strip_suffix('d') {
                    Some(days) => keep.days = number(days)?,
                    None => keep.last = count(rule)?,
                },
            }
            let names = |keep: Self| {
                let others = [keep.last, keep.daily, keep.weekly, keep.monthly];
                others.iter().filter(|it| **it > 0).count() + usize::from(keep.days > 0)
            };
            // A rule that stands twice says two things.
            if names(keep) == names(before) {
                return Err(KeepError);
            }
        }
        Ok(keep)
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = |text: String, is_there: bool| is_there.then_some(text);
        let rules = [
            rule(self.last.to_string(), self.last > 0),
            rule(format!("{}d", self.days), self.days > 0),
            rule(format!("daily={}", self.daily), self.daily > 0),
            rule(format!("weekly={}", self.weekly), self.weekly > 0),
            rule(format!("monthly={}", self.monthly), self.monthly > 0),
        ];
        let rules: Vec<String> = rules.into_iter().flatten().collect();
        f.pad(&rules.join(","))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Those that are not kept.
    fn beyond(keep: Keep, at_least: usize, days: &[i64]) -> Vec<i64> {
        let at = |day: &i64| Timestamp::from_second(day * 86_400).unwrap();
        let taken: Vec<_> = days.iter().map(at).collect();
        let kept = keep.kept(at_least, &taken);
        let beyond = days.iter().zip(kept).filter(|(_, kept)| *kept == Kept::No);
        beyond.map(|(day, _)| *day).collect()
    }

    #[test]
    fn the_newest_are_kept_whatever_is_asked_for_and_days_count_from_the_newest() {
        let days = [99, 98, 90, 1];
        assert_eq!(beyond(Keep::last(1), 3, &days), [98, 90, 1]);
        assert_eq!(beyond(Keep::last(3), 1, &days), [1]);
        assert_eq!(beyond(Keep::last(9), 1, &days), [0; 0]);
        assert_eq!(beyond(Keep::last(0), 1, &days), [98, 90, 1]);
        assert_eq!(beyond(Keep::days(2), 1, &days), [90, 1]);
        assert_eq!(beyond(Keep::days(9), 0, &days), [1]);
        assert_eq!(beyond(Keep::days(2), 3, &days), [1]);
        assert_eq!(beyond(Keep::days(1), 0, &[1]), [0; 0]);
        assert_eq!(beyond(Keep::days(u32::MAX), 1, &days), [0; 0]);
        assert_eq!(beyond(Keep::new(), 2, &days), [90, 1]);
    }

    /// Which of these moments, the newest first, are not kept.
    fn not_kept(keep: Keep, taken: &[&str]) -> Vec<String> {
        let moments: Vec<Timestamp> = taken.iter().map(|taken| taken.parse().unwrap()).collect();
        let kept = keep.kept(1, &moments);
        let beyond = taken.iter().zip(kept).filter(|(_, kept)| *kept == Kept::No);
        beyond.map(|(taken, _)| (*taken).to_owned()).collect()
    }

    #[test]
    fn the_newest_of_each_of_the_last_days_weeks_and_months_that_have_one_is_kept() {
        let taken = [
            "2027-01-04T00:00:00Z", // Monday of week 1 of 2027
            "2027-01-03T23:59:59Z", // Sunday of week 53 of 2026
            "2027-01-03T00:00:00Z",
            "2026-12-31T10:00:00Z", // Thursday of that week
            "2026-12-27T10:00:00Z", // Sunday of week 52
            "2026-10-01T00:00:00Z",
            "2026-10-01T00:00:00Z",
            "2026-09-30T23:59:59Z",
            "2025-01-01T00:00:00Z",
        ];
        let without = |kept: &[usize]| -> Vec<String> {
            let places = taken
                .iter()
                .enumerate()
                .filter(|(at, _)| !kept.contains(at));
            places.map(|(_, taken)| (*taken).to_owned()).collect()
        };
        for (keep, kept) in [
            (Keep::new(), &[0][..]),
            (Keep::new().daily(1), &[0]),
            (Keep::new().daily(2), &[0, 1]),
            (Keep::new().daily(4), &[0, 1, 3, 4]),
            (Keep::new().daily(5), &[0, 1, 3, 4, 5]),
            (Keep::new().daily(99), &[0, 1, 3, 4, 5, 7, 8]),
            (Keep::new().weekly(2), &[0, 1]),
            (Keep::new().weekly(3), &[0, 1, 4]),
            (Keep::new().weekly(4), &[0, 1, 4, 5]),
            // The last of September is in the week of the first of October.
            (Keep::new().weekly(99), &[0, 1, 4, 5, 8]),
            (Keep::new().monthly(1), &[0]),
            (Keep::new().monthly(2), &[0, 3]),
            (Keep::new().monthly(4), &[0, 3, 5, 7]),
            (Keep::new().monthly(99), &[0, 3, 5, 7, 8]),
            (Keep::last(2).monthly(2), &[0, 1, 3]),
            (Keep::days(4).monthly(4), &[0, 1, 2, 3, 5, 7]),
            (Keep::new().daily(2).weekly(3).monthly(3), &[0, 1, 3, 4, 5]),
        ] {
            assert_eq!(not_kept(keep, &taken), without(kept), "{keep}");
        }
    }

    #[test]
    fn the_floor_holds_for_every_rule_but_that_of_the_last_so_many() {
        let days = [99, 98, 90, 1];
        assert_eq!(beyond(Keep::last(1), 3, &days), [98, 90, 1]);
        assert_eq!(beyond(Keep::last(1).daily(1), 3, &days), [1]);
        assert_eq!(beyond(Keep::new().weekly(1), 3, &days), [1]);
    }

    #[test]
    fn texts_other_than_rules_are_refused_and_rules_are_written_as_they_are_read() {
        for odd in [
            "",
            "d",
            "0",
            "0d",
            "-1",
            "+1",
            "1.5",
            "3w",
            "99999999999",
            "14,",
            "14,15",
            "3d,4d",
            "daily",
            "daily=0",
            "daily=1,daily=2",
            "hourly=3",
            "daily= 3",
        ] {
            assert_eq!(odd.parse::<Keep>(), Err(KeepError), "{odd}");
        }
        for text in [
            "14",
            "30d",
            "14,30d,daily=7,weekly=4,monthly=12",
            "weekly=1",
        ] {
            assert_eq!(text.parse::<Keep>().unwrap().to_string(), text);
        }
    }

    fn keep() -> impl Strategy<Value = Keep> {
        let count = || prop_oneof![Just(0), 1..9_usize];
        let days = prop_oneof![Just(0), 1..40_u32];
        (count(), days, count(), count(), count()).prop_map(
            |(last, days, daily, weekly, monthly)| Keep {
                last,
                days,
                daily,
                weekly,
                monthly,
            },
        )
    }

    proptest! {
        /// So a second run has nothing to do, whether those that are not kept were removed or stay
        /// because Atlas lists them.
        #[test]
        fn without_some_that_are_not_kept_the_same_are_kept(
            keep in keep(), at_least in 0..4_usize,
            hours in proptest::collection::vec(0..9000_i64, 0..40),
            gone in any::<u64>(),
        ) {
            let mut taken: Vec<_> = hours
                .iter()
                .map(|hour| Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap())
                .collect();
            taken.sort_unstable_by_key(|it| std::cmp::Reverse(*it));
            let kept = keep.kept(at_least, &taken);
            let all = taken.into_iter().zip(kept).enumerate();
            let left: Vec<_> = all
                .filter(|(place, (_, kept))| *kept != Kept::No || gone >> (place % 64) & 1 == 0)
                .map(|(_, left)| left)
                .collect();
            let (taken, before): (Vec<_>, Vec<_>) = left.into_iter().unzip();
            prop_assert_eq!(keep.kept(at_least, &taken), before);
        }

        #[test]
        fn any_keep_with_a_rule_is_read_as_it_was_written(keep in keep()) {
            prop_assume!(keep != Keep::new());
            prop_assert_eq!(keep.to_string().parse(), Ok(keep));
        }
    }
}
