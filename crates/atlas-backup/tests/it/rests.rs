//! What a run leaves that is killed while it removes a snapshot of two files: the next one removes
//! the rest, also after a run that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atlas_backup::{Backups, Keep, Manifest, PullOptions};
use atlas_sandbox::{ClusterKind, SandboxServer};
use serde_json::Value;

use crate::pull::{files, pull_with};
use crate::{altered, folder, name, project};

const TWO: &str = "Two";
const NOW: &str = "Fri, 09 Jan 2026 12:00:00 GMT";
const OLD: &str = "32b6e34b3d91647abb20e7a1";

/// A cluster of two shards, and whether Atlas no longer lists its oldest snapshot.
struct World {
    server: SandboxServer,
    backups: Backups,
    is_deleted: Arc<AtomicBool>,
}

impl World {
    async fn new() -> Self {
        let server = SandboxServer::start().await.unwrap();
        let shards = ClusterKind::Sharded { shards: 2 };
        server.with(|sandbox| sandbox.add_cluster(project(), name(TWO), shards));
        let is_deleted = Arc::new(AtomicBool::new(false));
        let deleted = Arc::clone(&is_deleted);
        let backups = altered::backups(&server, move |path, headers, body| {
            if !path.ends_with("/backup/snapshots/shardedClusters") {
                return;
            }
            headers.insert("date", NOW.parse().unwrap());
            if deleted.load(Ordering::Relaxed) {
                let results = body["results"].as_array_mut().unwrap();
                results.retain(|snapshot| snapshot["id"] != OLD);
                body["totalCount"] = results.len().into();
            }
        });
        let world = Self {
            server,
            backups,
            is_deleted,
        };
        world.add(1);
        world.add(2);
        world
    }

    /// Adds a snapshot of a day in January.
    fn add(&self, day: u64) {
        let id = format!("32b6e34b3d91647abb20e7a{day}").parse().unwrap();
        let finished = format!("2026-01-0{day}T00:00:00Z").parse().unwrap();
        self.server.with(|sandbox| {
            sandbox.add_snapshot_at(project(), &name(TWO), id, 1000, finished);
        });
    }

    fn delete_oldest(&self) {
        self.is_deleted.store(true, Ordering::Relaxed);
    }

    /// Lets the next run fail for a new snapshot.
    fn fail_once(&self) {
        self.add(3);
        self.server.with(|sandbox| sandbox.fail_next_jobs(1));
    }
}

/// Options with short waits for the jobs, for a clock that is not paused.
fn all() -> PullOptions {
    let mut options = PullOptions::default();
    options.download.wait.first = Duration::from_millis(50);
    options
}

fn keeping_one() -> PullOptions {
    let keep = "1".parse::<Keep>().unwrap();
    all().keep(keep).keep_at_least(1)
}

#[tokio::test(start_paused = true)]
async fn the_rest_in_a_folder_is_removed_after_a_run_that_failed() {
    let (world, folder) = (World::new().await, folder());
    let pull = async |options: &PullOptions| {
        let pulled = pull_with(&world.backups, TWO, &folder, options).await;
        pulled.unwrap().0
    };
    assert_eq!(pull(&all()).await, "TT");
    world.delete_oldest();
    // Killed after the first of two files.
    let catalogue = folder.path().join("catalogue.json");
    let text = std::fs::read_to_string(&catalogue).unwrap();
    let mut listed: Vec<Value> = serde_json::from_str(&text).unwrap();
    listed.retain(|entry| entry["snapshot"] != OLD);
    std::fs::write(&catalogue, serde_json::to_string(&listed).unwrap()).unwrap();
    let mut of_old = files(&folder).into_iter();
    let of_old = of_old.find(|name| name.contains(OLD)).unwrap();
    let of_old = folder.path().join(of_old);
    std::fs::remove_file(&of_old).unwrap();
    std::fs::remove_file(Manifest::path_of(&of_old)).unwrap();

    world.fail_once();
    assert_eq!(pull(&keeping_one()).await, "F");
    assert_eq!(pull(&keeping_one().dry_run(true)).await, "tm");
    assert_eq!(pull(&keeping_one()).await, "TR");
    assert!(!files(&folder).iter().any(|name| name.contains(OLD)));
}

#[cfg(feature = "object-store")]
mod in_a_store {
    use std::collections::BTreeSet;

    use atlas_backup::{Pulled, StoreFolder, silent};
    use http::Method;
    use tokio::sync::Notify;

    use super::*;
    use crate::s3::{Instead, S3, scripted};

    async fn pull(world: &World, s3: &S3, options: &PullOptions) -> Vec<Pulled> {
        let mut told = Vec::new();
        let folder = StoreFolder::new("s3://bucket/f", s3.settings()).unwrap();
        let (cluster, report) = (name(TWO), |pulled| told.push(pulled));
        let pulling =
            world
                .backups
                .pull_to_store(project(), &cluster, &folder, options, report, silent);
        pulling.await.unwrap();
        told
    }

    fn of_old(s3: &S3) -> BTreeSet<String> {
        let paths = s3.paths().into_iter();
        paths.filter(|path| path.contains(OLD)).collect()
    }

    #[tokio::test]
    async fn the_rest_is_removed_by_the_next_run_at_whatever_object_one_was_killed() {
        for at in 1..=4 {
            let world = World::new().await;
            let (killed, mut removed) = (Arc::new(Notify::new()), 0);
            let kill = Arc::clone(&killed);
            let s3 = scripted(move |asked, _| {
                if asked.method != Method::DELETE
                    || !asked.path.contains(OLD)
                    || asked.path.ends_with("part")
                {
                    return Instead::Nothing;
                }
                removed += 1;
                if removed != at {
                    return Instead::Nothing;
                }
                kill.notify_one();
                Instead::After(Box::pin(std::future::pending()))
            })
            .await;
            pull(&world, &s3, &all()).await;
            assert_eq!(of_old(&s3).len(), 4);
            world.delete_oldest();
            let options = keeping_one();
            tokio::select! {
                told = pull(&world, &s3, &options) => panic!("{told:?}"),
                () = killed.notified() => {}
            }
            assert_eq!(of_old(&s3).len(), 5 - at);

            world.fail_once();
            let failed = pull(&world, &s3, &keeping_one()).await;
            assert!(failed.iter().any(|it| matches!(it, Pulled::Failed { .. })));
            let files = of_old(&s3);
            let is_file = |path: &String| !path.ends_with("json");
            let told = pull(&world, &s3, &keeping_one().dry_run(true)).await;
            let is_removal = |it: &Pulled| matches!(it, Pulled::WouldRemove { .. });
            assert_eq!(
                told.iter().any(is_removal),
                files.iter().any(is_file),
                "{at}"
            );
            pull(&world, &s3, &keeping_one()).await;
            assert_eq!(of_old(&s3), BTreeSet::new(), "{at}");
        }
    }

    /// Another run may be storing the missing objects: its lease protects the others.
    #[tokio::test]
    async fn the_rest_of_a_snapshot_with_a_lease_stays_until_the_lease_is_gone() {
        let world = World::new().await;
        let s3 = scripted(|_, _| Instead::Nothing).await;
        pull(&world, &s3, &all()).await;
        world.delete_oldest();
        let shard = of_old(&s3).into_iter().find(|path| path.ends_with("0.tgz"));
        let shard = shard.unwrap();
        s3.remove(&shard);
        s3.remove(&format!("{shard}.json"));
        let lease = shard.replace("-Two-shard-0.tgz", ".tgz.part");
        s3.put(&lease, "a lease");
        pull(&world, &s3, &keeping_one()).await;
        assert_eq!(of_old(&s3).len(), 3, "a file, its manifest and the lease");

        s3.remove(&lease);
        pull(&world, &s3, &keeping_one()).await;
        assert_eq!(of_old(&s3), BTreeSet::new());
    }
}
