//! `--output` and its setting, for one command of each kind.

use std::process::{Command, Output};

use atlas_sandbox::{DEDICATED_CLUSTER, FLEX_CLUSTER, OWNER, SandboxServer};
use serde_json::Value;
use tempfile::TempDir;

use crate::{atlas_at, error_line, folder, sandbox};

/// A command of a kind.
struct Case {
    arguments: Vec<String>,
    /// The beginning of its plain text.
    plain: &'static str,
    /// A path into its JSON.
    path: &'static str,
    /// Whether its JSON is one object per line.
    lines: bool,
}

/// One of each kind; each run has a number, for files that must not exist yet.
fn cases(server: &SandboxServer, number: u32) -> Vec<Case> {
    let id = server.with(|sandbox| {
        let cluster = DEDICATED_CLUSTER.parse().unwrap();
        sandbox.snapshots(crate::project(), &cluster)[0].to_string()
    });
    let case = |line: &str, plain, path, lines| Case {
        arguments: line.split(' ').map(str::to_owned).collect(),
        plain,
        path,
        lines,
    };
    let cluster = format!("--clusterName {DEDICATED_CLUSTER}");
    let snapshots = "backups snapshots";
    let of = |command: &str| format!("{snapshots} {command} {id} {cluster}");
    let create = format!("{snapshots} create {DEDICATED_CLUSTER} --desc test");
    let download = format!("{} --out {number}.tgz", of("download"));
    let pull = format!("backups pull --clusterName {FLEX_CLUSTER} --dir {number} --keep 1");
    vec![
        case(
            &format!("{snapshots} list {DEDICATED_CLUSTER}"),
            "ID ",
            "$.results[0].id",
            false,
        ),
        case(&of("describe"), "ID ", "$.id", false),
        case(&of("watch"), "ID ", "$.id", false),
        case(&create, "snapshot ", "$.id", false),
        case(&download, "", "$.sha256", true),
        case("backups verify kept.tgz", "sound ", "$.sha256", true),
        case(&pull, "Flex0: downloaded ", "$.action", true),
        case("clusters list", "", "$.results[0].name", false),
        case("projects list", "ID ", "$.results[0].id", false),
        case("config list", "PROFILE NAME", "$[0]", false),
        case("auth whoami", "", "$.id", false),
        case(
            "backups schedule describe Dedicated0",
            "",
            "$.clusterName",
            false,
        ),
        // The response of Atlas is its plain text, too.
        case("api projects getGroup", "{", "$.id", false),
    ]
}

struct World {
    _runtime: tokio::runtime::Runtime,
    server: SandboxServer,
    folder: TempDir,
}

impl World {
    /// A sandbox, a file that was downloaded, and a configuration file.
    fn new() -> Self {
        let (runtime, server) = sandbox();
        let folder = folder();
        let config = folder.path().join("config/atlascli");
        std::fs::create_dir_all(&config).unwrap();
        let text = "[default]\norg_id = \"32b6e34b3d91647abb20e7b8\"\n";
        std::fs::write(config.join("config.toml"), text).unwrap();
        let world = Self {
            _runtime: runtime,
            server,
            folder,
        };
        let download = ["backups", "snapshots", "download", "latest"];
        let flags = ["--clusterName", DEDICATED_CLUSTER, "--out", "kept.tgz"];
        let output = world.command().args(download).args(flags).output().unwrap();
        assert!(output.status.success());
        world
    }

    fn command(&self) -> Command {
        let mut command = atlas_at(&self.server, &self.folder);
        command.env("XDG_CONFIG_HOME", self.folder.path().join("config"));
        command
    }

    fn run(&self, case: &Case, flags: &[&str], setting: &str) -> Output {
        let mut command = self.command();
        command.env("MONGODB_ATLAS_OUTPUT", setting);
        command.args(&case.arguments).args(flags).output().unwrap()
    }
}

/// The output of a command, which must have succeeded.
fn printed(case: &Case, output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {stderr}", case.arguments);
    assert!(!stderr.contains(OWNER.private_key));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The JSON of a command: one object, or one per line.
fn read(case: &Case, text: &str) -> Vec<Value> {
    let read = |text: &str| -> Value {
        serde_json::from_str(text).unwrap_or_else(|_| panic!("{:?}: {text}", case.arguments))
    };
    if case.lines {
        text.lines().map(read).collect()
    } else {
        vec![read(text)]
    }
}

#[test]
fn each_kind_of_command_prints_text_json_or_the_values_of_a_path() {
    let world = World::new();
    for (number, flags, setting) in [
        (1, &[][..], ""),
        (2, &["-o", "plaintext"], ""),
        (3, &["--output", "plaintext"], "json"),
        (4, &[], "plaintext"),
    ] {
        for case in cases(&world.server, number) {
            let text = printed(&case, &world.run(&case, flags, setting));
            let what = format!("{:?} {flags:?}: {text}", case.arguments);
            assert!(text.starts_with(case.plain) && !text.is_empty(), "{what}");
            let is_json = serde_json::from_str::<Value>(&text).is_ok();
            assert_eq!(is_json, case.arguments[0] == "api", "{what}");
        }
    }
    for (number, flags, setting) in [
        (5, &["-o", "json"][..], ""),
        (6, &["--output=json"], "plaintext"),
        (7, &[], "json"),
    ] {
        for case in cases(&world.server, number) {
            let text = printed(&case, &world.run(&case, flags, setting));
            let values = read(&case, &text);
            assert!(!values.is_empty(), "{:?}", case.arguments);
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text:?}");
        }
    }
    for (number, setting) in [(8, ""), (9, "json"), (10, "plaintext")] {
        for case in cases(&world.server, number) {
            let flag = format!("json-path={}", case.path);
            let text = printed(&case, &world.run(&case, &["-o", &flag], setting));
            let what = format!("{:?}: {text}", case.arguments);
            assert!(
                !text.trim().is_empty() && !text.contains(['{', '"']),
                "{what}"
            );
        }
    }
}

#[test]
fn a_path_that_selects_nothing_is_13_and_one_that_is_invalid_2() {
    let world = World::new();
    for case in cases(&world.server, 1) {
        let output = world.run(&case, &["-o", "json-path=$.nothing.here"], "");
        if case.arguments.contains(&"pull".to_owned()) {
            // A run that changes nothing prints at most the summary.
            assert!(output.status.success() && output.stdout.is_empty());
            continue;
        }
        let line = error_line(&output, 13);
        assert!(
            line.contains("$.nothing.here") || line.contains("selects nothing"),
            "{:?}: {line}",
            case.arguments
        );
    }
    let before = world.server.with(|sandbox| sandbox.requests());
    for case in cases(&world.server, 2) {
        for flag in [
            "json-path=",
            "json-path=id",
            "json-path=$[",
            "yaml",
            "go-template={{.}}",
            "",
        ] {
            let output = world.run(&case, &["-o", flag], "");
            let line = error_line(&output, 2);
            assert!(line.contains("--output"), "{:?}: {line}", case.arguments);
        }
    }
    assert_eq!(world.server.with(|sandbox| sandbox.requests()), before);
}

#[test]
fn an_invalid_setting_is_refused_before_anything_is_sent_or_written() {
    let world = World::new();
    let before = world.server.with(|sandbox| sandbox.requests());
    for setting in ["yaml", "JSON", "json-path=$.id", "go-template"] {
        for case in cases(&world.server, 1) {
            let output = world.run(&case, &[], setting);
            let line = error_line(&output, 2);
            let expected = format!("MONGODB_ATLAS_OUTPUT {setting:?}: expected json or plaintext");
            assert!(line.contains(&expected), "{:?}: {line}", case.arguments);
            assert!(output.stdout.is_empty(), "{:?}", case.arguments);
        }
    }
    assert_eq!(world.server.with(|sandbox| sandbox.requests()), before);
    for name in ["1.tgz", "1"] {
        assert!(!world.folder.path().join(name).exists(), "{name}");
    }
    // A flag decides without a look at the setting.
    for case in cases(&world.server, 1) {
        let output = world.run(&case, &["-o", "json"], "yaml");
        read(&case, &printed(&case, &output));
    }
}
