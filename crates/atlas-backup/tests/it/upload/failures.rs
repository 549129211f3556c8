//! Failures of stores and sources: a helpful error without secrets, and no object.

use atlas_backup::{Backups, DownloadOptions, Error, Pick, StoreTarget, silent};
use atlas_sandbox::FLEX_CLUSTER;
use atlas_transport::retry::RetryPolicy;
use bytes::Bytes;
use http::Response;

use super::{answers, chain, large, large_file, put, target};
use crate::s3::{Instead, S3, s3, scripted};
use crate::store::{Answer, End, backups, backups as backups_of};
use crate::{name, project, world};

#[tokio::test]
async fn no_redirect_is_followed() {
    let (_server, backups) = world().await;
    let other = s3().await;
    let location = other.url.clone();
    let s3 = scripted(move |_, _| {
        let response = Response::builder()
            .status(307)
            .header("location", format!("{location}/x"));
        Instead::Answer(response.body(Bytes::new()).unwrap())
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
    assert!(chain(&error).contains("307"), "{}", chain(&error));
    assert!(error.to_string().contains("region"), "{error}");
    let error = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        true,
    )
    .await;
    assert!(error.is_err());
    assert_eq!(other.asked().len(), 0);
}

/// A server that quotes the request, as S3 does for a wrong signature, and sends terminal controls.
#[tokio::test]
async fn no_error_holds_a_secret_or_a_control_character() {
    let (_server, backups) = world().await;
    let s3 = scripted(|asked, _| {
        let token = asked.headers["x-amz-security-token"].to_str().unwrap();
        let text = format!(
            "<Error><Code>Signature\u{1b}[2J</Code><Message>{token} \r\n\u{202e}at \
             https://host/x?sig=abc</Message><CanonicalRequest>{token}</CanonicalRequest></Error>"
        );
        if asked.path == "/bucket/s.tgz.part" {
            Instead::Nothing
        } else if asked.query.is_empty() {
            answers(404, "")
        } else {
            answers(400, &text)
        }
    })
    .await;
    let mut settings = s3.settings();
    settings.push((
        "AWS_SESSION_TOKEN".to_owned(),
        "token-of-the-test".to_owned(),
    ));
    let target = StoreTarget::new("s3://bucket/s.tgz", settings).unwrap();
    let error = put(&backups, FLEX_CLUSTER, &target, false)
        .await
        .unwrap_err();
    for text in [chain(&error), format!("{error:?}"), format!("{target:?}")] {
        for secret in [
            "token-of-the-test",
            "secret-of-the-test",
            "sig=abc",
            "AWS4-HMAC",
        ] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(
            !text.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
    }
    assert!(chain(&error).contains("400 Signature"), "{}", chain(&error));
}

#[tokio::test]
async fn a_permanent_failure_is_final_and_a_transient_one_is_retried() {
    let (_server, backups) = world().await;
    let s3 = scripted(|asked, _| {
        if asked.query.contains("uploads") {
            answers(501, "")
        } else {
            Instead::Nothing
        }
    })
    .await;
    let error = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    assert!(error.is_err());
    let starts = |s3: &S3| {
        s3.asked()
            .iter()
            .filter(|it| it.query.contains("uploads"))
            .count()
    };
    assert_eq!(starts(&s3), 1);

    let mut failures = 2;
    let s3 = scripted(move |asked, _| {
        if asked.is_part() && failures > 0 {
            failures -= 1;
            return answers(503, "<Error><Code>SlowDown</Code></Error>");
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
    assert_eq!(s3.asked().iter().filter(|asked| asked.is_part()).count(), 3);
}

#[tokio::test]
async fn a_client_without_retries_uploads_no_part_twice() {
    let server = atlas_sandbox::SandboxServer::start().await.unwrap();
    let client = crate::client(&server).retry(RetryPolicy::none());
    let backups = Backups::new(client.build_with(server.service()).unwrap());
    for refused in ["head", "start", "part", "completion"] {
        let s3 = scripted(move |asked, _| {
            let is_it = match refused {
                "head" => asked.query.is_empty(),
                "start" => asked.query.contains("uploads"),
                "part" => asked.is_part(),
                _ => asked.is_completion(),
            };
            if is_it {
                answers(503, "<Error><Code>SlowDown</Code></Error>")
            } else {
                Instead::Nothing
            }
        })
        .await;
        let target = target(&s3, "s3://bucket/s.tgz");
        let options = DownloadOptions::default();
        let cluster = name(FLEX_CLUSTER);
        let stored = backups.download_to_store(
            project(),
            &cluster,
            &Pick::Latest,
            &target,
            &options,
            silent,
        );
        let error = stored.await.unwrap_err();
        assert!(error.is_transient(), "{refused}: {error:?}");
        assert_eq!(error.status().unwrap(), 503, "{refused}");
        let asked = s3.asked();
        let count = asked
            .iter()
            .filter(|it| match refused {
                "head" => it.query.is_empty(),
                "start" => it.query.contains("uploads"),
                "part" => it.is_part(),
                _ => it.is_completion(),
            })
            .count();
        assert_eq!(count, 1, "{refused}");
    }
}

#[tokio::test]
async fn a_completion_that_fails_with_status_200_is_a_failure() {
    let (_server, backups) = world().await;
    let s3 = scripted(|asked, _| {
        if asked.is_completion() {
            answers(
                200,
                "<Error><Code>InvalidPart</Code><Message>No.</Message></Error>",
            )
        } else {
            Instead::Nothing
        }
    })
    .await;
    let error = put(
        &backups,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Store { .. }), "{error:?}");
    assert!(chain(&error).contains("InvalidPart"), "{}", chain(&error));
    assert!(s3.paths().is_empty(), "{:?}", s3.paths());
    assert_eq!(s3.uploads(), (1, 0));
    // A code that is not transient: the same parts would fail again.
    let completions = s3.asked().iter().filter(|it| it.is_completion()).count();
    assert_eq!(completions, 1);
}

#[tokio::test]
async fn an_unsound_file_gets_neither_key_nor_manifest() {
    let (server, _) = world().await;
    let source = backups(&server, |_, _| Answer {
        status: 200,
        headers: vec![("content-length", "1000".to_owned())],
        body: vec![7; 1000],
        end: End::Whole,
    });
    let s3 = s3().await;
    let error = put(
        &source,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    assert!(matches!(error, Err(Error::Unsound { .. })), "{error:?}");
    assert!(s3.paths().is_empty());
    assert_eq!(s3.uploads(), (1, 0));
}

#[tokio::test]
async fn a_length_that_no_object_can_hold_is_refused_before_an_upload() {
    let (server, _) = world().await;
    for length in [(5_u64 << 40) + 1, u64::MAX] {
        let source = backups(&server, move |_, _| Answer {
            status: 200,
            headers: vec![("content-length", length.to_string())],
            body: vec![7; 1000],
            end: End::Whole,
        });
        let s3 = s3().await;
        let target = target(&s3, "s3://bucket/s.tgz");
        let error = put(&source, FLEX_CLUSTER, &target, false).await;
        let is_refused = matches!(error, Err(Error::Usage { .. } | Error::TooLong { .. }));
        assert!(is_refused, "{error:?}");
        assert_eq!(s3.uploads(), (0, 0));
    }
}

#[tokio::test]
async fn tags_manifests_and_messages_of_a_store_are_bounded() {
    let (_server, backups) = world().await;
    let s3 = scripted(|asked, _| {
        if asked.is_part() {
            let tag = format!("\"{}\"", "t".repeat(2000));
            let response = Response::builder().header("etag", tag);
            return Instead::Answer(response.body(Bytes::new()).unwrap());
        }
        Instead::Nothing
    })
    .await;
    let to = target(&s3, "s3://bucket/s.tgz");
    let error = put(&backups, FLEX_CLUSTER, &to, false).await.unwrap_err();
    assert!(chain(&error).contains("1024 bytes"), "{}", chain(&error));

    let s3 = crate::s3::s3().await;
    s3.put("/bucket/s.tgz.json", &" ".repeat(2 << 20));
    let to = target(&s3, "s3://bucket/s.tgz");
    let error = put(&backups, FLEX_CLUSTER, &to, false).await.unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");

    let s3 = scripted(|_, _| answers(400, &"<Message>".repeat(1 << 20))).await;
    let to = target(&s3, "s3://bucket/s.tgz");
    let error = put(&backups, FLEX_CLUSTER, &to, true).await.unwrap_err();
    assert!(chain(&error).len() < 2000, "{}", chain(&error).len());
}

/// The first request for the file is retried like all others.
#[tokio::test]
async fn a_source_that_fails_or_whose_link_has_expired_at_first_is_retried() {
    for status in [503, 403] {
        let (server, _) = world().await;
        let file = server.with(|sandbox| {
            let newest = *sandbox
                .snapshots(project(), &name(FLEX_CLUSTER))
                .last()
                .unwrap();
            sandbox.snapshot_file(project(), &name(FLEX_CLUSTER), newest)
        });
        let file = file.unwrap().to_vec();
        let given = file.clone();
        let source = backups_of(&server, move |number, _| Answer {
            status: if number == 1 { status } else { 200 },
            headers: vec![],
            body: given.clone(),
            end: End::Whole,
        });
        let s3 = s3().await;
        let to = target(&s3, "s3://bucket/s.tgz");
        put(&source, FLEX_CLUSTER, &to, false).await.unwrap();
        assert!(s3.object("/bucket/s.tgz").unwrap() == file, "{status}");
    }
}

#[tokio::test]
async fn a_source_that_sends_more_than_it_announced_is_not_stored() {
    let (server, _) = large().await;
    let file = large_file(&server);
    let source = backups(&server, move |_, _| Answer {
        status: 200,
        headers: vec![
            ("etag", "\"tag\"".to_owned()),
            ("content-length", "1000".to_owned()),
        ],
        body: file.clone(),
        end: End::Whole,
    });
    let s3 = s3().await;
    let error = put(
        &source,
        FLEX_CLUSTER,
        &target(&s3, "s3://bucket/s.tgz"),
        false,
    )
    .await;
    assert!(error.is_err());
    assert!(s3.paths().is_empty());
    assert_eq!(s3.uploads(), (1, 0));
}
