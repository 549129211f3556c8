//! `buggy-server`: serves the sandbox with a bug.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use atlas_conformance_bugs::{Bug, BuggyServer, SERVER_BUGS};
use clap::Parser;

/// Serves the sandbox with a bug and prints its URL.
#[derive(Parser)]
#[command(name = "buggy-server", version)]
struct Cli {
    /// The bug, or `none`
    #[arg(long, required_unless_present = "list")]
    bug: Option<String>,
    /// List the bugs
    #[arg(long)]
    list: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    if cli.list {
        for bug in SERVER_BUGS {
            writeln!(out, "{bug}")?;
        }
        return Ok(());
    }
    let name = cli.bug.unwrap_or_default();
    let bug =
        Bug::find(SERVER_BUGS, &name).ok_or_else(|| format!("unknown bug {name:?}; see --list"))?;
    let server = BuggyServer::start(bug).await?;
    writeln!(out, "{}", server.url())?;
    std::future::pending().await
}
