//! The same command under a name that the official tool does not have.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    atlas_toolkit::main()
}
