//! `atlas api search` and `atlas api list`: which operations there are.

use atlas_transport::atlas_catalog::{Operation, Version};
use clap::{Arg, ArgMatches, Command};
use serde_json::{Value, json};

use crate::commands::{output_argument, wants_json_offline};
use crate::failure::Failure;
use crate::show;

pub(super) fn search_command() -> Command {
    Command::new("search")
        .about("Find operations by words of their names and paths")
        .arg(
            Arg::new("words")
                .value_name("WORDS")
                .required(true)
                .num_args(1..)
                .help("Words that an operation must have, all of them"),
        )
        .arg(output_argument())
}

pub(super) fn list_command() -> Command {
    Command::new("list")
        .about("List all operations")
        .arg(output_argument())
}

pub(super) fn search(matches: &ArgMatches) -> Result<(), Failure> {
    let words = matches.get_many::<String>("words").into_iter().flatten();
    let words: Vec<String> = words
        .flat_map(|word| word.split_whitespace())
        .map(str::to_lowercase)
        .collect();
    if words.is_empty() {
        return Err(Failure::Usage(
            "nothing to search for; name a word".to_owned(),
        ));
    }
    let found: Vec<Operation> = Operation::all()
        .filter(|operation| {
            let text = searched(*operation);
            words.iter().all(|word| text.contains(word))
        })
        .collect();
    if found.is_empty() {
        let close = Operation::suggest(&words.join(""));
        let hint = match close.as_slice() {
            [] => "see atlas api list".to_owned(),
            close => format!("did you mean {}?", close.join(" or ")),
        };
        return Err(Failure::Usage(format!(
            "no operation with {}; {hint}",
            words.join(" and ")
        )));
    }
    print(&found, matches)
}

pub(super) fn list(matches: &ArgMatches) -> Result<(), Failure> {
    print(&Operation::all().collect::<Vec<_>>(), matches)
}

/// All that a search looks at.
fn searched(operation: Operation) -> String {
    let mut text = [
        operation.id(),
        operation.short_id(),
        operation.tag().name(),
        operation.tag().camel_case(),
        operation.method().as_str(),
        &operation.path(),
    ]
    .join("\n");
    for former in operation.former_ids() {
        text.push('\n');
        text.push_str(former);
    }
    text.to_lowercase()
}

fn print(operations: &[Operation], matches: &ArgMatches) -> Result<(), Failure> {
    if wants_json_offline(matches)? {
        return show::json(&operations.iter().map(described).collect::<Vec<_>>());
    }
    let rows: Vec<[String; 4]> = operations
        .iter()
        .map(|operation| {
            [
                operation.tag().camel_case().to_owned(),
                operation.short_id().to_owned(),
                operation.method().to_string(),
                operation.path(),
            ]
        })
        .collect();
    show::table(["TAG", "OPERATION", "METHOD", "PATH"], &rows)
}

/// What `-o json` says of an operation.
fn described(operation: &Operation) -> Value {
    let version = |version: &Version| json!({"version": version.name, "sunset": version.sunset});
    json!({
        "id": operation.id(),
        "shortId": operation.short_id(),
        "formerIds": operation.former_ids().collect::<Vec<_>>(),
        "tag": operation.tag().camel_case(),
        "method": operation.method().as_str(),
        "path": operation.path(),
        "roles": operation.roles(),
        "deprecated": operation.is_deprecated(),
        "successor": operation.successor().map(Operation::id),
        "versions": operation.versions().iter().map(version).collect::<Vec<_>>(),
    })
}
