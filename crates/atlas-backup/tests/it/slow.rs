//! Stores that send a file too slowly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atlas_backup::{DownloadOptions, Pick, silent};
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};
use tokio::time::Instant;

use crate::store::{Answer, End, backups};
use crate::stores::{add_larger, file, refused, right};
use crate::{folder, name, project};

/// A download from a store with these changes of its responses has to give up as too slow.
async fn assert_too_slow(change: impl Fn(usize, &mut Answer) + Send + 'static) {
    let (error, took, asked, out) = failed(change).await;
    assert!(error.is_transient(), "{error:?}");
    assert!(
        matches!(
            error,
            atlas_backup::Error::TooSlow {
                bytes_per_second: 10_240,
                ..
            }
        ),
        "{error:?}"
    );
    assert!((300..600).contains(&took), "{took} s");
    assert!(asked < 40, "{asked:?}");
    assert!(!out);
}

/// Downloads 20 MiB from a store with these changes of its responses, by number. Returns the error, the
/// seconds, the number of requests, and whether there is a file.
async fn failed(
    change: impl Fn(usize, &mut Answer) + Send + 'static,
) -> (atlas_backup::Error, u64, usize, bool) {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let content = file(&server);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let backups = backups(&server, move |_, headers| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let mut answer = right(&content, headers);
        change(number, &mut answer);
        answer
    });
    let folder = folder();
    let out = folder.path().join("s.tgz");
    let options = DownloadOptions::default()
        .connections(2)
        .patience(Duration::from_secs(300));
    let start = Instant::now();
    let cluster = name(FLEX_CLUSTER);
    let pick = Pick::Latest;
    let error = backups
        .download(project(), &cluster, &pick, &out, &options, silent)
        .await
        .unwrap_err();
    let took = start.elapsed().as_secs();
    (error, took, asked.load(Ordering::SeqCst), out.exists())
}

/// 20 MiB at a byte a second would take eight months.
#[tokio::test(start_paused = true)]
async fn a_store_that_only_drips_is_final_once_patience_is_spent() {
    assert_too_slow(|_, answer| answer.end = End::Drip).await;
}

/// Each response makes progress and hangs before the rate is measured: 20 MiB would take an hour.
#[tokio::test(start_paused = true)]
async fn a_store_that_stalls_after_the_beginning_of_each_response_is_too_slow() {
    assert_too_slow(|_, answer| {
        answer.body.truncate(100_000);
        answer.end = End::Hang;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_after_a_slow_beginning_is_reported_as_the_outage() {
    let (error, ..) = failed(|number, answer| {
        if number < 10 {
            answer.body.truncate(100_000);
            answer.end = End::Hang;
        } else {
            *answer = refused(503, "");
        }
    })
    .await;
    assert_eq!(error.status().map(|it| it.as_u16()), Some(503), "{error:?}");
}
