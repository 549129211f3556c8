//! Jobs with unreadable links: an error soon, and at once if the job is complete.

use std::time::Duration;

use atlas_backup::{Error, WaitPolicy, silent};
use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::existing_jobs::asked;
use crate::{altered, folder, name, names, project, quietly, world};

fn is_job(path: &str) -> bool {
    path.contains("/restoreJobs") || path.contains("/restore") || path.ends_with("/download")
}

/// Fields with links, in the forms that may be received.
fn cases() -> Vec<(&'static str, &'static str, Value)> {
    let mut cases = Vec::new();
    for odd in [json!(5), json!({}), json!([]), json!(true), json!("")] {
        cases.push((FLEX_CLUSTER, "snapshotUrl", odd.clone()));
        cases.push((CLUSTER, "snapshotUrl", odd));
    }
    for odd in [
        json!([5]),
        json!("https://store.example/file"),
        json!([""]),
        json!([{}]),
        json!(7),
        json!({}),
    ] {
        cases.push((DEDICATED_CLUSTER, "deliveryUrl", odd));
    }
    for odd in [json!(5), json!([]), json!("")] {
        cases.push((SHARDED_CLUSTER, "components", odd));
    }
    cases
}

/// Sets a field of a job that has its links, and keeps or removes the job's completion.
fn set(body: &mut Value, field: &str, odd: &Value, is_complete: bool) {
    let has_links = |body: &Value| {
        !body["snapshotUrl"].is_null()
            || body["deliveryUrl"]
                .as_array()
                .is_some_and(|it| !it.is_empty())
    };
    if !has_links(body) {
        return;
    }
    if !is_complete {
        body["finishedAt"] = Value::Null;
        if body["status"] == "COMPLETED" {
            body["status"] = json!("RUNNING");
        }
    } else if body["status"].is_null() {
        body["finishedAt"] = json!("2026-01-01T00:00:00Z");
    }
    if field == "components" {
        for component in body["components"].as_array_mut().into_iter().flatten() {
            component["downloadUrl"] = odd.clone();
        }
        body["deliveryUrl"] = json!([]);
    } else {
        body[field] = odd.clone();
        if let Some(body) = body.as_object_mut() {
            body.remove("components");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn links_that_cannot_be_read_end_a_wait_soon() {
    for is_complete in [true, false] {
        for (cluster, field, odd) in cases() {
            let is_empty = odd == json!("") || odd == json!([""]);
            if is_empty && !is_complete {
                // May represent a link that does not exist yet.
                continue;
            }
            let case = format!("{cluster} {field} {odd} {is_complete}");
            let server = SandboxServer::start().await.unwrap();
            server.with(|sandbox| sandbox.set_download_delay(jiff::SignedDuration::ZERO));
            let value = odd.clone();
            let backups = altered::backups(&server, move |path, _, body| {
                if is_job(path) {
                    set(body, field, &value, is_complete);
                }
            });
            let (folder, start) = (folder(), Instant::now());
            let error = quietly(&backups, cluster, &folder).await.unwrap_err();
            let took = start.elapsed();
            let most = if is_complete { 2 } else { 60 };
            assert!(
                took <= Duration::from_secs(most),
                "{case}: {took:?} {error:?}"
            );
            let line = error.to_string();
            assert!(
                line.contains("links") && line.contains("cannot be read"),
                "{case}: {line}"
            );
            assert!(!error.is_transient(), "{case}: {error:?}");
            assert_eq!(names(&folder), [""; 0]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watched_download_whose_links_cannot_be_read_is_an_error() {
    let (server, plain) = world().await;
    let job = asked(&plain, DEDICATED_CLUSTER).await;
    tokio::time::advance(Duration::from_secs(600)).await;
    let backups = altered::backups(&server, |path, _, body| {
        if is_job(path) {
            set(body, "deliveryUrl", &json!([5]), true);
        }
    });
    let (cluster, policy) = (name(DEDICATED_CLUSTER), WaitPolicy::default());
    let watching = backups.watch_job(project(), &cluster, job, &policy, silent);
    let start = Instant::now();
    let error = watching.await.unwrap_err();
    assert!(!matches!(error, Error::Deadline { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(120));
}

/// As long as Atlas has not created the link.
#[tokio::test(start_paused = true)]
async fn a_temporarily_empty_link_is_awaited() {
    for (cluster, field, empty) in [
        (FLEX_CLUSTER, "snapshotUrl", json!("")),
        (DEDICATED_CLUSTER, "deliveryUrl", json!([""])),
        (DEDICATED_CLUSTER, "deliveryUrl", Value::Null),
    ] {
        let server = SandboxServer::start().await.unwrap();
        server.with(|sandbox| sandbox.set_download_delay(jiff::SignedDuration::ZERO));
        let mut looks = 0;
        let backups = altered::backups(&server, move |path, _, body| {
            if is_job(path) && looks < 20 {
                looks += 1;
                set(body, field, &empty, false);
            }
        });
        let saved = quietly(&backups, cluster, &folder()).await;
        assert_eq!(saved.unwrap().len(), 1, "{cluster}");
    }
}
