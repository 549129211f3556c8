//! Responses for something other than what was requested, and files that look alike.

use atlas_backup::{Backups, Error, Pick, WaitPolicy, silent, verify};
use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{altered, folder, name, names, project, quietly};

const OTHER: &str = "32b6e34b3d91647abb20e7ff";

/// Whether a path is that of a restore job, or of the request for one.
fn is_job(path: &str) -> bool {
    path.contains("/restoreJobs") || path.contains("/restore") || path.ends_with("/download")
}

async fn world() -> SandboxServer {
    SandboxServer::start().await.unwrap()
}

/// Backups whose jobs have a field set to a value, in jobs that have the field.
fn with_field(server: &SandboxServer, field: &'static str, value: Value) -> Backups {
    altered::backups(server, move |path, _, body| {
        if is_job(path) && body.get(field).is_some() {
            body[field] = value.clone();
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_job_for_anything_else_is_an_error_and_nothing_is_named() {
    let server = world().await;
    let cases = [
        (FLEX_CLUSTER, "snapshotId", json!(OTHER)),
        (FLEX_CLUSTER, "snapshotId", json!("not an id")),
        (FLEX_CLUSTER, "snapshotId", json!(7)),
        (FLEX_CLUSTER, "instanceName", json!(["Flex0"])),
        (FLEX_CLUSTER, "deliveryType", json!({})),
        (FLEX_CLUSTER, "deliveryType", json!("RESTORE")),
        (FLEX_CLUSTER, "instanceName", json!("Other")),
        (FLEX_CLUSTER, "projectId", json!(OTHER)),
        (CLUSTER, "snapshotId", json!(OTHER)),
        (CLUSTER, "deliveryType", json!("RESTORE")),
        (CLUSTER, "clusterName", json!("Other")),
        (CLUSTER, "projectId", json!(OTHER)),
        (DEDICATED_CLUSTER, "snapshotId", json!(OTHER)),
        (DEDICATED_CLUSTER, "deliveryType", json!("automated")),
        (SHARDED_CLUSTER, "snapshotId", json!(OTHER)),
    ];
    for (cluster, field, value) in cases {
        let backups = with_field(&server, field, value.clone());
        let folder = folder();
        let error = quietly(&backups, cluster, &folder).await.unwrap_err();
        let mismatch = matches!(error, Error::Mismatch { .. });
        assert!(mismatch, "{cluster} {field} {value}: {error}");
        assert_eq!(names(&folder), [""; 0], "{cluster} {field} {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_becomes_another_during_the_wait_is_an_error() {
    for (field, value) in [
        ("id", json!(OTHER)),
        ("snapshotId", json!(OTHER)),
        ("deliveryType", json!("RESTORE")),
    ] {
        let server = world().await;
        server.with(|sandbox| sandbox.set_download_delay(SignedDuration::from_hours(1)));
        let mut seen = 0;
        let backups = altered::backups(&server, move |path, _, body| {
            if is_job(path) && body.get(field).is_some() {
                seen += 1;
                if seen == 3 {
                    body[field] = value.clone();
                }
            }
        });
        let error = quietly(&backups, FLEX_CLUSTER, &folder())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{field}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn missing_fields_are_accepted() {
    let server = world().await;
    let backups = altered::backups(&server, |path, _, body| {
        if let Some(job) = body.as_object_mut().filter(|_| is_job(path)) {
            for field in ["snapshotId", "deliveryType", "instanceName", "projectId"] {
                job.remove(field);
            }
        }
    });
    let saved = quietly(&backups, FLEX_CLUSTER, &folder()).await;
    assert_eq!(saved.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_or_a_restore_that_is_another_one_is_an_error() {
    let server = world().await;
    for field in ["name", "groupId"] {
        let backups = altered::backups(&server, move |_, _, body| body[field] = json!(OTHER));
        let kind = backups.kind(project(), &name(DEDICATED_CLUSTER)).await;
        let error = kind.unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{field}: {error}");
    }
    let backups = with_field(&server, "snapshotId", json!(OTHER));
    let (source, target) = (name(DEDICATED_CLUSTER), name(SHARDED_CLUSTER));
    let restored = backups.restore(project(), &source, &Pick::Latest, project(), &target);
    let error = restored.await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    assert!(
        error.to_string().contains("check the restore jobs"),
        "{error}"
    );
}

/// Backups whose sharded jobs have components with these names.
fn with_shards(server: &SandboxServer, shards: [Value; 2]) -> Backups {
    altered::backups(server, move |path, _, body| {
        if !is_job(path) {
            return;
        }
        for (place, name) in shards.iter().enumerate() {
            if let Some(component) = body.pointer_mut(&format!("/components/{place}")) {
                component["replicaSetName"] = name.clone();
            }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn shards_without_a_unique_name_get_their_index_and_no_file_is_lost() {
    for (shards, expected) in [
        ([json!("rs"), json!("rs")], ["s-0.tgz", "s-1.tgz"]),
        ([json!("rs"), json!("RS")], ["s-0.tgz", "s-1.tgz"]),
        ([Value::Null, Value::Null], ["s-0.tgz", "s-1.tgz"]),
        ([json!(""), json!("../../x")], ["s-0.tgz", "s-1.tgz"]),
        ([json!("rs"), Value::Null], ["s-rs.tgz", "s-1.tgz"]),
        ([json!("1"), Value::Null], ["s-0.tgz", "s-1.tgz"]),
    ] {
        let server = world().await;
        let backups = with_shards(&server, shards.clone());
        let folder = folder();
        let saved = quietly(&backups, SHARDED_CLUSTER, &folder).await.unwrap();
        let files = server.with(|sandbox| {
            let cluster = name(SHARDED_CLUSTER);
            let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
            sandbox.snapshot_files(project(), &cluster, newest)
        });
        for ((saved, name), file) in saved.iter().zip(expected).zip(files) {
            assert_eq!(saved.path, folder.path().join(name), "{shards:?}");
            assert_eq!(std::fs::read(&saved.path).unwrap(), file, "{shards:?}");
            assert_eq!(saved.manifest.files, 2);
            verify(&saved.path).unwrap();
        }
        assert_eq!(names(&folder).len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn equal_links_for_two_shards_are_an_error() {
    let server = world().await;
    let backups = altered::backups(&server, |path, _, body| {
        let first = body.pointer("/components/0/downloadUrl").cloned();
        if let Some(first) = first.filter(|url| is_job(path) && url.is_string()) {
            body["components"][1]["downloadUrl"] = first.clone();
            body["deliveryUrl"] = json!([first, first]);
        }
    });
    let folder = folder();
    let error = quietly(&backups, SHARDED_CLUSTER, &folder)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::EqualLinks { .. }), "{error}");
    assert!(!error.to_string().contains("signature"), "{error}");
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_shard_without_a_link_is_awaited() {
    let server = world().await;
    let mut looks = 0;
    let backups = altered::backups(&server, move |path, _, body| {
        if is_job(path) && body.pointer("/components/1/downloadUrl").is_some() {
            looks += 1;
            if looks < 3 {
                body["components"][1]["downloadUrl"] = Value::Null;
                let first = body["components"][0]["downloadUrl"].clone();
                body["deliveryUrl"] = json!([first]);
            }
        }
    });
    let saved = quietly(&backups, SHARDED_CLUSTER, &folder()).await.unwrap();
    assert_eq!(saved.len(), 2);
}

/// A renewed job may list its shards in another order, but must have the same shards.
#[tokio::test(start_paused = true)]
async fn a_renewed_link_is_that_of_the_same_shard() {
    for (change, same) in [("reversed", true), ("renamed", false), ("fewer", false)] {
        let server = world().await;
        let (mut jobs, mut last) = (0, Value::Null);
        let backups = altered::backups(&server, move |path, _, body| {
            if !is_job(path) || body.get("components").is_none() {
                return;
            }
            if body["id"] != last {
                jobs += 1;
                last = body["id"].clone();
            }
            if jobs < 2 {
                return;
            }
            let components = body["components"].as_array_mut().unwrap();
            match change {
                "reversed" => components.reverse(),
                "renamed" => components[0]["replicaSetName"] = json!("other"),
                _ => drop(components.pop()),
            }
            if change == "fewer" {
                body["deliveryUrl"] = json!([]);
            } else {
                body["deliveryUrl"].as_array_mut().unwrap().reverse();
            }
        });
        let folder = folder();
        let ended = std::sync::Once::new();
        let progress = |event| {
            if let atlas_backup::Event::Received { .. } = event {
                ended.call_once(|| server.with(atlas_sandbox::Sandbox::end_links));
            }
        };
        let saved = crate::latest(&backups, SHARDED_CLUSTER, &folder, &progress).await;
        if same {
            let expected = server.with(|sandbox| {
                let cluster = name(SHARDED_CLUSTER);
                let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
                sandbox.snapshot_files(project(), &cluster, newest)
            });
            for (saved, expected) in saved.unwrap().iter().zip(expected) {
                assert!(std::fs::read(&saved.path).unwrap() == expected);
            }
        } else {
            let error = saved.unwrap_err();
            assert!(matches!(error, Error::Mismatch { .. }), "{change}: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watched_job_that_is_another_one_is_an_error() {
    let server = world().await;
    let plain = altered::backups(&server, |_, _, _| {});
    let (cluster, policy) = (name(FLEX_CLUSTER), WaitPolicy::default());
    let asked = plain.request_download(project(), &cluster, &Pick::Latest, &policy, silent);
    let id = asked.await.unwrap().id.unwrap();
    let backups = with_field(&server, "id", json!(OTHER));
    let watched = backups.watch_job(project(), &cluster, id, &policy, silent);
    let error = watched.await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
    let error = backups.job(project(), &cluster, id).await.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}
