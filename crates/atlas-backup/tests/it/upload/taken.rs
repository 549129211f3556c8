//! An existing object or manifest stays, unless it may be replaced; then both are replaced.

use atlas_backup::Error;
use atlas_sandbox::{FLEX_CLUSTER, SHARDED_CLUSTER};
use bytes::Bytes;
use http::Method;

use super::{answers, put, target};
use crate::s3::{Instead, s3, scripted};
use crate::world;

#[tokio::test]
async fn neither_an_object_nor_a_manifest_is_replaced_unless_that_is_allowed() {
    let (server, backups) = world().await;
    let s3 = s3().await;
    for taken in ["/bucket/s.tgz.json", "/bucket/s.tgz"] {
        s3.put(taken, "precious");
        let before = server.with(|sandbox| sandbox.requests());
        let error = put(
            &backups,
            FLEX_CLUSTER,
            &target(&s3, "s3://bucket/s.tgz"),
            false,
        )
        .await
        .unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error:?}");
        assert!(
            error.to_string().contains(&format!("s3:/{taken} ")),
            "{error}"
        );
        assert_eq!(server.with(|sandbox| sandbox.requests()), before);
        assert_eq!(s3.object(taken).unwrap(), "precious");
        assert_eq!(s3.uploads(), (0, 0));
    }
    let stored = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        true,
    )
    .await;
    let stored = &stored.unwrap()[0];
    let bytes = s3.object("/bucket/s.tgz").unwrap().len() as u64;
    assert_eq!(bytes, stored.manifest.bytes);
    let manifest = s3.object("/bucket/s.tgz.json").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["sha256"], stored.manifest.sha256);
}

/// An object or a manifest of another writer appears just before the object is completed.
#[tokio::test]
async fn an_object_of_another_writer_stays() {
    for (theirs, ours) in [
        ("/bucket/s.tgz", "/bucket/s.tgz.json"),
        ("/bucket/s.tgz.json", "/bucket/s.tgz"),
    ] {
        let (_server, backups) = world().await;
        let s3 = scripted(move |asked, state| {
            let is_put = asked.method == Method::PUT && !asked.is_part();
            if is_put || asked.is_completion() {
                let theirs_text = Bytes::from_static(b"theirs");
                state
                    .objects
                    .entry(theirs.to_owned())
                    .or_insert(theirs_text);
            }
            Instead::Nothing
        })
        .await;
        let error = put(
            &backups,
            FLEX_CLUSTER,
            &target(&s3, "s3://bucket/s.tgz"),
            false,
        )
        .await
        .unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error:?}");
        assert_eq!(s3.object(theirs).unwrap(), "theirs");
        assert_eq!(s3.object(ours), None, "{theirs}");
        assert_eq!(s3.uploads(), (1, 0));
    }
}

#[tokio::test]
async fn a_store_without_conditions_is_checked_again_before_completion() {
    let (_server, backups) = world().await;
    let mut heads = 0;
    let s3 = scripted(move |asked, state| {
        if asked.headers.contains_key("if-none-match") {
            return answers(501, "<Error><Code>NotImplemented</Code></Error>");
        }
        heads += usize::from(asked.method == Method::HEAD);
        if heads == 3 {
            state
                .objects
                .insert("/bucket/s.tgz".to_owned(), Bytes::from_static(b"theirs"));
        }
        Instead::Nothing
    })
    .await;
    let error = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    assert!(matches!(error, Err(Error::Exists { .. })), "{error:?}");
    assert_eq!(s3.object("/bucket/s.tgz").unwrap(), "theirs");
    assert_eq!(s3.object("/bucket/s.tgz.json"), None);
    let stored = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/t.tgz"),
        false,
    )
    .await;
    stored.unwrap();
    assert!(s3.object("/bucket/t.tgz.json").is_some());
}

#[tokio::test]
async fn an_object_that_cannot_be_replaced_keeps_its_manifest() {
    let (_server, backups) = world().await;
    let s3 = scripted(|asked, state| {
        if asked.is_completion() {
            let manifest = &state.objects["/bucket/s.tgz.json"];
            assert!(manifest.starts_with(b"{\"incomplete\""), "{manifest:?}");
            return answers(403, "<Error><Code>AccessDenied</Code></Error>");
        }
        Instead::Nothing
    })
    .await;
    s3.put("/bucket/s.tgz", "old object");
    s3.put("/bucket/s.tgz.json", "old manifest");
    let error = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        true,
    )
    .await;
    assert!(matches!(error, Err(Error::Store { .. })), "{error:?}");
    assert_eq!(s3.object("/bucket/s.tgz").unwrap(), "old object");
    assert_eq!(s3.object("/bucket/s.tgz.json").unwrap(), "old manifest");
    assert_eq!(s3.uploads(), (1, 0));
}

#[tokio::test]
async fn credentials_that_may_only_write_get_a_hint_and_may_write_without_the_check() {
    let (server, backups) = world().await;
    let s3 = scripted(|asked, _| match asked.method {
        Method::HEAD | Method::GET | Method::DELETE => answers(403, ""),
        _ => Instead::Nothing,
    })
    .await;
    let before = server.with(|sandbox| sandbox.requests());
    let target = target(&s3, "s3://bucket/s.tgz");
    let error = put(&backups, FLEX_CLUSTER, &target, false)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::CannotCheck { .. }), "{error:?}");
    assert!(error.to_string().contains("read and list"), "{error}");
    assert_eq!(server.with(|sandbox| sandbox.requests()), before);
    put(&backups, FLEX_CLUSTER, &target, true).await.unwrap();
    assert_eq!(s3.paths(), ["/bucket/s.tgz", "/bucket/s.tgz.json"]);
}

#[tokio::test]
async fn an_object_whose_completion_had_no_response_is_found() {
    let (_server, backups) = world().await;
    let mut lost = [false; 2];
    // The response for the manifest is lost as well.
    let s3 = scripted(move |asked, _| {
        let is_manifest = asked.method == Method::PUT && asked.path == "/bucket/s.tgz.json";
        let lost = match (is_manifest, asked.is_completion()) {
            (true, _) => &mut lost[0],
            (_, true) => &mut lost[1],
            _ => return Instead::Nothing,
        };
        if !std::mem::replace(lost, true) {
            return Instead::Lose;
        }
        Instead::Nothing
    })
    .await;
    let stored = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    stored.unwrap();
    assert_eq!(s3.paths(), ["/bucket/s.tgz", "/bucket/s.tgz.json"]);
}

/// The leftover of an upload that ends between its manifest and its object.
#[tokio::test]
async fn a_manifest_without_its_object_is_in_the_way_only_of_another_snapshot() {
    let (_server, backups) = world().await;
    let s3 = s3().await;
    let target = target(&s3, "s3://bucket/s.tgz");
    put(&backups, FLEX_CLUSTER, &target, false).await.unwrap();
    let manifest = s3.object("/bucket/s.tgz.json").unwrap();
    let manifest = std::str::from_utf8(&manifest).unwrap().to_owned();
    let mut other: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    other["snapshot"] = "32b6e34b3d91647abb20e7ff".into();
    let replaced =
        "{\"incomplete\": \"this object was being replaced; download the snapshot again\"}\n";
    for (left, is_ours) in [
        (manifest.as_str(), true),
        (replaced, true),
        (&other.to_string(), false),
        ("{\"incomplete\": \"of another program\"}", false),
        ("", false),
    ] {
        s3.remove("/bucket/s.tgz");
        s3.put("/bucket/s.tgz.json", left);
        let stored = put(&backups, FLEX_CLUSTER, &target, false).await;
        if is_ours {
            stored.unwrap();
            let now = s3.object("/bucket/s.tgz.json").unwrap();
            let now: serde_json::Value = serde_json::from_slice(&now).unwrap();
            let bytes = s3.object("/bucket/s.tgz").unwrap().len();
            assert_eq!(now["bytes"], bytes, "{left}");
        } else {
            assert!(matches!(stored, Err(Error::Exists { .. })), "{left}");
            assert_eq!(s3.object("/bucket/s.tgz.json").unwrap(), left);
            assert_eq!(s3.object("/bucket/s.tgz"), None);
        }
    }
}

/// A completion that is answered with 500 each time, whether applied or not.
#[tokio::test(start_paused = true)]
async fn a_replacement_with_an_unknown_outcome_is_decided_by_the_stored_object() {
    for is_applied in [false, true] {
        let (_server, backups) = world().await;
        let mut asked_before = false;
        let s3 = scripted(move |asked, _| {
            if !asked.is_completion() {
                return Instead::Nothing;
            }
            if is_applied && !std::mem::replace(&mut asked_before, true) {
                return Instead::Lose;
            }
            answers(500, "<Error><Code>InternalError</Code></Error>")
        })
        .await;
        s3.put("/bucket/s.tgz", "old object");
        s3.put("/bucket/s.tgz.json", "old manifest");
        let target = target(&s3, "s3://bucket/s.tgz");
        let stored = put(&backups, FLEX_CLUSTER, &target, true).await;
        let object = s3.object("/bucket/s.tgz").unwrap();
        let manifest = s3.object("/bucket/s.tgz.json").unwrap();
        if is_applied {
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
            assert_eq!(manifest["bytes"], object.len());
            assert_eq!(manifest["sha256"], stored.unwrap()[0].manifest.sha256);
        } else {
            assert!(matches!(stored, Err(Error::Store { .. })), "{stored:?}");
            assert_eq!(
                (&object[..], &manifest[..]),
                (&b"old object"[..], &b"old manifest"[..])
            );
        }
        assert_eq!(s3.uploads(), (1, 0));
    }
}

#[tokio::test]
async fn a_sharded_snapshot_is_resumed_with_the_missing_shard() {
    let (_server, backups) = world().await;
    let mut fails = true;
    let s3 = scripted(move |asked, _| {
        let is_second = asked.path.contains("shard-1") && asked.is_part();
        if is_second && std::mem::take(&mut fails) {
            return answers(403, "<Error><Code>AccessDenied</Code></Error>");
        }
        Instead::Nothing
    })
    .await;
    let target = target(&s3, "s3://bucket/s.tgz");
    let error = put(&backups, SHARDED_CLUSTER, &target, false).await;
    assert!(matches!(error, Err(Error::Store { .. })), "{error:?}");
    assert_eq!(s3.uploads().1, 0);
    let stored = put(&backups, SHARDED_CLUSTER, &target, false)
        .await
        .unwrap();
    assert_eq!(stored.len(), 2);
    let completed = s3.asked().iter().filter(|it| it.is_completion()).count();
    assert_eq!(completed, 2, "the first shard is not stored twice");
    assert!(s3.paths().iter().all(|path| !path.contains(".part")));
    // A manifest of another snapshot prevents the upload.
    let manifest = "/bucket/s-Sharded0-shard-0.tgz.json";
    let text = s3.object(manifest).unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let snapshot = stored[0].manifest.snapshot.to_string();
    s3.put(
        manifest,
        &text.replace(&snapshot, "32b6e34b3d91647abb20e7ff"),
    );
    let error = put(&backups, SHARDED_CLUSTER, &target, false).await;
    assert!(matches!(error, Err(Error::Exists { .. })), "{error:?}");
}
