//! A folder that is kept up to date.

use atlas_backup::{Backups, Error, Keep, PullOptions, PullSummary, Pulled, silent, verify};
use atlas_sandbox::{FLEX_CLUSTER, SHARDED_CLUSTER};
use tempfile::TempDir;

use crate::{folder, name, names, project, world};

/// Pulls, and returns one letter for each snapshot.
async fn pull(
    backups: &Backups,
    cluster: &str,
    folder: &TempDir,
    keep: Option<Keep>,
) -> Result<String, Error> {
    let options = PullOptions::default().keep(keep);
    let pulled = pull_with(backups, cluster, folder, &options).await?;
    Ok(pulled.0)
}

pub(crate) async fn pull_with(
    backups: &Backups,
    cluster: &str,
    folder: &TempDir,
    options: &PullOptions,
) -> Result<(String, PullSummary), Error> {
    let mut letters = String::new();
    let report = |pulled: Pulled| {
        letters.push(match pulled {
            Pulled::Downloaded { .. } => 'T',
            Pulled::AlreadyPresent { .. } => '.',
            Pulled::Failed { .. } => 'F',
            Pulled::Removed { .. } => 'R',
            Pulled::Damaged { .. } => 'D',
            Pulled::Future { .. } => '>',
            Pulled::OtherCluster { .. } => 'o',
            Pulled::WouldDownload { .. } => 't',
            Pulled::WouldRead { .. } => 'r',
            Pulled::WouldRemove { .. } => 'm',
            other => panic!("{other:?}"),
        });
    };
    let cluster = name(cluster);
    let pulling = backups.pull(project(), &cluster, folder.path(), options, report, silent);
    let summary = pulling.await?;
    Ok((letters, summary))
}

pub(crate) fn files(folder: &TempDir) -> Vec<String> {
    let mut names = names(folder);
    names.retain(|name| {
        std::path::Path::new(name)
            .extension()
            .is_some_and(|it| it == "tgz")
    });
    names
}

fn catalogue(folder: &TempDir) -> serde_json::Value {
    let text = std::fs::read(folder.path().join("catalogue.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_snapshot_is_downloaded_once_and_listed_in_the_catalogue() {
    let (server, backups) = world().await;
    let folder = folder();
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, None).await.unwrap(),
        "TTTTTTTT"
    );
    let before = server.with(|sandbox| sandbox.served_bytes());
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, None).await.unwrap(),
        "........"
    );
    assert_eq!(server.with(|sandbox| sandbox.served_bytes()), before);
    let files = files(&folder);
    assert!(files[0].starts_with("2026-01-01T000000Z-"), "{files:?}");
    let listed = catalogue(&folder);
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 8);
    for (entry, file) in listed.iter().zip(&files) {
        assert_eq!(entry["file"], **file);
        assert_eq!(entry["sha256"].as_str().unwrap().len(), 64);
        verify(&folder.path().join(file)).unwrap();
    }
    std::fs::remove_file(folder.path().join("catalogue.json")).unwrap();
    pull(&backups, FLEX_CLUSTER, &folder, None).await.unwrap();
    assert_eq!(catalogue(&folder).as_array().unwrap(), listed, "rebuilt");
}

#[tokio::test(start_paused = true)]
async fn old_snapshots_are_not_downloaded_only_to_be_removed() {
    let (_server, backups) = world().await;
    let folder = folder();
    let keep = Some(Keep::last(3));
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, keep).await.unwrap(),
        "TTT"
    );
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, None).await.unwrap(),
        "TTTTT..."
    );
    // Days are counted from the newest, and the newest three always stay.
    let days = Some(Keep::days(1));
    let other = crate::folder();
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &other, days).await.unwrap(),
        "TTT"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_snapshot_does_not_prevent_others_and_nothing_is_removed() {
    let (server, backups) = world().await;
    let folder = folder();
    pull(&backups, FLEX_CLUSTER, &folder, Some(Keep::last(8)))
        .await
        .unwrap();
    let (first, newest) = (files(&folder).remove(0), files(&folder).remove(7));
    std::fs::remove_file(folder.path().join(&newest)).unwrap();
    server.with(|sandbox| sandbox.fail_next_jobs(1));
    let keep = Some(Keep::last(1));
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, keep).await.unwrap(),
        "F"
    );
    assert!(
        folder.path().join(first).exists(),
        "the only good copies stay"
    );
    let pulled = pull(&backups, FLEX_CLUSTER, &folder, keep).await.unwrap();
    assert_eq!(pulled, "T");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_cut_or_lost_its_manifest_is_downloaded_again() {
    let (_server, backups) = world().await;
    let folder = folder();
    let keep = Some(Keep::last(2));
    pull(&backups, FLEX_CLUSTER, &folder, keep).await.unwrap();
    let files = files(&folder);
    let cut = folder.path().join(&files[0]);
    std::fs::write(&cut, "cut").unwrap();
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, keep).await.unwrap(),
        "DT."
    );
    verify(&cut).unwrap();
    std::fs::remove_file(folder.path().join(format!("{}.json", files[1]))).unwrap();
    assert_eq!(
        pull(&backups, FLEX_CLUSTER, &folder, keep).await.unwrap(),
        ".T"
    );
    let kept = folder.path().join(format!("{}.old1", files[1]));
    assert!(kept.is_file(), "a file without a manifest may be anybody's");
}

#[tokio::test(start_paused = true)]
async fn a_sharded_snapshot_is_present_when_all_its_files_are() {
    let (_server, backups) = world().await;
    let folder = folder();
    assert_eq!(
        pull(&backups, SHARDED_CLUSTER, &folder, None)
            .await
            .unwrap(),
        "T"
    );
    assert_eq!(
        pull(&backups, SHARDED_CLUSTER, &folder, None)
            .await
            .unwrap(),
        "."
    );
    assert_eq!(files(&folder).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_do_not_work_in_one_folder() {
    let (_server, backups) = world().await;
    let folder = folder();
    let (first, second) = tokio::join!(
        pull(&backups, FLEX_CLUSTER, &folder, None),
        pull(&backups, FLEX_CLUSTER, &folder, None)
    );
    let outcomes = [first, second];
    let busy = |outcome: &&Result<String, Error>| matches!(outcome, Err(Error::Busy { .. }));
    assert_eq!(outcomes.iter().filter(busy).count(), 1, "{outcomes:?}");
}
