//! No shard is lost, whatever names a job has for its shards and however many links it has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atlas_backup::{Backups, DownloadOptions, Error, Manifest, Pick, PullOptions, Saved, silent};
use atlas_sandbox::{SHARDED_CLUSTER, SandboxServer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pull::{files, pull_with};
use crate::{altered, folder, name, names, project, quietly};

/// How the jobs of a test differ.
#[derive(Debug, Clone, Copy, Default)]
struct Jobs {
    /// The names of the shards; none if empty.
    shards: [&'static str; 2],
    /// Whether the first job lists its shards in reverse, and whether later ones do.
    reversed: [bool; 2],
    /// Whether the first link of the first job is refused.
    ended: bool,
}

fn backups(server: &SandboxServer, jobs: Jobs) -> Backups {
    let (mut count, mut last) = (0, Value::Null);
    altered::backups(server, move |path, _, body| {
        if !path.contains("/restoreJobs") || body.get("components").is_none() {
            return;
        }
        if body["id"] != last {
            count += 1;
            last = body["id"].clone();
        }
        let components = body["components"].as_array_mut().unwrap();
        for (component, shard) in components.iter_mut().zip(jobs.shards) {
            component["replicaSetName"] = match shard {
                "" => Value::Null,
                shard => json!(shard),
            };
        }
        if jobs.reversed[usize::from(count > 1)] {
            components.reverse();
        }
        if let Some(Value::String(link)) = components[0].get_mut("downloadUrl")
            && jobs.ended
            && count == 1
        {
            link.push('0');
        }
        let links: Vec<_> = components.iter().map(|it| &it["downloadUrl"]).collect();
        let links: Vec<_> = links.into_iter().filter(|it| it.is_string()).collect();
        body["deliveryUrl"] = json!(links);
    })
}

async fn server() -> SandboxServer {
    SandboxServer::start().await.unwrap()
}

async fn pull(backups: &Backups, folder: &TempDir) -> String {
    let options = PullOptions::default();
    let pulled = pull_with(backups, SHARDED_CLUSTER, folder, &options).await;
    pulled.unwrap().0
}

async fn replacing(backups: &Backups, folder: &TempDir) -> Result<Vec<Saved>, Error> {
    let options = DownloadOptions::default().replace(true);
    let (out, cluster) = (folder.path().join("s.tgz"), name(SHARDED_CLUSTER));
    backups
        .download(project(), &cluster, &Pick::Latest, &out, &options, silent)
        .await
}

/// Whether every shard of the newest snapshot is among some files.
fn are_all(server: &SandboxServer, paths: &[PathBuf]) -> bool {
    let expected = server.with(|sandbox| {
        let cluster = name(SHARDED_CLUSTER);
        let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
        sandbox.snapshot_files(project(), &cluster, newest)
    });
    let found: Vec<_> = paths.iter().map(|it| std::fs::read(it).unwrap()).collect();
    expected
        .iter()
        .all(|file| found.iter().any(|it| it[..] == file[..]))
}

fn paths(folder: &TempDir) -> Vec<PathBuf> {
    let files = files(folder);
    files.iter().map(|file| folder.path().join(file)).collect()
}

fn remove(file: &Path) {
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(Manifest::path_of(file)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn shards_of_two_jobs_without_names_are_never_one_shard_twice() {
    for shards in [["", ""], ["rs", "rs"]] {
        let server = server().await;
        let jobs = Jobs {
            shards,
            reversed: [false, true],
            ended: true,
        };
        let folder = folder();
        let error = quietly(&backups(&server, jobs), SHARDED_CLUSTER, &folder).await;
        let error = error.unwrap_err();
        assert!(matches!(error, Error::EqualShards { .. }), "{error}");
        assert_eq!(names(&folder), [""; 0]);
        assert_eq!(pull(&backups(&server, jobs), &folder).await, "F");
        assert_eq!(files(&folder), [""; 0]);
        assert_eq!(pull(&backups(&server, jobs), &folder).await, "F");
        let jobs = Jobs {
            ended: false,
            ..jobs
        };
        assert_eq!(pull(&backups(&server, jobs), &folder).await, "T");
        assert!(are_all(&server, &paths(&folder)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_of_an_earlier_job_is_not_mixed_with_another_jobs_index() {
    let server = server().await;
    let forward = Jobs::default();
    let backward = Jobs {
        reversed: [true, true],
        ..forward
    };
    let kept = folder();
    let saved = quietly(&backups(&server, forward), SHARDED_CLUSTER, &kept).await;
    remove(&saved.unwrap()[1].path);
    let error = quietly(&backups(&server, backward), SHARDED_CLUSTER, &kept).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::EqualShards { .. }), "{error}");
    assert_eq!(names(&kept), ["s-0.tgz", "s-0.tgz.json"]);
    replacing(&backups(&server, backward), &kept).await.unwrap();
    assert!(are_all(&server, &paths(&kept)));

    let kept = folder();
    assert_eq!(pull(&backups(&server, forward), &kept).await, "T");
    remove(&paths(&kept)[1]);
    assert_eq!(pull(&backups(&server, backward), &kept).await, "T");
    assert!(are_all(&server, &paths(&kept)));
    assert_eq!(names(&kept).len(), 6, "{:?}", names(&kept));
}

#[tokio::test(start_paused = true)]
async fn files_of_jobs_with_different_names_are_not_a_whole_snapshot() {
    for with_shards in [true, false] {
        let server = server().await;
        let unnamed = Jobs::default();
        let named = Jobs {
            shards: ["s0", "s1"],
            ..unnamed
        };
        let folder = folder();
        assert_eq!(pull(&backups(&server, unnamed), &folder).await, "T");
        remove(&paths(&folder)[1]);
        assert_eq!(pull(&backups(&server, named), &folder).await, "T");
        let left = paths(&folder);
        let lost = left.iter().find(|it| it.to_string_lossy().contains("-s1"));
        remove(lost.unwrap());
        if !with_shards {
            for file in paths(&folder) {
                crate::retention::change_manifest(&file, |manifest| {
                    manifest.as_object_mut().unwrap().remove("shards");
                });
            }
        }
        assert_eq!(files(&folder).len(), 2);
        assert_eq!(pull(&backups(&server, named), &folder).await, "T");
        assert!(are_all(&server, &paths(&folder)));
        assert_eq!(pull(&backups(&server, named), &folder).await, ".");
    }
}

/// Backups with a sharded snapshot of two parts, and jobs with a link to one.
fn with_one_link(server: &SandboxServer, ids: bool, components: usize) -> Backups {
    altered::backups(server, move |path, _, body| {
        if path.ends_with("/backup/snapshots/shardedClusters") {
            for snapshot in body["results"].as_array_mut().unwrap() {
                let part = |number: u8| json!(format!("32b6e34b3d91647abb20e7{number:02}"));
                let member = |number| json!({"cloudProvider": "AWS", "id": part(number), "replicaSetName": "rs"});
                snapshot["members"] = json!([]);
                snapshot["snapshotIds"] = json!([]);
                if ids {
                    snapshot["snapshotIds"] = json!([part(1), part(2)]);
                } else {
                    snapshot["members"] = json!([member(1), member(2)]);
                }
            }
        }
        if path.contains("/restoreJobs") && body.get("components").is_some() {
            let links = body["components"].as_array_mut().unwrap();
            links.truncate(1);
            let first = links[0]["downloadUrl"].clone();
            if first.is_string() {
                body["deliveryUrl"] = json!([first]);
            }
            if components == 0 {
                body["components"] = json!([]);
            }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_job_with_fewer_links_than_the_snapshot_has_shards_is_not_complete() {
    for (ids, components) in [(true, 0), (true, 1), (false, 0), (false, 1)] {
        let server = server().await;
        let folder = folder();
        let start = tokio::time::Instant::now();
        let backups = with_one_link(&server, ids, components);
        let error = quietly(&backups, SHARDED_CLUSTER, &folder).await;
        let error = error.unwrap_err();
        let few = matches!(
            error,
            Error::MissingLinks {
                found: 1,
                expected: 2,
                ..
            }
        );
        assert!(few, "{ids} {components}: {error}");
        assert!(start.elapsed() > Duration::from_secs(3500));
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_cannot_be_read_counts_and_its_file_is_not_left_out() {
    // In the members of the snapshot, or in the links of the job.
    for (place, field) in [
        ("snapshots", "members"),
        ("snapshots", "snapshotIds"),
        ("jobs", "components"),
    ] {
        let server = server().await;
        let folder = folder();
        let backups = altered::backups(&server, move |path, _, body| {
            if path.ends_with("/backup/snapshots/shardedClusters") && place == "snapshots" {
                for snapshot in body["results"].as_array_mut().unwrap() {
                    snapshot["members"] = json!([]);
                    snapshot["snapshotIds"] = json!([]);
                    snapshot[field] = json!([{"id": "32b6e34b3d91647abb20e701"}, 7]);
                }
            }
            if path.contains("/restoreJobs") && body.get("components").is_some() {
                let links = body["components"].as_array_mut().unwrap();
                let first = links[0]["downloadUrl"].clone();
                if place == "jobs" {
                    links[1] = json!(7);
                } else {
                    links.truncate(1);
                }
                if first.is_string() {
                    body["deliveryUrl"] = json!([first]);
                }
            }
        });
        let error = quietly(&backups, SHARDED_CLUSTER, &folder)
            .await
            .unwrap_err();
        let incomplete = match place {
            "jobs" => matches!(error, Error::UnreadableLinks { .. }),
            _ => matches!(error, Error::MissingLinks { .. } | Error::Deadline { .. }),
        };
        assert!(incomplete, "{place} {field}: {error}");
        assert_eq!(names(&folder), [""; 0], "{place} {field}");
    }
}
