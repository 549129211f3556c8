//! A dry run reports what a run would do, and does none of it.

use std::path::PathBuf;
use std::time::SystemTime;

use atlas_backup::{Keep, PullOptions};
use atlas_sandbox::FLEX_CLUSTER;

use crate::pull::pull_with;
use crate::retention::{World, damage};

/// Every name in the folder, with the file's content and modification time.
fn state(world: &World) -> Vec<(PathBuf, Vec<u8>, SystemTime)> {
    let entries = std::fs::read_dir(world.folder.path()).unwrap();
    let mut state: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let modified = path.metadata().unwrap().modified().unwrap();
            (path.clone(), std::fs::read(path).unwrap(), modified)
        })
        .collect();
    state.sort();
    state
}

fn dry(keep: Option<Keep>) -> PullOptions {
    PullOptions::default().keep(keep).dry_run(true)
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_requests_lists_and_changes_nothing() {
    let world = World::new().await;
    let missing = world.folder.path().join("new");
    let before = (state(&world), world.jobs());
    assert_eq!(world.pull(dry(Some(Keep::last(3)))).await, "ttt");
    assert_eq!((state(&world), world.jobs()), before);
    let silent = atlas_backup::silent;
    let (project, cluster) = (crate::project(), crate::name(FLEX_CLUSTER));
    let options = dry(None);
    let pulling = world
        .backups
        .pull(project, &cluster, &missing, &options, |_| {}, silent);
    assert_eq!(pulling.await.unwrap().completed, 8);
    assert!(!missing.exists());
    assert_eq!(world.jobs(), before.1);

    assert_eq!(world.keeping("8").await, "TTTTTTTT");
    world.list(|list| list.deleted = 6);
    std::fs::remove_file(world.file(7)).unwrap();
    // Leftovers of killed runs are not repaired either.
    std::fs::write(world.file(0).with_extension("tgz.part"), "x").unwrap();
    std::fs::hard_link(world.file(1), world.file(1).with_extension("tgz.part")).unwrap();
    let (before, keep) = (state(&world), Some(Keep::last(2)));
    assert_eq!(world.pull(dry(keep)).await, "r.tmmmmmm");
    assert_eq!(state(&world), before);
    assert_eq!(world.keeping("2").await, ".TRRRRRR");
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_reports_what_would_be_read_and_reads_no_file() {
    let world = World::pulled().await;
    let before = state(&world);
    assert_eq!(world.pull(dry(None).verify(true)).await, "rrrrrrrr........");
    // Another time: the file must be read to find that it is damaged.
    damage(&world.file(2));
    let file = std::fs::File::options()
        .write(true)
        .open(world.file(2))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(world.pull(dry(None)).await, "r........");
    std::fs::write(world.file(3), "cut").unwrap();
    assert_eq!(world.pull(dry(None)).await, "Dr...t....");
    world.list(|list| list.deleted = 7);
    let (pulled, _) = pull_with(
        &world.backups,
        FLEX_CLUSTER,
        &world.folder,
        &dry(Some(Keep::last(1))),
    )
    .await
    .unwrap();
    assert_eq!(pulled, "DFrr.", "nothing is removed while one is damaged");
    assert_eq!(state(&world).len(), before.len());
}
