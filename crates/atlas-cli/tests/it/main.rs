//! The `atlas` command as a process, against the sandbox on a real socket.
//!
//! Linux only: the tests hand folders over in `XDG_CACHE_HOME` and `XDG_CONFIG_HOME`, which the command
//! reads on no other system, and run `sh`, `kill` and `curl`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

mod api;
mod backups;
#[cfg(target_os = "linux")]
mod bars;
mod chains;
mod deleted;
mod docs;
mod doctor;
mod doctor_peers;
mod download;
mod escape;
mod exit_codes;
mod generated;
mod help;
#[cfg(target_os = "linux")]
mod interrupted;
mod json_log;
mod log;
mod nothing_lost;
#[cfg(unix)]
mod odd_arguments;
mod output_formats;
mod peer;
mod profiles;
#[cfg(unix)]
mod proxies;
mod pull_clusters;
mod pull_output;
mod roots;
mod secret_files;
mod serve;
mod serve_flags;
mod sessions;
mod settings;
mod signal_outputs;
mod signal_states;
mod signals;
mod store;
#[cfg(target_os = "linux")]
mod terminal;
mod token_cache;
mod token_lock;
mod verified;
mod verified_shards;

use std::process::{Command, Output, Stdio};

use atlas_sandbox::{CLUSTER, OWNER, PROJECT, SNAPSHOT, SandboxServer};

/// The command with an empty environment, in a folder.
fn atlas(folder: &tempfile::TempDir) -> Command {
    let mut command = fresh(env!("CARGO_BIN_EXE_atlas"));
    command
        .env_clear()
        // A folder that cannot be created, so that no test leaves a token behind by mistake.
        .env("XDG_CACHE_HOME", "/dev/null/cache")
        .env("XDG_CONFIG_HOME", "/dev/null/config")
        .current_dir(folder.path())
        .stdin(Stdio::null());
    command
}

/// A program that ignores no signal, even if the process of these tests does.
fn fresh(program: &str) -> Command {
    if cfg!(target_os = "linux") {
        let mut command = Command::new("/usr/bin/env");
        command.args(["--default-signal=INT,TERM,HUP", program]);
        command
    } else {
        Command::new(program)
    }
}

/// The command, with the sandbox's address and its owner's API key.
fn atlas_at(server: &SandboxServer, folder: &tempfile::TempDir) -> Command {
    let mut command = atlas(folder);
    command
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", server.url())
        .env("MONGODB_ATLAS_PUBLIC_API_KEY", OWNER.public_key)
        .env("MONGODB_ATLAS_PRIVATE_API_KEY", OWNER.private_key)
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
    command
}

fn download_arguments() -> [&'static str; 8] {
    [
        "backups",
        "snapshots",
        "download",
        SNAPSHOT,
        "--clusterName",
        CLUSTER,
        "--out",
        "s.tgz",
    ]
}

fn project() -> atlas_model::ProjectId {
    PROJECT.parse().unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A sandbox, and a runtime that serves it while the test waits for a process.
fn sandbox() -> (tokio::runtime::Runtime, SandboxServer) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(SandboxServer::start()).unwrap();
    (runtime, server)
}

/// The one `error:` line on stderr, after checking that the process ended with `code`.
fn error_line(output: &Output, code: i32) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}: {stderr}",
        output.status
    );
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    assert!(stderr.ends_with(&format!("{}\n", errors[0])), "{stderr}");
    for secret in [OWNER.private_key, OWNER.client_secret, "signature"] {
        assert!(!stderr.contains(secret), "{stderr}");
    }
    errors[0].to_owned()
}

/// Checks that nothing was left behind.
fn assert_empty(folder: &tempfile::TempDir) {
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
