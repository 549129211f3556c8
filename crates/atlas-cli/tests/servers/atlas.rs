//! The command, and an Atlas for it whose links lead where a test wants them to.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, Sandbox, SandboxServer};
use serde_json::json;
use tempfile::TempDir;

use crate::http::{listen, read};

/// A sandbox on a real socket.
pub(crate) struct Atlas {
    pub(crate) server: SandboxServer,
    pub(crate) url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Atlas {
    /// An Atlas with these snapshots of the flex cluster, the oldest first, in bytes.
    pub(crate) fn new(sizes: &[u64]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(SandboxServer::start()).unwrap();
        let atlas = Self {
            url: server.url().to_owned(),
            server,
            _runtime: runtime,
        };
        let snapshots: Vec<_> = (0..).zip(sizes.iter().copied()).collect();
        atlas.list(&snapshots);
        atlas
    }

    /// As [`new`](Self::new), with links that lead to another host on the loopback interface.
    pub(crate) fn with_links_to(sizes: &[u64], host: &str) -> Self {
        let mut atlas = Self::new(sizes);
        let (inner, host) = (atlas.url.clone(), host.to_owned());
        let front = listen(move |stream| {
            forward(&stream, &inner, &host);
        });
        atlas.url = format!("http://{front}");
        atlas
    }

    /// Replaces all snapshots: the number of each, which is its day and its id, and its size.
    pub(crate) fn list(&self, snapshots: &[(u32, u64)]) {
        let snapshots: Vec<_> = snapshots
            .iter()
            .map(|(number, bytes)| {
                let day = jiff::civil::date(2020, 1, 1) + jiff::Span::new().days(*number);
                json!({"id": id(*number), "bytes": bytes, "finished": format!("{day}T00:00:00Z")})
            })
            .collect();
        let seed = json!({
            "projects": [{"id": PROJECT, "name": "Shop", "clusters": [
                {"name": FLEX_CLUSTER, "kind": "flex", "snapshots": snapshots},
                {"name": "Shards", "kind": {"sharded": 2}, "snapshots": snapshots},
            ]}],
            "settings": {"limitRates": false, "downloadSeconds": 0},
        });
        let mut world = Sandbox::from_seed(&seed.to_string()).unwrap();
        world.set_base_url(self.server.url());
        self.server.with(|sandbox| *sandbox = world);
    }

    /// The file of a snapshot.
    pub(crate) fn file(&self, number: u32) -> Vec<u8> {
        self.files(number, FLEX_CLUSTER).remove(0)
    }

    /// The files of a snapshot, one for each shard.
    pub(crate) fn files(&self, number: u32, cluster: &str) -> Vec<Vec<u8>> {
        let cluster = cluster.parse().unwrap();
        let files = self.server.with(|sandbox| {
            sandbox.snapshot_files(
                PROJECT.parse().unwrap(),
                &cluster,
                id(number).parse().unwrap(),
            )
        });
        files.into_iter().map(|file| file.to_vec()).collect()
    }

    /// `atlas` with this Atlas and an otherwise empty environment.
    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = atlas(folder);
        command
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", &self.url)
            .env("MONGODB_ATLAS_ACCESS_TOKEN", OWNER.access_token)
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
        command
    }

    /// `atlas backups snapshots download latest` of the flex cluster.
    pub(crate) fn download(&self, folder: &Path, out: &str) -> Command {
        self.download_of(FLEX_CLUSTER, folder, out)
    }

    /// The same for another cluster.
    pub(crate) fn download_of(&self, cluster: &str, folder: &Path, out: &str) -> Command {
        let mut command = self.command(folder);
        command
            .args(["backups", "snapshots", "download", "latest"])
            .args(["--clusterName", cluster, "--out", out]);
        command
    }

    /// `atlas backups pull` of the flex cluster into a folder.
    pub(crate) fn pull(&self, folder: &Path) -> Command {
        let mut command = self.command(folder);
        command
            .args(["backups", "pull", "--clusterName", FLEX_CLUSTER])
            .args(["--dir", "."]);
        command
    }
}

/// The id of a snapshot.
pub(crate) fn id(number: u32) -> String {
    format!("32b6e34b3d91647a{number:08x}")
}

/// The path of a snapshot's link.
pub(crate) fn link(number: u32) -> String {
    format!("/sandbox-store/{}.tgz", id(number))
}

/// The command with an empty environment, in a folder, and no signal ignored.
fn atlas(folder: &Path) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command
        .args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_atlas")])
        .env_clear()
        .env("XDG_CACHE_HOME", "/dev/null/cache")
        .env("XDG_CONFIG_HOME", "/dev/null/config")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

/// Checks a file with the command itself.
pub(crate) fn verify(folder: &Path, file: &str) -> Output {
    let mut command = atlas(folder);
    run(command.args(["backups", "verify", file]))
}

/// A running command, which is killed when the test ends. Its time is limited: a command retries for a
/// quarter of an hour, but no outage of these tests lasts that long.
pub(crate) struct Job {
    child: Child,
    stdout: File,
    stderr: File,
}

/// How long a command may take, including the wait for a store's lease of a minute.
const LIMIT: Duration = Duration::from_secs(150);

impl Job {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let child = command
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Kills it by SIGKILL, unless it has ended; returns whether it had.
    pub(crate) fn kill(mut self) -> bool {
        let _ = self.child.kill();
        self.child.wait().unwrap().code().is_some()
    }

    /// As [`kill`](Self::kill), and also returns its output.
    pub(crate) fn kill_and_read(mut self) -> (bool, Output) {
        let _ = self.child.kill();
        let status = self.child.wait().unwrap();
        let output = Output {
            status,
            stdout: contents(&mut self.stdout),
            stderr: contents(&mut self.stderr),
        };
        (status.code().is_some(), output)
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Output {
        let deadline = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let said = String::from_utf8(contents(&mut self.stderr)).unwrap();
                panic!("has not ended after {LIMIT:?}: {said}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Output {
            status,
            stdout: contents(&mut self.stdout),
            stderr: contents(&mut self.stderr),
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contents(file: &mut File) -> Vec<u8> {
    let mut read = Vec::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_end(&mut read).unwrap();
    read
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    Job::start(command).end()
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Whether a name is that of a snapshot's file.
pub(crate) fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "tgz")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks that a command succeeded.
pub(crate) fn succeeded(what: &str, output: &Output) {
    assert!(
        output.status.success(),
        "{what}: {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        stderr(output)
    );
}

/// Checks that a download succeeded: the right bytes, a sound file, and no other file.
pub(crate) fn assert_sound(what: &str, output: &Output, folder: &Path, expected: &[u8]) {
    succeeded(what, output);
    let file = std::fs::read(folder.join("s.tgz")).unwrap();
    assert!(file == expected, "{what}: wrong bytes");
    let verified = verify(folder, "s.tgz");
    succeeded(what, &verified);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(said.contains("sound"), "{what}: {said}");
    assert_eq!(names(folder), ["s.tgz", "s.tgz.json"], "{what}");
}

/// Checks that a download failed with a code, and that nothing has the file's name.
pub(crate) fn assert_not_named(what: &str, output: &Output, folder: &Path, code: i32) {
    let stderr = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{what}: {stderr}");
    let left = names(folder);
    let named = left
        .iter()
        .any(|name| name == "s.tgz" || name == "s.tgz.json");
    assert!(!named, "{what}: {left:?}");
}

/// Responds to the request of a connection as the sandbox does, with links to another host.
fn forward(stream: &TcpStream, inner: &str, host: &str) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let request = read(&mut reader)?;
    let mut head = format!("{} {}", request.method, request.path);
    if !request.query.is_empty() {
        head.extend(["?", request.query.as_str()]);
    }
    head.push_str(" HTTP/1.1\r\n");
    for (name, value) in &request.headers {
        if !matches!(name.as_str(), "connection" | "accept-encoding") {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
    }
    head.push_str("connection: close\r\n\r\n");
    let mut sandbox = TcpStream::connect(inner.strip_prefix("http://")?).ok()?;
    sandbox.write_all(head.as_bytes()).ok()?;
    sandbox.write_all(&request.body).ok()?;
    let mut answer = Vec::new();
    sandbox.read_to_end(&mut answer).ok()?;
    let mut writer = stream;
    writer.write_all(&redirected(&answer, host)).ok()
}

/// A response whose links lead to another host.
fn redirected(answer: &[u8], host: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let body: Vec<_> = body
        .split('"')
        .map(|text| match text.split_once("/sandbox-store/") {
            Some((_, file)) => format!("http://{host}/sandbox-store/{file}"),
            None => text.to_owned(),
        })
        .collect();
    let body = body.join("\"");
    let lines = head.lines().filter(|line| {
        let line = line.to_lowercase();
        !line.starts_with("content-length:") && !line.starts_with("transfer-encoding:")
    });
    let head: Vec<_> = lines.collect();
    let (head, length) = (head.join("\r\n"), body.len());
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}
