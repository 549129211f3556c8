//! `atlas-conformance`: judges a client, which is a process, or a server, which is a URL.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use atlas_conformance::{
    CLIENT_SABOTAGES, Case, Judgement, Ledger, Ours, SERVER_SABOTAGES, SabotagedServer,
    ServerTestee, Variables, Verdict, all_cases, judge_clients, judge_servers, report, sandbox,
};
use clap::{Args, Parser, Subcommand};

/// Judges clients and servers of the MongoDB Atlas Administration API.
#[derive(Parser)]
#[command(name = "atlas-conformance", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge a client: a process that speaks JSON lines, see fixtures/README.md
    Client {
        #[command(flatten)]
        run: RunOptions,
        /// The command line that starts it
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Judge a server by its base URL
    Server {
        #[command(flatten)]
        run: RunOptions,
        /// http://host:port, or https:// where the certificate is trusted
        url: String,
        /// A variable of fixtures/world.json that differs there, such as owner.token=…
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
    },
    /// Judge the sandbox and several clients, and print one table
    Matrix {
        #[command(flatten)]
        run: RunOptions,
        /// A client, as one word each: name of its ledger, then its command line
        #[arg(long = "client", value_name = "COMMAND")]
        clients: Vec<String>,
    },
    /// Be the client of this workspace, for the suite to judge
    Testee {
        /// A fault to have on purpose
        #[arg(long)]
        sabotage: Option<String>,
    },
    /// Serve the sandbox with a fault on purpose
    Serve {
        /// The fault
        #[arg(long)]
        sabotage: String,
    },
    /// List the cases, or the sabotages
    List {
        /// The sabotages
        #[arg(long)]
        sabotages: bool,
    },
}

#[derive(Args)]
struct RunOptions {
    /// Only cases whose id contains this
    #[arg(long, default_value = "")]
    filter: String,
    /// A folder with the known failures of each testee, `<name>.json`
    #[arg(long, value_name = "FOLDER")]
    ledgers: Option<PathBuf>,
    /// Write `JUnit` XML there
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,
    /// Write one JSON object for each judgement there
    #[arg(long, value_name = "PATH")]
    jsonl: Option<PathBuf>,
    /// Write the table there as well
    #[arg(long, value_name = "PATH")]
    table: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error>> {
    match cli.command {
        Command::Client { run, command } => {
            let judgements = judge_clients(&command, &cases(&run)?).await?;
            finish(&run, &judgements)
        }
        Command::Server {
            run,
            url,
            variables,
        } => {
            let mut known = Variables::of_the_first_world()?;
            for variable in &variables {
                let (name, value) = variable.split_once('=').ok_or("--var takes NAME=VALUE")?;
                known.set(name, value);
            }
            let testee = ServerTestee {
                name: "server".to_owned(),
                url: url.trim_end_matches('/').to_owned(),
                variables: known,
            };
            finish(&run, &judge_servers(&testee, &cases(&run)?).await)
        }
        Command::Matrix { run, clients } => {
            let cases = cases(&run)?;
            let own = std::env::current_exe()?.display().to_string();
            let mut judgements = judge_clients(&[own, "testee".to_owned()], &cases).await?;
            let (_server, testee) = sandbox().await?;
            judgements.extend(judge_servers(&testee, &cases).await);
            for client in clients {
                let command: Vec<String> = client.split(' ').map(str::to_owned).collect();
                judgements.extend(judge_clients(&command, &cases).await?);
            }
            finish(&run, &judgements)
        }
        Command::Testee { sabotage } => {
            let testee = match sabotage {
                None => Ours::new(),
                Some(name) => Ours::sabotaged(&name).ok_or("no such sabotage; see list")?,
            };
            testee.serve().await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Serve { sabotage } => {
            let server = SabotagedServer::start(&sabotage).await?;
            let server = server.ok_or("no such sabotage; see list")?;
            print(server.url());
            std::future::pending().await
        }
        Command::List { sabotages } => {
            let client = CLIENT_SABOTAGES.iter().map(|name| format!("client {name}"));
            let server = SERVER_SABOTAGES.iter().map(|name| format!("server {name}"));
            let lines: Vec<String> = if sabotages {
                client.chain(server).collect()
            } else {
                let cases = all_cases()?.into_iter();
                cases
                    .map(|case| format!("{}\t{}", case.id, case.requires))
                    .collect()
            };
            print(&lines.join("\n"));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn cases(run: &RunOptions) -> Result<Vec<Case>, Box<dyn Error>> {
    let mut cases = all_cases()?;
    cases.retain(|case| case.id.contains(&run.filter));
    if cases.is_empty() {
        let filter = &run.filter;
        return Err(format!("no case's id contains {filter:?}; see list").into());
    }
    Ok(cases)
}

/// Prints and writes what was found. The exit code is 1 if something failed that no ledger names,
/// or passed that one does.
fn finish(run: &RunOptions, judgements: &[Judgement]) -> Result<ExitCode, Box<dyn Error>> {
    let mut ledgers = BTreeMap::new();
    for judgement in judgements {
        let name = &judgement.testee;
        if let (Some(folder), false) = (&run.ledgers, ledgers.contains_key(name)) {
            let path = folder.join(format!("{name}.json"));
            if path.exists() {
                ledgers.insert(name.clone(), Ledger::read(&path)?);
            }
        }
    }
    let none = Ledger::default();
    let mut surprises = 0;
    for judgement in judgements {
        let ledger = ledgers.get(&judgement.testee).unwrap_or(&none);
        let standing = ledger.standing(judgement);
        if !standing.breaks() {
            continue;
        }
        surprises += 1;
        let (testee, verdict, case) = (&judgement.testee, judgement.verdict, &judgement.case);
        print(&format!("\n{verdict} {testee} {case} ({standing:?})"));
        for fault in &judgement.faults {
            print(&format!("  {fault}"));
        }
        if !judgement.conversation.is_empty() {
            print(&judgement.conversation);
        }
    }
    if run.filter.is_empty() {
        for (name, ledger) in &ledgers {
            let of_testee: Vec<Judgement> = judgements
                .iter()
                .filter(|judgement| judgement.testee == *name)
                .cloned()
                .collect();
            for case in ledger.stale(&of_testee) {
                surprises += 1;
                print(&format!(
                    "the ledger of {name} names {case}, which is no case"
                ));
            }
        }
    }
    let table = report::matrix(judgements);
    print(&format!("\n{table}"));
    if let Some(path) = &run.table {
        std::fs::write(path, &table)?;
    }
    if let Some(path) = &run.junit {
        std::fs::write(path, report::junit(judgements, &ledgers)?)?;
    }
    if let Some(path) = &run.jsonl {
        std::fs::write(path, report::json_lines(judgements))?;
    }
    let passed = judgements
        .iter()
        .filter(|it| it.verdict == Verdict::Pass)
        .count();
    print(&format!(
        "{} cases put, {passed} passed, {surprises} not as expected",
        judgements.len()
    ));
    Ok(ExitCode::from(u8::from(surprises > 0)))
}

fn print(line: &str) {
    // Whoever reads may have gone.
    let _ = writeln!(std::io::stdout(), "{line}");
}
