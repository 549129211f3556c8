//! Runs nginx on loopback: it serves a file and forwards all other requests to a sandbox.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// A running nginx; dropping it stops it.
#[derive(Debug)]
pub struct Nginx {
    /// The base URL, `http://127.0.0.1:PORT`.
    pub url: String,
    child: Child,
    /// Its configuration and its temporary files.
    _folder: TempDir,
}

impl Nginx {
    /// Starts nginx in front of a sandbox at `atlas`; every link to a snapshot serves `file`. Returns
    /// `None` if nginx is not installed.
    ///
    /// # Panics
    /// Panics if nginx is installed and does not start.
    pub fn start(file: &Path, atlas: &str) -> Option<Self> {
        let program = ["nginx", "/usr/sbin/nginx"]
            .into_iter()
            .find(|program| is_installed(program))?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("the listener is bound");
        drop(free);
        let (files, name) = (file.parent()?, file.file_name()?);
        let configuration = CONFIGURATION
            .replace("FILES", &files.display().to_string())
            .replace("NAME", &name.display().to_string())
            .replace("FOLDER", &folder.path().display().to_string())
            .replace("ADDRESS", &address.to_string())
            .replace("ATLAS", atlas);
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, configuration).expect("cannot write nginx.conf");
        let mut child = Command::new(program)
            .arg("-c")
            .arg(&path)
            .arg("-p")
            .arg(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("cannot start nginx");
        while TcpStream::connect(address).is_err() {
            let ended = child.try_wait().expect("cannot get the status of nginx");
            assert!(ended.is_none(), "nginx did not start: {ended:?}");
            sleep(Duration::from_millis(10));
        }
        Some(Self {
            url: format!("http://{address}"),
            child,
            _folder: folder,
        })
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a program can be started.
fn is_installed(program: &str) -> bool {
    let started: io::Result<_> = Command::new(program)
        .arg("-v")
        .stderr(Stdio::null())
        .status();
    started.is_ok_and(|status| status.success())
}

/// A configuration with a single process, so that killing it ends nginx.
const CONFIGURATION: &str = "
daemon off;
master_process off;
pid FOLDER/nginx.pid;
error_log FOLDER/error.log;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    default_type application/gzip;
    server {
        listen ADDRESS;
        location /sandbox-store/ { root FILES; rewrite ^ /NAME break; }
        location / { proxy_pass ATLAS; }
    }
}
";
