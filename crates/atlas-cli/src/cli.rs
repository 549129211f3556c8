//! The command line: what there is, and what does it.

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

/// Gets snapshots out of MongoDB Atlas as files, and calls its API
#[derive(Debug, Parser)]
#[command(
    name = "atlas",
    display_name = "atlas-rs",
    version = version(),
    after_help = format!(
        "{VARIABLES}\n\n{EXIT_CODES}\n\nExample:\n  atlas backups snapshots download latest \
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

#[derive(Debug, Subcommand)]
pub(crate) enum Commands {
    #[command(subcommand, visible_alias = "backup", about = "Work with backups")]
    Backups(Backups),
    Api(Api),
    #[command(subcommand, visible_alias = "cluster")]
    Clusters(Clusters),
    #[command(subcommand, visible_alias = "project")]
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
    OFFLINE
        .iter()
        .fold(Cli::command(), |root, path| at(root, path))
}

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
    /// Runs what was asked for.
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
            Commands::Generate(command) => blocking(move || command.run(root())).await,
        }
    }
}
