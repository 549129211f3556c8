//! Starts installed programs for a test, and ends them with it.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server on a free loopback port, with its own folder.
pub(crate) struct Program {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    _output: Box<dyn Read + Send>,
}

/// Returns whether a program is installed. If it is not, the test fails with the command to install it,
/// unless `ATLAS_INTEROP=skip` is set.
pub(crate) fn is_installed(works: bool, name: &str, install: &str) -> bool {
    if works {
        return true;
    }
    let skip = std::env::var("ATLAS_INTEROP").is_ok_and(|value| value == "skip");
    assert!(
        skip,
        "{name} not found; install it with: {install} (or set ATLAS_INTEROP=skip)"
    );
    eprintln!("skipped by ATLAS_INTEROP: {name} not found");
    false
}

/// Whether a command runs and succeeds.
pub(crate) fn runs(command: &mut Command) -> bool {
    let run = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// Creates a folder with the resource that a server with fewer rights can read.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), readable).unwrap();
    let resource = folder.path().join(super::RESOURCE.trim_start_matches('/'));
    std::fs::create_dir_all(resource.parent().unwrap()).unwrap();
    std::fs::write(resource, "{\"results\": []}").unwrap();
    folder
}

/// Returns a currently free port.
pub(crate) fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Program {
    /// Starts a program and waits until it prints `ready` to stderr.
    pub(crate) fn start(command: &mut Command, folder: TempDir, port: u16, ready: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(ready) {
            let read = lines.read_line(&mut said).unwrap();
            assert!(read > 0, "the program ended before it was ready: {said}");
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            folder,
            _output: Box::new(lines),
        }
    }

    /// Starts a program and waits until it listens on its port.
    pub(crate) fn start_listening(command: &mut Command, folder: TempDir, port: u16) -> Self {
        let said = folder.path().join("said");
        let output = std::fs::File::create(&said).unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            if ended.is_some() || start.elapsed() > Duration::from_secs(30) {
                let _ = child.kill();
                panic!("the program does not listen: {}", log(&said).join("\n"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            folder,
            _output: Box::new(std::io::empty()),
        }
    }

    /// Starts a program that prints its port.
    pub(crate) fn start_printing_port(command: &mut Command) -> Self {
        Self::start_printing_port_after(command, "")
    }

    /// Starts a program that prints its port after these words.
    pub(crate) fn start_printing_port_after(command: &mut Command, words: &str) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "the program ended before it printed its port");
            if let Some((_, port)) = line.split_once(words) {
                let digits = port.trim().trim_end_matches('.');
                break digits.parse::<u16>().expect("invalid port in the output");
            }
        };
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            folder: tempfile::tempdir().unwrap(),
            _output: Box::new(lines),
        }
    }

    /// Ends the program with SIGTERM, so that its logs are written.
    pub(crate) fn stop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let pid = self.child.id().to_string();
            if !runs(Command::new("kill").args(["-TERM", &pid])) {
                let _ = self.child.kill();
            }
        }
        let _ = self.child.wait();
    }

    /// Returns the lines of a log in its folder.
    pub(crate) fn log(&self, name: &str) -> Vec<String> {
        log(&self.folder.path().join(name))
    }
}

fn log(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(str::to_owned).collect()
}

impl Drop for Program {
    fn drop(&mut self) {
        // Not killed: Apache would leave its workers behind.
        self.stop();
    }
}
