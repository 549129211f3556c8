//! The frequency and the retention of a rule.

use clap::{Args, ValueEnum};

/// The unit of a retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unit {
    Days,
    Weeks,
    Months,
    Years,
}

/// How often scheduled snapshots are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Frequency {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// A value as Atlas spells it.
pub(super) fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// How long snapshots are kept.
#[derive(Debug, Args)]
pub(super) struct Kept {
    /// Unit of the retention
    #[arg(long = "retentionUnit", value_name = "UNIT", value_enum)]
    pub(super) unit: Unit,
    /// Number of units that snapshots are kept
    #[arg(long = "retentionValue", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) value: u32,
}

impl Kept {
    pub(super) fn unit(&self) -> String {
        name(&self.unit)
    }
}
