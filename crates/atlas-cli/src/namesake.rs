//! Detects another program of the same name that a shell finds first.

use std::env;
use std::path::{Path, PathBuf};

/// The name that this program shares with the official command line.
const NAME: &str = if cfg!(windows) { "atlas.exe" } else { "atlas" };

/// The first `atlas` on the `PATH`, if it is another program and this one was called by that name.
pub(crate) fn first_on_path() -> Option<PathBuf> {
    // Under another name, this program cannot be confused with another one.
    let called = env::args_os().next()?;
    let called = Path::new(&called).file_name()?.to_str()?;
    if !is_called(called, cfg!(windows)) {
        return None;
    }
    let this = env::current_exe().ok()?;
    let path = env::var_os("PATH")?;
    let first = env::split_paths(&path)
        .map(|folder| folder.join(NAME))
        .find(|file| is_executable(file))?;
    (!is_same(&first, &this)).then_some(first)
}

/// Whether a program was called by the name; on Windows in any case, with `.exe` or without.
fn is_called(called: &str, windows: bool) -> bool {
    if !windows {
        return called == "atlas";
    }
    ["atlas", "atlas.exe"].contains(&&*called.to_ascii_lowercase())
}

/// Whether both are one build of this program: `atlas` and `atlas-toolkit` are in the same folder, or one is
/// a copy of the other.
fn is_same(found: &Path, this: &Path) -> bool {
    let folder = |path: &Path| {
        let real = path.canonicalize().ok()?;
        real.parent().map(Path::to_owned)
    };
    (folder(found).is_some() && folder(found) == folder(this)) || is_copy(found, this)
}

fn is_copy(one: &Path, other: &Path) -> bool {
    let length = |path: &Path| path.metadata().ok().map(|found| found.len());
    length(one).is_some()
        && length(one) == length(other)
        && matches!((std::fs::read(one), std::fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::is_called;

    #[test]
    fn the_name_has_an_ending_and_any_case_on_windows_alone() {
        for (called, elsewhere, on_windows) in [
            ("atlas", true, true),
            ("atlas.exe", false, true),
            ("Atlas.EXE", false, true),
            ("atlas-toolkit", false, false),
            ("atlas-toolkit.exe", false, false),
        ] {
            assert_eq!(is_called(called, false), elsewhere, "{called}");
            assert_eq!(is_called(called, true), on_windows, "{called}");
        }
    }
}
