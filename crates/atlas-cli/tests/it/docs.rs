//! The commands in `docs`, and the manifests for Kubernetes: what they call exists.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::{atlas, atlas_at, folder, sandbox};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(docs().join(name)).unwrap()
}

/// The documents of a manifest.
fn manifest(name: &str) -> Vec<Value> {
    let text = read(&format!("kubernetes/{name}"));
    serde_saphyr::from_multiple(&text).unwrap()
}

fn job(documents: &[Value]) -> &Value {
    let mut jobs = documents.iter().filter(|it| it["kind"] == "CronJob");
    let job = jobs.next().unwrap();
    assert!(jobs.next().is_none());
    &job["spec"]["jobTemplate"]["spec"]
}

fn container(documents: &[Value]) -> &Value {
    &job(documents)["template"]["spec"]["containers"][0]
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Whether each flag is known and each value can be read: `--help` behind them is reached only then.
fn is_understood(arguments: &[String]) -> Result<(), String> {
    let output = atlas(&folder()).args(arguments).arg("--help").output();
    let output: Output = output.unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

const MANIFESTS: [&str; 2] = ["folder.yaml", "bucket.yaml"];

#[test]
fn every_flag_in_the_manifests_exists() {
    for name in MANIFESTS {
        let arguments = texts(&container(&manifest(name))["args"]);
        assert_eq!(arguments[..2], ["backups", "pull"], "{name}");
        is_understood(&arguments).unwrap();
        let mut wrong = arguments;
        wrong.push("--keep-hourly".to_owned());
        assert!(is_understood(&wrong).is_err(), "it is a test of something");
    }
}

#[test]
fn every_command_in_the_docs_exists() {
    for (name, least) in [("restore.md", 4), ("../README.md", 6)] {
        let text = read(name);
        let commands: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("atlas backups "))
            .collect();
        assert!(commands.len() >= least, "{name}: {commands:?}");
        for command in commands {
            // What reads from a pipe is another command.
            let words = command.split_whitespace().take_while(|word| *word != "|");
            let arguments: Vec<_> = words.skip(1).map(str::to_owned).collect();
            if let Err(error) = is_understood(&arguments) {
                panic!("{name}: {command}: {error}");
            }
        }
    }
}

#[test]
fn every_option_of_the_sandbox_is_documented() {
    let output = atlas(&folder()).args(["sandbox", "--help"]).output();
    let help = String::from_utf8(output.unwrap().stdout).unwrap();
    let (own, _) = help.split_once("-h, --help").unwrap();
    let lines = own
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--"));
    let options: Vec<_> = lines.filter_map(|line| line.split(' ').next()).collect();
    assert!(options.len() > 15, "{options:?}");
    let page = read("testing.md");
    for option in options {
        assert!(page.contains(&format!("| `--{option}")), "--{option}");
    }
}

#[test]
fn the_pull_of_the_folder_manifest_works_with_its_arguments() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let documents = manifest("folder.yaml");
    let container = container(&documents);
    let mount = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    let arguments = texts(&container["args"]).into_iter().map(|it| {
        if it == mount {
            "mounted".to_owned()
        } else {
            it
        }
    });
    let output = atlas_at(&server, &folder).args(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    // The sandbox's snapshots are older than --max-age.
    assert_eq!(output.status.code(), Some(12), "{stderr}");
    for cluster in ["Flex0", "Dedicated0", "Sharded0"] {
        let catalogue = folder.path().join("mounted").join(cluster);
        assert!(catalogue.join("catalogue.json").exists(), "{stderr}");
    }
}

/// What an edit could lose without anything else failing.
#[test]
fn the_manifests_hold_no_secret_run_once_at_a_time_and_as_no_root() {
    for name in MANIFESTS {
        let documents = manifest(name);
        let cron = documents.iter().find(|it| it["kind"] == "CronJob").unwrap();
        assert_eq!(cron["apiVersion"], "batch/v1");
        assert_eq!(cron["spec"]["concurrencyPolicy"], "Forbid");
        let (job, container) = (job(&documents), container(&documents));
        let pod = &job["template"]["spec"];
        for variable in container["env"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let is_plain = variable["valueFrom"]["secretKeyRef"]["key"].is_null();
            assert_eq!(is_plain, name == "AWS_REGION", "{name}");
        }
        assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() >= 5);
        // Without it, no rule about exit codes is taken.
        assert_eq!(pod["restartPolicy"], "Never");
        let rule = &job["podFailurePolicy"]["rules"][0]["onExitCodes"];
        assert_eq!(rule["containerName"], container["name"]);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert!(container["resources"]["limits"]["memory"].is_string());
    }
    assert_eq!(job(&manifest("bucket.yaml"))["parallelism"], 2);
    assert_eq!(job(&manifest("bucket.yaml"))["completions"], 2);
}
