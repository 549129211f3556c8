//! Programs of this machine that a test starts, and ends with it.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A server on a free port of this machine, in a folder of its own.
pub(crate) struct Program {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    _output: Box<dyn Read + Send>,
}

/// Whether a program is there. Where it is missing, the test fails and says how to install it,
/// unless `ATLAS_INTEROP=skip` is set.
pub(crate) fn is_there(works: bool, name: &str, install: &str) -> bool {
    if works {
        return true;
    }
    let skip = std::env::var("ATLAS_INTEROP").is_ok_and(|value| value == "skip");
    assert!(
        skip,
        "{name} is missing; {install} (or set ATLAS_INTEROP=skip)"
    );
    eprintln!("skipped, as ATLAS_INTEROP says: {name} is missing");
    false
}

/// Whether a command can be run and succeeds.
pub(crate) fn runs(command: &mut Command) -> bool {
    let run = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// A folder that a server with lesser rights may read, with the resource in it.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), readable).unwrap();
    let resource = folder.path().join(super::RESOURCE.trim_start_matches('/'));
    std::fs::create_dir_all(resource.parent().unwrap()).unwrap();
    std::fs::write(resource, "{\"results\": []}").unwrap();
    folder
}

/// A port that is free now.
pub(crate) fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Program {
    /// Starts a program that says on stderr that it is ready.
    pub(crate) fn start(command: &mut Command, folder: TempDir, port: u16, ready: &str) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(ready) {
            let read = lines.read_line(&mut said).unwrap();
            assert!(read > 0, "it ended before it was ready: {said}");
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            folder,
            _output: Box::new(lines),
        }
    }

    /// Starts a program that may say nothing, and waits until it listens on its port.
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
                panic!("it does not listen: {}", log(&said).join("\n"));
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
        Self::start_telling_port(command, "")
    }

    /// Starts a program that prints its port after these words.
    pub(crate) fn start_telling_port(command: &mut Command, words: &str) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "it ended before it said its port");
            if let Some((_, port)) = line.split_once(words) {
                let digits = port.trim().trim_end_matches('.');
                break digits.parse::<u16>().expect("it prints its port");
            }
        };
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            folder: tempfile::tempdir().unwrap(),
            _output: Box::new(lines),
        }
    }

    /// Asks it to end in order, so that its logs are written.
    pub(crate) fn stop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let pid = self.child.id().to_string();
            if !runs(Command::new("kill").args(["-TERM", &pid])) {
                let _ = self.child.kill();
            }
        }
        let _ = self.child.wait();
    }

    /// The lines of a log in its folder.
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
