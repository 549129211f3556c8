//! Checksums that a store announces, and those of the received file.
//!
//! | header | content |
//! | --- | --- |
//! | `x-goog-hash` | `crc32c=` and `md5=`, base64 |
//! | `x-amz-checksum-crc32`, `-crc32c`, `-sha1`, `-sha256` | base64, of the whole object |
//! | `Content-MD5` | base64, of this response (RFC 1864), so only where it is the whole file |
//! | `Digest`, `Repr-Digest` | `sha-256=`, `md5=` (RFC 3230, RFC 9530), of the whole file |
//!
//! Values that cannot be parsed, and checksums of checksums (`…-8`), are ignored.

use std::collections::BTreeMap;

use atlas_transport::Download;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;

use crate::fault::Fault;

/// Checksums by the name of their algorithm, in hexadecimal digits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Checksums(pub(crate) BTreeMap<String, String>);

impl Checksums {
    /// The checksums that the headers of a download announce for the whole file.
    pub(crate) fn announced(download: &Download) -> Self {
        let mut found = Self::default();
        let is_whole = download.part().is_none();
        let header = |name: &str| download.header(name);
        if let Some(value) = header("x-goog-hash") {
            for (name, value) in value
                .split(',')
                .filter_map(|pair| pair.trim().split_once('='))
            {
                found.put(name, value);
            }
        }
        for name in ["crc32", "crc32c", "sha1", "sha256"] {
            if let Some(value) = header(&format!("x-amz-checksum-{name}")) {
                found.put(name, value);
            }
        }
        if let Some(value) = header("content-md5").filter(|_| is_whole) {
            found.put("md5", value);
        }
        for value in ["digest", "repr-digest"].into_iter().filter_map(header) {
            for (name, value) in value
                .split(',')
                .filter_map(|pair| pair.trim().split_once('='))
            {
                let name = match name.to_ascii_lowercase().as_str() {
                    "sha-256" => "sha256".to_owned(),
                    "sha" => "sha1".to_owned(),
                    other => other.to_owned(),
                };
                found.put(&name, value.trim_matches(':'));
            }
        }
        found
    }

    fn put(&mut self, name: &str, value: &str) {
        let Some((known, length)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            return;
        };
        let Ok(bytes) = STANDARD.decode(value.trim()) else {
            return;
        };
        if bytes.len() == *length {
            self.0.insert((*known).to_owned(), hex(&bytes));
        }
    }
}

/// The algorithms, and the length of each digest in bytes.
const KNOWN: [(&str, usize); 5] = [
    ("crc32", 4),
    ("crc32c", 4),
    ("md5", 16),
    ("sha1", 20),
    ("sha256", 32),
];

/// Computes the checksums of a file as it is read: SHA-256 always, others if they were announced.
pub(crate) struct Computing {
    sha256: Sha256,
    md5: Option<Md5>,
    sha1: Option<Sha1>,
    crc32: Option<crc32fast::Hasher>,
    crc32c: Option<u32>,
}

impl Computing {
    pub(crate) fn new(announced: &Checksums) -> Self {
        let wanted = |name: &str| announced.0.contains_key(name);
        Self {
            sha256: Sha256::new(),
            md5: wanted("md5").then(Md5::new),
            sha1: wanted("sha1").then(Sha1::new),
            crc32: wanted("crc32").then(crc32fast::Hasher::new),
            crc32c: wanted("crc32c").then_some(0),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(crc32) = &mut self.crc32 {
            crc32.update(bytes);
        }
        if let Some(crc32c) = &mut self.crc32c {
            *crc32c = crc32c::crc32c_append(*crc32c, bytes);
        }
    }

    /// The SHA-256, if all announced checksums match.
    pub(crate) fn finish(self, announced: &Checksums) -> Result<String, Fault> {
        let sha256 = hex(&self.sha256.finalize());
        let computed = [
            ("sha256", Some(sha256.clone())),
            ("md5", self.md5.map(|it| hex(&it.finalize()))),
            ("sha1", self.sha1.map(|it| hex(&it.finalize()))),
            (
                "crc32",
                self.crc32.map(|it| hex(&it.finalize().to_be_bytes())),
            ),
            ("crc32c", self.crc32c.map(|it| hex(&it.to_be_bytes()))),
        ];
        for (name, computed) in computed {
            let (Some(computed), Some(announced)) = (computed, announced.0.get(name)) else {
                continue;
            };
            if computed != *announced {
                return Err(Fault::Checksum(name));
            }
        }
        Ok(sha256)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Checksums {
        let mut checksums = Checksums::default();
        for (name, value) in pairs {
            checksums.put(name, value);
        }
        checksums
    }

    #[test]
    fn each_checksum_detects_another_text() {
        // Of the nine bytes for which the check values of CRCs are published.
        let right = [
            ("crc32", "y/Q5Jg=="),
            ("crc32c", "4waSgw=="),
            ("md5", "JfnnlDI7RTiF9RgfG2JNCw=="),
            ("sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
            ("sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ];
        let announced = with(&right);
        assert_eq!(announced.0.len(), right.len());
        let finish = |announced: &Checksums, text: &[u8]| {
            let mut computing = Computing::new(announced);
            computing.update(&text[..4]);
            computing.update(&text[4..]);
            computing.finish(announced)
        };
        let computed = finish(&announced, b"123456789");
        assert_eq!(
            computed.unwrap(),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        for pair in &right {
            let alone = with(&[*pair]);
            assert!(finish(&alone, b"123456789").is_ok(), "{pair:?}");
            let fault = finish(&alone, b"123456788").unwrap_err();
            assert!(matches!(fault, Fault::Checksum(_)), "{pair:?}");
        }
    }

    #[test]
    fn an_invalid_checksum_is_ignored() {
        for (name, value) in [
            ("md5", "short"),
            ("md5", "!!"),
            ("sha256", "FeKw08M4keu8j8n7Gdx4hJmzb67cL5kOiFZLc+g2dSs=-8"),
            ("crc64nvme", "AAAAAAAAAAA="),
        ] {
            assert_eq!(with(&[(name, value)]).0.len(), 0, "{name} {value}");
        }
    }
}
