//! Certificate roots from the environment, which replace the platform's: `SSL_CERT_FILE` and
//! `SSL_CERT_DIR`.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use crate::error::ErrorKind;
use crate::pem::{self, PemError};

const FILE: &str = "SSL_CERT_FILE";
const FOLDERS: &str = "SSL_CERT_DIR";

/// The maximum size of all root files together, in bytes; those of common systems have less than one
/// MiB.
const LARGEST: u64 = 16 << 20;

/// Returns the roots of the environment; `None` if it sets none, and the platform's are used.
pub(crate) fn from_environment() -> Result<Option<RootCertStore>, ErrorKind> {
    read(env::var_os)
}

fn read(
    variable: impl Fn(&'static str) -> Option<OsString>,
) -> Result<Option<RootCertStore>, ErrorKind> {
    let (file, folders) = (variable(FILE), variable(FOLDERS));
    let is_set = file.is_some() || folders.is_some();
    let given = |value: Option<OsString>| value.filter(|value| !value.is_empty());
    let (file, folders) = (given(file), given(folders));
    if file.is_none() && folders.is_none() {
        // The platform's verifier would use an empty variable as a path.
        return Ok(if is_set { of_system() } else { None });
    }
    let mut roots = Roots::default();
    let of = |setting| move |problem| ErrorKind::Roots { setting, problem };
    if let Some(path) = file {
        roots.add_file(Path::new(&path)).map_err(of(FILE))?;
    }
    if let Some(list) = folders {
        roots.add_folders(&list).map_err(of(FOLDERS))?;
    }
    Ok(Some(roots.store))
}

/// The roots read so far, without duplicates.
struct Roots {
    store: RootCertStore,
    /// The certificates read so far, and whether each can be used.
    seen: HashMap<CertificateDer<'static>, bool>,
    /// The number of bytes that may still be read.
    left: u64,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            store: RootCertStore::empty(),
            seen: HashMap::new(),
            left: LARGEST,
        }
    }
}

impl Roots {
    /// Adds the roots of a file, of which at least one must be usable.
    fn add_file(&mut self, path: &Path) -> Result<(), String> {
        let shown = shown(path);
        let certificates = self.certificates(path)?;
        let certificates = certificates.map_err(|error| format!("{shown}: {error}"))?;
        if self.add(certificates) {
            return Ok(());
        }
        Err(format!("{shown}: none of its certificates is usable"))
    }

    /// Adds the roots in a list of folders, of which at least one must be usable. Files without
    /// certificates and subfolders are ignored.
    fn add_folders(&mut self, list: &OsString) -> Result<(), String> {
        let mut found = false;
        for folder in env::split_paths(list).filter(|path| !path.as_os_str().is_empty()) {
            let failed = |error: io::Error| cannot_read(&folder, &error);
            for entry in folder.read_dir().map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                match path.metadata() {
                    Ok(metadata) if metadata.is_file() => {}
                    // `openssl rehash` leaves broken links behind; they are not errors.
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(cannot_read(&path, &error));
                    }
                    _ => continue,
                }
                match self.certificates(&path)? {
                    Ok(certificates) => found |= self.add(certificates),
                    Err(PemError::NoCertificate) => {}
                    Err(error) => return Err(format!("{}: {error}", shown(&path))),
                }
            }
        }
        if found {
            return Ok(());
        }
        Err("its folders contain no certificate in PEM".to_owned())
    }

    /// Adds certificates. Returns whether at least one is usable; as with the platform's roots, those in
    /// obsolete formats are not.
    fn add(&mut self, certificates: Vec<CertificateDer<'static>>) -> bool {
        let mut usable = false;
        for certificate in certificates {
            let add = |certificate: &CertificateDer<'static>| {
                let certificate = certificate.clone();
                self.store.add(certificate).is_ok()
            };
            usable |= *self.seen.entry(certificate).or_insert_with_key(add);
        }
        usable
    }

    /// Reads the certificates of a file. Only a regular file is opened: a pipe may never end, and its
    /// content can be read only once.
    fn certificates(
        &mut self,
        path: &Path,
    ) -> Result<Result<Vec<CertificateDer<'static>>, PemError>, String> {
        let shown = shown(path);
        let failed = |error: io::Error| cannot_read(path, &error);
        let metadata = path.metadata().map_err(failed)?;
        if let Some(kind) = other_kind(&metadata) {
            return Err(format!("{shown} is {kind}; expected a PEM file"));
        }
        let mut text = Vec::new();
        let file = File::open(path).map_err(failed)?;
        let mut limited = file.take(self.left + 1);
        let length = limited.read_to_end(&mut text).map_err(failed)? as u64;
        let left = self.left.checked_sub(length);
        self.left = left.ok_or_else(|| format!("{shown}: expected at most 16 MiB"))?;
        Ok(pem::certificates(&text))
    }
}

/// Quotes a path and escapes terminal control characters.
fn shown(path: &Path) -> String {
    format!("{:?}", path.to_string_lossy())
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("cannot read {}: {error}", shown(path))
}

/// Returns the kind of a file that is not regular.
fn other_kind(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_file() {
        None
    } else if metadata.is_dir() {
        Some("a folder")
    } else {
        Some("a device or a pipe")
    }
}

/// Returns the roots of the system, if they are files.
#[cfg(all(unix, not(target_vendor = "apple")))]
#[expect(clippy::unnecessary_wraps, reason = "other systems have none in files")]
fn of_system() -> Option<RootCertStore> {
    let system = openssl_probe::probe();
    let mut roots = RootCertStore::empty();
    let mut add = |file: Option<&Path>, folder: Option<&Path>| {
        let found = rustls_native_certs::load_certs_from_paths(file, folder);
        roots.add_parsable_certificates(found.certs);
    };
    add(system.cert_file.as_deref(), None);
    if system.cert_file.is_none() {
        for folder in &system.cert_dir {
            add(None, Some(folder));
        }
    }
    Some(roots)
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn of_system() -> Option<RootCertStore> {
    None
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn certificate() -> String {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    /// Returns the number of roots that the variables set.
    fn roots(file: Option<&Path>, folders: Option<&str>) -> Result<Option<usize>, String> {
        let found = read(|name| match name {
            FILE => file.map(|path| path.as_os_str().to_owned()),
            _ => folders.map(OsString::from),
        });
        match found {
            Ok(roots) => Ok(roots.map(|roots| roots.len())),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_unusable_file_of_roots_is_an_error_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let good = certificate();
        let broken = format!("{good}{}", good.replacen("MII", "M!I", 1));
        let not_der = "-----BEGIN CERTIFICATE-----\nAQ==\n-----END CERTIFICATE-----\n";
        let large = write("large", &good);
        let grown = File::options().append(true).open(&large).unwrap();
        grown.set_len(LARGEST + 1).unwrap();
        for (path, problem) in [
            (folder.path().join("missing"), "No such file"),
            (folder.path().to_owned(), "is a folder"),
            ("/dev/zero".into(), "a device or a pipe"),
            ("/dev/null".into(), "a device or a pipe"),
            (write("empty", ""), "has no certificate"),
            (write("text", "roots\n"), "has no certificate"),
            (write("broken", &broken), "certificate 2 is invalid"),
            (write("not-der", not_der), "none of its certificates"),
            (large, "at most 16 MiB"),
        ] {
            let line = roots(Some(&path), None).unwrap_err();
            assert!(line.starts_with("SSL_CERT_FILE cannot be used: "), "{line}");
            assert!(line.contains(problem), "{line}");
            assert!(line.contains(path.to_str().unwrap()), "{line}");
        }
        let good = write("good", &format!("{good}{good}{}{not_der}", certificate()));
        assert_eq!(roots(Some(&good), None), Ok(Some(2)));
    }

    #[test]
    fn a_list_of_folders_is_read_as_a_whole_and_must_have_a_root() {
        let [one, two, none] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let name = |folder: &tempfile::TempDir| folder.path().to_str().unwrap().to_owned();
        fs::write(one.path().join("a.pem"), certificate()).unwrap();
        symlink(one.path().join("a.pem"), one.path().join("0a0b0c0d.0")).unwrap();
        symlink(one.path().join("gone"), one.path().join("0a0b0c0d.1")).unwrap();
        fs::create_dir(one.path().join("java")).unwrap();
        fs::write(two.path().join("b.pem"), certificate()).unwrap();
        fs::write(two.path().join("README"), "roots").unwrap();
        let list = format!("{}:{}:", name(&one), name(&two));
        assert_eq!(roots(None, Some(&list)), Ok(Some(2)));
        // Both variables count.
        let file = two.path().join("b.pem");
        assert_eq!(roots(Some(&file), Some(&name(&one))), Ok(Some(2)));

        fs::write(none.path().join("README"), "roots").unwrap();
        let missing = format!("{}:/nowhere/roots", name(&one));
        for (list, problem) in [
            (&*name(&none), "no certificate"),
            (":", "no certificate"),
            (&*missing, "/nowhere/roots"),
            (file.to_str().unwrap(), "Not a directory"),
        ] {
            let line = roots(None, Some(list)).unwrap_err();
            assert!(line.starts_with("SSL_CERT_DIR cannot be used: "), "{line}");
            assert!(line.contains(problem), "{line}");
        }
        fs::write(two.path().join("c.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
        let line = roots(None, Some(&list)).unwrap_err();
        assert!(
            line.contains("c.pem") && line.contains("is invalid"),
            "{line}"
        );
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(roots(None, None), Ok(None));
        #[cfg(not(target_vendor = "apple"))]
        {
            let system = roots(Some(Path::new("")), Some("")).unwrap();
            let platform = rustls_native_certs::load_native_certs().certs;
            assert_eq!(system.unwrap() > 0, !platform.is_empty());
        }
    }
}
