//! The command line: its commands and how they are run.

use clap::{Command, CommandFactory, Parser, Subcommand};

use crate::api::Api;
use crate::auth::Auth;
use crate::backups::Backups;
use crate::clusters::Clusters;
use crate::completion::Completion;
use crate::config::Config;
use crate::doctor::Doctor;
use crate::environment;
use crate::failure::{EXIT_CODES, Failure};
use crate::generate::Generate;
use crate::global::{Global, offline};
use crate::projects::Projects;
use crate::settings::VARIABLES;
use crate::signals::blocking;
use crate::version::version;

/// Downloads and verifies MongoDB Atlas snapshots, and calls the Atlas API
#[derive(Debug, Parser)]
#[command(
    name = "atlas",
    display_name = "atlas-rs",
    version = version(),
    after_help = format!(
        "{VARIABLES}\n\n{EXIT_CODES}\n\n{ALIASES}\n\nExample:\n  atlas backups snapshots download latest \
         --clusterName Cluster0 --sandbox"
    ),
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Commands,

    #[command(flatten)]
    pub(crate) global: Global,
}

/// The aliases of the official tool, for `--help`.
const ALIASES: &str = "\
The aliases of the official tool work: backup, snapshot, restore, export, bucket, job, cluster and project; ls for \
list, get for describe, rm for delete; and names in lower case.";

#[derive(Debug, Subcommand)]
pub(crate) enum Commands {
    #[command(subcommand, alias = "backup", about = "Work with backups")]
    Backups(Backups),
    Api(Api),
    #[command(subcommand, alias = "cluster")]
    Clusters(Clusters),
    #[command(subcommand, alias = "project")]
    Projects(Projects),
    #[command(subcommand)]
    Config(Config),
    #[command(subcommand)]
    Auth(Auth),
    Doctor(Doctor),
    #[cfg(feature = "sandbox")]
    Sandbox(Box<crate::serve::Serve>),
    Completion(Completion),
    #[command(subcommand, hide = true)]
    Generate(Generate),
}

/// The commands that work offline.
const OFFLINE: [&[&str]; 6] = [
    &["backups", "verify"],
    &["config", "list"],
    &["config", "describe"],
    &["completion"],
    &["generate"],
    &["sandbox"],
];

/// The whole command line.
pub(crate) fn root() -> Command {
    let root = OFFLINE
        .iter()
        .fold(Cli::command(), |root, path| at(root, path));
    with_examples(root)
}

/// Adds to each group of commands the example of its first command, and breaks examples so that they
/// can be copied from a terminal of 80 columns.
fn with_examples(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let command = names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, with_examples)
    });
    let text = |command: &Command| command.get_after_help().map(ToString::to_string);
    let own = text(&command).unwrap_or_default();
    if own.contains(EXAMPLE) {
        return command.after_help(broken(&own));
    }
    let example = command.get_subcommands().find_map(|below| {
        let text = text(below)?;
        let start = text.find(EXAMPLE)?;
        Some(text[start..].to_owned())
    });
    match example {
        Some(example) if own.is_empty() => command.after_help(example),
        Some(example) => command.after_help(format!("{own}\n\n{example}")),
        None => command,
    }
}

/// Breaks the lines of examples before flags.
fn broken(text: &str) -> String {
    let (before, examples) = text.split_at(text.find(EXAMPLE).unwrap_or(text.len()));
    let mut whole = before.to_owned();
    for line in examples.split_inclusive('\n') {
        let mut rest = line.to_owned();
        while rest.trim_end().len() > WIDTH {
            let Some(at) = rest[..WIDTH - 1].rfind(" --").filter(|at| *at > 6) else {
                break;
            };
            whole.push_str(&rest[..at]);
            whole.push_str(" \\\n");
            rest = format!("      {}", &rest[at + 1..]);
        }
        whole.push_str(&rest);
    }
    whole
}

/// The maximum width of an example.
const WIDTH: usize = 79;

/// The start of the part of a help that has examples.
const EXAMPLE: &str = "Example";

/// Marks a command below another as one that works offline, if it exists.
fn at(command: Command, path: &'static [&'static str]) -> Command {
    match path {
        [] => offline(command),
        [name, rest @ ..] if command.find_subcommand(name).is_some() => {
            command.mut_subcommand(name, |command| at(command, rest))
        }
        _ => command,
    }
}

impl Cli {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let global = &self.global;
        global.check()?;
        if global.allow_http {
            environment::allow_http();
        }
        match self.command {
            Commands::Backups(command) => command.run(global).await,
            Commands::Api(command) => command.run(global).await,
            Commands::Clusters(command) => command.run(global).await,
            Commands::Projects(command) => command.run(global).await,
            Commands::Config(command) => {
                global.refuse_sandbox()?;
                blocking(move || command.run()).await
            }
            Commands::Auth(command) => command.run(global).await,
            Commands::Doctor(command) => command.run(global).await,
            #[cfg(feature = "sandbox")]
            Commands::Sandbox(command) => {
                global.refuse_sandbox()?;
                command.run().await
            }
            Commands::Completion(command) => {
                global.refuse_sandbox()?;
                blocking(move || command.run()).await
            }
            Commands::Generate(command) => {
                global.refuse_sandbox()?;
                blocking(move || command.run(root())).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_broken_before_a_flag_and_nothing_else_is() {
        let flags = " --flag value".repeat(8);
        let text = format!("Words{flags}{flags}.\n\nExample:\n  atlas do it{flags}");
        let broken = broken(&text);
        let (words, example) = broken.split_once("Example:\n").unwrap();
        assert_eq!(words.lines().count(), 2);
        assert!(example.lines().all(|line| line.len() <= WIDTH), "{example}");
        let joined = example.replace(" \\\n     ", "");
        assert_eq!(joined, format!("  atlas do it{flags}"));
    }
}
