//! Signals end the command within a second, whatever it is doing.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT};

use crate::peer::peer;
use crate::{atlas, error_line, folder};

pub(crate) fn send(signal: &str, id: u32) {
    let sent = Command::new("kill")
        .args([signal, &id.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Starts a command whose stdin stays open and silent.
pub(crate) fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the signal handlers of a process are installed and its work has begun.
pub(crate) fn until_busy(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // SIGINT is 2 and SIGTERM 15: bits 1 and 14. SIGHUP is installed with them.
        if caught.is_some_and(|mask| mask & 0x4002 == 0x4002) {
            // The work begins after the handlers are installed.
            std::thread::sleep(Duration::from_millis(150));
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no handlers after 20 s; are these tests run on Linux?");
}

/// Sends a signal and checks that the process ends by it within a second, with one line.
fn ends(child: Child, signal: &str, number: i32) -> Output {
    until_busy(&child);
    let begun = Instant::now();
    send(signal, child.id());
    // stdin is kept open: the command must not end because of an end of file.
    let mut child = child;
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    let took = begun.elapsed();
    drop(stdin);
    assert!(took < Duration::from_secs(1), "{signal}: {took:?}");
    let line = error_line(&output, 128 + number);
    assert!(line.contains("interrupted"), "{line}");
    output
}

const SIGNALS: [(&str, i32); 3] = [("-INT", 2), ("-TERM", 15), ("-HUP", 1)];

#[test]
fn a_signal_ends_the_check_of_a_large_file() {
    let folder = folder();
    // A short file, but many seconds to inflate: an entry of 64 GiB of zeros.
    let compressed = |bytes: &[u8]| {
        let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut member, bytes).unwrap();
        member.finish().unwrap()
    };
    let mut header = [0; 512];
    header[..5].copy_from_slice(b"zeros");
    header[124..136].copy_from_slice(b"1000000000000"[..12].as_ref());
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut file = compressed(&header);
    file.extend(compressed(&vec![0; 64 << 20]).repeat(1024));
    std::fs::write(folder.path().join("s.tgz"), file).unwrap();
    for (signal, number) in SIGNALS {
        let child = start(atlas(&folder).args(["backups", "verify", "s.tgz"]));
        ends(child, signal, number);
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_body_on_a_silent_stdin_or_pipe() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for (signal, number) in SIGNALS {
        for file in ["-", "pipe"] {
            let child = start(
                atlas(&folder)
                    .args(["api", "sharedTierSnapshots", "downloadClusterBackupTenant"])
                    .args(["--groupId", PROJECT, "--clusterName", CLUSTER])
                    .args(["--file", file, "--sandbox"]),
            );
            ends(child, signal, number);
        }
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_pipe_in_place_of_any_other_file() {
    let folder = folder();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for flag in ["--seed", "--faults"] {
        let child = start(atlas(&folder).args(["sandbox", flag, "pipe"]));
        ends(child, "-TERM", 15);
    }
    // A pipe in a folder of a pull.
    let kept = folder.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    for name in ["catalogue.json", "x.tgz.json"] {
        let made = Command::new("mkfifo").arg(kept.join(name)).status();
        assert!(made.unwrap().success());
    }
    let child = start(
        atlas(&folder)
            .args(["backups", "pull", "--sandbox", "--dir", "kept"])
            .args(["--clusterName", FLEX_CLUSTER]),
    );
    ends_or_refuses(child);
    // A manifest that is a pipe.
    std::fs::write(folder.path().join("x.tgz"), "").unwrap();
    std::fs::rename(&pipe, folder.path().join("x.tgz.json")).unwrap();
    let child = start(atlas(&folder).args(["backups", "verify", "x.tgz"]));
    ends_or_refuses(child);
}

/// A command may wait for a pipe until a signal arrives, or refuse the pipe; it must not hang.
fn ends_or_refuses(mut child: Child) {
    // Long enough for the command to open the pipe.
    std::thread::sleep(Duration::from_secs(1));
    if child.try_wait().unwrap().is_none() {
        send("-TERM", child.id());
        let begun = Instant::now();
        assert_eq!(child.wait().unwrap().code(), Some(143));
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_job_and_for_a_server_that_never_responds() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let region = r#"{"replicationSpecs":[{"regionConfigs":[{"providerName":"AWS"}]}]}"#;
    let id = "32b6e34b3d91647abb20e7ff";
    let waiting = peer(move |_, path| {
        let job = format!(r#"{{"id":"{id}","deliveryType":"download","deliveryUrl":[]}}"#);
        (
            200,
            if path.contains("/backup/") {
                job
            } else {
                region.to_owned()
            },
        )
    });
    for url in [silent.as_str(), waiting.url.as_str()] {
        for (signal, number) in SIGNALS {
            let folder = folder();
            let child = start(
                atlas(&folder)
                    .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
                    .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
                    .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
                    .args(["backups", "restores", "watch", id])
                    .args(["--clusterName", DEDICATED_CLUSTER]),
            );
            ends_after_progress(child, signal, number);
        }
    }
}

/// As [`ends`], for a command that may have printed lines on stderr before.
fn ends_after_progress(mut child: Child, signal: &str, number: i32) {
    until_busy(&child);
    let stdin = child.stdin.take();
    let begun = Instant::now();
    send(signal, child.id());
    let status = child.wait().unwrap();
    drop(stdin);
    assert!(begun.elapsed() < Duration::from_secs(1), "{signal}");
    assert_eq!(status.code(), Some(128 + number));
}

#[test]
fn a_signal_ends_a_sandbox_without_an_error() {
    for (signal, number) in SIGNALS {
        let folder = folder();
        let mut child = start(atlas(&folder).arg("sandbox"));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.map(Result::unwrap).find(|line| line == "# ready");
        assert!(ready.is_some());
        let begun = Instant::now();
        send(signal, child.id());
        let output = child.wait_with_output().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1), "{signal}");
        assert_eq!(output.status.code(), Some(128 + number));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn a_signal_ends_a_command_whose_output_is_not_read_and_a_second_one_ends_it_immediately() {
    let folder = folder();
    let many = peer(|_, path| {
        let body = if path.ends_with("/snapshots") {
            let one = |number| format!(r#"{{"id":"{number:024x}","status":"COMPLETED"}}"#);
            let all: Vec<String> = (0..20_000_u32).map(one).collect();
            format!("{{\"results\":[{}]}}", all.join(","))
        } else {
            r#"{"replicationSpecs":[{"regionConfigs":[{"providerName":"TENANT"}]}]}"#.to_owned()
        };
        (200, body)
    });
    let blocked = |signals: &[&str]| {
        let mut child = start(
            atlas(&folder)
                .env("MONGODB_ATLAS_OPS_MANAGER_URL", &many.url)
                .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
                .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
                .args(["backups", "snapshots", "list", CLUSTER]),
        );
        // The pipe is full once something is in it: the rest is larger than any pipe.
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let begun = Instant::now();
        for signal in signals {
            send(signal, child.id());
            // Two signals at once would reach the process as one.
            std::thread::sleep(Duration::from_millis(20));
        }
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(143), "{signals:?}");
        begun.elapsed()
    };
    let once = blocked(&["-TERM"]);
    let twice = blocked(&["-TERM", "-TERM"]);
    assert!(once < Duration::from_secs(1), "{once:?}");
    assert!(
        twice < once && twice < Duration::from_millis(350),
        "{twice:?}"
    );
}

/// `script` gives the command a terminal.
#[test]
fn a_signal_ends_a_prompt() {
    for (signal, number) in SIGNALS {
        let folder = folder();
        let restore = format!(
            "echo $$; exec {} backups restores start automated --sandbox --snapshotId latest \
             --clusterName {FLEX_CLUSTER} --targetClusterName {DEDICATED_CLUSTER}",
            env!("CARGO_BIN_EXE_atlas")
        );
        let mut terminal = crate::fresh("script")
            .args(["-qec", &restore, "/dev/null"])
            .current_dir(folder.path())
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shown = BufReader::new(terminal.stdout.take().unwrap());
        let mut line = String::new();
        shown.read_line(&mut line).unwrap();
        let id: u32 = line.trim().parse().unwrap();
        while !line.contains("is lost") {
            line.clear();
            assert_ne!(shown.read_line(&mut line).unwrap(), 0, "no prompt");
        }
        // Kept open, since waiting closes it: the prompt must not end because of an end of file.
        let stdin = terminal.stdin.take();
        let begun = Instant::now();
        send(signal, id);
        let status = terminal.wait().unwrap();
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1), "{signal}: {took:?}");
        line.clear();
        let _ = shown.read_to_string(&mut line);
        assert_eq!(status.code(), Some(128 + number), "{line:?}");
        drop(stdin);
    }
}
