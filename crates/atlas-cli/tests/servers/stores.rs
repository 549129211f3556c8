//! The same steps for every store, through the command.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::atlas::{Atlas, Job, folder, names, run, stderr, succeeded};
use crate::file_host::FileHost;
use crate::http::until;

const MIB: u64 = 1 << 20;

/// A store that a test has started.
pub(crate) trait Store {
    /// The URL of a key.
    fn url(&self, key: &str) -> String;
    /// Configures a command to use it.
    fn configure(&self, command: &mut Command);
    /// An object.
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// The number of open uploads, if the store reports them.
    fn open_uploads(&self) -> usize;
}

/// Downloads to a store: once, again, with force, shards, and with an interruption.
pub(crate) fn check(store: &impl Store) {
    stores_an_object_and_refuses_an_existing_one(store);
    stores_each_shard(store);
    aborts_at_a_signal(store);
}

fn download(store: &impl Store, atlas: &Atlas, cluster: &str, folder: &Path, key: &str) -> Command {
    let mut command = atlas.download_of(cluster, folder, &store.url(key));
    store.configure(&mut command);
    command
}

fn assert_stored(store: &impl Store, key: &str, expected: &[u8]) {
    assert!(store.get(key).expect(key) == expected, "{key}");
    let manifest = store.get(&format!("{key}.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["bytes"], expected.len());
}

fn stores_an_object_and_refuses_an_existing_one(store: &impl Store) {
    let atlas = Atlas::new(&[20 * MIB]);
    let folder = folder();
    let download = || download(store, &atlas, "Flex0", folder.path(), "a/s.tgz");
    let old = atlas.file(0);
    succeeded("a new object", &run(&mut download()));
    assert_stored(store, "a/s.tgz", &old);

    atlas.list(&[(1, MIB)]);
    let refused = run(&mut download());
    assert_eq!(refused.status.code(), Some(6), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("--force"), "{}", stderr(&refused));
    assert_stored(store, "a/s.tgz", &old);

    succeeded("with force", &run(download().arg("--force")));
    assert_stored(store, "a/s.tgz", &atlas.file(1));
    assert_eq!(store.open_uploads(), 0);
    assert!(names(folder.path()).is_empty());
}

fn stores_each_shard(store: &impl Store) {
    let atlas = Atlas::new(&[MIB]);
    let folder = folder();
    let output = run(&mut download(
        store,
        &atlas,
        "Shards",
        folder.path(),
        "shards.tgz",
    ));
    succeeded("shards", &output);
    let files = atlas.files(0, "Shards");
    assert_eq!(files.len(), 2);
    for (shard, expected) in files.iter().enumerate() {
        assert_stored(store, &format!("shards-Shards-shard-{shard}.tgz"), expected);
    }
}

fn aborts_at_a_signal(store: &impl Store) {
    let file: Arc<[u8]> = Atlas::new(&[30 * MIB]).file(0).into();
    // More than one part, and not all of them.
    let host = FileHost::stalling(file, 20 * MIB);
    let atlas = Atlas::with_links_to(&[30 * MIB], &host.authority);
    let folder = folder();
    let mut job = Job::start(&mut download(
        store,
        &atlas,
        "Flex0",
        folder.path(),
        "c.tgz",
    ));
    until("bytes come", || {
        host.sent.load(Ordering::Relaxed) >= 20 * MIB
    });
    // For the parts that are being sent to the store.
    std::thread::sleep(Duration::from_millis(500));
    assert!(job.is_running());
    let sent = Command::new("kill")
        .args(["-TERM", &job.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = job.end();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(143), "{said}");
    assert!(store.get("c.tgz").is_none(), "{said}");
    assert_eq!(store.open_uploads(), 0, "{said}");
    assert!(names(folder.path()).is_empty());
}
