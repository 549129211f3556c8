//! One call: from flags to a request, from the answer to output.

use std::pin::pin;

use atlas_transport::atlas_catalog::{Operation, Place, RequestBuilder, Version};
use clap::ArgMatches;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::arguments::{GROUP_ID, ORG_ID};
use super::output::Output;
use super::{body, watch};
use crate::connection::{Connection, project};
use crate::environment::Setting;
use crate::failure::{Failure, say};
use crate::settings::Settings;

/// Calls an operation as the flags say.
pub(super) async fn run(operation: Operation, matches: &ArgMatches) -> Result<(), Failure> {
    let request = parameters(operation, matches)?;
    let request = body::add(request, matches).await?;
    // Nothing is sent, and no file is made, for a request that cannot be built.
    request.build().map_err(usage)?;
    let version = request.resolve_version().map_err(usage)?;
    let binary = binary_format(version);
    let output = Output::open(matches)?;
    if let Some(format) = binary {
        output.take_binary(format)?;
    }
    let connection = Connection::open(matches).await?;
    warn_of_sunset(operation, version);

    let call = connection.client.call_request(request.clone());
    if binary.is_some() {
        return output.stream(call.stream().await?).await;
    }
    if flag(matches, "all") {
        let mut results = Vec::new();
        let mut items = pin!(call.items());
        while let Some(item) = items.try_next().await? {
            results.push(item);
        }
        let count = results.len();
        let whole = json!({"results": results, "totalCount": count});
        return output.bytes(whole.to_string().as_bytes());
    }
    let answer = call.send().await?;
    if operation.is_paged() {
        note_what_is_cut(&answer.value.json().unwrap_or_default());
    }
    // The change is made by now: it is waited for even if its answer cannot be printed.
    let printed = output.bytes(answer.body.bytes());
    if flag(matches, "watch") {
        let answer = answer.value.json().unwrap_or_default();
        watch::run(&connection.client, &request, &answer, matches).await?;
    }
    printed
}

/// Whether a switch is set; an operation that has no such switch does not have it set.
fn flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten() == Some(&true)
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(error.to_string())
}

/// The request with the parameters and the version that flags and settings give.
fn parameters(operation: Operation, matches: &ArgMatches) -> Result<RequestBuilder, Failure> {
    let mut request = operation.request();
    for parameter in operation.parameters() {
        let name = parameter.name.as_str();
        let given = matches.get_many::<String>(name).into_iter().flatten();
        let given: Vec<String> = given.cloned().collect();
        let values = match name {
            _ if !given.is_empty() => given,
            GROUP_ID if parameter.place == Place::Path => vec![project(matches, GROUP_ID)?],
            ORG_ID if parameter.place == Place::Path => vec![organization(matches)?],
            _ => continue,
        };
        for value in values {
            request = request.parameter(name, value);
        }
    }
    let version = match matches.get_one::<String>("version") {
        Some(version) => Some(version.clone()),
        None => Settings::of(matches)
            .optional(Setting::ApiVersion)?
            .map(|(_, version)| version),
    };
    Ok(match version {
        Some(version) => request.version(version),
        None => request,
    })
}

fn organization(matches: &ArgMatches) -> Result<String, Failure> {
    Settings::of(matches)
        .required(Setting::Organization)?
        .ok_or_else(|| {
            Failure::Usage("no organization; pass --orgId or set MONGODB_ATLAS_ORG_ID".to_owned())
        })
}

/// The format of a version that answers with something else than JSON.
fn binary_format(version: &'static Version) -> Option<&'static str> {
    let mut formats = version.formats();
    let first = formats.next()?;
    (first != "json" && formats.all(|format| format != "json")).then_some(first)
}

/// Says on stderr that a list has more than was printed.
fn note_what_is_cut(page: &Value) {
    let Some(results) = page["results"].as_array() else {
        return;
    };
    let next = page["links"].as_array().into_iter().flatten();
    let has_next = next.into_iter().any(|link| link["rel"] == "next");
    let total = page["totalCount"]
        .as_u64()
        .filter(|total| *total > results.len() as u64);
    match (has_next, total) {
        (false, _) if page["links"].is_array() => {}
        (_, Some(total)) => say(&format!(
            "{} of {total}; pass --all for the rest",
            results.len()
        )),
        (true, None) => say(&format!(
            "{} so far; pass --all for the rest",
            results.len()
        )),
        (false, None) => {}
    }
}

/// Says on stderr, in one line, that the version that is asked for ended or will.
fn warn_of_sunset(operation: Operation, version: &Version) {
    let Some(sunset) = version.sunset.as_deref() else {
        return;
    };
    let today = TimeZone::UTC
        .to_datetime(Timestamp::now())
        .date()
        .to_string();
    let ended = if sunset <= today.as_str() {
        "ended"
    } else {
        "ends"
    };
    let newer = operation
        .version(None)
        .filter(|newest| newest.sunset.is_none());
    let instead = match (newer, operation.successor()) {
        (Some(newer), _) => format!("; use version {} instead", newer.name),
        (None, Some(successor)) => format!("; use {} instead", successor.id()),
        (None, None) => String::new(),
    };
    let what = match newer {
        Some(_) => format!("version {} of {}", version.name, operation.id()),
        None => operation.id().to_owned(),
    };
    say(&format!("warning: {what} {ended} on {sunset}{instead}"));
}
