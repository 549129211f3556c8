//! Azure, emulated by azurite.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::atlas::folder;
use crate::http::{curl, free_port, until_open};
use crate::programs::{Running, node};
use crate::stores::{Store, check};

/// The public account of azurite.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A signature by that key for every request of these tests.
const SIGNED: &str = "sv=2019-12-12&ss=b&srt=sco&sp=rwdlac&se=2999-01-01T00:00:00Z&sig=%2FagSxVuirAHR%2B13RkWK9rsK9MUHsjwloIRS%2B6V4wV0k%3D";

struct Azurite {
    endpoint: String,
    _running: Running,
    _folder: TempDir,
}

impl Azurite {
    /// Starts azurite with a container; `None` if it is missing and tests may be skipped.
    fn start() -> Option<Self> {
        let program = node("azurite-blob", "azurite@3.35.0")?;
        let (folder, port) = (folder(), free_port());
        let child = Command::new(program)
            .args([
                "--silent",
                "--skipApiVersionCheck",
                "--blobHost",
                "127.0.0.1",
            ])
            .args(["--blobPort", &port.to_string(), "--location"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let azurite = Self {
            endpoint: format!("http://127.0.0.1:{port}/{ACCOUNT}"),
            _running: Running(child),
            _folder: folder,
        };
        until_open(&format!("127.0.0.1:{port}"));
        let url = format!("{}/container?restype=container&{SIGNED}", azurite.endpoint);
        let (status, answer) = curl(&["--request", "PUT", "--header", "content-length: 0", &url]);
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
        Some(azurite)
    }
}

impl Store for Azurite {
    fn url(&self, key: &str) -> String {
        format!("az://container/{key}")
    }

    fn configure(&self, command: &mut Command) {
        command
            .env("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
            .env("AZURE_STORAGE_ACCOUNT_KEY", KEY)
            .env("AZURE_STORAGE_ENDPOINT", &self.endpoint)
            .env("AZURE_ALLOW_HTTP", "true");
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let (status, body) = curl(&[&format!("{}/container/{key}?{SIGNED}", self.endpoint)]);
        assert!(matches!(status, 200 | 404), "{status}");
        (status == 200).then_some(body)
    }

    /// Azure has no open uploads: blocks without an object are removed after a week.
    fn open_uploads(&self) -> usize {
        0
    }
}

#[test]
fn a_snapshot_streams_into_azure_whole_or_not_at_all() {
    if let Some(azurite) = Azurite::start() {
        check(&azurite);
    }
}
