//! The steps of a history.

use proptest::prelude::*;

use super::oracle::Policy;
use super::world::{IDS, SNAPSHOTS};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Gone,
    Completed,
    Queued,
    Failed,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Damage {
    /// Other bytes; length, time and inode are unchanged.
    Silent,
    Zeroed,
    Cut,
    NoFile,
    NoManifest,
    /// The date in the manifest is in the future.
    Future,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    Elsewhere,
    File,
    Manifest,
    Part,
    Journal,
    Waiting,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    List(Vec<(usize, Status)>),
    /// The server's clock, in hours since 1 January 2026; none if it sends no date.
    Clock(Option<i64>),
    /// The cluster is recreated, or never was.
    Cluster(usize),
    FailJobs(u32),
    Damage(usize, Damage),
    Own(usize, Own),
    /// A run, which is killed after a number of polls.
    Pull(Option<Policy>, bool, Option<usize>),
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        6 => Just(Status::Gone),
        3 => Just(Status::Completed),
        1 => Just(Status::Queued),
        1 => Just(Status::Failed),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let count = || prop_oneof![2 => Just(0), 1 => 1..4_usize];
    let days = prop_oneof![2 => Just(0), 1 => 1..60_u32];
    (count(), days, count(), count(), count(), 1..4_usize).prop_map(
        |(last, days, daily, weekly, monthly, at_least)| Policy {
            last,
            days,
            daily,
            weekly,
            monthly,
            at_least,
        },
    )
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let place = 0..SNAPSHOTS;
    let damage = prop_oneof![
        6 => Just(Damage::Silent),
        1 => Just(Damage::Zeroed),
        1 => Just(Damage::Cut),
        1 => Just(Damage::NoFile),
        1 => Just(Damage::NoManifest),
        1 => Just(Damage::Future),
    ];
    let own = prop_oneof![
        Just(Own::Elsewhere),
        Just(Own::File),
        Just(Own::Manifest),
        Just(Own::Part),
        Just(Own::Journal),
        Just(Own::Waiting),
    ];
    let clock = prop_oneof![1 => Just(None), 5 => (0..4000_i64).prop_map(Some)];
    let pull = |kill: BoxedStrategy<Option<usize>>| {
        let policy = proptest::option::weighted(0.8, policy());
        (policy, proptest::bool::weighted(0.1), kill)
            .prop_map(|(policy, verify, kill)| Step::Pull(policy, verify, kill))
    };
    prop_oneof![
        5 => proptest::collection::vec((place.clone(), status()), 1..6).prop_map(Step::List),
        6 => pull(Just(None).boxed()),
        2 => pull((1..150_usize).prop_map(Some).boxed()),
        1 => clock.prop_map(Step::Clock),
        1 => (0..IDS.len()).prop_map(Step::Cluster),
        1 => (1..3_u32).prop_map(Step::FailJobs),
        3 => (place.clone(), damage).prop_map(|(place, damage)| Step::Damage(place, damage)),
        1 => (place, own).prop_map(|(place, own)| Step::Own(place, own)),
    ]
}
