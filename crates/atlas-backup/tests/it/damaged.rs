//! A folder with changed files, or with files of other programs.

use std::path::Path;
use std::time::SystemTime;

use atlas_backup::{Error, Manifest, PullOptions, verify};
use atlas_sandbox::{FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};

use crate::pull::{files, pull_with};
use crate::retention::{World, change_manifest, damage};
use crate::{altered, folder, names};

#[tokio::test(start_paused = true)]
async fn a_file_that_changed_is_read_and_a_damaged_one_is_downloaded_again() {
    let world = World::pulled().await;
    let file = world.file(3);
    // Only its time changed: it is read once, and its manifest updated.
    let touch = |file: &Path| {
        let open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
        open.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    };
    let manifest = Manifest::read(&file).unwrap();
    touch(&file);
    assert_eq!(world.pull(PullOptions::default()).await, "........");
    let newer = Manifest::read(&file).unwrap();
    assert!(newer.modified != manifest.modified && newer.sha256 == manifest.sha256);

    damage(&file);
    touch(&world.file(4));
    assert_eq!(
        world.pull(PullOptions::default()).await,
        "........",
        "cheap"
    );
    let options = PullOptions::default().verify(true);
    assert_eq!(world.pull(options.clone()).await, "D...T....");
    assert_eq!(world.pull(options).await, "........");
    verify(&file).unwrap();

    std::fs::write(&file, vec![0; usize::try_from(manifest.bytes).unwrap()]).unwrap();
    assert_eq!(world.pull(PullOptions::default()).await, "D...T....");
    verify(&file).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_of_the_users_in_the_place_of_a_lost_one_is_renamed_and_an_empty_one_is_replaced() {
    let world = World::pulled().await;
    let file = world.file(3);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "precious").unwrap();
    assert_eq!(world.pull(PullOptions::default()).await, "D...T....");
    verify(&file).unwrap();
    let renamed = format!("{}.old1", file.display());
    assert_eq!(std::fs::read(&renamed).unwrap(), b"precious");
    std::fs::remove_file(&renamed).unwrap();

    std::fs::write(&file, "").unwrap();
    assert_eq!(world.pull(PullOptions::default()).await, "D...T....");
    verify(&file).unwrap();
    assert!(!Path::new(&renamed).exists());
}

#[tokio::test(start_paused = true)]
async fn a_manifest_of_version_0_1_is_verified_once() {
    let world = World::pulled().await;
    let old = |file: &Path| {
        change_manifest(file, |manifest| {
            let manifest = manifest.as_object_mut().unwrap();
            manifest.remove("modified");
            manifest.remove("inode");
        });
    };
    old(&world.file(0));
    old(&world.file(1));
    damage(&world.file(1));
    assert_eq!(world.pull(PullOptions::default()).await, "D.T......");
    assert!(Manifest::read(&world.file(0)).unwrap().modified.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_that_atlas_no_longer_has_is_a_failure_and_stays() {
    let world = World::pulled().await;
    world.list(|list| list.deleted = 1);
    let file = world.file(0);
    std::fs::write(&file, "damaged").unwrap();
    assert_eq!(world.keeping("1").await, "DF.");
    assert_eq!(std::fs::read(&file).unwrap(), b"damaged");
    assert_eq!(files(&world.folder).len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_shard_is_downloaded_again() {
    let server = SandboxServer::start().await.unwrap();
    let backups = altered::backups(&server, |_, _, _| {});
    let folder = folder();
    let options = PullOptions::default();
    let pull = async || {
        let pulled = pull_with(&backups, SHARDED_CLUSTER, &folder, &options).await;
        pulled.unwrap().0
    };
    assert_eq!(pull().await, "T");
    let shard = folder.path().join(&files(&folder)[1]);
    let length = usize::try_from(shard.metadata().unwrap().len()).unwrap();
    std::fs::write(&shard, vec![0; length]).unwrap();
    assert_eq!(pull().await, "DT");
    verify(&shard).unwrap();
    assert_eq!(
        names(&folder).len(),
        6,
        "the files, manifests, catalogue and lock"
    );

    // A file of the user's in the place of a lost shard.
    std::fs::remove_file(&shard).unwrap();
    std::fs::write(&shard, "precious").unwrap();
    assert_eq!(pull().await, "DT");
    verify(&shard).unwrap();
    let renamed = format!("{}.old1", shard.display());
    assert_eq!(std::fs::read(renamed).unwrap(), b"precious");
}

#[tokio::test(start_paused = true)]
async fn a_catalogue_or_a_lock_of_another_program_is_left_alone() {
    let world = World::new().await;
    let path = |name: &str| world.folder.path().join(name);
    for text in ["{\"my\": \"data\"}", "[{\"file\": \"x\"}]", "text"] {
        std::fs::write(path("catalogue.json"), text).unwrap();
        let options = PullOptions::default();
        let pulled = pull_with(&world.backups, FLEX_CLUSTER, &world.folder, &options).await;
        assert!(matches!(pulled, Err(Error::Foreign { .. })), "{pulled:?}");
        assert_eq!(names(&world.folder), ["catalogue.json"]);
        assert_eq!(
            std::fs::read_to_string(path("catalogue.json")).unwrap(),
            text
        );
    }
    // An empty file is taken over: version 0.1 wrote such a catalogue for an empty folder.
    for text in ["", "[]", "[]\n"] {
        std::fs::write(path("catalogue.json"), text).unwrap();
        let options = PullOptions::default().dry_run(true);
        let pulled = pull_with(&world.backups, FLEX_CLUSTER, &world.folder, &options).await;
        assert!(pulled.is_ok(), "{text:?}: {pulled:?}");
    }
    std::fs::remove_file(path("catalogue.json")).unwrap();
    std::fs::write(path(".lock"), "precious").unwrap();
    world.pull(PullOptions::default()).await;
    assert_eq!(std::fs::read(path(".lock")).unwrap(), b"precious");
    #[cfg(unix)]
    {
        std::fs::write(path("victim"), "precious").unwrap();
        std::fs::remove_file(path(".lock")).unwrap();
        std::os::unix::fs::symlink("victim", path(".lock")).unwrap();
        let options = PullOptions::default();
        let pulled = pull_with(&world.backups, FLEX_CLUSTER, &world.folder, &options).await;
        assert!(matches!(pulled, Err(Error::File { .. })), "{pulled:?}");
    }
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_file_that_was_moved_and_linked_is_found_and_never_removed() {
    let world = World::pulled().await;
    let elsewhere = folder();
    let (file, moved) = (world.file(0), elsewhere.path().join("moved"));
    std::fs::rename(&file, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &file).unwrap();
    assert_eq!(world.pull(PullOptions::default()).await, "........");
    world.list(|list| list.deleted = 7);
    assert_eq!(world.keeping("1").await, ".RRRRRR");
    assert!(file.is_file() && moved.is_file());
}
