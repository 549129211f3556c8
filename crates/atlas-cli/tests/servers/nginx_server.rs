//! nginx with one file, behind a relay that counts bytes and connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::atlas::{Atlas, Job, folder, link};
use crate::http::{free_port, listen, until, until_open};
use crate::programs::{Running, on_path};

/// nginx, and an Atlas whose newest snapshot is a file there.
pub(crate) struct Nginx {
    pub(crate) atlas: Atlas,
    pub(crate) expected: Vec<u8>,
    folder: TempDir,
    port: u16,
    running: Option<Running>,
    relayed: Arc<Relayed>,
}

/// The counts of the relay.
#[derive(Default)]
struct Relayed {
    bytes: AtomicU64,
    open: AtomicUsize,
    most: AtomicUsize,
}

impl Nginx {
    /// Starts nginx with lines for its `location`; `None` if it is missing and tests may be skipped.
    pub(crate) fn start(size: u64, location: &str) -> Option<Self> {
        on_path("nginx", "nginx-light")?;
        let (folder, port) = (folder(), free_port());
        let relayed = Arc::<Relayed>::default();
        let counted = relayed.clone();
        let relay = listen(move |stream| relay(&stream, port, &counted));
        let atlas = Atlas::with_links_to(&[size], &relay);
        let mut nginx = Self {
            expected: atlas.file(0),
            atlas,
            folder,
            port,
            running: None,
            relayed,
        };
        std::fs::create_dir_all(nginx.folder.path().join("files/sandbox-store")).unwrap();
        std::fs::write(nginx.file(), &nginx.expected).unwrap();
        nginx.configure(location);
        nginx.run();
        Some(nginx)
    }

    /// The file that it serves.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        let files = self.folder.path().join("files");
        files.join(link(0).trim_start_matches('/'))
    }

    /// Replaces the file atomically, with this modification time or a later one.
    pub(crate) fn replace(&self, bytes: &[u8], modified: Option<SystemTime>) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, bytes).unwrap();
        let modified = modified.unwrap_or(SystemTime::now() + Duration::from_secs(5));
        let file = std::fs::File::options().write(true).open(&new).unwrap();
        file.set_modified(modified).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, location: &str) {
        let folder = self.folder.path().to_str().unwrap();
        let text = include_str!("nginx.conf")
            .replace("FOLDER", folder)
            .replace("PORT", &self.port.to_string())
            .replace("LOCATION", location);
        std::fs::write(self.folder.path().join("nginx.conf"), text).unwrap();
    }

    /// Starts nginx with the last written configuration.
    pub(crate) fn run(&mut self) {
        let program = on_path("nginx", "nginx-light").unwrap();
        let child = command(&program, self.folder.path()).spawn().unwrap();
        self.running = Some(Running(child));
        until_open(&format!("127.0.0.1:{}", self.port));
    }

    /// Makes nginx reload its configuration.
    pub(crate) fn reload(&self) {
        self.signal("-HUP");
    }

    /// Ends nginx and its connections, as a restart of the service does.
    pub(crate) fn stop(&mut self) {
        self.signal("-TERM");
        let mut running = self.running.take().unwrap();
        running.0.wait().unwrap();
    }

    fn signal(&self, signal: &str) {
        let id = self.running.as_ref().unwrap().0.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Downloads the newest snapshot as `s.tgz`, and runs an action once so many bytes were received.
    pub(crate) fn download(
        &mut self,
        folder: &Path,
        after: u64,
        act: impl FnOnce(&mut Self),
    ) -> std::process::Output {
        let job = Job::start(&mut self.atlas.download(folder, "s.tgz"));
        let relayed = self.relayed.clone();
        until("bytes come", || {
            relayed.bytes.load(Ordering::Relaxed) >= after
        });
        act(self);
        job.end()
    }

    /// The error log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("error.log")).unwrap()
    }

    /// The number of bytes that nginx sent.
    pub(crate) fn bytes(&self) -> u64 {
        self.relayed.bytes.load(Ordering::Relaxed)
    }

    /// The maximum number of concurrent connections.
    pub(crate) fn most_connections(&self) -> usize {
        self.relayed.most.load(Ordering::Relaxed)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only after a regular stop.
        if self.running.is_some() {
            self.stop();
        }
    }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .arg("-e")
        .arg(folder.join("error.log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Relays a connection to nginx and back.
fn relay(client: &TcpStream, port: u16, relayed: &Relayed) {
    // If nothing listens, the connection ends.
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
        return;
    };
    let open = relayed.open.fetch_add(1, Ordering::Relaxed) + 1;
    relayed.most.fetch_max(open, Ordering::Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| carry(client, &server, |_| {}));
        carry(&server, client, |bytes| {
            relayed.bytes.fetch_add(bytes, Ordering::Relaxed);
        });
    });
    relayed.open.fetch_sub(1, Ordering::Relaxed);
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, passed: impl Fn(u64)) {
    let mut buffer = [0; 1 << 14];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        passed(read as u64);
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
