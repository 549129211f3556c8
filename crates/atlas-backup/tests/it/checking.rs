//! Progress reports while existing files are read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use atlas_backup::{Event, Keep, PullOptions, verify_with};
use atlas_sandbox::{ClusterKind, FLEX_CLUSTER, SHARDED_CLUSTER};

use crate::retention::World;
use crate::{folder, latest, name, project, quietly, world};

/// How much of each file was read, and its length.
#[derive(Debug, Default)]
pub(crate) struct Checks(pub(crate) BTreeMap<PathBuf, (Vec<u64>, u64)>);

impl Checks {
    pub(crate) fn take(&mut self, event: Event) {
        if let Event::Checking { path, read, length } = event {
            let (reads, known) = self.0.entry(path).or_default();
            assert!(reads.is_empty() == (read == 0), "{read}");
            reads.push(read);
            *known = length;
        }
    }

    /// The files that were read to their ends.
    pub(crate) fn whole(self) -> Vec<PathBuf> {
        for (path, (reads, length)) in &self.0 {
            assert!(
                reads.is_sorted() && reads.last() == Some(length),
                "{}: {reads:?}",
                path.display()
            );
        }
        self.0.into_keys().collect()
    }
}

async fn pull(world: &World, options: PullOptions) -> Vec<PathBuf> {
    let mut checks = Checks::default();
    let (cluster, folder) = (name(FLEX_CLUSTER), world.folder.path());
    let show = |event| checks.take(event);
    let pulling = world
        .backups
        .pull(project(), &cluster, folder, &options, |_| {}, show);
    pulling.await.unwrap();
    checks.whole()
}

fn touch(file: &PathBuf) {
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pull_reports_each_file_that_it_reads_and_the_progress() {
    let world = World::pulled().await;
    let files: Vec<_> = (0..8).map(|place| world.file(place)).collect();
    let unchanged = pull(&world, PullOptions::default()).await;
    assert_eq!(unchanged, [""; 0].map(PathBuf::from));
    assert_eq!(
        pull(&world, PullOptions::default().verify(true)).await,
        files
    );
    touch(&files[3]);
    let changed = pull(&world, PullOptions::default()).await;
    assert_eq!(changed, files[3..4]);
    // Those that are kept instead of the removed ones.
    world.list(|list| list.deleted = 6);
    let keep = PullOptions::default()
        .keep(Some(Keep::last(2)))
        .keep_at_least(2);
    assert_eq!(pull(&world, keep).await, files[6..]);
}

#[tokio::test(start_paused = true)]
async fn a_download_reports_the_shard_that_it_reads_again() {
    let (_server, backups) = world().await;
    let folder = folder();
    let saved = quietly(&backups, SHARDED_CLUSTER, &folder).await.unwrap();
    touch(&saved[0].path);
    std::fs::remove_file(&saved[1].path).unwrap();
    let mut checks = Checks::default();
    let again = latest(&backups, SHARDED_CLUSTER, &folder, |event| {
        checks.take(event);
    })
    .await;
    assert_eq!(again.unwrap().len(), 2);
    assert_eq!(checks.whole(), [saved[0].path.clone()]);
}

#[tokio::test(start_paused = true)]
async fn a_verification_reports_the_length_first_and_then_its_progress_up_to_the_end() {
    let (server, backups) = world().await;
    server.with(|sandbox| {
        let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
        sandbox.add_cluster(project(), name("Large"), ClusterKind::Flex);
        sandbox.add_snapshot(project(), &name("Large"), snapshot, 20 << 20);
    });
    for (cluster, steps) in [("Large", 3), (FLEX_CLUSTER, 1)] {
        let folder = folder();
        let saved = quietly(&backups, cluster, &folder).await.unwrap();
        let path = &saved[0].path;
        let bytes = saved[0].manifest.bytes;
        for has_manifest in [true, false] {
            if !has_manifest {
                std::fs::remove_file(folder.path().join("s.tgz.json")).unwrap();
            }
            let mut events = Vec::new();
            verify_with(path, |event| events.push(event)).unwrap();
            let first = Event::Started {
                length: Some(bytes),
                resumed: 0,
            };
            assert_eq!(events.remove(0), first);
            let mut last = 0;
            assert_eq!(events.len(), steps, "{events:?}");
            for event in &events {
                let Event::Verified { verified, length } = event else {
                    panic!("{event:?}");
                };
                let is_step = verified - last >= 8 << 20 || *verified == bytes;
                assert!(is_step && *length == Some(bytes), "{events:?}");
                last = *verified;
            }
            assert_eq!(last, bytes);
        }
    }
}
