//! Snapshots that Atlas no longer lists, and incomplete lists.

use atlas_backup::{Error, Manifest, PullOptions, Pulled, silent};
use atlas_sandbox::FLEX_CLUSTER;

use crate::pull::files;
use crate::retention::World;
use crate::{name, project};

#[tokio::test(start_paused = true)]
async fn a_list_with_fewer_items_than_it_reports_removes_nothing() {
    let world = World::pulled().await;
    world.list(|list| (list.deleted, list.more) = (7, 1));
    assert_eq!(world.keeping("1").await, ".");
    assert_eq!(files(&world.folder).len(), 8);
    world.list(|list| list.more = 0);
    assert_eq!(world.keeping("1").await, ".RRRRRRR");
}

#[tokio::test(start_paused = true)]
async fn a_missing_file_is_reported_once_it_cannot_be_downloaded_again() {
    let world = World::pulled().await;
    let file = world.file(0);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.pull(PullOptions::default()).await, "T.......");
    std::fs::remove_file(&file).unwrap();
    world.list(|list| list.deleted = 1);
    for _ in 0..2 {
        let mut errors = Vec::new();
        let report = |pulled| {
            if let Pulled::Failed { error, .. } = pulled {
                errors.push(error);
            }
        };
        let (cluster, options) = (name(FLEX_CLUSTER), PullOptions::default());
        let folder = world.folder.path();
        let pulling = world
            .backups
            .pull(project(), &cluster, folder, &options, report, silent);
        pulling.await.unwrap();
        assert!(
            matches!(&errors[..], [Error::Gone { path }] if *path == file),
            "{errors:?}"
        );
    }
    assert!(Manifest::path_of(&file).exists());
    // It is not wanted: a run was killed while it removed the snapshot.
    assert_eq!(world.keeping("7").await, ".......");
    assert!(!Manifest::path_of(&file).exists());
}

/// Version 0.1 did not record the id of the cluster.
#[tokio::test(start_paused = true)]
async fn files_without_the_id_of_their_cluster_count_as_long_as_atlas_lists_them() {
    let world = World::pulled().await;
    for place in 0..8 {
        crate::retention::change_manifest(&world.file(place), |manifest| {
            for field in ["cluster_id", "format"] {
                manifest.as_object_mut().unwrap().remove(field);
            }
        });
    }
    world.list(|list| list.deleted = 2);
    assert_eq!(world.keeping("6").await, "......o");
    assert_eq!(
        files(&world.folder).len(),
        8,
        "two may be of another cluster"
    );
}
