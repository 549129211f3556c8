//! Results on stdout.

use std::io::{self, IsTerminal as _, StdoutLock, Write as _};

use crate::escape::escape_lines;
use crate::failure::Failure;

/// Writes a result and a line break to stdout, byte for byte; on a terminal, control characters are
/// shown as JSON escapes. A closed pipe is not an error.
pub(crate) fn print(body: &[u8]) -> Result<(), Failure> {
    let shown = io::stdout()
        .is_terminal()
        .then(|| escape_lines(&String::from_utf8_lossy(body)).into_owned());
    let body = shown.as_deref().map_or(body, str::as_bytes);
    to_stdout(|out| {
        out.write_all(body)?;
        out.write_all(b"\n")?;
        out.flush()
    })
    .map(drop)
}

/// Writes a help or the version to stdout, as clap renders it.
pub(crate) fn help(help: &clap::Error) -> Result<(), Failure> {
    // `print` locks stdout itself.
    let printed = help.print();
    to_stdout(|out| printed.and_then(|()| out.flush())).map(drop)
}

/// Runs an action on stdout; `false` if its pipe is closed.
pub(crate) fn to_stdout(
    act: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>,
) -> Result<bool, Failure> {
    match act(&mut io::stdout().lock()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::File(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}
