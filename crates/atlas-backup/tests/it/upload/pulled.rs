//! Pulls into a folder in a store, and their reports.

use std::path::{Path, PathBuf};

use atlas_backup::{
    Backups, DownloadOptions, Event, Keep, Manifest, Pick, PullOptions, Pulled, PulledFile,
    StoreFolder, silent,
};
use atlas_sandbox::FLEX_CLUSTER;

use super::{answers, target};
use crate::checking::Checks;
use crate::s3::{Instead, S3, s3, said, scripted};
use crate::{name, project, world};

pub(super) async fn pull(
    backups: &Backups,
    s3: &S3,
    options: &PullOptions,
    progress: impl FnMut(Event) + Send,
) -> Vec<Pulled> {
    let mut told = Vec::new();
    let folder = StoreFolder::new("s3://bucket/f", s3.settings()).unwrap();
    let cluster = name(FLEX_CLUSTER);
    let report = |pulled| told.push(pulled);
    let pulling = backups.pull_to_store(project(), &cluster, &folder, options, report, progress);
    pulling.await.unwrap();
    told
}

#[tokio::test]
async fn the_report_of_a_snapshot_in_a_store_has_its_url_length_and_checksum() {
    let (_server, backups) = world().await;
    let s3 = s3().await;
    let mut stored: Vec<PulledFile> = Vec::new();
    for pulled in pull(&backups, &s3, &PullOptions::default(), silent).await {
        let Pulled::Downloaded {
            taken, mut files, ..
        } = pulled
        else {
            panic!("{pulled:?}");
        };
        assert!(taken.is_some());
        stored.append(&mut files);
    }
    assert_eq!(stored.len(), 8);
    for file in &stored {
        let url = file.path.to_str().unwrap();
        let path = url.strip_prefix("s3:/").unwrap();
        assert_eq!(s3.object(path).unwrap().len() as u64, file.bytes);
        let manifest = s3.object(&format!("{path}.json")).unwrap();
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest.sha256, file.sha256);
    }
    let mut there = Vec::new();
    for pulled in pull(&backups, &s3, &PullOptions::default(), silent).await {
        let Pulled::AlreadyPresent {
            taken, mut files, ..
        } = pulled
        else {
            panic!("{pulled:?}");
        };
        assert!(taken.is_some());
        there.append(&mut files);
    }
    assert_eq!(there, stored);
    let is_url = |file: &PulledFile| file.path.starts_with(Path::new("s3://bucket/f"));
    assert!(there.iter().all(is_url));
}

#[tokio::test]
async fn a_pull_reports_each_object_that_it_reads_and_the_progress() {
    let (_server, backups) = world().await;
    let s3 = s3().await;
    pull(&backups, &s3, &PullOptions::default(), silent).await;
    let mut checks = Checks::default();
    let options = PullOptions::default().verify(true);
    pull(&backups, &s3, &options, |event| checks.take(event)).await;
    let read = checks.whole();
    assert_eq!(read.len(), 8);
    assert!(read.iter().all(|path| path.starts_with("s3://bucket/f")));
}

/// A store in which another run holds the lease of an object, and releases it at the second check.
async fn leased() -> S3 {
    let mut looks = 0;
    scripted(move |asked, _| {
        let is_lease = Path::new(&asked.path)
            .extension()
            .is_some_and(|it| it == "part");
        if !is_lease {
            return Instead::Nothing;
        }
        let is_creation = asked.headers.contains_key("if-none-match");
        looks += usize::from(is_creation);
        if looks > 1 {
            return Instead::Nothing;
        }
        if is_creation {
            return answers(412, "<Error><Code>PreconditionFailed</Code></Error>");
        }
        let lease = serde_json::json!({
            "format": "atlas-backup/1", "source": "of another run", "seconds": 1,
            "holder": {"nonce": "of another machine", "pid": 1},
        });
        let now = jiff::Timestamp::now();
        let now = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let mut answer = said(200, &lease.to_string());
        for name in ["date", "last-modified"] {
            answer.headers_mut().insert(name, now.parse().unwrap());
        }
        answer
            .headers_mut()
            .insert("etag", "\"of-another\"".parse().unwrap());
        Instead::Answer(answer)
    })
    .await
}

fn waits(events: &[Event]) -> Vec<PathBuf> {
    let waits = events.iter().filter_map(|event| match event {
        Event::WaitingForRun { path, since } => {
            assert!(since.as_secs() < 60);
            Some(path.clone())
        }
        Event::Retrying { .. } => panic!("{event:?}"),
        _ => None,
    });
    waits.collect()
}

#[tokio::test]
async fn a_run_that_waits_for_another_runs_lease_reports_it() {
    let (_server, backups) = world().await;
    let s3 = leased().await;
    let mut events = Vec::new();
    let (cluster, options) = (name(FLEX_CLUSTER), DownloadOptions::default());
    let at = target(&s3, "s3://bucket/s.tgz");
    let show = |event| events.push(event);
    let storing =
        backups.download_to_store(project(), &cluster, &Pick::Latest, &at, &options, show);
    storing.await.unwrap();
    assert_eq!(waits(&events), [PathBuf::from("s3://bucket/s.tgz.part")]);

    let s3 = leased().await;
    let mut events = Vec::new();
    let keep = PullOptions::default()
        .keep(Some(Keep::last(1)))
        .keep_at_least(1);
    let told = pull(&backups, &s3, &keep, |event| events.push(event)).await;
    let [Pulled::Downloaded { files, .. }] = &*told else {
        panic!("{told:?}");
    };
    let lease = format!("{}.part", files[0].path.display());
    assert_eq!(waits(&events), [PathBuf::from(lease)]);
}
