//! What a person sees: colours, tables, prompts and bars on a pseudo-terminal.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT, SandboxServer};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use crate::peer::peer;
use crate::{atlas, atlas_at, folder, fresh, project, sandbox};

/// The command on a pseudo-terminal, which `script` gives it.
struct Terminal {
    script: Child,
    keys: ChildStdin,
    chunks: Receiver<Vec<u8>>,
    shown: Vec<u8>,
}

/// The command, its variables and the size of its terminal.
struct Session<'a> {
    folder: &'a TempDir,
    url: &'a str,
    variables: &'a [(&'a str, &'a str)],
    columns: u16,
}

impl Session<'_> {
    /// Types a command line.
    fn start(&self, arguments: &[&str]) -> Terminal {
        let quoted: Vec<String> = arguments.iter().map(|it| format!("'{it}'")).collect();
        let line = format!(
            "stty rows 24 cols {}; exec {} {}",
            self.columns,
            env!("CARGO_BIN_EXE_atlas"),
            quoted.join(" ")
        );
        let environment = atlas(self.folder);
        let mut command = fresh("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env_clear()
            .envs(
                environment
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm-256color")
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", self.url)
            .env(
                "MONGODB_ATLAS_PUBLIC_API_KEY",
                atlas_sandbox::OWNER.public_key,
            )
            .env(
                "MONGODB_ATLAS_PRIVATE_API_KEY",
                atlas_sandbox::OWNER.private_key,
            )
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .envs(self.variables.iter().copied())
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut script = command.spawn().unwrap();
        let keys = script.stdin.take().unwrap();
        let mut output = script.stdout.take().unwrap();
        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                let _ = sender.send(chunk[..read].to_vec());
            }
        });
        Terminal {
            script,
            keys,
            chunks,
            shown: Vec::new(),
        }
    }

    /// Types a command line and waits for its end: its exit code, and what it showed.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.start(arguments).end()
    }
}

impl Terminal {
    /// Waits until a text is shown.
    fn until(&mut self, text: &str) {
        while !self.text().contains(text) {
            let chunk = self.chunks.recv_timeout(Duration::from_secs(30));
            let chunk = chunk.unwrap_or_else(|_| panic!("{text}: {}", self.text()));
            self.shown.extend(chunk);
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end. No end of file is what ends the command: its input stays open.
    fn end(mut self) -> (Option<i32>, String) {
        let code = self.script.wait().unwrap().code();
        self.shown.extend(self.chunks.iter().flatten());
        (code, self.text())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).replace("\r\n", "\n")
    }
}

fn at<'a>(server: &'a SandboxServer, folder: &'a TempDir) -> Session<'a> {
    Session {
        folder,
        url: server.url(),
        variables: &[],
        columns: 80,
    }
}

/// What stays on the screen: of a line, what follows its last return to the margin or its last
/// clearing.
fn screen(text: &str) -> Vec<String> {
    let kept = |line: &str| {
        let line = line.rsplit("\u{1b}[2K").next().unwrap_or_default();
        let line = line.rsplit('\r').next().unwrap_or_default();
        plain(line)
    };
    text.lines().map(kept).collect()
}

/// A text without escape sequences.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\u{1b}' {
            plain.push(char);
            continue;
        }
        chars.find(char::is_ascii_alphabetic);
    }
    plain
}

const RED: &str = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m ";

#[test]
fn an_error_is_coloured_on_a_terminal_that_shows_colours_and_nowhere_else() {
    let folder = folder();
    let shown = |variables: &[(&str, &str)]| {
        let session = Session {
            folder: &folder,
            url: "http://127.0.0.1:1",
            variables,
            columns: 80,
        };
        let (code, shown) = session.run(&["backups", "verify", "no-such-file"]);
        assert_eq!(code, Some(6), "{shown:?}");
        shown
    };
    assert!(shown(&[]).contains(RED), "{:?}", shown(&[]));
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let shown = shown(&variables);
        assert!(!shown.contains('\u{1b}'), "{variables:?}: {shown:?}");
        assert!(shown.contains("\nerror: no-such-file"), "{shown:?}");
    }
    let piped = atlas(&folder)
        .args(["backups", "verify", "no-such-file"])
        .env("TERM", "xterm-256color")
        .output()
        .unwrap();
    let line = crate::error_line(&piped, 6);
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[test]
fn a_help_is_coloured_on_a_terminal_that_shows_colours_and_nowhere_else() {
    let folder = folder();
    let shown = |variables: &[(&str, &str)]| {
        let session = Session {
            folder: &folder,
            url: "http://127.0.0.1:1",
            variables,
            columns: 80,
        };
        let (code, shown) = session.run(&["backups", "--help"]);
        assert_eq!(code, Some(0), "{shown:?}");
        assert!(plain(&shown).contains("Usage: atlas backups"), "{shown:?}");
        shown
    };
    assert!(shown(&[]).contains('\u{1b}'));
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let shown = shown(&variables);
        assert!(!shown.contains('\u{1b}'), "{variables:?}: {shown:?}");
    }
    let piped = atlas(&folder)
        .args(["backups", "--help"])
        .env("TERM", "xterm-256color")
        .output()
        .unwrap();
    assert!(!piped.stdout.contains(&0x1b));
}

#[test]
fn a_table_fits_a_terminal_of_60_columns_and_its_ids_stay_whole() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for cluster in [CLUSTER, FLEX_CLUSTER, DEDICATED_CLUSTER] {
        let session = Session {
            columns: 60,
            ..at(&server, &folder)
        };
        let ids: Vec<String> = server.with(|sandbox| {
            let snapshots = sandbox.snapshots(project(), &cluster.parse().unwrap());
            snapshots.iter().map(ToString::to_string).collect()
        });
        let (code, table) = session.run(&["backups", "snapshots", "list", cluster, "-q"]);
        assert_eq!(code, Some(0), "{table}");
        for line in table.lines() {
            assert!(line.chars().count() <= 60, "{cluster}: {line:?}");
        }
        assert!(!ids.is_empty());
        for id in ids {
            assert!(table.contains(&id), "{cluster} {id}: {table}");
        }
    }
}

#[test]
fn what_a_server_puts_into_a_cell_does_not_reach_the_terminal_as_it_is() {
    let hostile = r"A\u001b[2J\u001b]0;t\u0007\u009b31m\u202eB";
    let peer = peer(move |_, path| {
        let body = if path.ends_with("/snapshots") {
            format!(r#"{{"results":[{{"id":"{hostile}","status":"{hostile}"}}]}}"#)
        } else {
            r#"{"replicationSpecs":[{"regionConfigs":[{"providerName":"AWS"}]}]}"#.to_owned()
        };
        (200, body)
    });
    let folder = folder();
    for columns in [60, 200] {
        let session = Session {
            folder: &folder,
            url: &peer.url,
            variables: &[("NO_COLOR", "1")],
            columns,
        };
        for output in ["plaintext", "json", "json-path=$.results[0].status"] {
            let (code, shown) = session.run(&["backups", "snapshots", "list", "C", "-o", output]);
            assert_eq!(code, Some(0), "{shown:?}");
            let odd = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
            assert!(!shown.contains(odd), "{output}: {shown:?}");
            assert!(shown.contains("u001b"), "{output}: {shown:?}");
        }
    }
}

/// How many snapshots the dedicated cluster has.
fn count(server: &SandboxServer) -> usize {
    server.with(|sandbox| {
        let cluster = DEDICATED_CLUSTER.parse().unwrap();
        sandbox.snapshots(project(), &cluster).len()
    })
}

fn requests(server: &SandboxServer) -> u64 {
    server.with(|sandbox| sandbox.requests())
}

/// A question of whether a snapshot is to be deleted.
fn asked(server: &SandboxServer, folder: &TempDir, flags: &[&str]) -> Terminal {
    let id = server.with(|sandbox| {
        let cluster = DEDICATED_CLUSTER.parse().unwrap();
        sandbox.snapshots(project(), &cluster)[0].to_string()
    });
    let delete = ["backups", "snapshots", "delete", &id];
    let named = ["--clusterName", DEDICATED_CLUSTER];
    let arguments = [&delete[..], &named, flags].concat();
    let mut terminal = at(server, folder).start(&arguments);
    terminal.until("Type yes to confirm: ");
    assert!(terminal.text().contains(&id), "{}", terminal.text());
    terminal
}

#[test]
fn ctrl_c_at_a_question_ends_the_command_within_a_second_and_nothing_is_sent() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for flags in [&[][..], &["-q"]] {
        let mut terminal = asked(&server, &folder, flags);
        let before = requests(&server);
        let begun = Instant::now();
        terminal.press("\u{3}");
        let (code, shown) = terminal.end();
        let took = begun.elapsed();
        assert_eq!(code, Some(130), "{shown}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        let line = "error: interrupted; re-run the command to resume";
        assert_eq!(plain(&shown).lines().last(), Some(line), "{shown:?}");
        assert_eq!((requests(&server), count(&server)), (before, 3));
    }
}

#[test]
fn only_yes_confirms_and_any_other_answer_sends_nothing() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    // The last is the end of the input.
    for answer in ["no\n", "\n", "y\n", "yes please\n", "\u{4}"] {
        let mut terminal = asked(&server, &folder, &[]);
        let before = requests(&server);
        terminal.press(answer);
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(2), "{answer:?}: {shown}");
        let shown = plain(&shown);
        let line = "error: not confirmed: the snapshot was not deleted";
        assert!(shown.lines().any(|it| it == line), "{answer:?}: {shown}");
        assert_eq!((requests(&server), count(&server)), (before, 3));
    }
    for (answer, left) in [("yes\n", 2), ("YES\n", 1)] {
        let mut terminal = asked(&server, &folder, &[]);
        terminal.press(answer);
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.trim_end().ends_with("deleted"), "{shown}");
        assert_eq!(count(&server), left);
    }
}

/// A gzipped tar of so many MiB of bytes that compress only a little.
fn write_archive(path: &std::path::Path, mebibytes: usize) {
    let file = std::fs::File::create(path).unwrap();
    let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::none()));
    let mut random = fastrand::Rng::with_seed(7);
    let mut bytes = vec![0; mebibytes << 20];
    random.fill(&mut bytes);
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    tar.append_data(&mut header, "collection.bson", &bytes[..])
        .unwrap();
    tar.into_inner().unwrap().finish().unwrap();
}

/// Checks that a bar with a rate and a time left was drawn, and that nothing of it stays.
fn assert_bar(shown: &str, stages: &[&str]) {
    for stage in stages {
        let is_frame = |frame: &str| {
            let frame = plain(frame);
            let time = frame.split_whitespace().next_back().unwrap_or_default();
            frame.contains(&format!("{stage} "))
                && frame.contains("/s")
                && time.ends_with('s')
                && !time.contains('/')
        };
        let mut frames = shown.split(['\r', '\n']);
        assert!(frames.any(is_frame), "{stage}: {shown:?}");
    }
    for line in screen(shown) {
        assert!(!line.contains("/s"), "{line:?}: {shown:?}");
    }
}

#[test]
fn a_large_file_is_checked_with_a_bar_that_is_gone_at_the_end() {
    let folder = folder();
    write_archive(&folder.path().join("large.tgz"), 64);
    let session = Session {
        folder: &folder,
        url: "http://127.0.0.1:1",
        variables: &[],
        columns: 80,
    };
    let verify = ["backups", "verify", "large.tgz"];
    let (code, shown) = session.run(&verify);
    assert_eq!(code, Some(0), "{shown}");
    assert_bar(&shown, &["checked"]);
    let lines = screen(&shown);
    let said: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(said.len(), 1, "{shown:?}");
    assert!(said[0].starts_with("checked  large.tgz: "), "{shown:?}");
    for flags in [&["-q"][..], &["--log-format", "json"]] {
        let (code, shown) = session.run(&[&verify[..], flags].concat());
        assert_eq!(code, Some(0), "{shown}");
        assert!(!shown.contains("/s"), "{flags:?}: {shown:?}");
    }
}

#[test]
fn a_download_has_a_bar_that_is_gone_at_the_end() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let id = "32b6e34b3d91647abb20e7aa";
    server.with(|sandbox| {
        let cluster = DEDICATED_CLUSTER.parse().unwrap();
        let finished = "2026-01-09T00:00:00Z".parse().unwrap();
        sandbox.add_snapshot_at(project(), &cluster, id.parse().unwrap(), 48 << 20, finished);
    });
    let download = ["backups", "snapshots", "download", id];
    let named = ["--clusterName", DEDICATED_CLUSTER, "--out", "s.tgz"];
    let (code, shown) = at(&server, &folder).run(&[&download[..], &named].concat());
    assert_eq!(code, Some(0), "{shown}");
    assert_bar(&shown, &["received"]);
    let last = screen(&shown).pop().unwrap();
    assert!(last.starts_with("s.tgz"), "{shown:?}");
    // Without a terminal, no bar is drawn.
    let piped = atlas_at(&server, &folder)
        .args(download)
        .args(["--clusterName", DEDICATED_CLUSTER, "--out", "t.tgz"])
        .output()
        .unwrap();
    assert!(piped.status.success());
    let stderr = String::from_utf8_lossy(&piped.stderr);
    assert!(
        !stderr.contains("/s") && !stderr.contains('\r'),
        "{stderr:?}"
    );
}

#[test]
fn ctrl_c_takes_the_bar_away() {
    let folder = folder();
    write_archive(&folder.path().join("large.tgz"), 64);
    // Read over and over, so that the key comes while it is at work.
    let files = ["large.tgz"; 50];
    let session = Session {
        folder: &folder,
        url: "http://127.0.0.1:1",
        variables: &[("NO_COLOR", "1")],
        columns: 80,
    };
    let mut terminal = session.start(&[&["backups", "verify"][..], &files].concat());
    terminal.until("/s");
    terminal.press("\u{3}");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(130), "{shown:?}");
    let lines = screen(&shown);
    // Behind the bar, the echo would begin a line of its own, and the bar above it stay.
    let before = shown.split_once("^C").unwrap().0;
    assert!(before.ends_with('\r'), "{shown:?}");
    let lines: Vec<&String> = lines.iter().filter(|line| !line.is_empty()).collect();
    let last = lines.last().unwrap().as_str();
    assert_eq!(
        last, "error: interrupted; re-run the command to resume",
        "{shown:?}"
    );
    assert!(!lines.iter().any(|line| line.contains("/s")), "{shown:?}");
}
