//! An aborted upload leaves nothing in the store, or reports what is left.

use std::time::Duration;

use atlas_backup::{Error, Settled};
use atlas_sandbox::PROJECT;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

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

/// A store whose lease at `s.tgz.part` was written long ago.
async fn expired() -> S3 {
    scripted(|asked, state| {
        let is_lease = asked.path == "/bucket/s.tgz.part";
        match state.objects.get(&asked.path) {
            Some(lease) if is_lease && asked.method == Method::GET => old(lease.clone()),
            _ => Instead::Nothing,
        }
    })
    .await
}

fn old(lease: Bytes) -> Instead {
    let mut answer = http::Response::new(lease);
    for (name, value) in [
        ("etag", "\"tag\""),
        ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ] {
        let value = value.parse().unwrap();
        answer.headers_mut().insert(name, value);
    }
    Instead::Answer(answer)
}

/// The source of a lease of the run, and of another one.
fn sources() -> [String; 2] {
    let own = format!("{PROJECT}/{LARGE}/{SNAPSHOT}/");
    [own, "of another run".to_owned()]
}

fn lease(source: &str, uploads: &Value) -> String {
    let lease = json!({
        "format": "atlas-backup/1", "source": source, "seconds": 1,
        "holder": {"nonce": "of another machine", "pid": 1}, "uploads": uploads,
    });
    lease.to_string()
}

fn begun(id: &str) -> Value {
    json!({"id": id, "head": null, "part": 1})
}

/// The paths of aborted uploads.
fn aborted(s3: &S3) -> Vec<String> {
    let asked = s3.asked().into_iter();
    let aborts = asked.filter(|it| it.method == Method::DELETE && !it.query.is_empty());
    aborts.map(|it| it.path).collect()
}

/// Any program that can write to the bucket can forge a lease.
#[tokio::test]
async fn an_expired_lease_has_only_uploads_of_its_own_snapshot_aborted() {
    let (_server, backups) = large().await;
    for source in sources() {
        let s3 = expired().await;
        let uploads = json!({
            "t.tgz": begun("of-t"), "a/s.tgz": begun("of-a"), "s-0.tgz": begun("of-shard"),
        });
        s3.put("/bucket/s.tgz.part", &lease(&source, &uploads));
        let at = target(&s3, "s3://bucket/s.tgz");
        put(&backups, LARGE, &at, false).await.unwrap();
        assert_eq!(aborted(&s3), ["/bucket/s-0.tgz"], "{source}");
    }
}

#[tokio::test]
async fn a_lease_that_lists_too_many_uploads_is_bounded() {
    let (_server, backups) = large().await;
    for source in sources() {
        let s3 = expired().await;
        let uploads: serde_json::Map<_, _> = (0..20_000)
            .map(|shard| (format!("s-{shard}.tgz"), begun("x")))
            .collect();
        let text = lease(&source, &uploads.into());
        assert!(text.len() < 2 << 20, "it is read whole");
        s3.put("/bucket/s.tgz.part", &text);
        let at = target(&s3, "s3://bucket/s.tgz");
        put(&backups, LARGE, &at, false).await.unwrap();
        assert_eq!(aborted(&s3).len(), 1000, "{source}");
        let written = s3.asked().into_iter();
        let written =
            written.filter(|it| it.method == Method::PUT && it.path == "/bucket/s.tgz.part");
        let longest = written.map(|it| it.bytes).max();
        assert!(longest < Some(200 << 10), "{longest:?}");
        assert!(s3.object("/bucket/s.tgz.part").is_none());
    }
}

/// A run that is faster takes the lease between the read and the conditional write.
#[tokio::test]
async fn uploads_of_an_expired_lease_are_aborted_only_by_the_run_that_takes_it() {
    let (_server, backups) = large().await;
    for source in sources() {
        let s3 = scripted(|asked, state| {
            if asked.path != "/bucket/s.tgz.part" {
                return Instead::Nothing;
            }
            let is_update = asked.headers.contains_key("if-match");
            match state.objects.get(&asked.path) {
                Some(lease) if asked.method == Method::GET => old(lease.clone()),
                Some(_) if is_update => {
                    answers(412, "<Error><Code>PreconditionFailed</Code></Error>")
                }
                _ => Instead::Nothing,
            }
        })
        .await;
        let uploads = json!({"s-0.tgz": begun("of-the-faster-run")});
        s3.put("/bucket/s.tgz.part", &lease(&source, &uploads));
        let at = target(&s3, "s3://bucket/s.tgz");
        let error = put(&backups, LARGE, &at, false).await.unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{error:?}");
        assert!(aborted(&s3).is_empty(), "{source}");
    }
}
