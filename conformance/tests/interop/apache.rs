//! Tests of the client with Apache httpd's `mod_auth_digest`.

use std::process::Command;
use std::time::{Duration, Instant};

use atlas_transport::Credentials;

use super::program::{Program, folder, is_installed, port, runs};
use super::{RESOURCE, client, get, status};

const USER: &str = "jdkfhgkr";
const PASSWORD: &str = "32b6e34b-3d91-647a-bb20-e7b800000000";
const REALM: &str = "MMS Public API";

/// Starts Apache with configuration lines for the protected folder.
fn apache(digest: &str) -> Option<Program> {
    let there = runs(Command::new("apache2").arg("-v"));
    if !is_installed(there, "apache2", "apt-get install apache2") {
        return None;
    }
    let (folder, port) = (folder(), port());
    let root = folder.path().display().to_string();
    let key = md5::compute(&format!("{USER}:{REALM}:{PASSWORD}"));
    std::fs::write(
        folder.path().join("keys"),
        format!("{USER}:{REALM}:{key}\n"),
    )
    .unwrap();
    let modules = [
        ("mpm_event", "mpm_event"),
        ("authn_core", "authn_core"),
        ("authn_file", "authn_file"),
        ("authz_core", "authz_core"),
        ("authz_user", "authz_user"),
        ("auth_digest", "auth_digest"),
    ]
    .map(|(name, file)| {
        format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{file}.so\n")
    })
    .concat();
    let configuration = format!(
        "{modules}
ServerName localhost
Listen 127.0.0.1:{port}
User www-data
Group www-data
PidFile {root}/pid
DefaultRuntimeDir {root}
ErrorLog /dev/stderr
LogFormat \"%>s %r\" short
CustomLog {root}/access short
DocumentRoot {root}
StartServers 1
ServerLimit 1
<Directory {root}>
  AuthType Digest
  AuthName \"{REALM}\"
  AuthDigestProvider file
  AuthUserFile {root}/keys
  Require valid-user
  {digest}
</Directory>
AuthDigestShmemSize 512K
"
    );
    std::fs::write(folder.path().join("conf"), configuration).unwrap();
    let mut command = Command::new("apache2");
    command
        .args(["-D", "FOREGROUND", "-d", &root, "-f"])
        .arg(folder.path().join("conf"));
    let ready = "resuming normal operations";
    Some(Program::start(&mut command, folder, port, ready))
}

/// Computes MD5 in hexadecimal digits, for the file of keys.
mod md5 {
    use md5::{Digest, Md5};

    pub(super) fn compute(text: &str) -> String {
        const_hex::encode(Md5::digest(text))
    }
}

fn key() -> Credentials {
    Credentials::api_key(USER, PASSWORD)
}

/// Ends Apache and returns the number of refused requests and of all requests.
fn refused(mut apache: Program) -> (usize, usize) {
    apache.stop();
    let log = apache.log("access");
    let refused = log.iter().filter(|line| line.starts_with("401"));
    (refused.count(), log.len())
}

#[tokio::test]
async fn a_nonce_of_one_second_becomes_stale_and_needs_one_request_each_time() {
    let Some(apache) = apache("AuthDigestNonceLifetime 1") else {
        return;
    };
    let (idle, busy) = (client(&apache.url, &key()), client(&apache.url, &key()));
    assert_eq!(status(&idle).await, 200);
    // Every response has a next nonce, so that a busy client is not refused again.
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < Duration::from_millis(2500) {
        assert_eq!(status(&busy).await, 200);
        calls += 1;
    }
    assert!(calls > 100, "{calls}");
    // The other client's nonce is stale by now.
    assert_eq!(status(&idle).await, 200);
    assert_eq!(refused(apache), (3, 2 + (1 + calls) + 2));
}

#[tokio::test]
async fn nonce_counts_are_accepted_in_order() {
    let Some(apache) = apache("AuthDigestNcCheck On") else {
        return;
    };
    let client = client(&apache.url, &key());
    for _ in 0..50 {
        assert_eq!(status(&client).await, 200);
    }
    assert_eq!(refused(apache), (1, 51));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_succeed_with_a_server_that_checks_nonce_counts() {
    let Some(apache) = apache("AuthDigestNcCheck On") else {
        return;
    };
    let client = client(&apache.url, &key());
    let calls = (0..4).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { status(&client).await })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn a_wrong_key_needs_two_requests() {
    let Some(apache) = apache("") else { return };
    let client = client(&apache.url, &Credentials::api_key(USER, "wr0ng"));
    assert_eq!(status(&client).await, 401);
    assert_eq!(refused(apache), (2, 2));
}

#[tokio::test]
async fn the_digest_has_the_exact_target_of_the_request_line() {
    let Some(apache) = apache("") else { return };
    let client = client(&apache.url, &key());
    for query in ["?pretty=true", "?a=%20b&c=%2Fd%2f", "?=&?&%"] {
        let target = format!("{RESOURCE}{query}");
        // Apache responds with 400 if the digest has another target.
        assert_eq!(
            get(&client, &target).await.unwrap().status(),
            200,
            "{target}"
        );
    }
    assert_eq!(refused(apache), (1, 4));
}
