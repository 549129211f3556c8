//! `atlas backups` for every kind of cluster, which it determines itself.

use std::process::{Command, Output};

use atlas_sandbox::{
    CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, OWNER, PROJECT, SHARDED_CLUSTER, SandboxServer,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{atlas, atlas_at, error_line, folder, sandbox};

const KINDS: [&str; 4] = [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER, SHARDED_CLUSTER];

fn run(server: &SandboxServer, folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = atlas_at(server, folder);
    command.arg("backups").args(arguments).output().unwrap()
}

/// The output of a command, which must have succeeded.
fn printed(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&printed(output)).unwrap()
}

fn writes(server: &SandboxServer) -> u64 {
    server.with(|sandbox| sandbox.writes())
}

#[test]
fn snapshots_are_listed_and_described_as_a_table_and_as_json() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for (cluster, count) in KINDS.into_iter().zip([1, 8, 3, 1]) {
        let table = printed(&run(&server, &folder, &["snapshots", "list", cluster]));
        assert!(table.starts_with("ID "), "{table}");
        assert_eq!(table.lines().count(), count + 1, "{cluster}");
        let list = run(
            &server,
            &folder,
            &["snapshots", "list", "--clusterName", cluster, "-o", "json"],
        );
        let list = json(&list);
        assert!(list["links"].is_array(), "as Atlas responds: {list}");
        assert_eq!(list["results"].as_array().unwrap().len(), count);
        let id = list["results"][0]["id"].as_str().unwrap();
        let flags = ["--clusterName", cluster, "-o", "json"];
        for command in ["describe", "watch"] {
            let one = run(
                &server,
                &folder,
                &[&["snapshots", command, id][..], &flags].concat(),
            );
            let one = json(&one);
            assert_eq!(one["id"], id);
            assert_eq!(one["status"], list["results"][0]["status"]);
        }
    }
}

#[test]
fn the_latest_snapshot_of_any_kind_is_downloaded_and_verified() {
    let (_runtime, server) = sandbox();
    for (cluster, files) in KINDS.into_iter().zip([1, 1, 1, 2]) {
        let folder = folder();
        let flags = ["--clusterName", cluster, "--out", "s.tgz", "-o", "json"];
        let output = run(
            &server,
            &folder,
            &[&["snapshots", "download", "latest"][..], &flags].concat(),
        );
        let lines: Vec<Value> = printed(&output)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), files, "{cluster}");
        let names: Vec<&str> = lines
            .iter()
            .map(|line| line["file"].as_str().unwrap())
            .collect();
        let verified = printed(&run(&server, &folder, &[&["verify"][..], &names].concat()));
        assert_eq!(verified.matches("sound ").count(), files, "{verified}");

        std::fs::write(folder.path().join(names[0]), "broken").unwrap();
        let output = run(&server, &folder, &["verify", names[0]]);
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("UNSOUND"));
        error_line(&output, 7);
    }
    assert_eq!(writes(&server), 0);
}

#[test]
fn a_download_is_started_without_writing_to_any_kind_of_cluster() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for cluster in KINDS {
        let flags = [
            "--clusterName",
            cluster,
            "--snapshotId",
            "latest",
            "-o",
            "json",
        ];
        let output = run(
            &server,
            &folder,
            &[&["restores", "start", "download"][..], &flags].concat(),
        );
        let job = json(&output);
        let delivery = job["deliveryType"].as_str().unwrap();
        assert!(delivery.eq_ignore_ascii_case("download"), "{job}");
        let id = job["id"].as_str().unwrap();
        for command in ["describe", "watch"] {
            let arguments = [
                "restores",
                command,
                id,
                "--clusterName",
                cluster,
                "-o",
                "json",
            ];
            assert_eq!(json(&run(&server, &folder, &arguments))["id"], id);
        }
        let table = printed(&run(&server, &folder, &["restores", "list", cluster]));
        let is_download = table.to_lowercase().contains("download");
        assert!(table.contains(id) && is_download, "{table}");

        // The link is a secret: a table shows it only with --show-link.
        let describe = ["restores", "describe", id, "--clusterName", cluster];
        let table = printed(&run(&server, &folder, &describe));
        assert!(!table.contains("signature"), "{table}");
        let asked = [&describe[..], &["--show-link"]].concat();
        let table = printed(&run(&server, &folder, &asked));
        assert!(table.contains("signature"), "{table}");

        // The file of the started job is downloaded.
        let jobs = |server: &SandboxServer| server.with(|sandbox| sandbox.requests());
        let name = format!("{cluster}.tgz");
        let download = [
            "snapshots",
            "download",
            "--job",
            id,
            "--clusterName",
            cluster,
        ];
        let download = [&download[..], &["--out", &name]].concat();
        let before = jobs(&server);
        printed(&run(&server, &folder, &download));
        assert!(jobs(&server) > before);
        let list = json(&run(
            &server,
            &folder,
            &["restores", "list", cluster, "-o", "json"],
        ));
        assert_eq!(list["results"].as_array().unwrap().len(), 1, "no new job");
    }
    assert_eq!(writes(&server), 0);
}

#[test]
fn a_restore_needs_confirmation_and_uses_the_named_target() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let start = [
        "restores",
        "start",
        "automated",
        "--clusterName",
        FLEX_CLUSTER,
    ];
    let more = [
        "--snapshotId",
        "latest",
        "--targetClusterName",
        DEDICATED_CLUSTER,
    ];
    let arguments = [&start[..], &more].concat();
    let line = error_line(&run(&server, &folder, &arguments), 2);
    assert!(line.contains("--force") && line.contains("lost"), "{line}");
    assert_eq!(writes(&server), 0);
    let forced = [&arguments[..], &["--force", "-o", "json"]].concat();
    let job = json(&run(&server, &folder, &forced));
    assert_eq!(job["targetDeploymentItemName"], DEDICATED_CLUSTER);
    assert_eq!(writes(&server), 1);
}

#[test]
fn a_job_that_fails_or_takes_too_long_has_its_own_exit_code() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let download = [
        "snapshots",
        "download",
        "latest",
        "--clusterName",
        FLEX_CLUSTER,
    ];
    let arguments = [&download[..], &["--timeout", "1"]].concat();
    server.with(|sandbox| sandbox.fail_next_jobs(1));
    let line = error_line(&run(&server, &folder, &arguments), 9);
    assert!(line.contains("failed"), "{line}");
    server.with(|sandbox| sandbox.set_download_delay(jiff::SignedDuration::from_hours(1)));
    let line = error_line(&run(&server, &folder, &arguments), 10);
    assert!(line.contains("not ready within 1 s"), "{line}");
}

#[test]
fn a_folder_is_pulled_once_and_its_failures_are_counted() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let pull = [
        "pull",
        "--clusterName",
        FLEX_CLUSTER,
        "--dir",
        "kept",
        "--keep",
        "3",
    ];
    let verbose = [&pull[..], &["-v"]].concat();
    let lines = printed(&run(&server, &folder, &verbose));
    assert_eq!(lines.matches("downloaded ").count() - 1, 3, "{lines}");
    let lines = printed(&run(&server, &folder, &verbose));
    assert_eq!(lines.matches("present ").count(), 3, "{lines}");
    let newest = std::fs::read_dir(folder.path().join("kept")).unwrap();
    for entry in newest {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "tgz") {
            std::fs::remove_file(path).unwrap();
        }
    }
    server.with(|sandbox| sandbox.fail_next_jobs(1));
    let output = run(&server, &folder, &pull);
    let line = error_line(&output, 11);
    assert!(line.contains("one snapshot"), "{line}");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        (
            lines.matches("failed ").count(),
            lines.matches("downloaded 2 ").count()
        ),
        (1, 1)
    );
    let line = error_line(
        &run(&server, &folder, &[&pull[..5], &["--keep", "0"]].concat()),
        2,
    );
    assert!(line.contains("--keep"), "{line}");
}

/// A configuration folder with profiles as the official command line writes them.
fn profiles(folder: &TempDir, server: &SandboxServer) {
    let config = folder.path().join("config/atlascli");
    std::fs::create_dir_all(&config).unwrap();
    let (url, public, private) = (server.url(), OWNER.public_key, OWNER.private_key);
    let text = format!(
        "version = 2\n[default]\nauth_type = \"api_keys\"\n\
         ops_manager_url = \"{url}\"\npublic_api_key = \"{public}\"\n\
         private_api_key = \"{private}\"\nproject_id = \"{PROJECT}\"\noutput = \"json\"\n\
         [ring]\nauth_type = \"api_keys\"\npublic_api_key = \"{public}\"\n\
         ops_manager_url = \"{url}\"\n"
    );
    std::fs::write(config.join("config.toml"), text).unwrap();
}

fn with_profiles(folder: &TempDir) -> Command {
    let mut command = atlas(folder);
    command.env("XDG_CONFIG_HOME", folder.path().join("config"));
    command.args(["backups", "snapshots", "list", FLEX_CLUSTER]);
    command
}

#[test]
fn a_profile_of_the_official_command_line_is_enough_and_the_environment_overrides_it() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    profiles(&folder, &server);
    let list = with_profiles(&folder).output().unwrap();
    assert_eq!(json(&list)["results"].as_array().unwrap().len(), 8);

    let other = "32b6e34b3d91647abb20e7ff";
    let output = with_profiles(&folder)
        .env("MONGODB_ATLAS_PROJECT_ID", other)
        .output()
        .unwrap();
    assert!(error_line(&output, 4).contains("GROUP_NOT_FOUND"));
    let output = with_profiles(&folder)
        .env("MONGODB_ATLAS_PROJECT_ID", other)
        .args(["--projectId", PROJECT])
        .output()
        .unwrap();
    assert!(output.status.success(), "a flag overrides the environment");

    let ring = with_profiles(&folder)
        .args(["-P", "ring", "--projectId", PROJECT])
        .output()
        .unwrap();
    assert!(error_line(&ring, 3).contains("keyring"));
    let missing = with_profiles(&folder)
        .args(["-P", "missing"])
        .output()
        .unwrap();
    assert!(error_line(&missing, 2).contains("\"missing\""));

    std::fs::write(
        folder.path().join("config/atlascli/config.toml"),
        "key = s3cret",
    )
    .unwrap();
    let line = error_line(&with_profiles(&folder).output().unwrap(), 2);
    assert!(
        line.contains("config.toml:1:7: invalid TOML") && !line.contains("s3cret"),
        "{line}"
    );
}
