//! Tests with a real S3 server (moto): `cargo test -p atlas-backup --features object-store --test
//! moto`. With `ATLAS_INTEROP=skip` they pass without it.

#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atlas_backup::{Backups, DownloadOptions, Error, Event, Pick, silent};
use atlas_sandbox::{ClusterKind, OWNER, PROJECT, SHARDED_CLUSTER, SandboxServer};
use atlas_transport::{Client, Credentials};

struct Moto {
    child: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python that has moto: the one in `target/peers`, or the machine's.
fn python() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    let own = target.map(|target| target.join("peers/bin/python3"));
    let mut candidates = own.into_iter().chain([PathBuf::from("python3")]);
    candidates.find(|python| {
        let import = Command::new(python)
            .args(["-c", "import moto.server"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        import.is_ok_and(|status| status.success())
    })
}

fn moto() -> Option<Moto> {
    let Some(python) = python() else {
        let skip = std::env::var("ATLAS_INTEROP").is_ok_and(|value| value == "skip");
        assert!(
            skip,
            "moto is missing; python3 -m venv target/peers && target/peers/bin/pip install -r \
             conformance/peers/requirements.txt (or set ATLAS_INTEROP=skip)"
        );
        eprintln!("skipped because of ATLAS_INTEROP: moto is missing");
        return None;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut child = Command::new(python)
        .args([
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("Running on") {
        assert!(lines.read_line(&mut said).unwrap() > 0, "{said}");
    }
    // It keeps printing; its output is not read.
    std::thread::spawn(move || for _ in lines.lines() {});
    let url = format!("http://127.0.0.1:{port}");
    curl(&["-X", "PUT", &format!("{url}/bucket")]);
    Some(Moto { child, url })
}

fn curl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--user", "key:secret"])
        .args(["--aws-sigv4", "aws:amz:us-east-1:s3"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}");
    output.stdout
}

/// One test, since the environment is that of the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_streams_into_s3_whole_or_not_at_all() {
    let Some(moto) = moto() else { return };
    let (project, large) = (PROJECT.parse().unwrap(), "Large".parse().unwrap());
    let server = SandboxServer::start().await.unwrap();
    server.with(|sandbox| {
        sandbox.add_cluster(project, "Large".parse().unwrap(), ClusterKind::Flex);
        let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
        sandbox.add_snapshot(project, &large, snapshot, 40 << 20);
    });
    let credentials = Credentials::bearer(OWNER.access_token);
    let client = Client::new(server.url().parse().unwrap(), &credentials).unwrap();
    let backups = Backups::new(client);
    let settings = [
        ("aws_access_key_id", "key"),
        ("aws_secret_access_key", "secret"),
        ("aws_region", "us-east-1"),
        ("aws_endpoint", &moto.url),
        ("aws_allow_http", "true"),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = DownloadOptions::default();
    let put = async |cluster: &str, out: &str, settings: &[(String, String)]| {
        let cluster = cluster.parse().unwrap();
        let target = atlas_backup::StoreTarget::new(out, settings.to_vec())?;
        backups
            .download_to_store(project, &cluster, &Pick::Latest, &target, &options, silent)
            .await
    };

    let stored = put("Large", "s3://bucket/a/s.tgz", &settings)
        .await
        .unwrap();
    assert_eq!(stored[0].key, "a/s.tgz");
    let expected = server.with(|sandbox| {
        let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
        sandbox.snapshot_file(project, &large, snapshot).unwrap()
    });
    let there = curl(&[&format!("{}/bucket/a/s.tgz", moto.url)]);
    assert!(there == expected);
    let manifest = curl(&[&format!("{}/bucket/a/s.tgz.json", moto.url)]);
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["bytes"], expected.len());

    let error = put("Large", "s3://bucket/a/s.tgz", &settings)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");

    let stored = put(SHARDED_CLUSTER, "s3://bucket/b.tgz", &settings)
        .await
        .unwrap();
    let keys: Vec<_> = stored.iter().map(|stored| stored.key.as_str()).collect();
    assert_eq!(keys, ["b-Sharded0-shard-0.tgz", "b-Sharded0-shard-1.tgz"]);

    let error = put("Large", "s3://nowhere/s.tgz", &settings)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    for odd in ["s3://bucket", "ftp://a/b", "s3:", "nonsense://x/y"] {
        let error = put("Large", odd, &settings).await.unwrap_err();
        assert!(matches!(error, Error::Usage { .. }), "{odd}: {error:?}");
    }
    // Both are encoded once.
    put("Large", "s3://bucket/ü#?%25 x.tgz", &settings)
        .await
        .unwrap();
    let path = "bucket/%C3%BC%23%3F%2525%20x.tgz";
    assert!(curl(&[&format!("{}/{path}", moto.url)]) == expected);
    curl(&[&format!("{}/{path}.json", moto.url)]);

    // A manifest without an object also prevents the upload.
    curl(&[
        "-X",
        "PUT",
        "-d",
        "{}",
        &format!("{}/bucket/c.tgz.json", moto.url),
    ]);
    let error = put("Large", "s3://bucket/c.tgz", &settings)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");

    let target = atlas_backup::StoreTarget::new("s3://bucket/d.tgz", settings.to_vec()).unwrap();
    let received = tokio::sync::Notify::new();
    let tell = |event| {
        if matches!(event, Event::Received { .. }) {
            received.notify_one();
        }
    };
    tokio::select! {
        ended = backups.download_to_store(project, &large, &Pick::Latest, &target, &options, &tell) => {
            panic!("{ended:?}");
        }
        () = received.notified() => {}
    }
    let settled = target.settle().await;
    assert_eq!(settled.aborted, 1, "{settled:?}");
    let open = curl(&[&format!("{}/bucket?uploads=", moto.url)]);
    let open = String::from_utf8(open).unwrap();
    assert!(!open.contains("<UploadId>"), "{open}");
}
