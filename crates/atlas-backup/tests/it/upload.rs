//! Storing a snapshot in a scripted S3 server: completely, or not at all and with an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atlas_backup::{Backups, DownloadOptions, Error, Pick, StoreTarget, Stored, silent};
use atlas_sandbox::{ClusterKind, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};

use crate::s3::{Asked, Instead, S3, s3, said, scripted};
use crate::store::{Answer, End, backups};
use crate::{existing_jobs, name, project, world};

const LARGE: &str = "Large";
const SNAPSHOT: &str = "32b6e34b3d91647abb20e7aa";

mod aborted;
mod failures;
mod longest;
mod outages;
mod pulled;
mod settings;
mod taken;

/// The sandbox with a snapshot of 40 MiB.
async fn large() -> (SandboxServer, Backups) {
    let (server, backups) = world().await;
    server.with(|sandbox| {
        sandbox.add_cluster(project(), name(LARGE), ClusterKind::Flex);
        sandbox.add_snapshot(project(), &name(LARGE), SNAPSHOT.parse().unwrap(), 40 << 20);
    });
    (server, backups)
}

fn large_file(server: &SandboxServer) -> Vec<u8> {
    let snapshot = SNAPSHOT.parse().unwrap();
    let file = server.with(|sandbox| sandbox.snapshot_file(project(), &name(LARGE), snapshot));
    file.unwrap().to_vec()
}

fn target(s3: &S3, out: &str) -> StoreTarget {
    StoreTarget::new(out, s3.settings()).unwrap()
}

async fn put(
    backups: &Backups,
    cluster: &str,
    target: &StoreTarget,
    replace: bool,
) -> Result<Vec<Stored>, Error> {
    let options = DownloadOptions::default()
        .replace(replace)
        .patience(Duration::ZERO);
    let cluster = name(cluster);
    backups
        .download_to_store(project(), &cluster, &Pick::Latest, target, &options, silent)
        .await
}

/// Waits until a condition holds.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the condition never held");
}

fn answers(status: u16, text: &str) -> Instead {
    Instead::Answer(said(status, text))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

#[tokio::test]
async fn a_snapshot_and_its_manifest_are_stored_and_the_full_url_is_returned() {
    let (server, backups) = large().await;
    let s3 = s3().await;
    let stored = put(&backups, LARGE, &target(&s3, "s3://bucket/a/s.tgz"), false).await;
    let stored = &stored.unwrap()[0];
    assert_eq!(stored.url, "s3://bucket/a/s.tgz");
    let file = large_file(&server);
    assert!(s3.object("/bucket/a/s.tgz").unwrap() == file);
    let manifest = s3.object("/bucket/a/s.tgz.json").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["bytes"], file.len());
    assert_eq!(s3.uploads(), (1, 0));
}

#[tokio::test]
async fn a_key_is_used_literally_and_encoded_once() {
    let (_server, backups) = world().await;
    let s3 = s3().await;
    for (key, path) in [
        ("a#b.tgz", "a%23b.tgz"),
        ("a?b.tgz", "a%3Fb.tgz"),
        ("ü.tgz", "%C3%BC.tgz"),
        ("two words.tgz", "two%20words.tgz"),
        ("a%25b.tgz", "a%2525b.tgz"),
        ("a+b&c=d.tgz", "a%2Bb%26c%3Dd.tgz"),
        ("%2e%2e/x.tgz", "%252e%252e/x.tgz"),
        ("~[x]{y}|\\.tgz", "~%5Bx%5D%7By%7D%7C%5C.tgz"),
    ] {
        let out = format!("s3://bucket/{key}");
        let stored = put(&backups, FLEX_CLUSTER, &target(&s3, &out), false).await;
        assert_eq!(stored.unwrap()[0].url, out);
        assert!(
            s3.object(&format!("/bucket/{path}")).is_some(),
            "{:?}",
            s3.paths()
        );
        assert!(
            s3.object(&format!("/bucket/{path}.json")).is_some(),
            "{:?}",
            s3.paths()
        );
    }
    let stored = put(
        &backups,
        SHARDED_CLUSTER,
        &target(&s3, "s3://bucket/q/ü#.tgz"),
        false,
    )
    .await;
    let urls: Vec<_> = stored.unwrap().into_iter().map(|it| it.url).collect();
    assert_eq!(
        urls,
        [
            "s3://bucket/q/ü#-Sharded0-shard-0.tgz",
            "s3://bucket/q/ü#-Sharded0-shard-1.tgz"
        ]
    );
    for index in 0..2 {
        let path = format!("/bucket/q/%C3%BC%23-Sharded0-shard-{index}.tgz");
        assert!(s3.object(&path).is_some(), "{:?}", s3.paths());
        assert!(
            s3.object(&format!("{path}.json")).is_some(),
            "{:?}",
            s3.paths()
        );
    }
}

/// 100 GiB are announced; the received bytes are enough for one part.
#[tokio::test]
async fn ten_thousand_parts_suffice_for_the_announced_length() {
    const ANNOUNCED: u64 = 100 << 30;
    let (server, _) = world().await;
    let source = backups(&server, |_, _| Answer {
        status: 200,
        headers: vec![("content-length", ANNOUNCED.to_string())],
        body: vec![0; 24 << 20],
        end: End::Break,
    });
    let s3 = s3().await;
    let error = put(
        &source,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    assert!(error.is_err());
    let parts: Vec<_> = s3.asked().into_iter().filter(Asked::is_part).collect();
    assert!(!parts.is_empty());
    for part in parts.iter().filter(|part| part.bytes > 0) {
        assert!(
            part.bytes as u64 >= ANNOUNCED.div_ceil(10_000),
            "{}",
            part.bytes
        );
    }
    assert_eq!(s3.uploads(), (1, 0));
    assert!(s3.paths().is_empty());
}

#[tokio::test]
async fn a_file_that_no_object_can_hold_is_refused_before_an_upload() {
    let (server, _) = world().await;
    let source = backups(&server, |_, _| Answer {
        status: 200,
        headers: vec![("content-length", u64::MAX.to_string())],
        body: vec![0; 1000],
        end: End::Hang,
    });
    let s3 = s3().await;
    let error = put(
        &source,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    assert!(error.is_err(), "{error:?}");
    assert_eq!(s3.uploads(), (0, 0));
}

/// The response to a part is late, unless two are in progress.
#[tokio::test]
async fn parts_are_uploaded_in_parallel() {
    let (_server, backups) = large().await;
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let greatest = most.clone();
    let s3 = scripted(move |asked, _| {
        if !asked.is_part() {
            return Instead::Nothing;
        }
        let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
        greatest.fetch_max(now, Ordering::SeqCst);
        let (under_way, greatest) = (under_way.clone(), greatest.clone());
        Instead::After(Box::pin(async move {
            for _ in 0..400 {
                if greatest.load(Ordering::SeqCst) >= 2 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            under_way.fetch_sub(1, Ordering::SeqCst);
        }))
    })
    .await;
    let stored = put(&backups, LARGE, &target(&s3, "s3://bucket/s.tgz"), false).await;
    stored.unwrap();
    assert!((2..=5).contains(&most.load(Ordering::SeqCst)));
}

#[tokio::test]
async fn google_uses_its_own_settings_and_creates_the_manifest_on_condition() {
    let (_server, backups) = world().await;
    let s3 = s3().await;
    let settings = [
        ("GOOGLE_BASE_URL", s3.url.as_str()),
        ("GOOGLE_ALLOW_HTTP", "true"),
        ("GOOGLE_BEARER_TOKEN", "token"),
        ("AWS_ENDPOINT_URL", "https://other.example"),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let settings = settings.map(owned).to_vec();
    let target = StoreTarget::new("gs://bucket/a#b.tgz", settings).unwrap();
    let stored = put(&backups, FLEX_CLUSTER, &target, false).await.unwrap();
    assert_eq!(stored[0].url, "gs://bucket/a#b.tgz");
    assert_eq!(
        s3.paths(),
        ["/bucket/a%23b%2Etgz", "/bucket/a%23b%2Etgz%2Ejson"]
    );
    let asked = s3.asked();
    let manifest = asked
        .iter()
        .find(|it| it.method == "PUT" && it.query.is_empty());
    assert_eq!(manifest.unwrap().headers["x-goog-if-generation-match"], "0");
    assert!(
        asked
            .iter()
            .all(|it| it.headers["authorization"] == "Bearer token")
    );
}

#[tokio::test]
async fn an_existing_job_is_stored_and_no_other_one_is_requested() {
    for (cluster, files) in [(FLEX_CLUSTER, 1), (SHARDED_CLUSTER, 2)] {
        let (server, backups) = world().await;
        let s3 = s3().await;
        let job = existing_jobs::asked(&backups, cluster).await;
        let (at, options) = (target(&s3, "s3://bucket/s.tgz"), DownloadOptions::default());
        let (pick, of) = (Pick::Job(job), name(cluster));
        let storing = backups.download_to_store(project(), &of, &pick, &at, &options, silent);
        assert_eq!(storing.await.unwrap().len(), files);
        assert_eq!(existing_jobs::count(&server, cluster), 1);
    }
}

/// The lease cannot be renewed: another run has it, or the store does not respond.
#[tokio::test]
async fn a_lease_that_another_run_took_is_busy_and_one_that_could_not_be_renewed_is_not() {
    let lost = async |status: u16| {
        let (_server, backups) = world().await;
        let s3 = scripted(move |asked, _| {
            let is_lease = asked.path == "/bucket/s.tgz.part";
            let is_renewal = is_lease && asked.headers.contains_key("if-match");
            if is_renewal {
                return answers(status, "");
            }
            Instead::Nothing
        })
        .await;
        let at = target(&s3, "s3://bucket/s.tgz").lease(Duration::from_secs(1));
        put(&backups, FLEX_CLUSTER, &at, false).await.unwrap_err()
    };
    let (taken, unavailable) = tokio::join!(lost(412), lost(503));
    assert!(matches!(taken, Error::Busy { .. }), "{taken:?}");
    assert_eq!(
        taken.to_string(),
        "s3://bucket/s.tgz.part is in use by another run; wait for it to end"
    );
    assert!(
        matches!(unavailable, Error::Store { .. }),
        "{unavailable:?}"
    );
    assert_eq!(
        unavailable.to_string(),
        "cannot renew the lease s3://bucket/s.tgz.part; try again later"
    );
    assert!(taken.is_transient() && unavailable.is_transient());
}
