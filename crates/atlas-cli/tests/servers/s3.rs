//! An S3 server: moto.

use std::process::{Command, Stdio};

use crate::http::{curl, free_port, until_open};
use crate::programs::{Running, python};

/// moto with an empty bucket named `bucket`.
pub(crate) struct Moto {
    url: String,
    _running: Running,
}

impl Moto {
    /// Starts moto; `None` if it is missing and tests may be skipped.
    pub(crate) fn start() -> Option<Self> {
        let (python, port) = (python("moto.server")?, free_port());
        let child = Command::new(python)
            .args([
                "-m",
                "moto.server",
                "-H",
                "127.0.0.1",
                "-p",
                &port.to_string(),
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self {
            url: format!("http://127.0.0.1:{port}"),
            _running: Running(child),
        };
        until_open(&format!("127.0.0.1:{port}"));
        let (status, _) = moto.ask(&["--request", "PUT"], "");
        assert_eq!(status, 200);
        Some(moto)
    }

    /// Configures a command to use it.
    pub(crate) fn configure(&self, command: &mut Command) {
        command
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ALLOW_HTTP", "true");
    }

    /// An object.
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let (status, body) = self.ask(&[], &format!("/{key}"));
        assert!(matches!(status, 200 | 404), "{status}");
        (status == 200).then_some(body)
    }

    /// Removes an object.
    pub(crate) fn remove(&self, key: &str) {
        let (status, _) = self.ask(&["--request", "DELETE"], &format!("/{key}"));
        assert_eq!(status, 204);
    }

    pub(crate) fn put(&self, key: &str, text: &str) {
        self.put_bytes(key, text.as_bytes());
    }

    pub(crate) fn put_bytes(&self, key: &str, bytes: &[u8]) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        let path = file.path().to_str().unwrap();
        let (status, _) = self.ask(&["--upload-file", path], &format!("/{key}"));
        assert_eq!(status, 200);
    }

    /// The keys with this prefix.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let (status, body) = self.ask(&[], &format!("?list-type=2&prefix={prefix}"));
        assert_eq!(status, 200);
        let text = String::from_utf8(body).unwrap();
        let keys = text.split("<Key>").skip(1);
        keys.map(|it| it.split("</Key>").next().unwrap().to_owned())
            .collect()
    }

    /// The number of parts of open uploads. A kill before the id of an upload is recorded may leave an
    /// upload without parts, which is harmless.
    pub(crate) fn parts_of_open_uploads(&self) -> usize {
        let text = |of: &str| {
            let (status, body) = self.ask(&[], of);
            assert_eq!(status, 200);
            String::from_utf8(body).unwrap()
        };
        let listed = text("?uploads=");
        let between = |text: &str, element: &str| -> Vec<String> {
            let (open, close) = (format!("<{element}>"), format!("</{element}>"));
            let after = text.split(&open).skip(1);
            after
                .map(|it| it.split(&close).next().unwrap().to_owned())
                .collect()
        };
        let (keys, ids) = (between(&listed, "Key"), between(&listed, "UploadId"));
        let parts = keys.iter().zip(&ids).map(|(key, id)| {
            text(&format!("/{key}?uploadId={id}"))
                .matches("<Part>")
                .count()
        });
        parts.sum()
    }

    fn ask(&self, arguments: &[&str], of: &str) -> (u16, Vec<u8>) {
        let url = format!("{}/bucket{of}", self.url);
        let signed = [
            "--user",
            "key:secret",
            "--aws-sigv4",
            "aws:amz:us-east-1:s3",
        ];
        curl(&[&signed, arguments, &[&url]].concat())
    }
}
