//! `buggy-client`: injects a bug into any client that the suite can judge.
//!
//! `atlas-conformance client -- buggy-client --bug accept-missing -- python3 my_client.py`

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use atlas_conformance_bugs::{ANOTHER_STYLE, Bug, BuggyClient, CLIENT_BUGS};
use clap::Parser;

/// Injects a bug into a client: a process that exchanges JSON lines, see fixtures/README.md.
#[derive(Parser)]
#[command(name = "buggy-client", version)]
struct Cli {
    /// The bug; `none` and `another-style` are valid clients
    #[arg(long, required_unless_present_any = ["list", "exec"])]
    bug: Option<String>,
    /// List the bugs
    #[arg(long)]
    list: bool,
    /// Replace this process by the command, and let it be killed with the parent
    #[arg(long, hide = true)]
    exec: bool,
    /// Command that starts the valid client
    #[arg(last = true, required_unless_present = "list")]
    command: Vec<String>,
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
    if cli.list {
        let mut out = std::io::stdout();
        for bug in CLIENT_BUGS {
            writeln!(out, "{bug}")?;
        }
        return Ok(());
    }
    let mut command = cli.command;
    #[cfg(unix)]
    if cli.exec {
        return Err(atlas_conformance_bugs::exec_and_die_with_parent(&command).into());
    }
    let name = cli.bug.unwrap_or_default();
    let known = [CLIENT_BUGS, &[ANOTHER_STYLE]].concat();
    let bug =
        Bug::find(&known, &name).ok_or_else(|| format!("unknown bug {name:?}; see --list"))?;
    if cfg!(unix) {
        let own = std::env::current_exe()?.display().to_string();
        command.splice(..0, [own, "--exec".to_owned(), "--".to_owned()]);
    }
    BuggyClient::start(bug, &command)?.serve().await?;
    Ok(())
}
