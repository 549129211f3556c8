//! The flags and the help of an operation, from the catalog.

use std::fmt::Write as _;

use atlas_transport::atlas_catalog::{Body, Kind, Operation, Parameter, Place, Schema};
use clap::{Arg, ArgAction, Args as _, Command, ValueHint};

use crate::args::{OutputArgs, WatchArgs};
use crate::output::Output;

/// The parameters that the settings can provide.
pub(super) const GROUP_ID: &str = "groupId";
pub(super) const ORG_ID: &str = "orgId";

/// Adds an operation's flags.
pub(super) fn add(command: Command, operation: Operation) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    let mut command = command.after_help(facts(operation));
    for parameter in operation.parameters() {
        command = command.arg(argument(parameter));
    }
    if operation.body() != Body::None {
        command = command
            .arg(
                Arg::new("file")
                    .long("file")
                    .value_name("PATH")
                    .value_hint(ValueHint::FilePath)
                    .help(if operation.body() == Body::Required {
                        "File with the JSON body; defaults to -, standard input"
                    } else {
                        "File with the JSON body, - for standard input; defaults to no body"
                    }),
            )
            .arg(switch(
                "check",
                "Check the body against its schema before sending it; only warn of fields that Atlas ignores",
            ));
    }
    if operation.is_paged() {
        command = command.arg(switch(
            "all",
            "Read all pages of the list, from the first one or --pageNum, into one document",
        ));
    }
    if operation.watch().is_some() {
        command = WatchArgs::augment_args(command);
    }
    OutputArgs::augment_args(command)
        .mut_arg("output", |argument| {
            argument.value_parser(Output::parse_of_api).help(
                "Output format: json, json-path=EXPR, such as json-path=$.results[0].id (RFC 9535), or \
                 gzip or csv if the operation supports it",
            )
        })
        .arg(
            Arg::new("version")
                .long("version")
                .value_name("DATE")
                .help("API version: a date such as 2025-02-19, or preview"),
        )
        .arg(
            Arg::new("outputFile")
                .long("outputFile")
                .value_name("PATH")
                .value_hint(ValueHint::FilePath)
                .help("Write the response to this file, readable only by its owner"),
        )
        .arg(switch(
            "force",
            "Replace the file of --outputFile if it exists",
        ))
        // The shared arguments replace the description.
        .about(about)
}

fn argument(parameter: &'static Parameter) -> Arg {
    let schema = parameter.schema.resolve();
    let element = schema.items.as_deref().map_or(schema, Schema::resolve);
    let argument = Arg::new(parameter.name.as_str())
        .long(flag(&parameter.name))
        .help(help(parameter, element));
    let required = parameter.required || parameter.place == Place::Path;
    let in_path = parameter.place == Place::Path;
    let argument = match parameter.name.as_str() {
        GROUP_ID if in_path => argument.alias("projectId"),
        ORG_ID if in_path => argument,
        _ => argument.required(required),
    };
    if element.kind == Some(Kind::Boolean) {
        return argument
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true");
    }
    let argument = argument.value_name(match element.kind {
        Some(Kind::Integer | Kind::Number) => "NUMBER",
        _ => "TEXT",
    });
    if parameter.is_repeated() {
        argument.action(ArgAction::Append)
    } else {
        argument
    }
}

/// A parameter as a flag: `Use-Effective-Instance-Fields` is `useEffectiveInstanceFields`.
pub(super) fn flag(name: &str) -> String {
    if !name.contains('-') {
        return name.to_owned();
    }
    let mut flag = String::new();
    for word in name.split('-') {
        let (first, rest) = word.split_at(word.len().min(1));
        if flag.is_empty() {
            flag.push_str(&word.to_ascii_lowercase());
        } else {
            flag.push_str(&first.to_ascii_uppercase());
            flag.push_str(rest);
        }
    }
    flag
}

fn help(parameter: &Parameter, element: &Schema) -> String {
    let in_path = parameter.place == Place::Path;
    let mut help = match parameter.name.as_str() {
        GROUP_ID if in_path => "Project ID; defaults to MONGODB_ATLAS_PROJECT_ID".to_owned(),
        ORG_ID if in_path => "Organization ID; defaults to MONGODB_ATLAS_ORG_ID".to_owned(),
        _ => match parameter.place {
            Place::Path => "Path parameter".to_owned(),
            Place::Query => "Query parameter".to_owned(),
            Place::Header => format!("Header {}", parameter.name),
        },
    };
    if parameter.is_repeated() {
        help.push_str("; may be repeated");
    }
    let values = element.choices().into_iter();
    let values: Vec<&str> = values.filter_map(serde_json::Value::as_str).collect();
    match values.as_slice() {
        [] => {}
        few if few.len() <= 12 => drop(write!(help, "; one of {}", few.join(", "))),
        many => drop(write!(
            help,
            "; one of {} values, such as {}",
            many.len(),
            many[0]
        )),
    }
    if let Some(expected) = element.expected() {
        let _ = write!(help, "; {expected}");
    }
    if let Some(format) = &element.format
        && element.kind == Some(Kind::String)
    {
        let _ = write!(help, "; {format}");
    }
    match (&element.minimum, &element.maximum) {
        (Some(least), Some(most)) => drop(write!(help, "; {} to {}", plain(least), plain(most))),
        (Some(least), None) => drop(write!(help, "; at least {}", plain(least))),
        (None, Some(most)) => drop(write!(help, "; at most {}", plain(most))),
        (None, None) => {}
    }
    if let Some(default) = &element.default {
        let _ = write!(help, "; default {default}");
    }
    if parameter.deprecated {
        help.push_str("; deprecated");
    }
    help
}

/// A number as people write it: `5`, not `5.0`.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// The facts of an operation, for its help.
fn facts(operation: Operation) -> String {
    let mut text = format!(
        "Operation: {}\n{} {}",
        operation.id(),
        operation.method(),
        operation.path()
    );
    let former: Vec<&str> = operation.former_ids().collect();
    if !former.is_empty() {
        let _ = write!(text, "\nFormerly: {}", former.join(", "));
    }
    let roles = operation.roles();
    if operation.is_open() {
        text.push_str("\nCredentials: not required");
    } else if !roles.is_empty() {
        let _ = write!(text, "\nRole: {}", roles.join(" or "));
    }
    if operation.is_deprecated() {
        text.push_str("\nDeprecated");
    }
    text.push_str("\nVersions:");
    for version in operation.versions() {
        let _ = write!(text, "\n  {}", version.name);
        if let Some(sunset) = &version.sunset {
            let _ = write!(text, ", sunset {sunset}");
        }
    }
    if let Some(successor) = operation.successor() {
        let _ = write!(text, "\nSuccessor: {}", successor.id());
    }
    let _ = write!(text, "\n\nExample:\n  {}", example(operation));
    text
}

/// A complete example: all required parameters without a default, with values of the right form.
pub(super) fn example(operation: Operation) -> String {
    let (tag, name) = (operation.tag().camel_case(), operation.short_id());
    let mut line = format!("atlas api {tag} {name}");
    let mut width = line.len();
    let mut add = |more: String| {
        // A line that the terminal wraps could not be copied.
        if width + more.len() > 76 {
            line.push_str(" \\\n     ");
            width = 5;
        }
        width += more.len();
        line.push_str(&more);
    };
    for parameter in operation.parameters() {
        let in_path = parameter.place == Place::Path;
        let is_set = in_path && matches!(parameter.name.as_str(), GROUP_ID | ORG_ID);
        if (in_path || parameter.required) && !is_set {
            add(format!(
                " --{} {}",
                flag(&parameter.name),
                sample(parameter)
            ));
        }
    }
    if operation.body() == Body::Required {
        add(" --file body.json".to_owned());
    }
    line
}

/// An example value of a parameter.
fn sample(parameter: &'static Parameter) -> String {
    let schema = parameter.schema.resolve();
    let element = schema.items.as_deref().map_or(schema, Schema::resolve);
    let choices = element.choices();
    if let Some(choice) = choices.first().and_then(|choice| choice.as_str()) {
        return choice.to_owned();
    }
    let is = |ending: &str| parameter.name.to_ascii_lowercase().ends_with(ending);
    match (&element.kind, element.format.as_deref()) {
        (Some(Kind::Boolean), _) => "true".to_owned(),
        (Some(Kind::Integer | Kind::Number), _) => {
            let least = element.minimum.as_ref();
            least.map_or_else(|| "1".to_owned(), plain)
        }
        (_, Some("date-time")) => "2026-05-04T09:42:00Z".to_owned(),
        (_, Some("date")) => "2026-05-04".to_owned(),
        _ if element.expected().is_some_and(|it| it.contains("24 ")) || is("id") => {
            "32b6e34b3d91647abb20e7b8".to_owned()
        }
        _ if is("clustername") || parameter.name == "name" => "Cluster0".to_owned(),
        _ => "example".to_owned(),
    }
}
