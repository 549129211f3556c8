//! `atlas sandbox`: one process serves, and others use it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use atlas_sandbox::{FLEX_CLUSTER, PROJECT};

use crate::{atlas, error_line, folder};

#[test]
fn a_sandbox_prints_the_variables_to_set_and_one_line_per_request() {
    let folder = folder();
    let plan = r#"[{"operation": "getGroupFlexCluster", "do": {"status": {"status": 409}}}]"#;
    std::fs::write(folder.path().join("plan.json"), plan).unwrap();
    let mut serving = atlas(&folder)
        .args(["sandbox", "--time-scale", "60", "--faults", "plan.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let exports: Vec<String> = lines.take(8).map(Result::unwrap).collect();
    assert!(
        exports[6].starts_with("# read-only credentials: "),
        "{}",
        exports[6]
    );
    assert_eq!(exports[7], "# ready");
    let mut log = BufReader::new(serving.stderr.take().unwrap()).lines();
    let mut line = || log.next().unwrap().unwrap();

    // As a shell would export them, one kind of credentials after the other.
    for kind in 3..6 {
        let script = format!(
            "{}\n{}\n{}\nexec \"$0\" \"$@\"",
            exports[0], exports[1], exports[kind]
        );
        let output = Command::new("sh")
            .args([
                "-c",
                &script,
                env!("CARGO_BIN_EXE_atlas"),
                "backups",
                "snapshots",
                "list",
            ])
            .args(["--no-token-cache", FLEX_CLUSTER])
            .env("XDG_CONFIG_HOME", "/dev/null/config")
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let mut seen = line();
        while !seen.ends_with("/backup/snapshots") {
            seen = line();
        }
        assert!(seen.contains(" 200 GET /api/atlas/v2/groups/"), "{seen}");
    }
    let mut flex = atlas(&folder);
    let variable = |index: usize| {
        let (name, value) = exports[index]
            .strip_prefix("export ")
            .unwrap()
            .split_once('=')
            .unwrap();
        (name.to_owned(), value.to_owned())
    };
    flex.envs([variable(0), variable(5)]);
    flex.args([
        "api",
        "flexClusters",
        "getFlexCluster",
        "--groupId",
        PROJECT,
    ]);
    let output = flex.args(["--name", FLEX_CLUSTER]).output().unwrap();
    assert!(error_line(&output, 4).contains("409"));
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[test]
fn an_invalid_seed_or_plan_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("odd.json"), "{").unwrap();
    for (flag, file, code) in [
        ("--seed", "odd.json", 2),
        ("--faults", "odd.json", 2),
        ("--seed", "no.json", 6),
    ] {
        let output = atlas(&folder)
            .args(["sandbox", flag, file])
            .output()
            .unwrap();
        assert!(error_line(&output, code).contains(file));
    }
}

#[test]
fn a_sandbox_with_tls_is_trusted_by_curl_and_by_this_command_only_with_its_variables() {
    let folder = folder();
    let mut serving = atlas(&folder)
        .args(["sandbox", "--tls"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let exports: Vec<String> = (0..7).map(|_| lines.next().unwrap().unwrap()).collect();
    let url = exports[1].split_once('=').unwrap().1;
    assert!(url.starts_with("https://localhost:"), "{url}");

    let atlas = env!("CARGO_BIN_EXE_atlas");
    let list = format!("{atlas} backups snapshots list {FLEX_CLUSTER}");
    let curl = format!("curl --silent --fail --output /dev/null {url}/");
    for (command, trusted) in [(&list, true), (&curl, true), (&list, false), (&curl, false)] {
        let trust = if trusted { &exports[0] } else { "true" };
        let rest = [&exports[1], &exports[2], &exports[6]].map(String::as_str);
        let script = format!("{trust}\n{}\n{command}", rest.join("\n"));
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("XDG_CONFIG_HOME", "/dev/null/config")
            .env("XDG_CACHE_HOME", folder.path())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), trusted, "{command}: {stderr}");
    }
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[test]
fn a_sandbox_beyond_loopback_prints_the_token_that_its_controls_need() {
    let folder = folder();
    let mut serving = atlas(&folder)
        .args(["sandbox", "--bind", "0.0.0.0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let lines: Vec<String> = (0..8).map(|_| lines.next().unwrap().unwrap()).collect();
    let url = lines[0].split_once('=').unwrap().1;
    let token = lines[7]
        .strip_prefix("export ATLAS_SANDBOX_CONTROL_TOKEN=")
        .unwrap();
    for (authorization, status) in [("", "401"), (token, "200")] {
        let output = Command::new("curl")
            .args(["--silent", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code}", "--noproxy", "*"])
            .args([
                "--header",
                &format!("Authorization: Bearer {authorization}"),
            ])
            .arg(format!("{url}/sandbox/world"))
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), status);
    }
    serving.kill().unwrap();
    serving.wait().unwrap();

    let output = atlas(&folder)
        .args(["sandbox", "--control-token", "short"])
        .output()
        .unwrap();
    let error = error_line(&output, 2);
    assert!(error.contains("invalid control token"), "{error}");
}

#[test]
fn a_fault_plan_that_cannot_act_is_named_with_its_rule() {
    let folder = folder();
    let plan = r#"[{"operation": "getGroupFlexClusterz", "do": "reset"}]"#;
    std::fs::write(folder.path().join("plan.json"), plan).unwrap();
    let output = atlas(&folder)
        .args(["sandbox", "--faults", "plan.json"])
        .output()
        .unwrap();
    let error = error_line(&output, 2);
    assert!(
        error.contains("did you mean \"getGroupFlexCluster\"?"),
        "{error}"
    );
}

#[test]
fn a_signal_ends_a_sandbox_at_once_while_files_are_read_that_never_end() {
    let folder = folder();
    let seed = format!(
        r#"{{"projects": [{{"id": "{PROJECT}", "clusters": [{{"name": "C0", "kind": "flex",
            "snapshots": [{{"id": "{PROJECT}", "bytes": 1099511627776}}]}}]}}]}}"#
    );
    std::fs::write(folder.path().join("world.json"), &seed).unwrap();
    let mut serving = atlas(&folder)
        .args(["sandbox", "--seed", "world.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let mut log = BufReader::new(serving.stderr.take().unwrap()).lines();
    let url = first.split_once('=').unwrap().1.to_owned();
    let download = format!("/api/atlas/v2/groups/{PROJECT}/flexClusters/C0/backup/download");
    let asked = Command::new("curl")
        .args(["--silent", "--fail", "--noproxy", "*"])
        .args(["--header", "Content-Type: application/json"])
        .args(["--header", "Accept: application/vnd.atlas.2024-11-13+json"])
        .args(["--oauth2-bearer", atlas_sandbox::OWNER.access_token])
        .args(["--data", &format!(r#"{{"snapshotId": "{PROJECT}"}}"#)])
        .arg(format!("{url}{download}"))
        .output()
        .unwrap();
    let answer = String::from_utf8(asked.stdout).unwrap();
    let link = answer.split("\"snapshotUrl\":\"").nth(1).unwrap();
    let link = link.split('"').next().unwrap().to_owned();
    let read = || {
        let mut command = Command::new("curl");
        command.args(["--silent", "--noproxy", "*", "--output", "/dev/null", &link]);
        command.spawn().unwrap()
    };
    // More readers than the server has threads.
    let mut readers: Vec<_> = (0..4).map(|_| read()).collect();
    let mut begun = 0;
    while begun < readers.len() {
        let logged = log.next().unwrap().unwrap();
        begun += usize::from(logged.contains("/sandbox-store/"));
    }
    let killed = Command::new("kill")
        .args(["-TERM", &serving.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let sent = std::time::Instant::now();
    let ended = loop {
        if let Some(status) = serving.try_wait().unwrap() {
            break Some(status);
        }
        // Ten times the documented time, since the machine may be busy.
        if sent.elapsed() > std::time::Duration::from_secs(10) {
            break None;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    let took = sent.elapsed();
    let _ = serving.kill();
    for reader in &mut readers {
        let _ = reader.kill();
        let _ = reader.wait();
    }
    assert!(ended.is_some(), "still running after {took:?}");
}

#[test]
fn an_endless_seed_or_plan_is_not_read_to_its_end() {
    let folder = folder();
    let sparse = std::fs::File::create(folder.path().join("sparse.json")).unwrap();
    sparse.set_len(8 << 30).unwrap();
    for flag in ["--seed", "--faults"] {
        for file in ["/dev/zero", "sparse.json"] {
            // The limit on memory is less than reading all of it would need.
            let output = Command::new("sh")
                .args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""])
                .arg(env!("CARGO_BIN_EXE_atlas"))
                .args(["sandbox", flag, file])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let error = error_line(&output, 6);
            assert!(error.contains(file), "{error}");
            assert!(error.contains("at most 16 MiB"), "{error}");
        }
    }
}
