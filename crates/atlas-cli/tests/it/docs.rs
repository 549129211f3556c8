//! The commands in `docs` and in the manifests for Kubernetes exist.

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

/// Whether each flag is known and each value is valid: only then, clap reaches the `--help` after them.
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
        assert!(
            is_understood(&wrong).is_err(),
            "the check must be able to fail"
        );
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
            // The command after a pipe is another one.
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

/// Properties that an edit could lose without another failure.
#[test]
fn the_manifests_have_no_secret_and_run_once_at_a_time_and_not_as_root() {
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
        // Kubernetes ignores rules about exit codes without it.
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
