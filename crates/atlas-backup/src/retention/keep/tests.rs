//! Tests of the retention rules and their text form.

use proptest::prelude::*;

use super::*;

/// The snapshots that are not kept.
fn beyond(keep: Keep, at_least: usize, days: &[i64]) -> Vec<i64> {
    let at = |day: &i64| Timestamp::from_second(day * 86_400).unwrap();
    let taken: Vec<_> = days.iter().map(at).collect();
    let kept = keep.kept(at_least, &taken);
    let beyond = days.iter().zip(kept).filter(|(_, kept)| *kept == Kept::No);
    beyond.map(|(day, _)| *day).collect()
}

#[test]
fn the_newest_are_always_kept_and_days_count_from_the_newest() {
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

/// Which of these times, newest first, are not kept.
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
fn the_minimum_applies_to_every_rule_except_last() {
    let days = [99, 98, 90, 1];
    assert_eq!(beyond(Keep::last(1), 3, &days), [98, 90, 1]);
    assert_eq!(beyond(Keep::last(1).daily(1), 3, &days), [1]);
    assert_eq!(beyond(Keep::new().weekly(1), 3, &days), [1]);
}

#[test]
fn invalid_rules_are_refused_and_valid_ones_are_written_as_they_are_read() {
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
    (count(), days, count(), count(), count()).prop_map(|(last, days, daily, weekly, monthly)| {
        Keep {
            last,
            days,
            daily,
            weekly,
            monthly,
        }
    })
}

proptest! {
    /// So a second run has nothing to do, whether the snapshots that are not kept were removed or
    /// stay because Atlas lists them.
    #[test]
    fn removing_snapshots_that_are_not_kept_changes_no_choice(
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
