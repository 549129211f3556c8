//! The `atlas` command: snapshots out of MongoDB Atlas as files, and the rest of its API.
//!
//! A program, not a library: [`main`] is all there is to call.

#![forbid(unsafe_code)]

mod account;
mod api;
mod commands;
mod completion;
mod connection;
mod doctor;
mod environment;
mod escape;
mod failure;
mod log;
mod output_file;
mod profile;
mod pull;
mod read_file;
mod restores;
#[cfg(feature = "sandbox")]
mod serve;
mod settings;
mod show;
mod signals;
mod snapshots;
mod store;
mod target;
mod usage;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use failure::Failure;

/// Runs the command line of this process: reads its arguments and environment, and gives its exit
/// code. The `atlas` and `atlas-toolkit` binaries are this function.
pub fn main() -> ExitCode {
    completion::answer();
    let matches = match commands::root().try_get_matches() {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            failure::say_lines(&error.render().to_string());
            return ExitCode::from(2);
        }
        Err(error) if error.use_stderr() => {
            failure::say(&format!("error: {}", usage::line(&error)));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    match log::to_stderr().and_then(|()| run(&matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            signals::report(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(matches: &clap::ArgMatches) -> Result<(), Failure> {
    let unable = |error| Failure::File(format!("cannot start threads: {error}"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(unable)?;
    // The signals are listened to before any work begins.
    let signal = signals::listen().map_err(unable)?;
    let done = runtime.block_on(async {
        let ended = tokio::select! {
            biased;
            signal = signal.received() => Err(Failure::Interrupted(signal)),
            done = commands::run(matches) => done,
        };
        #[cfg(feature = "object-store")]
        if let Err(Failure::Interrupted(signal)) = ended {
            // The work is dropped by now. A second signal ends the process.
            return Err(store::interrupted(signal).await);
        }
        ended
    });
    // Work that blocks, such as a read of standard input, cannot be dropped: it may end shortly
    // or ends with the process.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}
