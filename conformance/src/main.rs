//! `atlas-conformance`: judges a client, which is a process, or a server, which is a URL.

#![forbid(unsafe_code)]

mod options;
mod outcome;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use atlas_conformance::{Judgement, ServerTestee, judge_servers};
use clap::Parser as _;

use crate::options::{Cli, Command, Selection, Side};
use crate::outcome::report;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            let mut line = format!("error: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                line = format!("{line}: {error}");
                source = error.source();
            }
            let _ = writeln!(std::io::stderr(), "{line}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error>> {
    match cli.command {
        Command::Client { run, command } => {
            let cases = run.selection.cases(Side::Client)?;
            if run.selection.list {
                return Ok(list(&cases));
            }
            let judgements = run.selection.client_run().judge(&command, &cases).await?;
            report(&run, &judgements)
        }
        Command::Server {
            run,
            url,
            name,
            variables,
            allow_writes,
        } => {
            let cases = run.selection.cases(Side::Server)?;
            if run.selection.list {
                return Ok(list(&cases));
            }
            let url = url.ok_or("a URL is missing")?;
            let mut testee = ServerTestee::new(&name, &url)?;
            testee.allows_writes = allow_writes;
            for variable in &variables {
                let (name, value) = variable.split_once('=').ok_or("--var takes NAME=VALUE")?;
                testee.variables.set(name, value);
            }
            report(&run, &judge_servers(&testee, &cases).await)
        }
        Command::Matrix {
            run,
            clients,
            servers,
        } => {
            let cases = run.selection.cases(Side::Any)?;
            if run.selection.list {
                return Ok(list(&cases));
            }
            let mut judgements = own(&run.selection, &cases).await?;
            for client in clients {
                let command: Vec<String> = client.split(' ').map(str::to_owned).collect();
                judgements.extend(run.selection.client_run().judge(&command, &cases).await?);
            }
            for url in servers {
                let testee = ServerTestee::new(&url, &url)?;
                judgements.extend(judge_servers(&testee, &cases).await);
            }
            report(&run, &judgements)
        }
        #[cfg(feature = "client")]
        Command::Testee => {
            atlas_conformance::ReferenceClient::new().serve().await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Runs the cases at what this workspace makes, as far as it is compiled in.
async fn own(
    selection: &Selection,
    cases: &[atlas_conformance::Case],
) -> Result<Vec<Judgement>, Box<dyn Error>> {
    let mut judgements = Vec::new();
    if cfg!(feature = "client") {
        let own = std::env::current_exe()?.display().to_string();
        let command = [own, "testee".to_owned()];
        judgements.extend(selection.client_run().judge(&command, cases).await?);
    }
    #[cfg(feature = "sandbox")]
    {
        let (_server, testee) = atlas_conformance::sandbox().await?;
        judgements.extend(judge_servers(&testee, cases).await);
    }
    Ok(judgements)
}

/// Prints what would be run: id, level, what is required, and its source.
fn list(cases: &[atlas_conformance::Case]) -> ExitCode {
    for case in cases {
        let (id, level, requires, source) = (&case.id, case.level, &case.requires, &case.source);
        print(&format!("{id}\t{level}\t{requires}\t{source}"));
    }
    ExitCode::SUCCESS
}

fn print(line: &str) {
    // A reader that has gone needs no more lines.
    let _ = writeln!(std::io::stdout(), "{line}");
}
