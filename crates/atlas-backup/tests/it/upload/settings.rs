//! The settings of a store, and valid URLs of objects.

use atlas_backup::{Backups, DownloadOptions, Error, Pick, StoreTarget, silent};
use atlas_sandbox::FLEX_CLUSTER;

use crate::s3::{S3, s3};
use crate::{name, project, world};

fn with(s3: &S3, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut settings = s3.settings();
    for (name, value) in more {
        settings.retain(|(given, _)| given != name);
        settings.push(((*name).to_owned(), (*value).to_owned()));
    }
    settings
}

fn refused(out: &str, settings: Vec<(String, String)>) -> String {
    let error = StoreTarget::new(out, settings).unwrap_err();
    assert!(matches!(error, Error::Usage { .. }), "{error:?}");
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "{text:?}");
    text
}

async fn put(backups: &Backups, out: &str, settings: Vec<(String, String)>) {
    let target = StoreTarget::new(out, settings).unwrap();
    let options = DownloadOptions::default();
    let stored = backups
        .download_to_store(
            project(),
            &name(FLEX_CLUSTER),
            &Pick::Latest,
            &target,
            &options,
            silent,
        )
        .await;
    stored.unwrap();
}

#[tokio::test]
async fn only_variables_of_the_store_configure_it() {
    let (_server, backups) = world().await;
    let (ours, other) = (s3().await, s3().await);
    let url = other.url.as_str();
    let settings = with(
        &ours,
        &[
            ("ENDPOINT", url),
            ("ENDPOINT_URL", url),
            ("BUCKET", "other"),
            ("AWS_BUCKET", "other"),
            ("AWS_BUCKET_NAME", "other"),
            ("TOKEN", "token"),
            ("SESSION_TOKEN", "token"),
            ("AWS_TOKEN", "token"),
            ("ACCESS_KEY_ID", "other"),
            ("REGION", "other"),
            ("PROXY_URL", url),
            ("AWS_PROXY_URL", url),
            ("USER_AGENT", "other"),
            ("GOOGLE_BASE_URL", url),
            ("AZURE_STORAGE_ENDPOINT", url),
            ("AWS_PAGER", "less"),
            ("AWS_PROFILE", "default"),
        ],
    );
    put(&backups, "s3://bucket/s.tgz", settings).await;
    assert_eq!(ours.paths(), ["/bucket/s.tgz", "/bucket/s.tgz.json"]);
    assert_eq!(other.asked().len(), 0);
    for asked in ours.asked() {
        assert!(
            !asked.headers.contains_key("x-amz-security-token"),
            "{asked:?}"
        );
        let signed = asked.headers["authorization"].to_str().unwrap();
        assert!(signed.contains("Credential=key/"), "{signed}");
        assert!(signed.contains("/us-east-1/s3/"), "{signed}");
        assert!(
            !asked.headers["user-agent"]
                .to_str()
                .unwrap()
                .contains("other")
        );
    }
}

#[tokio::test]
async fn the_more_specific_endpoint_wins_in_any_order() {
    let (_server, backups) = world().await;
    let (ours, other) = (s3().await, s3().await);
    let mut settings = with(
        &ours,
        &[
            ("AWS_ENDPOINT_URL_S3", &ours.url),
            ("AWS_ENDPOINT_URL", &other.url),
            ("AWS_ENDPOINT", &other.url),
        ],
    );
    put(&backups, "s3://bucket/a.tgz", settings.clone()).await;
    settings.reverse();
    put(&backups, "s3://bucket/b.tgz", settings).await;
    assert_eq!(other.asked().len(), 0);
}

#[tokio::test]
async fn an_invalid_value_is_named_and_not_shown() {
    let s3 = s3().await;
    for (name, value) in [
        ("AWS_ALLOW_HTTP", "hunter2"),
        ("AWS_ENDPOINT_URL", "hunter2"),
        ("AWS_ENDPOINT_URL", "https://user:hunter2@host"),
        ("AWS_ENDPOINT_URL", "https://host/?hunter2"),
        ("AWS_ENDPOINT_URL", "ftp://hunter2"),
        ("AWS_ENDPOINT_URL_S3", "https://hun ter2"),
        ("AWS_REGION", "evil.example/hunter2?"),
        ("AWS_SESSION_TOKEN", "hunter2\r\nx: y"),
        ("AWS_SECRET_ACCESS_KEY", "hünter2"),
        ("AWS_CHECKSUM_ALGORITHM", "hunter2"),
        ("AWS_CONDITIONAL_PUT", "hunter2"),
        ("AWS_SERVER_SIDE_ENCRYPTION", "hunter2"),
        ("AWS_UNSIGNED_PAYLOAD", "hunter2"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "hunter2"),
    ] {
        let text = refused("s3://bucket/s.tgz", with(&s3, &[(name, value)]));
        assert!(text.contains(&format!("{name}:")), "{name}: {text}");
        assert!(
            !text.contains("hunter2") && !text.contains("hünter2"),
            "{text}"
        );
    }
    assert_eq!(s3.asked().len(), 0);
}

#[tokio::test]
async fn an_unencrypted_endpoint_has_to_be_allowed() {
    let s3 = s3().await;
    let settings = with(&s3, &[("AWS_ALLOW_HTTP", "false")]);
    let text = refused("s3://bucket/s.tgz", settings);
    assert!(
        text.contains("AWS_ENDPOINT_URL") && text.contains("AWS_ALLOW_HTTP=true"),
        "{text}"
    );
    let (_server, backups) = world().await;
    for (index, allowed) in ["true", "TRUE", "1", "on", "yes"].into_iter().enumerate() {
        let out = format!("s3://bucket/{index}.tgz");
        put(&backups, &out, with(&s3, &[("AWS_ALLOW_HTTP", allowed)])).await;
    }
}

#[tokio::test]
async fn profiles_are_refused_unless_there_are_other_credentials() {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    for name in [
        "AWS_PROFILE",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
    ] {
        let text = refused("s3://bucket/s.tgz", vec![owned((name, "work"))]);
        assert!(text.contains(name) && text.contains("not read"), "{text}");
    }
    let s3 = s3().await;
    StoreTarget::new("s3://bucket/s.tgz", with(&s3, &[("AWS_PROFILE", "work")])).unwrap();
    let elsewhere = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/x"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"),
    ];
    StoreTarget::new("s3://bucket/s.tgz", with(&s3, &elsewhere)).unwrap();
    let half = vec![owned(("AWS_ACCESS_KEY_ID", "key"))];
    let text = refused("s3://bucket/s.tgz", half);
    assert!(text.contains("AWS_SECRET_ACCESS_KEY is not"), "{text}");
    let text = refused("az://container/s.tgz", Vec::new());
    assert!(text.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{text}");
}

#[tokio::test]
async fn other_stores_use_their_own_variables() {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let google = [
        ("GOOGLE_BEARER_TOKEN", "token"),
        ("AWS_ACCESS_KEY_ID", "key"),
    ]
    .map(owned);
    StoreTarget::new("gs://bucket/a#b.tgz", google.to_vec()).unwrap();
    let azure = [
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5"),
        ("AWS_ENDPOINT_URL", "hunter2"),
    ]
    .map(owned);
    StoreTarget::new("az://container/a?b.tgz", azure.to_vec()).unwrap();
    let url = "abfss://container@account.dfs.core.windows.net/s.tgz";
    StoreTarget::new(url, azure.to_vec()).unwrap();
    let broken = [
        azure[0].clone(),
        owned(("AZURE_STORAGE_ACCOUNT_KEY", "hunter2!")),
    ];
    let text = refused("az://container/s.tgz", broken.to_vec());
    assert!(
        text.contains("AZURE_STORAGE_ACCOUNT_KEY") && !text.contains("hunter2"),
        "{text}"
    );
}

#[tokio::test]
async fn a_url_that_names_no_object_is_refused() {
    let s3 = s3().await;
    let long = format!("s3://bucket/{}", "x".repeat(1020));
    for out in [
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket/folder/",
        "s3:///key",
        "s3://bucket//key",
        "s3://bucket/a//b",
        "s3://bucket/./a",
        "s3://bucket/../a",
        "s3://bucket/a\nb",
        "s3://bucket/a\u{9b}b",
        "s3://bu cket/a",
        "s3://bucket?x/a",
        "s3://bucket:80/a",
        "s3:/bucket/key",
        "s3:",
        "ftp://a/b",
        "https://bucket.s3.amazonaws.com/key",
        "file:///etc/passwd",
        "memory:///x",
        "nonsense://x/y",
        &long,
    ] {
        assert!(StoreTarget::is_meant(out), "{out}");
        refused(out, s3.settings());
    }
    for out in [
        "s3://key:hunter2@bucket/s.tgz",
        "abfss://key:hunter2@account.dfs.core.windows.net/s.tgz",
        "az://container/s.tgz?sv=2022&sig=hunter2",
        "s3://bucket/s.tgz?X-Amz-Signature=hunter2",
    ] {
        let text = refused(out, s3.settings());
        assert!(!text.contains("hunter2"), "{text}");
    }
    for file in [
        "s.tgz",
        "./s3://bucket/key",
        "a/b:c.tgz",
        "C:\\s.tgz",
        "2026-05-04T09:42.tgz",
    ] {
        assert!(!StoreTarget::is_meant(file), "{file}");
    }
    assert_eq!(s3.asked().len(), 0);
}
