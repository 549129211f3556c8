//! Every error is one line with its whole chain of causes, each message once.

use std::process::Command;

use atlas_sandbox::{FLEX_CLUSTER, FaultPlan, OWNER, PROJECT, Sandbox, SandboxServer};

use crate::peer::{raw_peer, response};
use crate::{atlas, atlas_at, error_line, folder};

/// Checks that a line has each of `parts` once.
fn assert_each_once(line: &str, parts: &[&str]) {
    for part in parts {
        assert_eq!(line.matches(part).count(), 1, "{part}: {line}");
    }
}

fn service_account(command: &mut Command) -> &mut Command {
    command
        .env_remove("MONGODB_ATLAS_ACCESS_TOKEN")
        .env("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id)
        .env("MONGODB_ATLAS_CLIENT_SECRET", OWNER.client_secret)
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
}

#[test]
fn a_service_account_behind_a_certificate_that_is_not_trusted_or_a_proxy_that_refuses() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = SandboxServer::builder(Sandbox::new()).tls();
    let server = runtime.block_on(server.start()).unwrap();
    let proxy = raw_peer(|_, _| response(407, "proxy-authenticate: Basic", ""));
    let kept = folder();
    let commands: [&[&str]; 3] = [
        &["api", "projects", "getGroup"],
        &["backups", "snapshots", "list", FLEX_CLUSTER],
        &[
            "backups",
            "pull",
            "--dir",
            "kept",
            "--clusterName",
            FLEX_CLUSTER,
        ],
    ];
    for arguments in commands {
        let mut command = atlas(&kept);
        service_account(&mut command).env("MONGODB_ATLAS_OPS_MANAGER_URL", server.url());
        let line = error_line(&command.args(arguments).output().unwrap(), 5);
        let why = "invalid peer certificate: UnknownIssuer";
        assert_each_once(
            &line,
            &["no access token", "no connection to localhost", why],
        );

        let mut command = atlas(&kept);
        service_account(&mut command).env("HTTPS_PROXY", &proxy.url);
        let line = error_line(&command.args(arguments).output().unwrap(), 5);
        let why = "the proxy answered 407 to CONNECT; check the user and password in HTTPS_PROXY";
        assert_each_once(
            &line,
            &["no access token", "no connection to cloud.mongodb.com", why],
        );
    }
}

#[test]
fn a_store_that_refuses_each_link_in_a_download_and_in_a_pull() {
    let plan = r#"[{"path": "/sandbox-store/", "do": {"status": {"status": 403}}}]"#;
    let server = SandboxServer::builder(Sandbox::new()).faults(FaultPlan::from_json(plan).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(server.start()).unwrap();
    let folder = folder();
    let refused = ["the store refuses each new link with 403", "check whether"];

    let download = [
        "backups",
        "snapshots",
        "download",
        "latest",
        "--out",
        "s.tgz",
    ];
    let mut command = atlas_at(&server, &folder);
    command.args(download).args(["--clusterName", FLEX_CLUSTER]);
    assert_each_once(&error_line(&command.output().unwrap(), 4), &refused);

    let mut command = atlas_at(&server, &folder);
    command.args(["backups", "pull", "--dir", "kept", "--keep", "1"]);
    let output = command
        .args(["--clusterName", FLEX_CLUSTER])
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(4),
        "another run would change nothing"
    );
    let stdout = String::from_utf8(output.stdout).unwrap();
    let failed = stdout.lines().find(|line| line.starts_with("failed"));
    assert_each_once(failed.unwrap_or_else(|| panic!("{stdout}")), &refused);
}
