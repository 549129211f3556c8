//! `Debug` of errors: the line of `Display` and what is behind it, since `main() -> Result` prints it.

use std::error::Error;
use std::fmt;

/// Writes an error and what it came from in one line, each message once.
pub(crate) fn write_chain(error: &dyn Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut line = error.to_string();
    f.write_str(&line)?;
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !line.contains(&next) {
            write!(f, ": {next}")?;
            line = next;
        }
        source = error.source();
    }
    Ok(())
}

/// Implements `Debug` for errors as their chain.
macro_rules! debug_as_chain {
    ($($error:ty),* $(,)?) => {$(
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::error_debug::write_chain(self, f)
            }
        }
    )*};
}

pub(crate) use debug_as_chain;
