//! `atlas api TAG OPERATION`: any operation of the API, with parameters as flags and JSON in and out.

mod arguments;
mod body;
mod call;
mod find;
mod output;
mod sunsets;
mod watch;

use atlas_transport::atlas_catalog::{Operation, Tag};
use clap::{ArgMatches, Command};

use crate::failure::Failure;
use crate::signals::blocking_with;

/// `atlas api`. What is below it is built only when it is asked for.
pub(crate) fn command() -> Command {
    Command::new("api")
        .about("Call any operation of the API by its name")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .defer(|command| {
            command
                .subcommands([
                    find::search_command(),
                    find::list_command(),
                    sunsets::command(),
                ])
                .subcommands(Tag::all().map(tag_command))
        })
}

fn tag_command(tag: Tag) -> Command {
    Command::new(tag.camel_case())
        .about(tag.name())
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

/// Runs what stands below `atlas api`.
pub(crate) async fn run(path: &[(&str, &ArgMatches)]) -> Result<(), Failure> {
    match path {
        [("search", matches)] => blocking_with(matches, find::search).await,
        [("list", matches)] => blocking_with(matches, find::list).await,
        [("sunsets", matches)] => blocking_with(matches, sunsets::run).await,
        [(tag, _), (name, matches)] => {
            let operation = Tag::find(tag).and_then(|tag| tag.operation(name));
            let operation = operation
                .ok_or_else(|| Failure::Usage(format!("no operation {name} of tag {tag}")))?;
            call::run(operation, matches).await
        }
        _ => Err(Failure::Usage(
            "no such command; see atlas api --help".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;
    use crate::commands;

    #[test]
    fn every_operation_has_its_help_under_each_of_its_names() {
        for operation in Operation::all() {
            let names = [operation.short_id(), operation.id()].into_iter();
            for name in names.chain(operation.former_ids()) {
                let words = ["atlas", "api", operation.tag().camel_case(), name, "--help"];
                let help = commands::root().try_get_matches_from(words).unwrap_err();
                assert_eq!(help.kind(), ErrorKind::DisplayHelp, "{words:?}: {help}");
                let text = help.render().to_string();
                let line = format!("Operation: {}\n", operation.id());
                assert!(text.contains(&line), "{words:?}: {text}");
            }
        }
    }
}
