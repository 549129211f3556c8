//! `atlas api search` and `atlas api list`: find and list operations.

use atlas_transport::atlas_catalog::{Operation, Version};
use clap::Args;
use serde_json::{Value, json};

use crate::args::OutputArgs;
use crate::failure::Failure;
use crate::table::{self, Column};
use crate::usage::short;

/// Find operations by words of their names and paths
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas api search flex snapshot")]
pub(super) struct Search {
    /// Words that must all occur in the names or the path of an operation
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,

    #[command(flatten)]
    output: OutputArgs,
}

/// List all operations
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas api list -o 'json-path=$[*].id'")]
pub(super) struct List {
    #[command(flatten)]
    output: OutputArgs,
}

impl Search {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let words = self.words.iter().flat_map(|word| word.split_whitespace());
        let words: Vec<String> = words.map(str::to_lowercase).collect();
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
                "no operation matches {}; {hint}",
                short(&words.join(" and "))
            )));
        }
        print(&found, &self.output)
    }
}

impl List {
    pub(super) fn run(&self) -> Result<(), Failure> {
        print(&Operation::all().collect::<Vec<_>>(), &self.output)
    }
}

/// The text that a search looks at.
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

fn print(operations: &[Operation], output: &OutputArgs) -> Result<(), Failure> {
    let described: Vec<Value> = operations.iter().map(described).collect();
    output.format_offline()?.value(&described, || {
        let columns: [Column; 4] = [
            ("TAG", &["tag"]),
            ("OPERATION", &["shortId"]),
            ("METHOD", &["method"]),
            ("PATH", &["path"]),
        ];
        table::of_items(&columns, &described)
    })
}

/// An operation as `-o json` prints it.
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
