//! Counts the allocations of reading and validation.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use atlas_benches::{PlainRestore, RESTORE, compact};
use atlas_model::shared::TenantRestore;
use atlas_model::{ClusterName, DeploymentItemName, Payload, ProjectId};
use bytes::Bytes;

#[test]
fn the_documented_response_is_read_with_at_most_four_allocations() {
    let body = Bytes::from(compact::<PlainRestore>(RESTORE));
    let mut restore = None;
    let typed = allocation_counter::measure(|| restore = TenantRestore::read(&body).ok());
    assert!(restore.is_some());
    assert!(typed.count_total <= 4, "{typed:?}");
    let plain = allocation_counter::measure(|| {
        serde_json::from_slice::<PlainRestore>(&body).unwrap();
    });
    assert!(plain.count_total >= 16, "the counter counts: {plain:?}");
}

#[test]
fn an_id_and_a_short_name_are_read_and_printed_without_an_allocation() {
    let seen = allocation_counter::measure(|| {
        let id = ProjectId::parse("32b6e34b3d91647abb20e7b8").unwrap();
        ClusterName::parse("my-cluster-07").unwrap();
        DeploymentItemName::parse("Größe-東京").unwrap();
        assert_eq!(id.to_bytes()[0], 0x32);
    });
    assert_eq!(seen.count_total, 0, "{seen:?}");
    let refused = allocation_counter::measure(|| {
        ProjectId::parse("32B6e34b3d91647abb20e7b8").unwrap_err();
    });
    assert_eq!(
        refused.count_total, 1,
        "an error keeps the text: {refused:?}"
    );
}
