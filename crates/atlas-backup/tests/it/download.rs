//! From a cluster's name to a file, for every kind of cluster.

use std::future::{Future as _, poll_fn};
use std::panic::AssertUnwindSafe;
use std::task::Poll;

use atlas_backup::{ClusterKind, DownloadOptions, Error, Event, Fault, Pick, silent, verify};
use atlas_sandbox::{
    CLUSTER, ClusterKind as Kind, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer,
};
use jiff::SignedDuration;

use crate::{folder, latest, name, names, project, quietly, world};

/// A Flex cluster with one snapshot of 40 MiB, which takes several pieces.
fn add_large(server: &SandboxServer) -> &'static str {
    server.with(|sandbox| {
        let cluster = name("Large");
        let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
        sandbox.add_cluster(project(), cluster.clone(), Kind::Flex);
        sandbox.add_snapshot(project(), &cluster, snapshot, 40 << 20);
    });
    "Large"
}

fn expected(server: &SandboxServer, cluster: &str) -> Vec<bytes::Bytes> {
    server.with(|sandbox| {
        let cluster = name(cluster);
        let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
        sandbox.snapshot_files(project(), &cluster, newest)
    })
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_cluster_gives_its_latest_snapshot_and_none_is_written_to() {
    let (server, backups) = world().await;
    for (cluster, kind, files) in [
        (CLUSTER, ClusterKind::Tenant, &["s.tgz"][..]),
        (FLEX_CLUSTER, ClusterKind::Flex, &["s.tgz"]),
        (DEDICATED_CLUSTER, ClusterKind::Dedicated, &["s.tgz"]),
        (
            SHARDED_CLUSTER,
            ClusterKind::Sharded,
            &["s-Sharded0-shard-0.tgz", "s-Sharded0-shard-1.tgz"],
        ),
    ] {
        let folder = folder();
        let saved = quietly(&backups, cluster, &folder).await.unwrap();
        assert_eq!(saved.len(), files.len());
        let expected = expected(&server, cluster);
        for ((saved, file), expected) in saved.iter().zip(files).zip(expected) {
            assert_eq!(saved.path, folder.path().join(file));
            assert_eq!(std::fs::read(&saved.path).unwrap(), expected, "{cluster}");
            assert_eq!(saved.manifest.kind, kind);
            assert_eq!(saved.manifest.bytes, expected.len() as u64);
            assert_eq!(
                verify(&saved.path).unwrap().manifest(),
                Some(&saved.manifest)
            );
        }
        assert_eq!(
            names(&folder).len(),
            2 * files.len(),
            "each with its manifest"
        );
    }
    assert_eq!(server.with(|sandbox| sandbox.writes()), 0);
}

#[tokio::test]
async fn a_kind_is_requested_once_and_an_unknown_cluster_is_an_error() {
    let (server, backups) = world().await;
    let requests = || server.with(|sandbox| sandbox.requests());
    for _ in 0..3 {
        let kind = backups.kind(project(), &name(FLEX_CLUSTER)).await.unwrap();
        assert_eq!(kind, ClusterKind::Flex);
    }
    assert_eq!(requests(), 1);
    let error = backups.kind(project(), &name("Nowhere")).await.unwrap_err();
    assert!(error.to_string().contains("CLUSTER_NOT_FOUND"), "{error}");
}

#[tokio::test]
async fn several_connections_give_the_same_file_and_fetch_no_byte_twice() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let folder = folder();
    let saved = quietly(&backups, cluster, &folder).await.unwrap();
    let expected = &expected(&server, cluster)[0];
    assert!(std::fs::read(&saved[0].path).unwrap() == *expected);
    let fetched = server.with(|sandbox| sandbox.served_bytes());
    assert_eq!(fetched, expected.len() as u64);
}

#[tokio::test]
async fn a_dropped_download_is_resumed() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let folder = folder();
    let expected = expected(&server, cluster).remove(0);
    let mut written = 0;
    for round in 1..=3 {
        let (mut begun, mut seen) = (0, 0);
        let notify = tokio::sync::Notify::new();
        let progress = |event: Event| match event {
            Event::Started { resumed, .. } => begun = resumed,
            Event::Received { received, .. } => {
                seen = received - begun;
                if seen > 9 << 20 {
                    notify.notify_one();
                }
            }
            _ => {}
        };
        tokio::select! {
            biased;
            () = notify.notified() => {}
            ended = latest(&backups, cluster, &folder, progress) => panic!("{ended:?}"),
        }
        written += seen;
        assert_eq!(names(&folder), ["s.tgz.part", "s.tgz.part.json"], "{round}");
    }
    let mut resumed = 0;
    let progress = |event: Event| {
        if let Event::Started { resumed: bytes, .. } = event {
            resumed = bytes;
        }
    };
    let saved = latest(&backups, cluster, &folder, progress).await.unwrap();
    assert!(resumed >= written, "nothing is forgotten");
    assert!(std::fs::read(&saved[0].path).unwrap() == expected);
    assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"]);
}

#[tokio::test]
async fn totals_of_several_connections_and_files_grow_up_to_the_length() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let (mut growing, mut last) = (crate::growing(), (0, None));
    let progress = |event: Event| {
        if let Event::Received { received, length } = event {
            last = (received, length);
        }
        growing(event);
    };
    let saved = latest(&backups, cluster, &folder(), progress)
        .await
        .unwrap();
    assert_eq!(
        last,
        (saved[0].manifest.bytes, Some(saved[0].manifest.bytes))
    );

    // The second file starts at its first byte.
    let mut starts = Vec::new();
    let progress = |event: Event| match event {
        Event::Started { resumed, .. } => starts.push(resumed),
        Event::StartedOver => panic!("nothing was"),
        _ => {}
    };
    latest(&backups, SHARDED_CLUSTER, &folder(), progress)
        .await
        .unwrap();
    assert_eq!(starts, [0, 0]);
}

#[tokio::test]
async fn a_callback_that_panics_ends_the_call_and_the_next_one_resumes() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let folder = folder();
    let expected = expected(&server, cluster).remove(0);
    let mut before = 0;
    let progress = |event: Event| {
        if let Event::Received { received, .. } = event {
            before = received;
            assert!(received < 9 << 20, "the panic of the test");
        }
    };
    let mut download = Box::pin(latest(&backups, cluster, &folder, progress));
    let panicked = poll_fn(|context| {
        let poll = AssertUnwindSafe(|| download.as_mut().poll(context).is_pending());
        match std::panic::catch_unwind(poll) {
            Ok(true) => Poll::Pending,
            Ok(false) => Poll::Ready(false),
            Err(_) => Poll::Ready(true),
        }
    });
    assert!(panicked.await);
    drop(download);
    assert_eq!(names(&folder), ["s.tgz.part", "s.tgz.part.json"]);
    let mut resumed = 0;
    let progress = |event: Event| {
        if let Event::Started { resumed: bytes, .. } = event {
            resumed = bytes;
        }
    };
    let saved = latest(&backups, cluster, &folder, progress).await.unwrap();
    assert!(before > 0 && resumed >= before, "{resumed} of {before}");
    assert!(std::fs::read(&saved[0].path).unwrap() == expected);
}

#[tokio::test]
async fn a_link_that_expires_during_the_download_is_renewed_and_the_download_continues() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let folder = folder();
    let (mut all, mut ended, mut renewed) = (0, false, 0);
    let progress = |event: Event| match event {
        Event::Received { received, .. } => {
            assert!(received > all, "a total never goes back");
            all = received;
            if all > 4 << 20 && !std::mem::replace(&mut ended, true) {
                server.with(atlas_sandbox::Sandbox::end_links);
            }
        }
        Event::LinkRenewed => renewed += 1,
        _ => {}
    };
    let saved = latest(&backups, cluster, &folder, progress).await.unwrap();
    let expected = &expected(&server, cluster)[0];
    assert!(std::fs::read(&saved[0].path).unwrap() == *expected);
    assert_eq!(renewed, 1);
    assert_eq!(all, expected.len() as u64);
}

#[tokio::test]
async fn a_file_that_changes_during_the_download_is_downloaded_again_and_never_mixed() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let folder = folder();
    let (mut changed, mut again) = (false, 0);
    let progress = |event: Event| match event {
        Event::Received { .. } if !std::mem::replace(&mut changed, true) => {
            server.with(|sandbox| {
                let snapshot = sandbox.snapshots(project(), &name(cluster))[0];
                sandbox.replace_file(project(), &name(cluster), snapshot);
            });
        }
        Event::StartedOver => again += 1,
        _ => {}
    };
    let saved = latest(&backups, cluster, &folder, progress).await.unwrap();
    assert!(std::fs::read(&saved[0].path).unwrap() == expected(&server, cluster)[0]);
    assert_eq!(again, 1);
}

#[tokio::test]
async fn an_existing_file_is_kept_unless_it_may_be_replaced() {
    let (server, backups) = world().await;
    let folder = folder();
    let out = folder.path().join("s.tgz");
    std::fs::write(&out, "precious").unwrap();
    let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(
        server.with(|sandbox| sandbox.requests()),
        0,
        "nothing was asked"
    );
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "precious");
    let options = DownloadOptions::default().replace(true);
    let cluster = name(FLEX_CLUSTER);
    let replaced = backups.download(project(), &cluster, &Pick::Latest, &out, &options, silent);
    replaced.await.unwrap();
    assert!(verify(&out).is_ok());
}

#[tokio::test]
async fn two_runs_at_once_do_not_write_one_file() {
    let (server, backups) = world().await;
    let cluster = add_large(&server);
    let folder = folder();
    let (first, second) = tokio::join!(
        quietly(&backups, cluster, &folder),
        quietly(&backups, cluster, &folder)
    );
    let errors: Vec<_> = [first, second]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert!(matches!(errors[..], [Error::Busy { .. }]), "{errors:?}");
    assert!(verify(&folder.path().join("s.tgz")).is_ok());
}

#[tokio::test]
async fn a_changed_file_is_detected_by_its_manifest() {
    let (_server, backups) = world().await;
    let folder = folder();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder)
        .await
        .unwrap()
        .remove(0);
    let whole = std::fs::read(&saved.path).unwrap();
    let middle = whole.len() / 2;
    let flipped = [&whole[..middle], &[!whole[middle]], &whole[middle + 1..]].concat();
    for (changed, what) in [
        (flipped, "flipped"),
        (whole[..whole.len() - 1].to_vec(), "cut"),
        ([&whole[..], b"x"].concat(), "longer"),
        (Vec::new(), "empty"),
    ] {
        std::fs::write(&saved.path, changed).unwrap();
        let error = verify(&saved.path).unwrap_err();
        let Error::Unsound { fault } = &error else {
            panic!("{what}: {error}");
        };
        // A defect of the archive is reported before a checksum.
        let expected = match what {
            "longer" => Fault::Trailing,
            "empty" => Fault::NotGzip,
            _ => Fault::Gzip,
        };
        let is_reported = *fault == expected || *fault == Fault::Checksum("sha256");
        assert!(is_reported, "{what}: {error}");
    }
    std::fs::remove_file(&saved.path).unwrap();
    assert!(matches!(verify(&saved.path), Err(Error::File { .. })));
}

#[tokio::test]
async fn a_missing_or_incomplete_snapshot_is_not_picked() {
    let (server, backups) = world().await;
    let pick = async |pick: Pick| backups.pick(project(), &name(FLEX_CLUSTER), &pick).await;
    let snapshots = server.with(|sandbox| sandbox.snapshots(project(), &name(FLEX_CLUSTER)));
    assert_eq!(pick(Pick::Latest).await.unwrap().id, snapshots[7]);
    let fourth =
        jiff::Timestamp::from_second(1_767_225_600).unwrap() + SignedDuration::from_hours(24 * 3);
    assert_eq!(pick(Pick::Before(fourth)).await.unwrap().id, snapshots[2]);
    let other = "32b6e34b3d91647abb20e7ff".parse().unwrap();
    let error = pick(Pick::Id(other)).await.unwrap_err();
    assert!(matches!(error, Error::NoSnapshot { .. }), "{error}");
}
