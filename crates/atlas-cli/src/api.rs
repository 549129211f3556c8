//! `atlas api TAG OPERATION`: any operation of the API, its body in and its answer out as JSON.

use std::fmt::Write as _;
use std::io::Read;

use atlas_model::operation::Parameter;
use atlas_model::{ApiVersion, CallOptions, Erased, ErasedError, OPERATIONS, RequestReader};
use clap::{Arg, ArgMatches, Command};

use crate::commands::{force_argument, group, output_argument, wants_json};
use crate::connection::{Connection, project, warn_of_sunset};
use crate::environment::Setting;
use crate::failure::{Failure, print};
use crate::output_file::OutputFile;
use crate::settings::Settings;
use crate::signals::blocking;

/// The largest request body that is read.
const BODY_LIMIT: u64 = 16 << 20;

/// `atlas api` with one command for each operation, under its tag.
pub(crate) fn command() -> Command {
    let mut tags: Vec<(String, Command)> = Vec::new();
    for operation in OPERATIONS {
        let name = operation.meta.tag_command();
        let at = tags.iter().position(|(tag, _)| *tag == name);
        let at = at.unwrap_or_else(|| {
            let tag = group("", "").name(name.clone()).about(operation.meta.tag);
            tags.push((name, tag));
            tags.len() - 1
        });
        let (_, tag) = &mut tags[at];
        *tag = std::mem::take(tag).subcommand(operation_command(operation));
    }
    group("api", "Call an operation of the API by its name")
        .subcommands(tags.into_iter().map(|(_, tag)| tag))
}

fn operation_command(operation: &Erased) -> Command {
    let meta = operation.meta;
    let mut command = Command::new(meta.short_id)
        .aliases((meta.id != meta.short_id).then_some(meta.id))
        .about(meta.summary)
        .after_help(versions(operation));
    for parameter in meta.path_parameters {
        let mut argument = Arg::new(parameter.name)
            .long(parameter.name)
            .value_name("TEXT")
            .help(format!(
                "{} Pattern: {}",
                parameter.summary, parameter.pattern
            ));
        argument = match parameter.name {
            GROUP_ID => argument.alias("projectId"),
            _ => argument.required(true),
        };
        command = command.arg(argument);
    }
    for parameter in optional(operation) {
        let choices = format!("{} Takes {}.", parameter.summary, parameter.pattern);
        command = command.arg(
            Arg::new(parameter.name)
                .long(parameter.name)
                .value_name("VALUE")
                .help(choices),
        );
    }
    if meta.body {
        command = command.arg(
            Arg::new("file")
                .long("file")
                .value_name("PATH")
                .required(true)
                .help("The file with the JSON body, or - for standard input"),
        );
    }
    command = command.arg(flag("envelope", "Ask for the status inside the body"));
    if meta.pretty {
        command = command.arg(flag("pretty", "Ask for an indented body"));
    }
    command
        .arg(
            Arg::new("version")
                .long("version")
                .value_name("DATE")
                .help("The version of the API to ask for, such as 2025-02-19"),
        )
        .arg(output_argument())
        .arg(
            Arg::new("outputFile")
                .long("outputFile")
                .value_name("PATH")
                .help("Write the answer to a file that only its owner can read"),
        )
        .arg(force_argument())
}

/// The parameters of the query and the headers.
fn optional(operation: &Erased) -> impl Iterator<Item = &'static Parameter> {
    let meta = operation.meta;
    meta.query_parameters.iter().chain(meta.header_parameters)
}

/// The parameter that may come from the environment instead.
const GROUP_ID: &str = "groupId";

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value("false")
        .hide_default_value(true)
        .value_parser(clap::value_parser!(bool))
        .hide_possible_values(true)
        .value_name("BOOL")
        .help(help)
}

fn versions(operation: &Erased) -> String {
    let meta = operation.meta;
    let mut text = format!(
        "Operation: {}\n{} {}\nVersions:",
        meta.id, meta.method, meta.path
    );
    for version in meta.versions {
        let _ = write!(text, "\n  {}", version.version);
        if let Some(sunset) = version.sunset {
            let _ = write!(text, ", answered until {sunset}");
        }
    }
    if let Some(successor) = meta.successor {
        let _ = write!(text, "\nSuccessor: {successor}");
    }
    text
}

/// Calls an operation.
pub(crate) async fn run(name: &str, matches: &ArgMatches) -> Result<(), Failure> {
    // The answer is JSON in any case; a wrong setting is an error all the same.
    wants_json(matches)?;
    let operation = OPERATIONS
        .iter()
        .find(|operation| operation.meta.short_id == name)
        .ok_or_else(|| Failure::Usage(format!("no operation {name}")))?;
    let options = CallOptions {
        version: version(matches)?,
        envelope: matches.get_flag("envelope"),
        pretty: operation.meta.pretty && matches.get_flag("pretty"),
    };
    let mut reader = RequestReader::new(operation.meta);
    for parameter in operation.meta.path_parameters {
        let value = match parameter.name {
            GROUP_ID => Some(project(matches, GROUP_ID)?),
            name => matches.get_one::<String>(name).cloned(),
        };
        if let Some(value) = value {
            reader = reader.with_path(parameter.name, value);
        }
    }
    for parameter in operation.meta.query_parameters {
        if let Some(value) = matches.get_one::<String>(parameter.name) {
            reader = reader.with_query(parameter.name, value.clone());
        }
    }
    for parameter in operation.meta.header_parameters {
        if let Some(value) = matches.get_one::<String>(parameter.name) {
            reader = reader.with_header(parameter.name, value.clone());
        }
    }
    let file = matches
        .try_get_one::<String>("file")
        .ok()
        .flatten()
        .filter(|_| operation.meta.body);
    if let Some(file) = file {
        let file = file.clone();
        reader = reader.with_body(blocking(move || read_body(&file)).await?);
    }
    let request = operation.request(&reader, &options).map_err(|error| {
        let place = match &error {
            ErasedError::Request(atlas_model::RequestError::Body { .. }) => {
                file.map_or(String::new(), |file| format!("the body in {file}: "))
            }
            _ => String::new(),
        };
        Failure::Usage(format!("{place}{error}"))
    })?;
    let force = matches.get_flag("force");
    let out = match matches.get_one::<String>("outputFile") {
        Some(path) => {
            crate::store::refuse_url("outputFile", path)?;
            Some(OutputFile::create(path.as_ref(), force)?)
        }
        None => None,
    };

    let connection = Connection::open(matches).await?;
    warn_of_sunset(operation.meta);
    let mut response = connection.client.carry(request).await?;
    let attempts = response.extensions_mut().remove().unwrap_or_default();
    let answer = operation
        .response(response, &options)
        .map_err(|error| atlas_transport::Error::new(error, attempts))?;
    let body = answer.body.bytes();
    match out {
        Some(mut out) => {
            out.write(body)?;
            out.write(b"\n")?;
            out.finish()
        }
        None => print(body),
    }
}

fn version(matches: &ArgMatches) -> Result<Option<ApiVersion>, Failure> {
    let flag = matches.get_one::<String>("version");
    let named = match flag {
        Some(flag) => Some(("--version".to_owned(), flag.clone())),
        None => Settings::of(matches).optional(Setting::ApiVersion)?,
    };
    let Some((name, text)) = named else {
        return Ok(None);
    };
    let version = text.parse().map_err(|_| {
        Failure::Usage(format!(
            "invalid {name} {text:?}: expected a date such as 2025-02-19"
        ))
    })?;
    Ok(Some(version))
}

fn read_body(file: &str) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::File(format!("the body in {file} cannot be read: {error}"))
    };
    let mut body = Vec::new();
    let mut source: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    source
        .by_ref()
        .take(BODY_LIMIT + 1)
        .read_to_end(&mut body)
        .map_err(unreadable)?;
    if body.len() as u64 > BODY_LIMIT {
        return Err(Failure::Usage(format!(
            "the body in {file} is larger than {BODY_LIMIT} bytes"
        )));
    }
    Ok(body)
}
