//! The retention rules of a folder.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The retention rules of a folder. A snapshot is kept if any rule keeps it.
///
/// Days are counted back from the newest snapshot, not from today: when no new snapshots arrive,
/// old ones stay. `daily`, `weekly` and `monthly` keep the newest snapshot of each of the last
/// days, ISO weeks or months (UTC) that have a snapshot, as restic does.
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
    /// Keeps this many of the newest snapshots; 0 for no such rule.
    pub last: usize,
    /// Keeps snapshots taken within this many days before the newest; 0 for no such rule.
    pub days: u32,
    /// Keeps the newest snapshot of each of this many days; 0 for no such rule.
    pub daily: usize,
    /// Keeps the newest snapshot of each of this many ISO weeks; 0 for no such rule.
    pub weekly: usize,
    /// Keeps the newest snapshot of each of this many months; 0 for no such rule.
    pub monthly: usize,
}

/// The error of a text that is not a valid [`Keep`]. `Debug` reads as `Display` does.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid rule to keep snapshots: expected a number of snapshots from 1, such as 14, days, such as \
     30d, or rules such as 30d,daily=7,weekly=4,monthly=12"
)]
pub struct KeepError;

impl fmt::Debug for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Keep {
    /// Returns no rules: only as many of the newest are kept as
    /// [`PullOptions::keep_at_least`](crate::PullOptions::keep_at_least) sets.
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

    /// Keeps the newest `snapshots` snapshots.
    #[must_use]
    pub fn last(snapshots: usize) -> Self {
        Self {
            last: snapshots,
            ..Self::new()
        }
    }

    /// Keeps snapshots taken within `days` days before the newest.
    #[must_use]
    pub fn days(days: u32) -> Self {
        Self {
            days,
            ..Self::new()
        }
    }

    /// Also keeps the newest snapshot of each of the last `days` days that have one.
    #[must_use]
    pub fn daily(mut self, days: usize) -> Self {
        self.daily = days;
        self
    }

    /// Also keeps the newest snapshot of each of the last `weeks` ISO weeks that have one.
    #[must_use]
    pub fn weekly(mut self, weeks: usize) -> Self {
        self.weekly = weeks;
        self
    }

    /// Also keeps the newest snapshot of each of the last `months` months that have one.
    #[must_use]
    pub fn monthly(mut self, months: usize) -> Self {
        self.monthly = months;
        self
    }

    /// Whether [`Keep::last`] is the only rule; `keep_at_least` then has no effect.
    #[must_use]
    pub fn is_last_only(self) -> bool {
        self.last > 0 && self == Self::last(self.last)
    }

    /// Decides which of the snapshots taken at these times, newest first, are kept.
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
/// The period of a date.
type PeriodOf = fn(Date) -> Period;

/// Whether a snapshot is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Not kept.
    No,
    /// Kept by age only: no other decision depends on it.
    ByAge,
    /// Kept by its rank among the others: without it, another one would be kept.
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
            // A repeated rule is ambiguous.
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
mod tests;
