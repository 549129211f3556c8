//! The command `atlas-conformance`: judges a client (a process) or a server (a base URL).

#![forbid(unsafe_code)]

mod options;
mod outcome;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use atlas_conformance::{Case, Judgement, ServerTestee, Testee, judge_servers, shown_command};
use clap::Parser as _;

use crate::options::{Cli, Command, RunOptions, Selection, Side};
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
            let _ = writeln!(std::io::stderr(), "{}", escaped(&indented(&line)));
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error>> {
    if let Command::Client { run, .. } | Command::Server { run, .. } | Command::Matrix { run, .. } =
        &cli.command
        && !run.selection.list
    {
        run.check_reports()?;
    }
    match cli.command {
        Command::Client { run, command } => {
            let cases = run.selection.cases(Side::Client)?;
            if run.selection.list {
                return Ok(list(&cases));
            }
            let mut client = run.selection.client_run();
            if run.expected_failures.is_some() {
                let name = name_of(&command, &run.selection).await?;
                let expected = run.expected_failures(&name)?;
                client = client.expecting(expected).named(&name);
            }
            let mut judgements = client.judge(&command, &cases).await?;
            rerun_with(&mut judgements, &run.selection.words());
            report(&run, &judgements)
        }
        Command::Server {
            run,
            url,
            name,
            variables,
            allow_writes,
        } => {
            run.selection.check_for_server()?;
            let cases = run.selection.cases(Side::Server)?;
            if run.selection.list {
                return Ok(list(&cases));
            }
            let mut testee = ServerTestee::new(&name, &url.unwrap_or_default())?;
            // Fails before any case runs if the list is invalid.
            run.expected_failures(&name)?;
            testee.allows_writes = allow_writes;
            if let Some(patience) = run.selection.patience() {
                testee.patience = patience;
            }
            let mut words = run.selection.words();
            words.extend(allow_writes.then(|| "--allow-writes".to_owned()));
            for variable in &variables {
                let (name, value) = variable
                    .split_once('=')
                    .ok_or("invalid --var: expected NAME=VALUE")?;
                if !testee.variables.is_known(name) {
                    return Err(format!("--var: unknown variable {name:?}").into());
                }
                testee.variables.set(name, value);
                // A value may be secret.
                words.push(format!("--var {name}=…"));
            }
            let control = testee.reach().await?;
            let mut judgements = judge_servers(&testee, &cases).await;
            rerun_with(&mut judgements, &words);
            let reported = report(&run, &judgements);
            if let Some(hint) = control.hint() {
                let _ = writeln!(std::io::stderr(), "note: judged without control: {hint}");
            }
            reported
        }
        Command::Matrix { run, clients } => {
            let cases = run.selection.cases(Side::Any)?;
            if run.selection.list {
                return Ok(list(&cases));
            }
            let words = |client: &String| client.split(' ').map(str::to_owned).collect();
            let clients: Vec<Vec<String>> = clients.iter().map(words).collect();
            let mut judgements = matrix(&run, &clients, &cases).await?;
            rerun_with(&mut judgements, &run.selection.words());
            report(&run, &judgements)
        }
        #[cfg(feature = "client")]
        Command::Testee => {
            atlas_conformance::ReferenceClient::new().serve().await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Judges the client and the sandbox of this workspace, if they are compiled in, and other clients.
async fn matrix(
    run: &RunOptions,
    clients: &[Vec<String>],
    cases: &[Case],
) -> Result<Vec<Judgement>, Box<dyn Error>> {
    let selection = &run.selection;
    let mut own = Vec::new();
    if cfg!(feature = "client") {
        let program = std::env::current_exe()?.display().to_string();
        own.push(vec![program, "testee".to_owned()]);
    }
    let mut names = BTreeMap::new();
    #[cfg(feature = "sandbox")]
    let (_server, mut sandbox) = atlas_conformance::sandbox().await?;
    #[cfg(feature = "sandbox")]
    names.insert(sandbox.name.clone(), "the sandbox".to_owned());
    // Fails before any case runs if the list is invalid.
    #[cfg(feature = "sandbox")]
    run.expected_failures(&sandbox.name)?;
    let mut runs = Vec::new();
    for command in own.iter().chain(clients) {
        let name = name_of(command, selection).await?;
        let expected = run.expected_failures(&name)?;
        let client = selection.client_run().expecting(expected).named(&name);
        runs.push((client, command));
        let line = shown_command(command);
        if let Some(other) = names.insert(name.clone(), line.clone()) {
            let hint = "let one of them reply to hello with another name";
            return Err(
                format!("two testees have the name {name:?}: {other} and {line}; {hint}").into(),
            );
        }
    }
    let foreign = runs.split_off(own.len());
    let mut judgements = Vec::new();
    for (client, command) in &runs {
        judgements.extend(client.judge(command, cases).await?);
    }
    #[cfg(feature = "sandbox")]
    {
        if let Some(patience) = selection.patience() {
            sandbox.patience = patience;
        }
        let mut of_sandbox = judge_servers(&sandbox, cases).await;
        // The sandbox ends with this run.
        for judgement in &mut of_sandbox {
            let case = atlas_conformance::shell_word(&judgement.case);
            judgement.rerun = format!("atlas-conformance matrix --case {case}");
        }
        judgements.extend(of_sandbox);
    }
    for (client, command) in &foreign {
        judgements.extend(client.judge(command, cases).await?);
    }
    Ok(judgements)
}

/// Starts a client to read its name.
async fn name_of(command: &[String], selection: &Selection) -> Result<String, Box<dyn Error>> {
    let testee = match selection.patience() {
        Some(patience) => Testee::start_with(command, patience).await?,
        None => Testee::start(command).await?,
    };
    let name = testee.hello.name.clone();
    testee.end().await;
    Ok(name)
}

/// Adds options to the commands that run a single case.
fn rerun_with(judgements: &mut [Judgement], words: &[String]) {
    for judgement in judgements.iter_mut().filter(|_| !words.is_empty()) {
        let with = format!(" {} --case ", words.join(" "));
        judgement.rerun = judgement.rerun.replacen(" --case ", &with, 1);
    }
}

/// Prints the id, level, requirement and source of each case.
fn list(cases: &[Case]) -> ExitCode {
    for case in cases {
        let (id, level, requires, source) = (&case.id, case.level, &case.requires, &case.source);
        let line = format!("{id}\t{level}\t{requires}\t{source}");
        print(&indented(&line));
    }
    ExitCode::SUCCESS
}

/// Prints one or more lines, with the control characters of testees escaped.
fn print(line: &str) {
    // A closed pipe is not an error.
    let _ = writeln!(std::io::stdout(), "{}", escaped(line));
}

/// Escapes control characters, except line breaks and tabs.
fn escaped(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '\n' | '\t' => character.to_string(),
        control if control.is_control() => control.escape_default().to_string(),
        other => other.to_string(),
    });
    escaped.collect()
}

/// Indents the further lines of a text, so that a testee cannot print lines of the report.
fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}
