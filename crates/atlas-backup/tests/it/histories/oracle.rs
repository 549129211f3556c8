//! The expected content of a folder, computed simply and without the code under test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use sha2::{Digest, Sha256};

/// The rules for kept snapshots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) last: usize,
    pub(super) days: u32,
    pub(super) daily: usize,
    pub(super) weekly: usize,
    pub(super) monthly: usize,
    pub(super) at_least: usize,
}

/// Chooses by comparing each snapshot with all others.
pub(super) fn kept(policy: Policy, set: &BTreeMap<String, Timestamp>) -> BTreeSet<String> {
    let newer = |id: &str, than: &str| (set[id], id) > (set[than], than);
    let others = policy.days > 0 || policy.daily + policy.weekly + policy.monthly > 0;
    let floor = if others || policy.last == 0 {
        policy.at_least.max(1)
    } else {
        1
    };
    let is_kept = |id: &str| {
        let before = set.keys().filter(|other| newer(other, id)).count();
        if before < policy.last.max(floor) {
            return true;
        }
        let newest = set.values().max().copied().unwrap_or_default();
        let age = newest.as_second() - set[id].as_second();
        if policy.days > 0 && age <= i64::from(policy.days) * 86_400 {
            return true;
        }
        let rules: [(usize, PeriodOf); 3] = [
            (policy.daily, |date| date),
            (policy.weekly, monday),
            (policy.monthly, Date::first_of_month),
        ];
        rules.into_iter().any(|(count, period)| {
            let period_of = |id: &str| period(TimeZone::UTC.to_datetime(set[id]).date());
            let own = period_of(id);
            let is_newest = set
                .keys()
                .all(|other| period_of(other) != own || !newer(other, id));
            let later: BTreeSet<Date> = set.keys().map(|other| period_of(other)).collect();
            is_newest && later.into_iter().filter(|it| *it > own).count() < count
        })
    };
    set.keys().filter(|id| is_kept(id)).cloned().collect()
}

/// The first day of a date's period.
type PeriodOf = fn(Date) -> Date;

/// The Monday of a date's week.
fn monday(date: Date) -> Date {
    let days = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(Span::new().days(days)).unwrap()
}

/// The content of a folder: each name and the file's bytes.
pub(super) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

/// The manifest of a file, the waiting one first, if it describes these bytes.
pub(super) fn manifest(
    contents: &BTreeMap<PathBuf, Vec<u8>>,
    file: &Path,
) -> Option<serde_json::Value> {
    let sum = Sha256::digest(&contents[file]);
    let mut sha256 = String::new();
    for byte in sum {
        write!(sha256, "{byte:02x}").unwrap();
    }
    [".json.part", ".json"].into_iter().find_map(|ending| {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        let text = contents.get(Path::new(&path))?;
        let manifest: serde_json::Value = serde_json::from_slice(text).ok()?;
        (manifest["sha256"] == *sha256).then_some(manifest)
    })
}
