//! The `atlas` command.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    atlas_toolkit::main()
}
