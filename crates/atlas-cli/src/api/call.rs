//! Calls one operation: turns flags into a request, and its response into output.

use std::pin::pin;

use atlas_transport::Call;
use atlas_transport::atlas_catalog::{Operation, Place, RequestBuilder, Version};
use clap::{ArgMatches, FromArgMatches as _};
use futures_util::TryStreamExt as _;
use http::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::arguments::{GROUP_ID, ORG_ID};
use super::body;
use super::output::Target;
use crate::args::WatchArgs;
use crate::connection::Connection;
use crate::environment::Setting;
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::operation::{is_gone, note_what_is_cut};
use crate::output::Output;
use crate::settings::Settings;
use crate::signals::{self, UnderWay, blocking};
use crate::watching::{self, Change};

/// Calls an operation with the parameters of the flags.
pub(super) async fn run(
    global: &Global,
    operation: Operation,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let mut request = parameters(global, operation, matches)?;
    if let Some(Output::Format(format)) = matches.get_one::<Output>("output") {
        request = request.format(format);
    }
    let request = body::add(request, matches).await?;
    // Nothing is sent, and no file is created, for a request that cannot be built.
    request.build().map_err(usage)?;
    let version = request.resolve_version().map_err(usage)?;
    let binary = match matches.get_one::<Output>("output") {
        Some(Output::Format(format)) => Some(format.as_str()),
        _ => binary_format(version),
    };
    let (flags, settings) = (matches.clone(), global.clone());
    let output = blocking(move || Target::open(&settings, &flags)).await?;
    if let Some(format) = binary {
        output.take_binary(format)?;
        if request.value("envelope") == Some("true") {
            return Err(Failure::Usage(format!(
                "the response is {format}, which cannot be in an envelope; remove --envelope"
            )));
        }
    }
    let connection = Connection::open(global).await?;
    warn_of_sunset(operation, version);

    let call = connection.client.call_request(request.clone());
    if let Some(format) = binary {
        return output.stream(call.stream().await?, format).await;
    }
    if flag(matches, "all") {
        return output.bytes(whole(call).await?.into()).await;
    }
    let method = operation.method();
    let answer = if method.is_safe() {
        call.send().await?
    } else {
        signals::begin(UnderWay::Change);
        let sent = call.send().await;
        signals::begin(UnderWay::Nothing);
        sent.map_err(|error| {
            if method == Method::DELETE && is_gone(&error) {
                return Failure::Unconfirmed(format!(
                    "{operation} found nothing on retry: the first attempt may have been applied; \
                     check before retrying"
                ));
            }
            Failure::of_change(error, method.is_idempotent())
        })?
    };
    if operation.is_paged() {
        let page = answer.value.json().unwrap_or_default();
        note_what_is_cut(&request, &page, "pass --all for the rest");
    }
    // The change was made: wait for it even if its response cannot be printed.
    let printed = output.bytes(answer.body.bytes().clone()).await;
    if let Some(seconds) = watched(operation, matches) {
        let answer = answer.value.json().unwrap_or_default();
        let change = Change {
            what: &operation.to_string(),
            request: &request,
            response: &answer,
            is_creation: method == Method::POST,
        };
        watching::run(&connection.client, change, seconds).await?;
    }
    printed
}

/// Whether a switch is set; `false` if the operation has no such switch.
fn flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten() == Some(&true)
}

/// How many seconds to wait for the change; `None` without `--watch`.
fn watched(operation: Operation, matches: &ArgMatches) -> Option<u64> {
    operation.watch()?;
    let args = WatchArgs::from_arg_matches(matches).ok()?;
    args.watch.then_some(args.watch_timeout)
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::Usage(error.to_string())
}

/// The request with the parameters and the version of flags and settings.
fn parameters(
    global: &Global,
    operation: Operation,
    matches: &ArgMatches,
) -> Result<RequestBuilder, Failure> {
    let mut request = operation.request();
    for parameter in operation.parameters() {
        let name = parameter.name.as_str();
        let given = matches.get_many::<String>(name).into_iter().flatten();
        let given: Vec<String> = given.cloned().collect();
        let values = match name {
            _ if !given.is_empty() => given,
            GROUP_ID if parameter.place == Place::Path => {
                vec![Settings::of(global).project(None, GROUP_ID)?]
            }
            ORG_ID if parameter.place == Place::Path => vec![organization(global)?],
            _ => continue,
        };
        for value in values {
            request = request.parameter(name, value);
        }
    }
    let version = match matches.get_one::<String>("version") {
        Some(version) => Some(version.clone()),
        None => Settings::of(global)
            .optional(Setting::ApiVersion)?
            .map(|(_, version)| version),
    };
    Ok(match version {
        Some(version) => request.version(version),
        None => request,
    })
}

fn organization(global: &Global) -> Result<String, Failure> {
    Settings::of(global)
        .required(Setting::Organization)?
        .ok_or_else(|| {
            Failure::Usage("no organization; pass --orgId or set MONGODB_ATLAS_ORG_ID".to_owned())
        })
}

/// The format of a version whose response is not JSON.
fn binary_format(version: &'static Version) -> Option<&'static str> {
    let mut formats = version.formats();
    let first = formats.next()?;
    (first != "json" && formats.all(|format| format != "json")).then_some(first)
}

/// Reads all pages of a list into one document, with the items unchanged.
async fn whole(call: Call) -> Result<String, Failure> {
    let mut items: Vec<String> = Vec::new();
    let mut pages = pin!(call.pages());
    while let Some(page) = pages.try_next().await? {
        let page: Page<'_> = serde_json::from_slice(page.value.bytes())
            .map_err(|error| Failure::Answer(format!("the response is not a list: {error}")))?;
        items.extend(page.results.iter().map(|item| item.get().to_owned()));
    }
    let count = items.len();
    let items = items.join(",");
    Ok(format!("{{\"results\":[{items}],\"totalCount\":{count}}}"))
}

/// A page with unparsed items.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

/// Warns, in one line on stderr, if the requested version has a sunset date.
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
    log::warn(&format!("{what} {ended} on {sunset}{instead}"));
}
