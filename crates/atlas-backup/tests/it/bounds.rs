//! Peers and files with implausible sizes: an error, before anything is allocated for them.

use std::fs::File;
use std::sync::{Arc, Mutex};

use atlas_backup::{
    DownloadOptions, Error, Manifest, Pick, PullOptions, WaitPolicy, silent, verify,
};
use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};
use serde_json::{Value, json};

use crate::altered;
use crate::pull::pull_with;
use crate::store::{Answer, End, backups};
use crate::stores::{add_larger, file, right};
use crate::{folder, name, names, project, quietly, world};

async fn sandbox() -> SandboxServer {
    SandboxServer::start().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_job_of_more_than_a_thousand_files_is_refused() {
    let server = sandbox().await;
    for (field, count, is_refused) in [
        ("components", 1001, true),
        ("deliveryUrl", 1001, true),
        ("deliveryUrl", 100_000, true),
        ("deliveryUrl", 1000, false),
    ] {
        let backups = altered::backups(&server, move |path, _, body| {
            let fill = |job: &mut Value| {
                job[field] = (0..count)
                    .map(|number| format!("https://store.example/{number}"))
                    .map(|url| match field {
                        "components" => json!({"downloadUrl": url, "replicaSetName": "rs"}),
                        _ => json!(url),
                    })
                    .collect();
            };
            if !path.contains("/restoreJobs") {
                return;
            }
            match body["results"].as_array_mut() {
                Some(jobs) => jobs.iter_mut().for_each(fill),
                None => fill(body),
            }
        });
        let (cluster, pick) = (name(SHARDED_CLUSTER), Pick::Latest);
        let policy = WaitPolicy::default();
        let asked = backups.request_download(project(), &cluster, &pick, &policy, silent);
        let (asked, listed) = (asked.await, backups.jobs(project(), &cluster).await);
        for refused in [asked.map(drop), listed.map(drop)] {
            assert_eq!(refused.is_err(), is_refused, "{field} {count}");
            if let Err(error) = refused {
                let too_many = matches!(error, Error::TooMany { limit: 1000, .. });
                assert!(too_many, "{error:?}");
            }
        }
    }
}

/// Fills every page with items of new ids, and adds a link to another page.
fn endless(page: &mut u32, count: u32, results: &mut Value) {
    *page += 1;
    let ids = (0..count).map(|number| json!({"id": format!("{:024x}", *page * count + number)}));
    results["results"] = ids.collect();
    let href = format!("https://atlas.example/x?pageNum={}", *page + 1);
    results["links"] = json!([{"rel": "next", "href": href}]);
}

#[tokio::test(start_paused = true)]
async fn endless_lists_are_refused_at_a_hundred_thousand() {
    for ending in ["/snapshots", "/restoreJobs"] {
        let server = sandbox().await;
        let pages = Arc::new(Mutex::new(0));
        let counted = pages.clone();
        let backups = altered::backups(&server, move |path, _, body| {
            if path.ends_with(ending) && body.get("results").is_some() {
                endless(&mut counted.lock().unwrap(), 10_000, body);
            }
        });
        let cluster = name(FLEX_CLUSTER);
        let error = if ending == "/snapshots" {
            backups.snapshots(project(), &cluster).await.unwrap_err()
        } else {
            backups.jobs(project(), &cluster).await.unwrap_err()
        };
        let is_refused = matches!(error, Error::TooMany { limit: 100_000, .. });
        assert!(is_refused, "{error:?}");
        assert_eq!(*pages.lock().unwrap(), 11, "{ending}");
    }
}

/// Its journal would have a first line that is too long, so the next run would not recognize the
/// files as its own.
#[tokio::test(start_paused = true)]
async fn a_tag_that_a_journal_cannot_keep_is_ignored() {
    for tag in [format!("\"{}\"", "t".repeat(70_000)), "\"".to_owned()] {
        let server = sandbox().await;
        add_larger(&server);
        let given = file(&server);
        let expected = given.clone();
        let backups = backups(&server, move |number, headers| {
            let mut answer = right(&given, headers);
            answer.headers[0].1.clone_from(&tag);
            if number == 2 {
                answer.status = 451;
            }
            answer
        });
        let folder = folder();
        let refused = quietly(&backups, FLEX_CLUSTER, &folder).await;
        assert!(matches!(refused, Err(Error::Call(_))), "{refused:?}");
        let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
        assert!(std::fs::read(&saved[0].path).unwrap() == expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_announces_more_than_any_snapshot_has_is_refused() {
    for (length, is_refused) in [
        (u64::MAX, true),
        ((64 << 40) + 1, true),
        // Possible, but not received.
        (64 << 40, false),
    ] {
        let server = sandbox().await;
        let backups = backups(&server, move |_, _| Answer {
            status: 200,
            headers: vec![("content-length", length.to_string())],
            body: b"some".to_vec(),
            end: End::Whole,
        });
        let folder = folder();
        let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
        let too_long = matches!(error, Error::TooLong { announced } if announced == length);
        assert_eq!(too_long, is_refused, "{error:?}");
        assert_eq!(names(&folder), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn no_text_of_a_response_makes_an_unreadable_manifest() {
    let server = sandbox().await;
    let backups = altered::backups(&server, |path, _, body| {
        for snapshot in body["results"].as_array_mut().into_iter().flatten() {
            if path.ends_with("/snapshots") {
                snapshot["mongodVersion"] = json!("8".repeat(2 << 20));
            }
        }
    });
    let folder = folder();
    let saved = quietly(&backups, DEDICATED_CLUSTER, &folder).await.unwrap();
    assert_eq!(
        verify(&saved[0].path).unwrap().manifest(),
        Some(&saved[0].manifest)
    );
    assert_eq!(saved[0].manifest.mongodb_version, None);
}

#[tokio::test(start_paused = true)]
async fn a_mismatching_id_is_shown_in_part() {
    let server = sandbox().await;
    let backups = altered::backups(&server, |_, _, body| {
        body["name"] = json!("x".repeat(1 << 20));
    });
    let kind = backups.kind(project(), &name(DEDICATED_CLUSTER)).await;
    let error = kind.unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error:?}");
    assert!(error.to_string().len() < 1000);
}

#[tokio::test(start_paused = true)]
async fn no_number_of_connections_is_too_small_or_too_large() {
    for connections in [0, 1, usize::MAX] {
        let (_server, backups) = world().await;
        let folder = folder();
        let out = folder.path().join("s.tgz");
        let options = DownloadOptions::default().connections(connections);
        let (cluster, pick) = (name(FLEX_CLUSTER), Pick::Latest);
        let saved = backups.download(project(), &cluster, &pick, &out, &options, silent);
        assert_eq!(saved.await.unwrap().len(), 1, "{connections}");
    }
}

/// The files occupy no blocks on the disk.
#[tokio::test(start_paused = true)]
async fn manifests_and_catalogues_of_a_gibibyte_are_not_read() {
    let sparse = |path: &std::path::Path| File::create(path).unwrap().set_len(1 << 30).unwrap();
    let (_server, backups) = world().await;
    let folder = folder();
    let out = folder.path().join("s.tgz");
    std::fs::write(&out, "").unwrap();
    sparse(&Manifest::path_of(&out));
    let error = verify(&out).unwrap_err();
    assert!(format!("{error:?}").contains("too long"), "{error:?}");

    let folder = crate::folder();
    sparse(&folder.path().join("catalogue.json"));
    let options = PullOptions::default();
    let pulled = pull_with(&backups, FLEX_CLUSTER, &folder, &options).await;
    assert!(matches!(pulled, Err(Error::Foreign { .. })), "{pulled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_catalogue_of_many_entries_is_valid_unless_one_entry_is_invalid() {
    let (_server, backups) = world().await;
    let folder = folder();
    let options = PullOptions::default();
    pull_with(&backups, FLEX_CLUSTER, &folder, &options)
        .await
        .unwrap();
    let path = folder.path().join("catalogue.json");
    let text = std::fs::read(&path).unwrap();
    let entries: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let mut many: Vec<&Value> = entries.iter().cycle().take(20_000).collect();
    let write = |many: &[&Value], more: &str| {
        let text = serde_json::to_string(many).unwrap() + more;
        std::fs::write(&path, text).unwrap();
    };
    write(&many, "\n");
    let pulled = pull_with(&backups, FLEX_CLUSTER, &folder, &options).await;
    assert_eq!(pulled.unwrap().0, "........");
    let odd = json!({"file": "x"});
    many.push(&odd);
    write(&many, "");
    let pulled = pull_with(&backups, FLEX_CLUSTER, &folder, &options).await;
    assert!(matches!(pulled, Err(Error::Foreign { .. })), "{pulled:?}");
    many.pop();
    write(&many, "more");
    let pulled = pull_with(&backups, FLEX_CLUSTER, &folder, &options).await;
    assert!(matches!(pulled, Err(Error::Foreign { .. })), "{pulled:?}");
}
