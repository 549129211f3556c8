//! Google: a peer with its documented XML API, and its emulator.
//!
//! The emulator accepts single uploads, but supports neither HEAD nor multipart uploads.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::atlas::{Atlas, folder, names, run, stderr};
use crate::google_peer::{Bucket, serve_bucket};
use crate::http::{curl, free_port, listen, until_open};
use crate::programs::{Running, python};
use crate::stores::{Store, check};

const TOKEN: &str = "token-of-the-store";

struct Peer {
    url: String,
    bucket: Arc<Mutex<Bucket>>,
}

impl Store for Peer {
    fn url(&self, key: &str) -> String {
        format!("gs://bucket/{key}")
    }

    fn configure(&self, command: &mut Command) {
        command
            .env("GOOGLE_BEARER_TOKEN", TOKEN)
            .env("GOOGLE_BASE_URL", &self.url)
            .env("GOOGLE_ALLOW_HTTP", "true");
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.bucket.lock().unwrap().get(key)
    }

    fn open_uploads(&self) -> usize {
        self.bucket.lock().unwrap().open_uploads()
    }
}

#[test]
fn a_snapshot_streams_into_google_whole_or_not_at_all() {
    let bucket = Arc::<Mutex<Bucket>>::default();
    let shared = bucket.clone();
    let authority = listen(move |stream| serve_bucket(&stream, &shared, TOKEN));
    let url = format!("http://{authority}");
    let peer = Peer { url, bucket };
    check(&peer);
    let bucket = peer.bucket.lock().unwrap();
    assert!(bucket.refused.is_empty(), "{:?}", bucket.refused);
    assert!(bucket.completed > 0, "no multipart upload");
}

#[test]
fn an_operation_that_the_emulator_of_google_lacks_is_an_error_that_leaves_nothing() {
    let Some(python) = python("gcp_storage_emulator") else {
        return;
    };
    let port = free_port();
    let child = Command::new(python)
        .args(["-m", "gcp_storage_emulator", "start", "--in-memory"])
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--default-bucket", "bucket"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _running = Running(child);
    until_open(&format!("127.0.0.1:{port}"));
    let url = format!("http://127.0.0.1:{port}");
    let get = |key: &str| curl(&[&format!("{url}/bucket/{key}")]);

    let atlas = Atlas::new(&[1 << 16]);
    let folder = folder();
    let mut command = atlas.download(folder.path(), "gs://bucket/s.tgz");
    command
        .env("GOOGLE_SKIP_SIGNATURE", "true")
        .env("GOOGLE_BASE_URL", &url)
        .env("GOOGLE_ALLOW_HTTP", "true");
    let output = run(&mut command);
    assert!(names(folder.path()).is_empty());
    let (status, object) = get("s.tgz");
    if output.status.success() {
        assert!(status == 200 && object == atlas.file(0));
        return;
    }
    let code = output.status.code();
    assert!(matches!(code, Some(6 | 14)), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("gs://bucket/s.tgz"),
        "{}",
        stderr(&output)
    );
    assert_eq!(status, 404);
    assert_eq!(get("s.tgz.json").0, 404);
}
