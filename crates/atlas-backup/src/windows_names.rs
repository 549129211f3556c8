//! Names that Windows does not give to a file or a folder of its own.

use std::path::Path;

use crate::error::Error;

/// Refuses, on Windows, a path whose last name would lead to a device, to a stream of another file,
/// or to a file of another name. Other systems have no such names.
///
/// # Errors
/// [`Error::Usage`]
pub(crate) fn check(path: &Path) -> Result<(), Error> {
    let name = path.file_name().map(std::ffi::OsStr::to_string_lossy);
    match name.and_then(|name| problem(&name)) {
        Some(problem) if cfg!(windows) => Err(Error::Usage {
            what: format!("{} {problem}; choose another name", path.display()),
        }),
        _ => Ok(()),
    }
}

/// The problem of a name, if it has one.
fn problem(name: &str) -> Option<&'static str> {
    if name.ends_with([' ', '.']) {
        return Some("ends in a space or a dot, which Windows takes off");
    }
    // A colon leads to a stream of the file before it.
    if name.contains(|c: char| c.is_control() || "<>:\"|?*".contains(c)) {
        return Some("has a character that no name may have on Windows");
    }
    // Whatever follows a dot, with spaces before it or not.
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end_matches(' ').to_ascii_uppercase();
    let is_numbered = |start: &str| {
        let number = stem.strip_prefix(start);
        number.is_some_and(|number| "0123456789\u{b9}\u{b2}\u{b3}".contains(number))
            && stem.chars().count() == start.len() + 1
    };
    let is_device = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&&*stem)
        || ["COM", "LPT"].into_iter().any(is_numbered);
    is_device.then_some("is the name of a device on Windows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_streams_and_names_that_are_cut_are_known_and_others_are_free() {
        for name in [
            "CON",
            "nul",
            "Aux",
            "prn.tgz",
            "NUL.tar.gz",
            "com1",
            "LPT9.tgz",
            "com0",
            "COM\u{b9}",
            "con .tgz",
            "CONOUT$",
            "a.",
            "a ",
            "snapshot:2026.tgz",
            "a?",
            "a\"b",
            "a\tb",
            "...",
        ] {
            assert!(problem(name).is_some(), "{name}");
        }
        for name in [
            "2026-05-04T094200Z-32b6e34b3d91647abb20e7b8.tgz",
            "2026-05-04T094200Z-32b6e34b3d91647abb20e7b8-con.tgz",
            "catalogue.json",
            ".lock",
            ".atlas-backup-abCDe1.tmp",
            "console",
            "com",
            "com10",
            "lpt",
            "nul-1",
            "auxiliary.tgz",
            "Cluster0",
            "COMA",
            "a b",
            "a.b.c",
        ] {
            assert_eq!(problem(name), None, "{name}");
        }
    }

    #[test]
    fn the_names_of_devices_are_free_where_they_are_no_devices() {
        for name in ["NUL", "a:b", "folder/con"] {
            assert_eq!(check(Path::new(name)).is_err(), cfg!(windows), "{name}");
        }
    }
}
