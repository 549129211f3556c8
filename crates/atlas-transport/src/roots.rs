//! The file of certificate roots that the environment may name, checked before it is read.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::error::ErrorKind;

/// The largest file of roots, in bytes; those of common systems have less than one MiB.
const LARGEST: u64 = 16 << 20;

/// Checks the size of the file at `path`: the platform's verifier reads all of it, and a device or
/// a sparse file would take all memory. A file that cannot be looked at is left to the verifier.
pub(crate) fn check_file(path: Option<&Path>) -> Result<(), ErrorKind> {
    let Some(path) = path else {
        return Ok(());
    };
    let fits = path.metadata().and_then(|metadata| {
        if is_device(&metadata) {
            return ends(path);
        }
        Ok(!metadata.is_file() || metadata.len() <= LARGEST)
    });
    match fits {
        Ok(false) => Err(ErrorKind::RootsTooLarge),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Whether a device ends soon enough, as `/dev/null` does. What a pipe says is there only once, so
/// it is not tried.
fn ends(path: &Path) -> io::Result<bool> {
    let mut limited = File::open(path)?.take(LARGEST + 1);
    Ok(io::copy(&mut limited, &mut io::sink())? <= LARGEST)
}

#[cfg(unix)]
fn is_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    kind.is_char_device() || kind.is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_roots_that_goes_on_is_refused_and_an_empty_or_missing_one_is_not() {
        let refused = |path: &str| check_file(Some(path.as_ref())).is_err();
        assert!(refused("/dev/zero"));
        assert!(!refused("/dev/null"));
        assert!(!refused("/nowhere/roots.pem"));
        assert!(!refused(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")));
        assert!(check_file(None).is_ok());
    }
}
