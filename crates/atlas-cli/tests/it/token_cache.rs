//! Access tokens between runs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use atlas_sandbox::{OWNER, PROJECT, SandboxServer};
use tempfile::TempDir;

use crate::{atlas, folder, sandbox};

/// Requests the project as a service account, with a cache in `cache`.
fn ask(server: &SandboxServer, cache: &TempDir, more: &[&str]) -> Output {
    let output = atlas(&folder())
        .env("XDG_CACHE_HOME", cache.path())
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", server.url())
        .env("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id)
        .env("MONGODB_ATLAS_CLIENT_SECRET", OWNER.client_secret)
        .args(["api", "projects", "getGroup", "--groupId", PROJECT])
        .args(more)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    output
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The file of the only token.
fn token_file(cache: &TempDir) -> PathBuf {
    let mut files = files(&cache.path().join("atlas-rs/tokens"));
    files.retain(|file| file.extension() == Some("json".as_ref()));
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn requests(server: &SandboxServer) -> u64 {
    server.with(|sandbox| sandbox.requests())
}

#[test]
fn a_token_is_requested_once_and_readable_only_by_its_owner() {
    let (_runtime, server) = sandbox();
    let cache = folder();
    ask(&server, &cache, &[]);
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 1 + 2, "one token for two runs");
    let folder = cache.path().join("atlas-rs/tokens");
    assert_eq!(mode(&folder), 0o700);
    let files = files(&folder);
    assert_eq!(files.len(), 2, "the token and its lock");
    for file in files {
        assert_eq!(mode(&file), 0o600);
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(!name.contains("mdb_sa") && name.len() == 64 + 5, "{name}");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(OWNER.client_secret));
        assert_eq!(text.is_empty(), file.extension() == Some("lock".as_ref()));
    }
}

#[test]
fn without_a_cache_each_run_requests_a_token_and_leaves_nothing() {
    let (_runtime, server) = sandbox();
    let cache = folder();
    for _ in 0..2 {
        ask(&server, &cache, &["--no-token-cache"]);
    }
    assert_eq!(requests(&server), 4);
    assert!(files(cache.path()).is_empty());
}

#[test]
fn a_token_that_others_can_read_or_that_is_broken_or_refused_is_replaced() {
    let (_runtime, server) = sandbox();
    let cache = folder();
    ask(&server, &cache, &[]);
    let file = token_file(&cache);

    let readable = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&file, readable).unwrap();
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 4);
    assert_eq!(mode(&file), 0o600, "it is replaced");

    std::fs::write(&file, "{").unwrap();
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 6);

    server.with(atlas_sandbox::Sandbox::forget_sessions);
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 6 + 3, "refused, fetched, sent again");
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 6 + 3 + 1);
}

#[test]
fn a_token_of_another_user_or_behind_a_link_is_not_used() {
    let (_runtime, server) = sandbox();
    let cache = folder();
    ask(&server, &cache, &[]);
    let file = token_file(&cache);
    assert_eq!(requests(&server), 2);

    // Only root can change the owner of a file, and only root could trust one of any user.
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_ok() {
        ask(&server, &cache, &[]);
        assert_eq!(requests(&server), 4, "another user's");
    } else {
        ask(&server, &cache, &["--no-token-cache"]);
    }
    let elsewhere = cache.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 6, "a symbolic link");
    assert!(file.symlink_metadata().unwrap().is_file(), "it is replaced");
    std::fs::hard_link(&file, cache.path().join("another")).unwrap();
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 8, "a hard link");
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 9, "a valid one");
}

/// Runs a command as a service account against a peer, with a cache in `cache`.
fn ask_peer(peer: &crate::peer::Peer, cache: &TempDir) -> Output {
    atlas(&folder())
        .env("XDG_CACHE_HOME", cache.path())
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", &peer.url)
        .env("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id)
        .env("MONGODB_ATLAS_CLIENT_SECRET", "mdb_sa_sk_SASECRET")
        .args(["api", "projects", "getGroup", "--groupId", PROJECT])
        .output()
        .unwrap()
}

#[test]
fn a_token_that_cannot_be_sent_is_an_invalid_response_and_is_not_kept() {
    let long = "a".repeat(20_000);
    for token in [
        "SASECRET\\nx",
        "SA SECRET",
        "S\\u00e4SECRET",
        "",
        "\\u0000",
        &long,
    ] {
        let answer = format!(r#"{{"access_token":"{token}","expires_in":3600}}"#);
        let peer = crate::peer::peer(move |_, _| (200, answer.clone()));
        let cache = folder();
        for run in 1..=2 {
            let output = ask_peer(&peer, &cache);
            let line = crate::error_line(&output, 3);
            assert!(line.contains("invalid access token"), "{line}");
            assert!(!line.contains("SECRET"), "{line}");
            assert_eq!(peer.asked().len(), run, "each run requests a token");
        }
        let mut left = files(&cache.path().join("atlas-rs/tokens"));
        left.retain(|file| file.extension() != Some("lock".as_ref()));
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn a_kept_token_that_cannot_be_sent_is_replaced() {
    let (_runtime, server) = sandbox();
    let cache = folder();
    ask(&server, &cache, &[]);
    let file = token_file(&cache);
    let kept = std::fs::read_to_string(&file).unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    kept["access_token"] = "bad\ntoken".into();
    std::fs::write(&file, kept.to_string()).unwrap();
    ask(&server, &cache, &[]);
    ask(&server, &cache, &[]);
    assert_eq!(requests(&server), 2 + 2 + 1);
}

#[test]
fn a_secret_that_the_token_endpoint_echoes_is_not_shown() {
    for (status, body) in [
        (400, r#"{"error":"mdb_sa_sk_SASECRET"}"#),
        (
            401,
            r#"{"error":"invalid_client","errorCode":"mdb_sa_sk_SASECRET"}"#,
        ),
        (
            200,
            r#"{"access_token":"a","token_type":"mdb_sa_sk_SASECRET"}"#,
        ),
    ] {
        let peer = crate::peer::peer(move |_, _| (status, body.to_owned()));
        let line = crate::error_line(&ask_peer(&peer, &folder()), 3);
        assert!(!line.contains("SASECRET"), "{line}");
    }
}
