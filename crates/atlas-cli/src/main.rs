//! The `atlas` command: snapshots out of MongoDB Atlas as files.

#![forbid(unsafe_code)]

mod api;
mod commands;
mod connection;
mod doctor;
mod escape;
mod failure;
mod output_file;
mod profile;
mod pull;
mod restores;
#[cfg(feature = "sandbox")]
mod serve;
mod settings;
mod show;
mod snapshots;
mod target;
mod token_file;

use std::process::ExitCode;

use failure::Failure;

fn main() -> ExitCode {
    let matches = commands::root().get_matches();
    log_to_stderr();
    match run(&matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure::say(&format!("error: {failure}"));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(matches: &clap::ArgMatches) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::File(format!("no threads to work with: {error}")))?;
    runtime.block_on(async {
        // The signals are listened to before any work begins.
        tokio::select! {
            biased;
            signal = interrupted() => Err(Failure::Interrupted(signal)),
            done = commands::run(matches) => done,
        }
    })
}

/// Waits for Ctrl-C or SIGTERM; what is half-written is removed when the work is dropped.
async fn interrupted() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = terminate.recv() => 15,
                Ok(()) = tokio::signal::ctrl_c() => 2,
            };
        }
    }
    match tokio::signal::ctrl_c().await {
        Ok(()) => 2,
        Err(_) => std::future::pending().await,
    }
}

/// `ATLAS_LOG=debug` shows what happens, without a secret.
fn log_to_stderr() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("ATLAS_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .init();
    }
}
