//! The `atlas` command: downloads MongoDB Atlas snapshots, and calls any operation of the API.
//!
//! This is a program, not a library: [`main`] is its only public item.

#![forbid(unsafe_code)]
#![allow(
    clippy::doc_markdown,
    reason = "doc comments of arguments are texts of --help, which is not Markdown"
)]
#![allow(
    clippy::struct_excessive_bools,
    reason = "each flag of a command is a bool"
)]

mod account;
mod api;
mod args;
mod auth;
mod backups;
mod cli;
mod clusters;
mod completion;
mod config;
mod confirm;
mod connection;
mod doctor;
mod environment;
mod escape;
mod failure;
mod generate;
mod global;
mod json;
mod json_file;
mod log;
mod namesake;
mod operation;
mod output;
mod output_file;
mod print;
mod profile;
mod progress;
mod projects;
mod read_file;
#[cfg(feature = "sandbox")]
mod serve;
mod settings;
mod signals;
mod table;
mod target;
mod urls;
mod usage;
mod version;
mod watching;

use std::process::ExitCode;
use std::time::Duration;

use clap::FromArgMatches as _;
use clap::error::ErrorKind;

use cli::Cli;
use failure::Failure;

/// Runs the command line of this process: reads its arguments and environment, and returns its exit
/// code. The `atlas` and `atlas-toolkit` binaries only call this function.
pub fn main() -> ExitCode {
    completion::answer(cli::root);
    let matches = cli::root().try_get_matches();
    let command = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(command) => command,
        Err(error)
            if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
                && !log::is_json() =>
        {
            log::lines(&error.render().to_string());
            return ExitCode::from(2);
        }
        Err(error) if error.use_stderr() => {
            log::error(&Failure::Usage(usage::line(&error)));
            return ExitCode::from(2);
        }
        Err(help) => return end(print::help(&help)),
    };
    let (format, quiet) = (command.global.log_format, command.global.quiet);
    end(log::start(format, quiet).and_then(|()| run(command)))
}

/// Reports a failure, unless a signal already did, and returns the exit code.
fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            signals::report(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: Cli) -> Result<(), Failure> {
    let unable = |error| Failure::File(format!("cannot start threads: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(unable)?;
    // Listen to signals before any work begins.
    let signal = signals::listen().map_err(unable)?;
    let done = runtime.block_on(async {
        let ended = tokio::select! {
            biased;
            signal = signal.received() => Err(signals::interrupted(signal)),
            done = command.run() => done,
        };
        #[cfg(feature = "object-store")]
        if let Err(Failure::Interrupted(signal, _)) = ended {
            // The work is dropped by now. A second signal ends the process.
            return Err(backups::store::interrupted(signal).await);
        }
        ended
    });
    // Work that blocks, such as a read of standard input, cannot be dropped: it has a short time to
    // end, or ends with the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}
