//! Clusters that previously had the same name.

use atlas_backup::PullOptions;
use atlas_sandbox::FLEX_CLUSTER;

use crate::pull::{files, pull_with};
use crate::retention::World;

/// A recreated cluster has the name of the old one, but not its id.
#[tokio::test(start_paused = true)]
async fn files_of_an_earlier_cluster_of_the_same_name_are_never_removed() {
    const OTHER: &str = "32b6e34b3d91647abb20e7aa";
    for (before, after) in [
        (None, Some(OTHER)),
        (Some(""), None),
        (Some(""), Some(OTHER)),
    ] {
        let old = World::new().await;
        old.list(|list| {
            list.cluster_id = before;
            list.hidden = 3;
        });
        assert_eq!(old.pull(PullOptions::default()).await, "TTTTT");
        let mut new = World::new().await;
        new.list(|list| {
            list.cluster_id = after;
            list.deleted = 5;
        });
        new.folder = old.folder;
        assert_eq!(new.keeping("3").await, "TTTo");
        assert_eq!(files(&new.folder).len(), 8, "{before:?} {after:?}");
        // Snapshots of the new cluster are removed as usual.
        new.list(|list| list.deleted = 7);
        assert_eq!(new.keeping("1").await, ".oRR");
        assert_eq!(files(&new.folder).len(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn files_of_a_cluster_whose_id_is_never_known_are_removed_as_any() {
    let world = World::new().await;
    world.list(|list| list.cluster_id = Some(""));
    assert_eq!(world.pull(PullOptions::default()).await, "TTTTTTTT");
    world.list(|list| list.deleted = 7);
    assert_eq!(world.keeping("7").await, ".R");
}

#[tokio::test(start_paused = true)]
async fn the_newest_snapshot_is_not_one_of_an_earlier_cluster() {
    let old = World::pulled().await;
    let mut new = World::new().await;
    new.list(|list| {
        list.cluster_id = Some("32b6e34b3d91647abb20e7aa");
        list.deleted = 8;
    });
    new.folder = old.folder;
    let options = PullOptions::default();
    let pulled = pull_with(&new.backups, FLEX_CLUSTER, &new.folder, &options).await;
    assert_eq!(pulled.unwrap().1.newest, None);
}
