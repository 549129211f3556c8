//! A pattern as a value: compared, hashed, ordered and shown by its source.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};

use atlas_pattern::{Pattern, cluster_name, id};

fn find(source: &str) -> Pattern {
    Pattern::find(source).unwrap()
}

#[test]
fn two_patterns_are_equal_if_and_only_if_their_sources_are() {
    let (one, other) = (find(id::SOURCE), find(cluster_name::SOURCE));
    assert!(one == find(id::SOURCE));
    assert!(one != other);
    let state = RandomState::new();
    assert_eq!(state.hash_one(one), state.hash_one(find(id::SOURCE)));
    assert_ne!(state.hash_one(one), state.hash_one(other));
    assert_eq!(
        Pattern::all().collect::<HashSet<_>>().len(),
        Pattern::all().count()
    );
}

#[test]
fn patterns_are_ordered_by_their_sources() {
    let all: Vec<Pattern> = Pattern::all().collect();
    let sources: BTreeSet<&str> = all.iter().map(|one| one.source()).collect();
    assert!(sources.into_iter().eq(all.iter().map(|one| one.source())));
    assert!(all.is_sorted_by(|one, next| one < next));
    assert!(all.is_sorted_by(|one, next| one.cmp(next).is_lt()));
}

#[test]
fn a_pattern_is_shown_by_its_source() {
    let pattern = find(id::SOURCE);
    assert_eq!(pattern.to_string(), "^([a-f0-9]{24})$");
    assert_eq!(format!("{pattern:>18}"), "  ^([a-f0-9]{24})$");
    assert_eq!(format!("{pattern:?}"), r#"Pattern("^([a-f0-9]{24})$")"#);
}
