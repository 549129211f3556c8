//! The retention of a folder: no file is removed for a single reason.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use atlas_backup::{Backups, Keep, Manifest, Pick, PullOptions, Pulled, silent, verify};
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pull::{files, pull_with};
use crate::{altered, folder, names};

/// The response to a list of snapshots.
#[derive(Debug, Clone)]
pub(crate) struct List {
    /// The `Date` of the response.
    date: Option<&'static str>,
    /// How many of the oldest snapshots Atlas has deleted.
    pub(crate) deleted: usize,
    /// How many of the newest are not listed either.
    pub(crate) hidden: usize,
    /// The status of all of them, if it is not `COMPLETED`.
    status: Option<&'static str>,
    /// The id of the cluster, if it is not the sandbox's; none if empty.
    pub(crate) cluster_id: Option<&'static str>,
    /// How many unlisted ones the list reports in addition.
    pub(crate) more: usize,
    /// The replacement of the oldest listed one.
    odd: Option<Value>,
}

/// The day after the newest snapshot.
const NOW: &str = "Fri, 09 Jan 2026 12:00:00 GMT";

impl List {
    fn new() -> Self {
        Self {
            date: Some(NOW),
            deleted: 0,
            hidden: 0,
            status: None,
            cluster_id: None,
            more: 0,
            odd: None,
        }
    }
}

pub(crate) struct World {
    server: SandboxServer,
    pub(crate) backups: Backups,
    list: Arc<Mutex<List>>,
    pub(crate) folder: TempDir,
}

impl World {
    /// Eight daily snapshots, all of them in the folder.
    pub(crate) async fn pulled() -> Self {
        let world = Self::new().await;
        assert_eq!(world.pull(PullOptions::default()).await, "TTTTTTTT");
        world
    }

    pub(crate) async fn new() -> Self {
        let server = SandboxServer::start().await.unwrap();
        let list = Arc::new(Mutex::new(List::new()));
        let shared = Arc::clone(&list);
        let backups = altered::backups(&server, move |path, headers, body| {
            if let Some(id) = shared.lock().unwrap().cluster_id
                && path.ends_with(&format!("/flexClusters/{FLEX_CLUSTER}"))
            {
                match id {
                    "" => drop(body.as_object_mut().unwrap().remove("id")),
                    id => body["id"] = json!(id),
                }
            }
            if !path.ends_with("/backup/snapshots") {
                return;
            }
            let list = shared.lock().unwrap();
            headers.remove("date");
            if let Some(date) = list.date {
                headers.insert("date", date.parse().unwrap());
            }
            let results = body["results"].as_array_mut().unwrap();
            results.sort_by_key(|snapshot| snapshot["finishTime"].to_string());
            results.drain(..list.deleted);
            results.truncate(results.len() - list.hidden);
            if let Some(odd) = &list.odd {
                results[0] = odd.clone();
            }
            for snapshot in results.iter_mut().filter(|it| it.is_object()) {
                if let Some(status) = list.status {
                    snapshot["status"] = json!(status);
                }
            }
            let count = body["results"].as_array().unwrap().len();
            body["totalCount"] = json!(count + list.more);
        });
        Self {
            server,
            backups,
            list,
            folder: folder(),
        }
    }

    pub(crate) fn list(&self, change: impl FnOnce(&mut List)) {
        change(&mut self.list.lock().unwrap());
    }

    pub(crate) async fn pull(&self, options: PullOptions) -> String {
        let pulled = pull_with(&self.backups, FLEX_CLUSTER, &self.folder, &options).await;
        pulled.unwrap().0
    }

    /// The number of all restore jobs so far.
    pub(crate) fn jobs(&self) -> usize {
        let cluster = crate::name(FLEX_CLUSTER);
        let project = crate::project();
        self.server.with(|sandbox| {
            sandbox
                .jobs(jiff::Timestamp::now(), project, &cluster)
                .len()
        })
    }

    pub(crate) async fn keeping(&self, keep: &str) -> String {
        self.pull(keep_options(keep)).await
    }

    pub(crate) fn file(&self, place: usize) -> PathBuf {
        self.folder.path().join(&files(&self.folder)[place])
    }
}

fn keep_options(keep: &str) -> PullOptions {
    PullOptions::default().keep(keep.parse::<Keep>().unwrap())
}

/// Overwrites a file with zeros; its length and time are unchanged.
pub(crate) fn damage(file: &Path) {
    let metadata = file.metadata().unwrap();
    let open = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    std::io::Write::write_all(
        &mut &open,
        &vec![0; usize::try_from(metadata.len()).unwrap()],
    )
    .unwrap();
    open.set_modified(metadata.modified().unwrap()).unwrap();
}

pub(crate) fn change_manifest(file: &Path, change: impl FnOnce(&mut Value)) {
    let path = Manifest::path_of(file);
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(path, manifest.to_string()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn snapshots_that_atlas_still_lists_are_never_removed() {
    let world = World::pulled().await;
    assert_eq!(world.keeping("1").await, ".");
    assert_eq!(files(&world.folder).len(), 8);
    world.list(|list| list.deleted = 4);
    assert_eq!(world.keeping("1").await, ".RRRR");
    assert_eq!(files(&world.folder).len(), 4);
    // Whatever their status.
    world.list(|list| {
        list.deleted = 0;
        list.status = Some("FAILED");
    });
    assert_eq!(world.keeping("1").await, "");
    assert_eq!(files(&world.folder).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn days_are_counted_from_the_newest_snapshot_and_a_few_always_stay() {
    let world = World::pulled().await;
    world.list(|list| {
        list.deleted = 7;
        list.date = Some("Sat, 09 Jan 2027 12:00:00 GMT");
    });
    assert_eq!(world.keeping("7d").await, ".");
    let options = keep_options("1d").keep_at_least(4);
    assert_eq!(world.pull(options).await, ".RRRR");
    assert_eq!(world.keeping("1d").await, ".R");
    let options = keep_options("1d").keep_at_least(1);
    assert_eq!(world.pull(options).await, ".R");
    assert_eq!(files(&world.folder).len(), 2, "both are of one day");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_information_removes_nothing() {
    for (keep, change) in [
        (
            "1",
            List {
                deleted: 8,
                ..List::new()
            },
        ),
        (
            "1d",
            List {
                deleted: 8,
                ..List::new()
            },
        ),
        (
            "1",
            List {
                deleted: 7,
                date: None,
                ..List::new()
            },
        ),
        (
            "1d",
            List {
                deleted: 7,
                date: None,
                ..List::new()
            },
        ),
        (
            "1",
            List {
                deleted: 7,
                date: Some("yesterday"),
                ..List::new()
            },
        ),
        (
            "1",
            List {
                deleted: 4,
                status: Some("NEW"),
                ..List::new()
            },
        ),
    ] {
        let world = World::pulled().await;
        world.list(|list| *list = change.clone());
        let pulled = world.keeping(keep).await;
        assert!(!pulled.contains('R'), "{keep} {change:?}: {pulled}");
        assert_eq!(files(&world.folder).len(), 8, "{keep} {change:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_with_a_snapshot_that_cannot_be_read_removes_nothing() {
    for odd in [
        json!(7),
        json!(null),
        json!([]),
        json!({}),
        json!({"id": 7}),
        json!({"id": "odd"}),
    ] {
        let world = World::pulled().await;
        world.list(|list| (list.deleted, list.odd) = (3, Some(odd.clone())));
        let pulled = world.keeping("1").await;
        assert!(!pulled.contains('R'), "{odd}: {pulled}");
        assert_eq!(files(&world.folder).len(), 8, "{odd}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_newest_file_does_not_count_as_kept() {
    let world = World::pulled().await;
    world.list(|list| list.deleted = 7);
    damage(&world.file(7));
    // It is downloaded again first, since Atlas still has it.
    assert_eq!(world.keeping("1").await, "DTRRRRRRR");
    verify(&world.file(0)).unwrap();

    let world = World::pulled().await;
    world.list(|list| list.deleted = 8);
    damage(&world.file(7));
    assert_eq!(world.keeping("1").await, "");
    // Atlas has only old ones; the newest cannot be downloaded any more.
    let world = World::pulled().await;
    world.list(|list| {
        list.deleted = 5;
        list.hidden = 2;
    });
    damage(&world.file(7));
    assert_eq!(world.keeping("1").await, "DF");
    assert_eq!(files(&world.folder).len(), 8);
}

#[tokio::test(start_paused = true)]
async fn files_dated_in_the_future_are_reported_and_neither_count_nor_are_removed() {
    let world = World::pulled().await;
    world.list(|list| list.deleted = 7);
    change_manifest(&world.file(0), |manifest| {
        manifest["taken"] = json!("2099-01-01T00:00:00Z");
    });
    assert_eq!(world.keeping("2").await, ".>RRRRR");
    assert_eq!(world.keeping("1").await, ".>R");
    assert_eq!(world.keeping("1").await, ".>");
    assert_eq!(world.keeping("1d").await, ".>");
    assert_eq!(files(&world.folder).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_dated_in_the_future_is_not_the_latest() {
    let world = World::new().await;
    world.list(|list| list.date = Some("Thu, 01 Jan 2026 12:00:00 GMT"));
    let latest = async || {
        let (project, cluster) = (crate::project(), crate::name(FLEX_CLUSTER));
        let picked = world.backups.pick(project, &cluster, &Pick::Latest).await;
        picked.unwrap().taken.unwrap().to_string()
    };
    assert_eq!(latest().await, "2026-01-01T00:00:00Z");
    world.list(|list| list.date = Some(NOW));
    assert_eq!(latest().await, "2026-01-08T00:00:00Z");
    world.list(|list| list.date = Some("Thu, 01 Jan 1970 12:00:00 GMT"));
    assert_eq!(latest().await, "2026-01-08T00:00:00Z", "there is no other");
}

#[tokio::test(start_paused = true)]
async fn files_that_are_not_ours_or_have_another_name_are_never_removed() {
    let world = World::pulled().await;
    world.list(|list| list.deleted = 7);
    change_manifest(&world.file(0), |manifest| {
        manifest["project"] = json!("32b6e34b3d91647abb20e7ff");
    });
    change_manifest(&world.file(1), |manifest| {
        manifest["cluster"] = json!("Other");
    });
    std::fs::remove_file(Manifest::path_of(&world.file(2))).unwrap();
    let copy = world.folder.path().join("keep me.tgz");
    std::fs::rename(world.file(3), &copy).unwrap();
    let manifest = Manifest::path_of(&copy);
    // The fourth is the third now.
    let gone = names(&world.folder);
    let gone: Vec<_> = gone.iter().filter(|name| name.contains("01-04")).collect();
    std::fs::rename(world.folder.path().join(gone[0]), manifest).unwrap();
    assert_eq!(world.keeping("1").await, ".RRR");
    assert_eq!(files(&world.folder).len(), 5);
    assert!(copy.is_file());
}

#[tokio::test(start_paused = true)]
async fn the_summary_has_the_listed_snapshots_and_the_age_of_the_newest() {
    let world = World::pulled().await;
    let summary = async || {
        let options = PullOptions::default();
        let pulled = pull_with(&world.backups, FLEX_CLUSTER, &world.folder, &options).await;
        let summary = pulled.unwrap().1;
        let newest = summary.newest.map(|newest| newest.to_string());
        (summary.listed, summary.completed, newest)
    };
    let newest = Some("2026-01-08T00:00:00Z".to_owned());
    assert_eq!(summary().await, (8, 8, newest.clone()));
    world.list(|list| list.status = Some("NEW"));
    assert_eq!(summary().await, (8, 0, newest.clone()));
    world.list(|list| list.deleted = 8);
    assert_eq!(summary().await, (0, 0, newest));
}

/// Hours may pass between reading the kept files and removing others.
#[tokio::test(start_paused = true)]
async fn nothing_is_removed_for_a_file_that_changed_since_it_was_read() {
    let world = World::pulled().await;
    world.list(|list| list.deleted = 6);
    let stays = world.file(6);
    std::fs::remove_file(world.file(7)).unwrap();
    let mut removed = 0;
    let report = |pulled| match pulled {
        Pulled::Downloaded { .. } => std::fs::write(&stays, "cut").unwrap(),
        Pulled::Removed { .. } => removed += 1,
        _ => {}
    };
    let (project, cluster) = (crate::project(), crate::name(FLEX_CLUSTER));
    let (folder, options) = (world.folder.path(), keep_options("2"));
    let pulling = world
        .backups
        .pull(project, &cluster, folder, &options, report, silent);
    pulling.await.unwrap();
    assert_eq!(removed, 0);
    // It is downloaded again, since Atlas lists it.
    assert_eq!(world.keeping("2").await, "DT.RRRRRR");
}
