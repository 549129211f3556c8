//! Runs `atlas sandbox` as a user would.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::program::runs;

/// The sandbox of the command `atlas`, and its output.
pub(crate) struct CommandSandbox {
    child: Child,
    /// The variables that it prints for a shell to export.
    pub(crate) exports: BTreeMap<String, String>,
    readers: Vec<JoinHandle<()>>,
    lines: Receiver<String>,
}

impl CommandSandbox {
    /// Starts the sandbox on a free port, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(atlas())
            .arg("sandbox")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let readers = vec![
            forward(child.stdout.take().unwrap(), sender.clone()),
            forward(child.stderr.take().unwrap(), sender),
        ];
        let mut exports = BTreeMap::new();
        let mut said = String::new();
        loop {
            let Ok(line) = lines.recv() else {
                panic!("the sandbox ended before it was ready: {said}");
            };
            if line == "# ready" {
                break;
            }
            let words = line.strip_prefix("export ").unwrap_or_default();
            let set = words.split(' ').filter_map(|word| word.split_once('='));
            exports.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
            said.push_str(&line);
        }
        Self {
            child,
            exports,
            readers,
            lines,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.exports["MONGODB_ATLAS_OPS_MANAGER_URL"]
    }

    /// Advances its clock.
    pub(crate) fn advance(&self, seconds: u32) {
        let mut curl = Command::new("curl");
        if let Some(certificate) = self.exports.get("CURL_CA_BUNDLE") {
            curl.env("CURL_CA_BUNDLE", certificate);
        }
        let body = format!(r#"{{"advanceSeconds": {seconds}}}"#);
        curl.args(["--silent", "--fail", "--noproxy", "*", "--data", &body])
            .args(["--header", "content-type: application/json"])
            .arg(format!("{}/sandbox/clock", self.url()));
        assert!(runs(&mut curl));
    }

    /// Ends the sandbox and returns its log: status, method and path of each request.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.kill();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        let entry = |line: String| {
            let (_time, request) = line.split_once(' ')?;
            let status = request.split(' ').next()?;
            status.parse::<u16>().is_ok().then(|| request.to_owned())
        };
        self.lines.try_iter().filter_map(entry).collect()
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for CommandSandbox {
    fn drop(&mut self) {
        self.kill();
    }
}

fn forward(output: impl Read + Send + 'static, lines: Sender<String>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // The test may have ended.
            let _ = lines.send(line);
        }
    })
}

/// The command, built once from this checkout.
fn atlas() -> &'static Path {
    static ATLAS: OnceLock<PathBuf> = OnceLock::new();
    ATLAS.get_or_init(|| {
        let build = ["build", "--locked", "-q", "-p", "atlas-toolkit"];
        assert!(runs(Command::new(env!("CARGO")).args(build)));
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        target.join("debug/atlas")
    })
}
