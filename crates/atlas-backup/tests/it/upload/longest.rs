//! An object of 2 TiB: what is started for it, without its bytes.

use std::sync::{Arc, Mutex};

use atlas_backup::{DownloadOptions, Pick, StoreTarget, silent};
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};
use serde_json::Value;

use super::{target, until};
use crate::s3::s3;
use crate::store::{Answer, End, backups};
use crate::{name, project};

/// 2 TiB.
const LENGTH: u64 = 2 << 40;
/// As documented for S3.
const PARTS: u64 = 10_000;

#[tokio::test]
async fn ten_thousand_parts_hold_2_tib_and_one_of_them_at_a_time_is_in_memory() {
    let server = SandboxServer::start().await.unwrap();
    let s3 = s3().await;
    let ranges = Arc::<Mutex<Vec<String>>>::default();
    let asked = ranges.clone();
    // A store that starts every range, and then sends nothing more.
    let backups = backups(&server, move |_, headers| {
        let range = headers["range"].to_str().unwrap().to_owned();
        let range = range.strip_prefix("bytes=").unwrap();
        asked.lock().unwrap().push(range.to_owned());
        let (first, last) = range.split_once('-').unwrap();
        let length = last.parse::<u64>().unwrap() - first.parse::<u64>().unwrap() + 1;
        Answer {
            status: 206,
            headers: vec![
                ("etag", "\"tag\"".to_owned()),
                ("content-length", length.to_string()),
                ("content-range", format!("bytes {range}/{LENGTH}")),
            ],
            body: vec![0; 1 << 10],
            end: End::Hang,
        }
    });
    let to: StoreTarget = target(&s3, "s3://bucket/s.tgz");
    let options = DownloadOptions::default().connections(8);
    let (cluster, pick) = (name(FLEX_CLUSTER), Pick::Latest);
    let storing = backups.download_to_store(project(), &cluster, &pick, &to, &options, silent);
    let mut part = 0;
    let begun = until(|| {
        let lease = s3.object("/bucket/s.tgz.part").unwrap_or_default();
        let lease: Value = serde_json::from_slice(&lease).unwrap_or_default();
        part = lease["uploads"]["s.tgz"]["part"].as_u64().unwrap_or(0);
        part > 0
    });
    tokio::select! {
        stored = storing => panic!("{stored:?}"),
        () = async {
            begun.await;
            // Any further requests would be sent during this time.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert_eq!(part, 210 << 20);
    assert_eq!(LENGTH.div_ceil(part), 9987);
    assert!(LENGTH.div_ceil(part) <= PARTS && part <= 5 << 30);
    // The other seven connections wait until there is memory for another part.
    assert_eq!(*ranges.lock().unwrap(), ["0-8388607"]);
    to.settle().await;
    assert_eq!(s3.uploads(), (1, 0), "it is aborted");
}
