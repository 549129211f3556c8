//! The rules for the snapshots that a pull keeps, and for the age of the newest: as flags, and as keys
//! of a file.

use std::fmt;

use atlas_backup::Keep;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::failure::Failure;
use crate::usage::short;

/// The rules of a cluster.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", expecting = "a table, such as [[cluster]]")]
pub(super) struct Rules {
    /// Keep the last N snapshots, or those of the N days up to the newest, such as 30d
    #[arg(long, alias = "keep-last", value_name = "N or Nd")]
    #[serde(default, deserialize_with = "text_or_count")]
    pub(super) keep: Option<String>,

    /// Keep the newest snapshot of each of the last N days that have one, in UTC
    #[arg(long = "keep-daily", value_name = "N", value_parser = at_least_one())]
    #[serde(default, deserialize_with = "count")]
    pub(super) keep_daily: Option<u16>,

    /// Keep the newest snapshot of each of the last N ISO weeks that have one, in UTC
    #[arg(long = "keep-weekly", value_name = "N", value_parser = at_least_one())]
    #[serde(default, deserialize_with = "count")]
    pub(super) keep_weekly: Option<u16>,

    /// Keep the newest snapshot of each of the last N months that have one, in UTC
    #[arg(long = "keep-monthly", value_name = "N", value_parser = at_least_one())]
    #[serde(default, deserialize_with = "count")]
    pub(super) keep_monthly: Option<u16>,

    /// Always keep at least this many of the newest, with any rule except --keep N; defaults to 3
    #[arg(long = "keep-at-least", value_name = "N", value_parser = at_least_one())]
    #[serde(default, deserialize_with = "count")]
    pub(super) keep_at_least: Option<u16>,

    /// Exit with 12 if the newest snapshot is older than N days or hours
    #[arg(long = "max-age", value_name = "Nd or Nh")]
    pub(super) max_age: Option<String>,
}

/// `keep = "30d"` and `keep = 3`.
fn text_or_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Reader;
    impl Visitor<'_> for Reader {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number, or a number of days such as \"30d\"")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(text.to_owned()))
        }

        fn visit_i64<E>(self, count: i64) -> Result<Self::Value, E> {
            Ok(Some(count.to_string()))
        }
    }
    deserializer.deserialize_any(Reader)
}

/// `keep-daily = 7`.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    struct Reader;
    impl Visitor<'_> for Reader {
        type Value = Option<u16>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number from 1 to 65535")
        }

        fn visit_i64<E: de::Error>(self, count: i64) -> Result<Self::Value, E> {
            match u16::try_from(count) {
                Ok(count) if count > 0 => Ok(Some(count)),
                _ => Err(E::invalid_value(de::Unexpected::Signed(count), &self)),
            }
        }
    }
    deserializer.deserialize_any(Reader)
}

fn at_least_one() -> RangedU64ValueParser<u16> {
    RangedU64ValueParser::new().range(1..)
}

impl Rules {
    /// Whether there is no rule, so that all snapshots are kept.
    pub(super) fn keeps_all(&self) -> bool {
        let Self {
            keep,
            keep_daily,
            keep_weekly,
            keep_monthly,
            keep_at_least,
            max_age: _,
        } = self;
        let counts = [keep_daily, keep_weekly, keep_monthly, keep_at_least];
        keep.is_none() && counts == [&None; 4]
    }

    /// The rules to keep snapshots; `None` keeps all.
    pub(super) fn keep(&self) -> Result<Option<Keep>, Failure> {
        let counts = [self.keep_daily, self.keep_weekly, self.keep_monthly];
        let keep = self.keep.as_deref().map(|keep| {
            let keep = keep.parse::<Keep>();
            keep.map_err(|error| Failure::Usage(format!("--keep: {error}")))
        });
        let is_floor_given = self.keep_at_least.is_some();
        let keep = match keep.transpose()? {
            None if counts == [None; 3] && is_floor_given => {
                return Err(Failure::Usage(
                    "--keep-at-least needs another rule; pass --keep too, such as --keep 30d"
                        .to_owned(),
                ));
            }
            None if counts == [None; 3] => return Ok(None),
            keep => keep.unwrap_or_else(Keep::new),
        };
        let [daily, weekly, monthly] = counts.map(|count| count.map(usize::from));
        let keep = keep
            .daily(daily.unwrap_or(keep.daily))
            .weekly(weekly.unwrap_or(keep.weekly))
            .monthly(monthly.unwrap_or(keep.monthly));
        if keep.is_last_only() && is_floor_given {
            return Err(Failure::Usage(
                "--keep-at-least does not apply to --keep N; pass --keep in days, such as --keep 30d, \
                 or --keep-daily, --keep-weekly or --keep-monthly"
                    .to_owned(),
            ));
        }
        Ok(Some(keep))
    }

    /// The maximum age of the newest snapshot.
    pub(super) fn max_age(&self) -> Result<Option<SignedDuration>, Failure> {
        let age = self.max_age.as_deref().map(|age| {
            duration(age).ok_or_else(|| {
                Failure::Usage(format!(
                    "invalid --max-age {:?}: expected days or hours, such as 2d or 36h",
                    short(age)
                ))
            })
        });
        age.transpose()
    }
}

/// Days or hours: `2d`, `36h`.
fn duration(text: &str) -> Option<SignedDuration> {
    let hours = match text.strip_suffix('d') {
        Some(days) => days.parse::<u32>().ok().map(|days| 24 * i64::from(days)),
        None => text.strip_suffix('h')?.parse::<u32>().ok().map(i64::from),
    };
    hours
        .filter(|hours| *hours > 0)
        .map(SignedDuration::from_hours)
}
