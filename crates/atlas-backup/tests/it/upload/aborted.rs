//! An aborted upload leaves nothing in the store, or reports what is left.

use std::time::Duration;

use atlas_backup::{Error, Settled};
use atlas_sandbox::PROJECT;
use http::Method;
use serde_json::json;

use super::{LARGE, SNAPSHOT, answers, chain, large, put, target, until};
use crate::s3::{Asked, Instead, S3, scripted};

/// Drops a download once a condition holds, and returns what is left.
async fn dropped_when(s3: &S3, mut holds: impl FnMut(&[Asked]) -> bool) -> Settled {
    let (_server, backups) = large().await;
    let target = target(s3, "s3://bucket/s.tgz");
    tokio::select! {
        ended = put(&backups, LARGE, &target, false) => panic!("{ended:?}"),
        () = until(|| holds(&s3.asked())) => {}
    }
    target.settle().await
}

fn hang() -> Instead {
    Instead::After(Box::pin(std::future::pending()))
}

#[tokio::test]
async fn a_dropped_download_aborts_its_upload() {
    let s3 = scripted(|asked, _| {
        if asked.query.contains("partNumber=2") {
            hang()
        } else {
            Instead::Nothing
        }
    })
    .await;
    let settled = dropped_when(&s3, |asked| {
        asked
            .iter()
            .any(|asked| asked.query.contains("partNumber=2"))
    })
    .await;
    assert_eq!(
        (settled.aborted, settled.failed.len()),
        (1, 0),
        "{settled:?}"
    );
    assert_eq!(s3.uploads(), (1, 0));
    assert!(s3.paths().is_empty());
}

#[tokio::test]
async fn an_upload_that_was_just_being_started_is_aborted_too() {
    let (release, released) = tokio::sync::oneshot::channel();
    let mut released = Some(released);
    let s3 = scripted(move |asked, _| {
        if asked.query.contains("uploads") {
            let released = released.take().unwrap();
            Instead::After(Box::pin(async move { released.await.unwrap() }))
        } else {
            Instead::Nothing
        }
    })
    .await;
    let (_server, backups) = large().await;
    let target = target(&s3, "s3://bucket/s.tgz");
    tokio::select! {
        ended = put(&backups, LARGE, &target, false) => panic!("{ended:?}"),
        () = until(|| s3.asked().iter().any(|asked| asked.query.contains("uploads"))) => {}
    }
    release.send(()).unwrap();
    let settled = target.settle().await;
    assert_eq!(settled.aborted, 1, "{settled:?}");
    assert_eq!(s3.uploads(), (1, 0));
}

#[tokio::test]
async fn an_object_that_was_just_being_completed_is_completed() {
    let s3 = scripted(|asked, _| {
        if asked.is_completion() {
            Instead::After(Box::pin(tokio::time::sleep(Duration::from_millis(300))))
        } else {
            Instead::Nothing
        }
    })
    .await;
    let settled = dropped_when(&s3, |asked| asked.iter().any(Asked::is_completion)).await;
    assert_eq!(settled.stored, ["s3://bucket/s.tgz"], "{settled:?}");
    assert_eq!(s3.paths(), ["/bucket/s.tgz", "/bucket/s.tgz.json"]);
}

#[tokio::test]
async fn an_upload_that_cannot_be_aborted_is_reported() {
    let s3 = scripted(|asked, _| {
        if asked.is_part() || asked.method == Method::DELETE {
            return answers(403, "<Error><Code>AccessDenied</Code></Error>");
        }
        Instead::Nothing
    })
    .await;
    let (_server, backups) = large().await;
    let error = put(&backups, LARGE, &target(&s3, "s3://bucket/s.tgz"), false)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LeftInStore { .. }), "{error:?}");
    let text = chain(&error);
    assert!(
        text.contains("cannot upload a part to s3://bucket/s.tgz"),
        "{text}"
    );
    assert!(text.contains("open multipart upload is left"), "{text}");
}

/// Any program that can write to the bucket can forge a lease.
#[tokio::test]
async fn an_expired_lease_has_only_uploads_of_its_own_snapshot_aborted() {
    let (_server, backups) = large().await;
    // With the cluster and snapshot of the run, and with others.
    let own = format!("{PROJECT}/{LARGE}/{SNAPSHOT}/");
    for source in [own.as_str(), "of another run"] {
        // The store's date is later than the end of the lease.
        let s3 = scripted(|asked, state| {
            if (&asked.method, asked.path.as_str()) != (&Method::GET, "/bucket/s.tgz.part") {
                return Instead::Nothing;
            }
            let mut answer = http::Response::new(state.objects[&asked.path].clone());
            for (name, value) in [
                ("etag", "\"tag\""),
                ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ] {
                let value = value.parse().unwrap();
                answer.headers_mut().insert(name, value);
            }
            Instead::Answer(answer)
        })
        .await;
        let begun = |id: &str| json!({"id": id, "head": null, "part": 1});
        let lease = json!({
            "format": "atlas-backup/1", "source": source, "seconds": 1,
            "holder": {"nonce": "of another machine", "pid": 1},
            "uploads": {
                "t.tgz": begun("of-t"), "a/s.tgz": begun("of-a"), "s-0.tgz": begun("of-shard"),
            },
        });
        s3.put("/bucket/s.tgz.part", &lease.to_string());
        let at = target(&s3, "s3://bucket/s.tgz");
        put(&backups, LARGE, &at, false).await.unwrap();
        let asked = s3.asked();
        let aborts = asked.iter().filter(|it| it.method == Method::DELETE);
        let aborted: Vec<_> = aborts.filter(|it| !it.query.is_empty()).collect();
        let paths: Vec<_> = aborted.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, ["/bucket/s-0.tgz"], "{source}");
    }
}
