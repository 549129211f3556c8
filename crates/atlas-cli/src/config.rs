//! `atlas config`: the profiles of the official command line, without their secrets.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::args::OutputArgs;
use crate::failure::Failure;
use crate::profile::{self, Profile};
use crate::table;

/// Show the profiles of atlascli/config.toml, read-only
#[derive(Debug, Subcommand)]
#[command(after_help = "To change a profile, edit atlascli/config.toml or use the official tool.")]
pub(crate) enum Config {
    #[command(alias = "ls")]
    List(List),
    #[command(alias = "get")]
    Describe(Describe),
}

impl Config {
    /// Blocks.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(),
            Self::Describe(command) => command.run(),
        }
    }
}

/// List the profiles
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas config list")]
pub(crate) struct List {
    #[command(flatten)]
    output: OutputArgs,
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let names = profile::names()?;
        self.output.format_offline()?.value(&names, || {
            let rows = names.iter().map(|name| vec![name.clone()]);
            table::of_rows(["PROFILE NAME"].into_iter(), rows)
        })
    }
}

/// Show the settings of a profile, without the values of secrets
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas config describe default")]
pub(crate) struct Describe {
    /// Name of the profile
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    fn run(&self) -> Result<(), Failure> {
        let profile = Profile::load(Some(&self.name))?;
        let settings: Vec<(String, Value)> = profile.shown();
        let object: Map<String, Value> = settings.iter().cloned().collect();
        self.output.format_offline()?.value(&object, || {
            let rows = settings.iter().map(|(name, value)| {
                let value = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                vec![name.clone(), value]
            });
            table::of_rows(["SETTING", "VALUE"].into_iter(), rows)
        })
    }
}
