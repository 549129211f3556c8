//! Outages of Atlas, and of the store of a folder, end a pull; a failure of one snapshot does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use atlas_backup::{Backups, DownloadOptions, Error, PullOptions, Pulled, StoreFolder, silent};
use atlas_sandbox::FLEX_CLUSTER;
use atlas_transport::retry::RetryPolicy;

use super::answers;
use crate::outages::{Fault, flaky_with};
use crate::s3::{Instead, S3, s3, scripted};
use crate::{name, project};

/// Two attempts in quick succession.
fn hasty() -> RetryPolicy {
    let policy = RetryPolicy::default().max_attempts(2);
    policy.base_delay(Duration::ZERO)
}

/// Pulls into a store without patience, and returns one letter for each snapshot.
async fn pull(
    backups: &Backups,
    s3: &S3,
    verify: bool,
    mut seen: impl FnMut() + Send,
) -> (String, Result<(), Error>) {
    let mut letters = String::new();
    let report = |pulled: Pulled| {
        seen();
        letters.push(match pulled {
            Pulled::Downloaded { .. } => 'T',
            Pulled::AlreadyPresent { .. } => '.',
            Pulled::Failed { .. } => 'F',
            other => panic!("{other:?}"),
        });
    };
    let folder = StoreFolder::new("s3://bucket/f", s3.settings()).unwrap();
    let download = DownloadOptions::default().patience(Duration::ZERO);
    let options = PullOptions::default().download(download).verify(verify);
    let cluster = name(FLEX_CLUSTER);
    let pulling = backups.pull_to_store(project(), &cluster, &folder, &options, report, silent);
    let pulled = pulling.await.map(drop);
    (letters, pulled)
}

fn is_object(path: &str) -> bool {
    let ending = std::path::Path::new(path).extension();
    ending.is_some_and(|ending| ending == "tgz")
}

fn stored(s3: &S3) -> usize {
    let paths = s3.paths();
    paths.iter().filter(|path| is_object(path)).count()
}

#[tokio::test]
async fn an_outage_of_atlas_ends_a_pull_into_a_store_and_what_is_stored_stays() {
    for fault in [Fault::Status(503, ""), Fault::Status(500, ""), Fault::Reset] {
        let down: Arc<AtomicBool> = Arc::default();
        let is_down = down.clone();
        let (_server, backups) = flaky_with(hasty(), move |_, _| {
            is_down.load(Ordering::SeqCst).then_some(fault)
        })
        .await;
        let s3 = s3().await;
        let pulling = pull(&backups, &s3, false, || down.store(true, Ordering::SeqCst));
        let (letters, pulled) = pulling.await;
        let error = pulled.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert!(letters == "T" || letters == "TF", "{letters}: {error:?}");
        assert_eq!(stored(&s3), 1);
        down.store(false, Ordering::SeqCst);
        let (letters, pulled) = pull(&backups, &s3, false, || {}).await;
        pulled.unwrap();
        assert_eq!(letters, ".TTTTTTT");
    }
}

#[tokio::test]
async fn an_outage_of_the_store_ends_a_pull_into_it() {
    for (status, verify) in [(503, false), (503, true), (500, false)] {
        let down: Arc<AtomicBool> = Arc::default();
        let is_down = down.clone();
        let s3 = scripted(move |_, _| {
            if is_down.load(Ordering::SeqCst) {
                answers(status, "")
            } else {
                Instead::Nothing
            }
        })
        .await;
        let (_server, backups) = flaky_with(hasty(), |_, _| None).await;
        let fall = || down.store(true, Ordering::SeqCst);
        let (letters, pulled) = pull(&backups, &s3, verify, fall).await;
        let error = pulled.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        assert!(
            matches!(error, Error::Store { .. } | Error::CannotCheck { .. }),
            "{error:?}"
        );
        assert!(letters == "T" || letters == "TF", "{letters}: {error:?}");
        assert_eq!(stored(&s3), 1);
    }
}

/// Existing objects are read before anything is downloaded.
#[tokio::test]
async fn an_outage_of_the_store_while_objects_are_read_ends_a_pull_at_the_first() {
    let down: Arc<AtomicBool> = Arc::default();
    let is_down = down.clone();
    let s3 = scripted(move |asked, _| {
        let is_read = asked.method == http::Method::GET && is_object(&asked.path);
        if is_read && is_down.load(Ordering::SeqCst) {
            answers(503, "")
        } else {
            Instead::Nothing
        }
    })
    .await;
    let (_server, backups) = flaky_with(hasty(), |_, _| None).await;
    pull(&backups, &s3, false, || {}).await.1.unwrap();
    down.store(true, Ordering::SeqCst);
    let before = s3.asked().len();
    let (letters, pulled) = pull(&backups, &s3, true, || {}).await;
    let error = pulled.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(letters, "");
    let asked = s3.asked();
    let read = asked[before..]
        .iter()
        .filter(|asked| asked.method == http::Method::GET && is_object(&asked.path));
    let mut read: Vec<_> = read.map(|asked| asked.path.clone()).collect();
    read.dedup();
    assert_eq!(read.len(), 1, "{read:?}");
}
