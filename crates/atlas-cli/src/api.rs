//! `atlas api TAG OPERATION`: any operation of the API, with parameters as flags and JSON in and out.

mod arguments;
mod body;
mod call;
mod find;
mod output;
mod sunsets;

use atlas_transport::atlas_catalog::{Operation, Tag};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use crate::failure::Failure;
use crate::global::{Global, offline};
use crate::signals::blocking;

/// Call any operation of the API by its name
///
/// Its subcommands are built from the catalog on demand.
#[derive(Debug)]
pub(crate) struct Api {
    matches: ArgMatches,
}

impl Args for Api {
    fn augment_args(command: Command) -> Command {
        command
            .about("Call any operation of the API by its name")
            .long_about(None)
            .after_help(
                "Example:\n  atlas api flexClusters getFlexCluster --name Flex0 -o \
                 json-path=$.stateName",
            )
            .subcommand_required(true)
            .arg_required_else_help(true)
            .defer(|command| {
                let own = [
                    find::Search::augment_args(Command::new("search")),
                    find::List::augment_args(Command::new("list")),
                    sunsets::Sunsets::augment_args(Command::new("sunsets")),
                ];
                command
                    .subcommands(own.map(offline))
                    .subcommands(Tag::all().map(tag_command))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Api {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let matches = matches.clone();
        Ok(Self { matches })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.matches = matches.clone();
        Ok(())
    }
}

fn tag_command(tag: Tag) -> Command {
    Command::new(tag.camel_case())
        .about(tag.name())
        .after_help(match tag.operations().next() {
            Some(operation) => format!("Example:\n  {}", arguments::example(operation)),
            None => String::new(),
        })
        .subcommand_required(true)
        .arg_required_else_help(true)
        .defer(|command| {
            let tag = Tag::find(command.get_name());
            let operations = tag.into_iter().flat_map(Tag::operations);
            command.subcommands(operations.map(operation_command))
        })
}

fn operation_command(operation: Operation) -> Command {
    let id = (operation.id() != operation.short_id()).then_some(operation.id());
    let names = id.into_iter().chain(operation.former_ids());
    Command::new(operation.short_id())
        .aliases(names.filter(|name| *name != operation.short_id()))
        .about(format!("{} {}", operation.method(), operation.path()))
        .defer(|command| {
            let aliases = command.get_all_aliases();
            let names = aliases.chain([command.get_name()]);
            let mut operations = names.filter_map(Operation::find);
            let operation = operations.find(|one| one.short_id() == command.get_name());
            drop(operations);
            match operation {
                Some(operation) => arguments::add(command, operation),
                None => command,
            }
        })
}

impl Api {
    /// Runs a subcommand of `atlas api`.
    pub(crate) async fn run(&self, global: &Global) -> Result<(), Failure> {
        if let Some("search" | "list" | "sunsets") = self.matches.subcommand_name() {
            global.refuse_sandbox()?;
        }
        let unknown = |error: Error| Failure::Usage(error.to_string());
        match self.matches.subcommand() {
            Some(("search", matches)) => {
                let search = find::Search::from_arg_matches(matches).map_err(unknown)?;
                blocking(move || search.run()).await
            }
            Some(("list", matches)) => {
                let list = find::List::from_arg_matches(matches).map_err(unknown)?;
                blocking(move || list.run()).await
            }
            Some(("sunsets", matches)) => {
                let sunsets = sunsets::Sunsets::from_arg_matches(matches).map_err(unknown)?;
                blocking(move || sunsets::run(&sunsets)).await
            }
            Some((tag, matches)) => {
                let name = matches.subcommand_name().unwrap_or_default();
                let operation = Tag::find(tag).and_then(|tag| tag.operation(name));
                match (operation, matches.subcommand_matches(name)) {
                    (Some(operation), Some(matches)) => call::run(global, operation, matches).await,
                    _ => Err(Failure::Usage(format!(
                        "unknown operation {name} of tag {tag}"
                    ))),
                }
            }
            None => Err(unknown(Error::new(ErrorKind::MissingSubcommand))),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli;

    #[test]
    fn every_operation_has_its_help_under_each_of_its_names() {
        for operation in Operation::all() {
            let names = [operation.short_id(), operation.id()].into_iter();
            for name in names.chain(operation.former_ids()) {
                let words = ["atlas", "api", operation.tag().camel_case(), name, "--help"];
                let help = cli::root().try_get_matches_from(words).unwrap_err();
                assert_eq!(help.kind(), ErrorKind::DisplayHelp, "{words:?}: {help}");
                let text = help.render().to_string();
                let line = format!("Operation: {}\n", operation.id());
                assert!(text.contains(&line), "{words:?}: {text}");
            }
        }
    }
}
