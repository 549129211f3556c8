//! A client without retries: each failure is final, and the next run resumes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use atlas_backup::{Error, Event};
use atlas_sandbox::{ClusterKind, FLEX_CLUSTER, SandboxServer};
use jiff::SignedDuration;

use crate::outages::{Asked, Fault, flaky, is_file};
use crate::{folder, latest, name, names, project, quietly};

/// Adds a cluster with a snapshot of 40 MiB, which is ready at once.
fn add_large(server: &SandboxServer) {
    server.with(|sandbox| {
        let (cluster, snapshot) = (name("Large"), "32b6e34b3d91647abb20e7aa".parse().unwrap());
        sandbox.add_cluster(project(), cluster.clone(), ClusterKind::Flex);
        sandbox.add_snapshot(project(), &cluster, snapshot, 40 << 20);
        sandbox.set_download_delay(SignedDuration::ZERO);
    });
}

#[tokio::test(start_paused = true)]
async fn a_client_without_retries_sends_nothing_twice_and_the_next_run_resumes() {
    for fault in [
        Fault::Status(503, ""),
        Fault::Status(429, "1"),
        Fault::Reset,
    ] {
        for is_asked in [
            |request: &Asked| request.method() == http::Method::POST,
            is_file,
        ] {
            let asked = Arc::new(Mutex::new(0));
            let counted = asked.clone();
            let (server, backups) = flaky(move |_, request| {
                let mut asked = counted.lock().unwrap();
                *asked += u32::from(is_asked(request));
                (is_asked(request) && *asked == 1).then_some(fault)
            })
            .await;
            server.with(|sandbox| sandbox.set_download_delay(SignedDuration::ZERO));
            let folder = folder();
            let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
            assert!(matches!(error, Error::Call(_)), "{error:?}");
            assert!(error.is_transient(), "{error:?}");
            assert_eq!(*asked.lock().unwrap(), 1, "{error:?}");
            quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
        }
    }
}

/// The requested ranges, each once in a run without retries.
#[tokio::test(start_paused = true)]
async fn a_part_that_fails_is_final_without_retries_and_resumed_by_the_next_run() {
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let seen = ranges.clone();
    let (server, backups) = flaky(move |_, request| {
        let range = request.headers().get("range").cloned();
        let mut ranges = seen.lock().unwrap();
        ranges.extend(range);
        (is_file(request) && ranges.len() == 3).then_some(Fault::Reset)
    })
    .await;
    add_large(&server);
    let folder = folder();
    let error = quietly(&backups, "Large", &folder).await.unwrap_err();
    assert!(matches!(error, Error::Call(_)), "{error:?}");
    let asked: Vec<_> = ranges.lock().unwrap().clone();
    let distinct: HashSet<_> = asked.iter().collect();
    assert_eq!(distinct.len(), asked.len(), "{asked:?}");
    assert_eq!(names(&folder), ["s.tgz.part", "s.tgz.part.json"]);
    quietly(&backups, "Large", &folder).await.unwrap();
    assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_is_final_and_restarted_by_the_next_run() {
    let (server, backups) = flaky(|_, _| None).await;
    add_large(&server);
    let folder = folder();
    let mut changed = false;
    let progress = |event: Event| {
        if matches!(event, Event::Received { .. }) && !std::mem::replace(&mut changed, true) {
            server.with(|sandbox| {
                let snapshot = sandbox.snapshots(project(), &name("Large"))[0];
                sandbox.replace_file(project(), &name("Large"), snapshot);
            });
        }
    };
    let error = latest(&backups, "Large", &folder, progress).await;
    assert!(matches!(error, Err(Error::Changed)), "{error:?}");
    quietly(&backups, "Large", &folder).await.unwrap();
}
