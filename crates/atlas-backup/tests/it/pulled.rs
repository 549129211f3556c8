//! The reports of a pull for each snapshot.

use std::collections::BTreeMap;
use std::path::PathBuf;

use atlas_backup::{Error, Keep, Manifest, PullOptions, Pulled, PulledFile, silent};
use atlas_model::SnapshotId;
use atlas_sandbox::{FLEX_CLUSTER, SHARDED_CLUSTER};
use jiff::Timestamp;

use crate::retention::{World, damage};
use crate::{folder, name, project, world};

type Told = (SnapshotId, Option<Timestamp>, Vec<PulledFile>);

async fn pull(world: &World, options: PullOptions) -> Vec<Pulled> {
    let mut told = Vec::new();
    let cluster = name(FLEX_CLUSTER);
    let (backups, folder) = (&world.backups, world.folder.path());
    let report = |pulled| told.push(pulled);
    let pulling = backups.pull(project(), &cluster, folder, &options, report, silent);
    pulling.await.unwrap();
    told
}

/// The snapshots with a report of one kind.
fn of(told: Vec<Pulled>, kind: impl Fn(Pulled) -> Option<Told>) -> BTreeMap<SnapshotId, Told> {
    let told = told.into_iter().filter_map(kind);
    told.map(|it| (it.0, it)).collect()
}

macro_rules! told {
    ($told:expr, $kind:ident) => {
        of($told, |pulled| match pulled {
            Pulled::$kind {
                snapshot,
                taken,
                files,
                ..
            } => Some((snapshot, taken, files)),
            _ => None,
        })
    };
}

#[tokio::test(start_paused = true)]
async fn the_report_of_a_snapshot_has_its_date_and_files_with_length_and_checksum() {
    let world = World::new().await;
    let taken = told!(pull(&world, PullOptions::default()).await, Downloaded);
    assert_eq!(taken.len(), 8);
    for (id, (_, date, files)) in &taken {
        let [file] = &**files else {
            panic!("{files:?}");
        };
        let manifest = Manifest::read(&file.path).unwrap();
        assert_eq!(manifest.snapshot, *id);
        assert_eq!(date.map(|date| date.to_string()), manifest.taken);
        assert!(date.is_some() && file.shard.is_none());
        assert_eq!(file.bytes, file.path.metadata().unwrap().len());
        assert_eq!(file.sha256, manifest.sha256);
    }
    let there = told!(pull(&world, PullOptions::default()).await, AlreadyPresent);
    assert_eq!(there, taken, "existing files are reported in the same way");

    world.list(|list| list.deleted = 6);
    let keep = PullOptions::default().keep(Some(Keep::last(2)));
    let dry = keep.clone().dry_run(true).verify(true);
    let would_read = told!(pull(&world, dry.clone()).await, WouldRead);
    assert_eq!(would_read, taken);
    let would_remove = told!(pull(&world, dry).await, WouldRemove);
    let removed = told!(pull(&world, keep).await, Removed);
    let oldest: Vec<_> = taken.values().map(|(_, date, _)| *date).collect();
    assert_eq!(removed.len(), 6);
    assert_eq!(would_remove, removed);
    for (id, told) in &removed {
        assert_eq!(told, &taken[id]);
        assert!(oldest.contains(&told.1) && !told.2[0].path.exists());
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_and_a_failure_are_reported_with_date_and_reason() {
    let world = World::pulled().await;
    let file = world.file(0);
    let manifest = Manifest::read(&file).unwrap();
    damage(&file);
    world.list(|list| list.deleted = 1);
    let told = pull(&world, PullOptions::default().verify(true)).await;
    let damaged = told.iter().find_map(|pulled| match pulled {
        Pulled::Damaged {
            snapshot,
            taken,
            file,
            reason,
        } => Some((*snapshot, *taken, file.clone(), reason.clone())),
        _ => None,
    });
    let (snapshot, taken, path, reason): (_, _, PathBuf, _) = damaged.unwrap();
    assert_eq!((snapshot, &path), (manifest.snapshot, &file));
    assert_eq!(taken.map(|taken| taken.to_string()), manifest.taken);
    assert!(reason.starts_with("not a gzip file"), "{reason}");
    let failed = told.iter().find_map(|pulled| match pulled {
        Pulled::Failed { taken, error, .. } => Some((*taken, error)),
        _ => None,
    });
    let (failed, error) = failed.unwrap();
    assert_eq!(failed, taken);
    assert!(matches!(error, Error::Lost { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_files_of_a_sharded_snapshot_name_their_shards() {
    let (_server, backups) = world().await;
    let folder = folder();
    let mut told = Vec::new();
    let cluster = name(SHARDED_CLUSTER);
    let options = PullOptions::default();
    let report = |pulled| told.push(pulled);
    let pulling = backups.pull(project(), &cluster, folder.path(), &options, report, silent);
    pulling.await.unwrap();
    let Some(Pulled::Downloaded { files, bytes, .. }) = told.pop() else {
        panic!("{told:?}");
    };
    let shards: Vec<_> = files.iter().map(|file| file.shard.as_deref()).collect();
    assert_eq!(shards, [Some("Sharded0-shard-0"), Some("Sharded0-shard-1")]);
    assert_eq!(files.iter().map(|file| file.bytes).sum::<u64>(), bytes);
}
