//! Programs that have to be installed first.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running program, which ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the program, or `None` if it may be missing; otherwise fails with a hint how to install it.
fn or_skip(found: Option<PathBuf>, name: &str, install: &str) -> Option<PathBuf> {
    if found.is_none() {
        let skip = std::env::var("ATLAS_INTEROP").is_ok_and(|value| value == "skip");
        assert!(
            skip,
            "{name} is missing; {install} (or set ATLAS_INTEROP=skip)"
        );
        println!("skipped, as ATLAS_INTEROP says: {name} is missing");
    }
    found
}

/// The folder of the programs that CI installs for these tests.
fn peers() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    workspace.join("target/peers")
}

/// A program of this machine, also in folders that are not on the path of an ordinary user.
pub(crate) fn on_path(name: &str, package: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let mut candidates = folders.iter().map(|folder| folder.join(name));
    let found = candidates.find(|program| program.is_file());
    or_skip(found, name, &format!("apt-get install {package}"))
}

/// A Python that has a module: the one in `target/peers`, or the machine's.
pub(crate) fn python(module: &str) -> Option<PathBuf> {
    let mut candidates = [peers().join("bin/python3"), "python3".into()].into_iter();
    let found = candidates.find(|python| {
        let import = Command::new(python)
            .args(["-c", &format!("import {module}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        import.is_ok_and(|status| status.success())
    });
    let install = "python3 -m venv target/peers && target/peers/bin/pip install -r \
                   conformance/peers/requirements.txt";
    or_skip(found, module, install)
}

/// A program that npm installed into `target/peers`.
pub(crate) fn node(name: &str, package: &str) -> Option<PathBuf> {
    let program = peers().join("node_modules/.bin").join(name);
    let install = format!("npm install --prefix target/peers {package}");
    or_skip(program.is_file().then_some(program), name, &install)
}
