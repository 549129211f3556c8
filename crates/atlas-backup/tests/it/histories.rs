//! Random histories of a folder: snapshots come and go, clocks jump, jobs and the store fail, files
//! are damaged, runs are killed. Whatever happens,
//!
//! - no sound file of a snapshot is removed that Atlas lists or that the policy keeps;
//! - every file under a final name is sound, or was damaged here;
//! - a file of the user's own is never lost;
//! - a dry run changes nothing and reports correctly;
//! - after a successful run, a second run changes nothing.

mod checks;
mod oracle;
mod steps;
mod world;

use proptest::prelude::*;

use steps::{Step, step};
use world::{SNAPSHOTS, World};

fn cases() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|cases| cases.parse().ok()).unwrap_or(48),
        failure_persistence: None,
        max_shrink_iters: 300,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_happens_no_file_is_lost_that_is_kept(
        hours in proptest::collection::vec(0..2900_i64, SNAPSHOTS),
        store in proptest::collection::btree_set(1..60_u64, 1..9),
        steps in proptest::collection::vec(step(), 3..16),
    ) {
        let mut world = World::new(&hours, &store);
        world.step(Step::Pull(None, false, None));
        for step in steps {
            world.step(step);
        }
    }
}
