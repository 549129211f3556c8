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

    #[arg(skip)]
    #[serde(skip, default = "Written::in_a_file")]
    written: Written,
}

/// How the rules are written, for their errors.
#[derive(Debug, Clone, Copy, Default)]
enum Written {
    #[default]
    AsFlags,
    AsKeys,
}

impl Written {
    fn in_a_file() -> Self {
        Self::AsKeys
    }

    fn name(self, rule: &str) -> String {
        match self {
            Self::AsFlags => format!("--{rule}"),
            Self::AsKeys => rule.to_owned(),
        }
    }

    /// `--keep 30d` or `keep = "30d"`.
    fn example(self, rule: &str, value: &str) -> String {
        match self {
            Self::AsFlags => format!("--{rule} {value}"),
            Self::AsKeys => format!("{rule} = {value:?}"),
        }
    }
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

        fn visit_i64<E: de::Error>(self, count: i64) -> Result<Self::Value, E> {
            self.visit_i128(count.into())
        }

        fn visit_u64<E: de::Error>(self, count: u64) -> Result<Self::Value, E> {
            self.visit_i128(count.into())
        }

        fn visit_i128<E>(self, count: i128) -> Result<Self::Value, E> {
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
            self.visit_i128(count.into())
        }

        fn visit_u64<E: de::Error>(self, count: u64) -> Result<Self::Value, E> {
            self.visit_i128(count.into())
        }

        fn visit_i128<E: de::Error>(self, count: i128) -> Result<Self::Value, E> {
            match u16::try_from(count) {
                Ok(count) if count > 0 => Ok(Some(count)),
                _ => {
                    let found = format!("integer `{count}`");
                    Err(E::invalid_value(de::Unexpected::Other(&found), &self))
                }
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
            written: _,
        } = self;
        let counts = [keep_daily, keep_weekly, keep_monthly, keep_at_least];
        keep.is_none() && counts == [&None; 4]
    }

    /// The rules to keep snapshots; `None` keeps all.
    pub(super) fn keep(&self) -> Result<Option<Keep>, Failure> {
        let written = self.written;
        let counts = [self.keep_daily, self.keep_weekly, self.keep_monthly];
        let keep = self.keep.as_deref().map(|keep| {
            let keep = keep.parse::<Keep>();
            keep.map_err(|error| Failure::Usage(format!("{}: {error}", written.name("keep"))))
        });
        let is_floor_given = self.keep_at_least.is_some();
        let keep = match keep.transpose()? {
            None if counts == [None; 3] && is_floor_given => {
                return Err(Failure::Usage(format!(
                    "{} needs another rule, such as {}",
                    written.name("keep-at-least"),
                    written.example("keep", "30d"),
                )));
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
            let [floor, keep] = ["keep-at-least", "keep"].map(|rule| written.name(rule));
            let [daily, weekly, monthly] =
                ["keep-daily", "keep-weekly", "keep-monthly"].map(|rule| written.name(rule));
            let days = written.example("keep", "30d");
            return Err(Failure::Usage(format!(
                "{floor} does not apply to a number of snapshots in {keep}; give a number of days, such \
                 as {days}, or {daily}, {weekly} or {monthly}"
            )));
        }
        Ok(Some(keep))
    }

    /// The maximum age of the newest snapshot.
    pub(super) fn max_age(&self) -> Result<Option<SignedDuration>, Failure> {
        let age = self.max_age.as_deref().map(|age| {
            duration(age).ok_or_else(|| {
                Failure::Usage(format!(
                    "invalid {} {:?}: expected days or hours, such as 2d or 36h",
                    self.written.name("max-age"),
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
