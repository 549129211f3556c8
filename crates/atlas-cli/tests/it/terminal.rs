//! Colours, tables and prompts on a pseudo-terminal.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use atlas_sandbox::{CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT, SandboxServer};
use tempfile::TempDir;

use crate::peer::peer;
use crate::{atlas, folder, fresh, project, sandbox};

/// The command on a pseudo-terminal of `script`.
pub(crate) struct Terminal {
    script: Child,
    keys: ChildStdin,
    chunks: Receiver<Vec<u8>>,
    shown: Vec<u8>,
}

/// The command, its variables and the size of its terminal.
pub(crate) struct Session<'a> {
    pub(crate) folder: &'a TempDir,
    pub(crate) url: &'a str,
    pub(crate) variables: &'a [(&'a str, &'a str)],
    pub(crate) columns: u16,
}

impl Session<'_> {
    /// Types a command line.
    pub(crate) fn start(&self, arguments: &[&str]) -> Terminal {
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

    /// Types a command line, waits for its end, and returns its exit code and output.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.start(arguments).end()
    }
}

impl Terminal {
    /// Waits until a text is shown.
    pub(crate) fn until(&mut self, text: &str) {
        while !self.text().contains(text) {
            let chunk = self.chunks.recv_timeout(Duration::from_secs(30));
            let chunk = chunk.unwrap_or_else(|_| panic!("{text}: {}", self.text()));
            self.shown.extend(chunk);
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end. The input stays open, so the command does not end because of an end of file.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.script.wait().unwrap().code();
        self.shown.extend(self.chunks.iter().flatten());
        (code, self.text())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).replace("\r\n", "\n")
    }
}

pub(crate) fn at<'a>(server: &'a SandboxServer, folder: &'a TempDir) -> Session<'a> {
    Session {
        folder,
        url: server.url(),
        variables: &[],
        columns: 80,
    }
}

/// A text without escape sequences.
pub(crate) fn plain(text: &str) -> String {
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

/// Checks that a command colours its output on a terminal, but not with `NO_COLOR`, on a dumb terminal or
/// in a pipe.
fn assert_coloured(arguments: &[&str], code: i32, coloured: &str, text: &str) {
    let folder = folder();
    let shown = |variables: &[(&str, &str)]| {
        let session = Session {
            folder: &folder,
            url: "http://127.0.0.1:1",
            variables,
            columns: 80,
        };
        let (ended, shown) = session.run(arguments);
        assert_eq!(ended, Some(code), "{shown:?}");
        assert!(plain(&shown).contains(text), "{shown:?}");
        shown
    };
    assert!(shown(&[]).contains(coloured), "{:?}", shown(&[]));
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let shown = shown(&variables);
        assert!(!shown.contains('\u{1b}'), "{variables:?}: {shown:?}");
    }
    let piped = atlas(&folder)
        .args(arguments)
        .env("TERM", "xterm-256color")
        .output()
        .unwrap();
    assert_eq!(piped.status.code(), Some(code));
    let bytes = [piped.stdout, piped.stderr].concat();
    assert!(!bytes.contains(&0x1b), "{}", bytes.escape_ascii());
}

#[test]
fn an_error_is_coloured_on_a_terminal_that_shows_colours_and_nowhere_else() {
    let verify = ["backups", "verify", "no-such-file"];
    assert_coloured(&verify, 6, RED, "\nerror: no-such-file");
}

#[test]
fn a_help_is_coloured_on_a_terminal_that_shows_colours_and_nowhere_else() {
    assert_coloured(&["backups", "--help"], 0, "\u{1b}", "Usage: atlas backups");
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
fn text_of_a_server_in_a_cell_reaches_the_terminal_escaped() {
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

/// A prompt to confirm the deletion of a snapshot.
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
fn ctrl_c_at_a_prompt_ends_the_command_within_a_second_and_nothing_is_sent() {
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
        let line = "error: interrupted; nothing was changed";
        assert_eq!(plain(&shown).lines().last(), Some(line), "{shown:?}");
        assert_eq!((requests(&server), count(&server)), (before, 3));
    }
}

#[test]
fn only_yes_confirms_and_any_other_answer_sends_nothing() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    // The last is the end of the input.
    for answer in ["no\n", "\n", "y\n", "YES\n", "yes please\n", "\u{4}"] {
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
    let mut terminal = asked(&server, &folder, &[]);
    terminal.press("yes\n");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.trim_end().ends_with("deleted"), "{shown}");
    assert_eq!(count(&server), 2);
}
