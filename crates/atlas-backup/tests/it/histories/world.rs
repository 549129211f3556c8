//! A sandbox with responses that a history changes, and a folder that is pulled into.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use atlas_backup::{Backups, DownloadOptions, Keep, PullOptions, Pulled, silent};
use atlas_model::{ClusterName, SnapshotId};
use atlas_sandbox::{ClusterKind, FaultPlan, Sandbox, SandboxServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::oracle::{Policy, contents};
use super::steps::{Damage, Own, Status, Step};
use crate::{altered, project};

pub(super) const CLUSTER: &str = "History";
/// The successive ids of the cluster.
pub(super) const IDS: [&str; 2] = ["32b6e34b3d91647abb20e7a1", "32b6e34b3d91647abb20e7a2"];
/// The number of snapshots of a history.
pub(super) const SNAPSHOTS: usize = 9;

fn first() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// The state of Atlas.
pub(super) struct Answers {
    pub(super) status: Vec<Status>,
    pub(super) date: Option<Timestamp>,
    pub(super) cluster: usize,
}

pub(super) struct World {
    _runtime: Runtime,
    server: SandboxServer,
    backups: Backups,
    pub(super) answers: Arc<Mutex<Answers>>,
    folder: TempDir,
    pub(super) snapshots: Vec<(String, Timestamp, Vec<u8>)>,
    /// The bytes written here into files of the program.
    pub(super) damage: BTreeSet<Vec<u8>>,
    /// The bytes written here into files of the user.
    pub(super) precious: Vec<Vec<u8>>,
}

impl World {
    /// `hours`: when each snapshot was taken. `store`: the requests to the store that fail.
    pub(super) fn new(hours: &[i64], store: &BTreeSet<u64>) -> Self {
        let cluster: ClusterName = CLUSTER.parse().unwrap();
        let mut sandbox = Sandbox::new();
        sandbox.add_cluster(project(), cluster.clone(), ClusterKind::Flex);
        let mut snapshots = Vec::new();
        for (place, hours) in hours.iter().enumerate() {
            let id = format!("32b6e34b3d91647abb20e7{place:02x}");
            let taken = first() + SignedDuration::from_hours(*hours);
            let (snapshot, size): (SnapshotId, _) = (id.parse().unwrap(), 10 + place as u64);
            sandbox.add_snapshot_at(project(), &cluster, snapshot, size, taken);
            let file = sandbox.snapshot_file(project(), &cluster, snapshot);
            snapshots.push((id, taken, file.unwrap().to_vec()));
        }
        let faults = json!([{"path": "/sandbox-store/", "nth": store,
                             "do": {"status": {"status": 503}}}]);
        let faults = FaultPlan::from_json(&faults.to_string()).unwrap();
        let server = SandboxServer::builder(sandbox).faults(faults);
        let runtime = runtime();
        let server = runtime.block_on(server.start()).unwrap();
        let answers = Arc::new(Mutex::new(Answers {
            status: vec![Status::Completed; hours.len()],
            date: Some(first() + SignedDuration::from_hours(3000)),
            cluster: 0,
        }));
        let shared = Arc::clone(&answers);
        let known: Vec<String> = snapshots.iter().map(|(id, ..)| id.clone()).collect();
        let backups = altered::backups(&server, move |path, headers, body| {
            let answers = shared.lock().unwrap();
            if path.ends_with(&format!("/flexClusters/{CLUSTER}")) {
                body["id"] = json!(IDS[answers.cluster]);
            }
            if !path.ends_with("/backup/snapshots") {
                return;
            }
            headers.remove("date");
            if let Some(date) = answers.date {
                let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                headers.insert("date", date.parse().unwrap());
            }
            let results = body["results"].as_array_mut().unwrap();
            let mut left = Vec::new();
            for mut snapshot in std::mem::take(results) {
                let place = known.iter().position(|id| snapshot["id"] == **id).unwrap();
                match answers.status[place] {
                    Status::Gone => continue,
                    Status::Completed => {}
                    Status::Queued => snapshot["status"] = json!("QUEUED"),
                    Status::Failed => snapshot["status"] = json!("FAILED"),
                }
                left.push(snapshot);
            }
            body["totalCount"] = json!(left.len());
            body["results"] = Value::Array(left);
        });
        Self {
            _runtime: runtime,
            server,
            backups,
            answers,
            folder: crate::folder(),
            snapshots,
            damage: BTreeSet::new(),
            precious: Vec::new(),
        }
    }

    pub(super) fn status(&self, place: usize) -> Status {
        self.answers.lock().unwrap().status[place]
    }

    /// The name that the program gives to the file of a snapshot.
    pub(super) fn given(&self, place: usize) -> PathBuf {
        let (id, taken, _) = &self.snapshots[place];
        let taken = taken.strftime("%Y-%m-%dT%H%M%SZ");
        self.folder.path().join(format!("{taken}-{id}.tgz"))
    }

    fn beside(&self, place: usize, ending: &str) -> PathBuf {
        let mut path = self.given(place).into_os_string();
        path.push(ending);
        path.into()
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::List(changes) => {
                let mut answers = self.answers.lock().unwrap();
                for (place, status) in changes {
                    answers.status[place] = status;
                }
            }
            Step::Clock(hours) => {
                let date = hours.map(|hours| first() + SignedDuration::from_hours(hours));
                self.answers.lock().unwrap().date = date;
            }
            Step::Cluster(number) => self.answers.lock().unwrap().cluster = number,
            Step::FailJobs(jobs) => self.server.with(|sandbox| sandbox.fail_next_jobs(jobs)),
            Step::Damage(place, damage) => self.damage(place, damage),
            Step::Own(place, own) => self.put_own(place, own),
            Step::Pull(policy, verify, kill) => self.pull(policy, verify, kill),
        }
    }

    fn damage(&mut self, place: usize, damage: Damage) {
        let file = self.given(place);
        let Ok(bytes) = std::fs::read(&file) else {
            return;
        };
        if self.precious.contains(&bytes) {
            return;
        }
        let manifest = self.beside(place, ".json");
        match damage {
            Damage::Silent => {
                self.damage.insert(vec![0; bytes.len()]);
                crate::retention::damage(&file);
            }
            Damage::Zeroed | Damage::Cut => {
                let length = if matches!(damage, Damage::Cut) {
                    5
                } else {
                    bytes.len()
                };
                self.damage.insert(vec![0; length]);
                std::fs::write(&file, vec![0; length]).unwrap();
                let open = std::fs::File::options().write(true).open(&file).unwrap();
                open.set_modified(SystemTime::UNIX_EPOCH).unwrap();
            }
            Damage::NoFile => std::fs::remove_file(&file).unwrap(),
            Damage::NoManifest | Damage::Future => {
                let Ok(text) = std::fs::read(&manifest) else {
                    return;
                };
                let Ok(mut json) = serde_json::from_slice::<Value>(&text) else {
                    return;
                };
                if json["sha256"].is_null() {
                    return;
                }
                if matches!(damage, Damage::Future) {
                    json["taken"] = json!("2099-01-01T00:00:00Z");
                    std::fs::write(manifest, json.to_string()).unwrap();
                } else {
                    std::fs::remove_file(manifest).unwrap();
                }
            }
        }
    }

    fn put_own(&mut self, place: usize, own: Own) {
        let path = match own {
            Own::Elsewhere => self.folder.path().join(format!("own{place}.tgz")),
            Own::File => self.given(place),
            Own::Manifest => self.beside(place, ".json"),
            Own::Part => self.beside(place, ".part"),
            Own::Journal => self.beside(place, ".part.json"),
            Own::Waiting => self.beside(place, ".json.part"),
        };
        if !path.exists() {
            let text = format!("{{\"precious\": {}}}", self.precious.len()).into_bytes();
            std::fs::write(path, &text).unwrap();
            self.precious.push(text);
        }
    }

    /// Runs a pull, or the start of one; returns the reports if it ended.
    fn run(&self, options: &PullOptions, kill: Option<usize>) -> Option<Vec<(char, String)>> {
        let mut told = Vec::new();
        let report = |pulled: Pulled| {
            told.push(match pulled {
                Pulled::Downloaded { snapshot, .. } => ('T', snapshot.to_string()),
                Pulled::Removed { snapshot, .. } => ('R', snapshot.to_string()),
                Pulled::WouldDownload { snapshot, .. } => ('t', snapshot.to_string()),
                Pulled::WouldRemove { snapshot, .. } => ('r', snapshot.to_string()),
                Pulled::Failed { snapshot, .. } => ('F', snapshot.to_string()),
                Pulled::Damaged { snapshot, .. } => ('D', snapshot.to_string()),
                _ => ('.', String::new()),
            });
        };
        let cluster: ClusterName = CLUSTER.parse().unwrap();
        let folder = self.folder.path();
        let pulling = self
            .backups
            .pull(project(), &cluster, folder, options, report, silent);
        let polled = async {
            let mut pulling = pin!(pulling);
            let mut polls = 0;
            let polled = poll_fn(|context| {
                polls += 1;
                match pulling.as_mut().poll(context) {
                    Poll::Pending if Some(polls) == kill => Poll::Ready(None),
                    polled => polled.map(Some),
                }
            });
            polled.await
        };
        // A separate runtime, which ends when all its work on files has.
        let ended = runtime().block_on(polled);
        if let Err(error) = ended? {
            // The store was down for longer than patience lasted.
            assert!(error.is_transient(), "{error:?}");
            told.push(('F', String::new()));
        }
        told.sort_unstable();
        Some(told)
    }

    fn pull(&mut self, policy: Option<Policy>, verify: bool, kill: Option<usize>) {
        let download = DownloadOptions::default().patience(Duration::ZERO);
        let mut options = PullOptions::default().verify(verify).download(download);
        if let Some(policy) = policy {
            let keep = if policy.last > 0 {
                Keep::last(policy.last)
            } else {
                Keep::new()
            };
            let mut keep = keep
                .daily(policy.daily)
                .weekly(policy.weekly)
                .monthly(policy.monthly);
            keep.days = policy.days;
            options = options.keep(keep).keep_at_least(policy.at_least);
        }
        let before = state(self.folder.path());
        let would = self.run(&options.clone().dry_run(true), None).unwrap();
        assert_eq!(
            state(self.folder.path()),
            before,
            "a dry run changes nothing"
        );
        let before = contents(self.folder.path());
        let told = self.run(&options, kill);
        let after = contents(self.folder.path());
        self.check_contents(&after);
        self.check_removed(&before, &after, policy);
        let Some(told) = told else {
            return;
        };
        if told.iter().any(|(what, _)| *what == 'F') {
            let removed = told.iter().any(|(what, _)| *what == 'R');
            assert!(!removed, "removed while others failed: {told:?}");
            return;
        }
        if would.iter().all(|(what, _)| *what != 'D') && told.iter().all(|(what, _)| *what != 'D') {
            let what = |told: &[(char, String)], which: [char; 2]| -> Vec<(char, String)> {
                let told = told.iter().filter(|(what, _)| which.contains(what));
                told.map(|(what, id)| (what.to_ascii_uppercase(), id.clone()))
                    .collect()
            };
            assert_eq!(
                what(&would, ['t', 'r']),
                what(&told, ['T', 'R']),
                "a dry run is true"
            );
        }
        self.check_complete(&before, &after, policy);
        let first = state(self.folder.path());
        let again = self.run(&options, None).unwrap();
        assert!(
            again.iter().all(|(what, _)| *what == '.'),
            "{again:?} after {told:?}"
        );
        assert_eq!(
            state(self.folder.path()),
            first,
            "a second run changes nothing"
        );
    }
}

/// Every name in a folder, with the modification time and a hash of the content.
fn state(folder: &Path) -> Vec<(PathBuf, SystemTime, u64)> {
    let contents = contents(folder).into_iter();
    let stamped = contents.map(|(path, bytes)| {
        let modified = path.metadata().unwrap().modified().unwrap();
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        (path, modified, hasher.finish())
    });
    stamped.collect()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}
