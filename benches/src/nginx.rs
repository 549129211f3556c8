//! nginx on the loopback interface: it serves a file, and hands everything else to a sandbox.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// A running nginx, which ends with this value.
#[derive(Debug)]
pub struct Nginx {
    /// Where it answers: `http://127.0.0.1:PORT`.
    pub url: String,
    child: Child,
    /// Its configuration and its temporary files.
    _folder: TempDir,
}

impl Nginx {
    /// Starts it before a sandbox at `atlas`, whose links all lead to `file` once they lead here;
    /// `None` if nginx is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start.
    pub fn start(file: &Path, atlas: &str) -> Option<Self> {
        let program = ["nginx", "/usr/sbin/nginx"]
            .into_iter()
            .find(|program| is_there(program))?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = free.local_addr().expect("it is bound");
        drop(free);
        let (files, name) = (file.parent()?, file.file_name()?);
        let configuration = CONFIGURATION
            .replace("FILES", &files.display().to_string())
            .replace("NAME", &name.display().to_string())
            .replace("FOLDER", &folder.path().display().to_string())
            .replace("ADDRESS", &address.to_string())
            .replace("ATLAS", atlas);
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, configuration).expect("its configuration is written");
        let mut child = Command::new(program)
            .arg("-c")
            .arg(&path)
            .arg("-p")
            .arg(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was there before");
        while TcpStream::connect(address).is_err() {
            let ended = child.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "nginx does not start: {ended:?}");
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
fn is_there(program: &str) -> bool {
    let started: io::Result<_> = Command::new(program)
        .arg("-v")
        .stderr(Stdio::null())
        .status();
    started.is_ok_and(|status| status.success())
}

/// One process, so that it ends with its id.
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
