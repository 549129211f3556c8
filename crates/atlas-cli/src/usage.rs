//! Errors of the command line, in one line each.

use std::num::{IntErrorKind, ParseIntError, TryFromIntError};

use atlas_transport::atlas_catalog::{Operation, closest};
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// One line for an error of the command line: the value, the expected values, and similar names.
pub(crate) fn line(error: &Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => short(text),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand);
            let elsewhere = operations(error, &name).or_else(|| of_official_tool(error, &name));
            let close = elsewhere
                .unwrap_or_else(|| suggested(error, ContextKind::SuggestedSubcommand, &name));
            format!("unknown command {name:?}{close}")
        }
        ErrorKind::UnknownArgument
            if argument.starts_with('-') && argument.parse::<f64>().is_ok() =>
        {
            format!(
                "unexpected argument {argument:?}; give a negative value as --OPTION={argument}"
            )
        }
        ErrorKind::UnknownArgument => {
            let close = suggested(error, ContextKind::SuggestedArg, &argument);
            format!("unexpected argument {argument:?}{close}")
        }
        ErrorKind::MissingRequiredArgument => format!("missing {argument}"),
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg);
            if other == argument {
                return format!("{argument} is given twice");
            }
            format!("{argument} cannot be used with {other}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = text(ContextKind::InvalidValue);
            let valid = text(ContextKind::ValidValue);
            let expected = match valid.as_str() {
                "" => why(error),
                valid => format!(": expected one of {valid}"),
            };
            if value.is_empty() {
                return format!("{argument} needs a value{expected}");
            }
            format!("invalid value {value:?} for {argument}{expected}")
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "missing command; see --help".to_owned()
        }
        _ => {
            let rendered = error.render().to_string();
            let mut lines = rendered
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty());
            let first = lines.next().unwrap_or("invalid command line; see --help");
            first.strip_prefix("error: ").unwrap_or(first).to_owned()
        }
    }
}

/// Shortens a typed text for a message.
pub(crate) fn short(text: &str) -> String {
    const LONGEST: usize = 120;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Suggests operations of the same name under other tags.
fn operations(error: &Error, name: &str) -> Option<String> {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return None;
    };
    if !usage.to_string().contains("atlas api ") {
        return None;
    }
    let found = Operation::all().filter(|one| one.short_id() == name || one.id() == name);
    let mut names: Vec<String> = found
        .take(3)
        .map(|one| format!("{} {}", one.tag().camel_case(), one.short_id()))
        .collect();
    if names.is_empty()
        && let Some(one) = Operation::find(name)
    {
        names.push(format!("{} {}", one.tag().camel_case(), one.short_id()));
    }
    (!names.is_empty()).then(|| format!("; did you mean {}?", names.join(" or ")))
}

/// The next step for a command of the official tool that this one does not have, on purpose: logins, and
/// changes of profiles.
fn of_official_tool(error: &Error, name: &str) -> Option<String> {
    let usage = error.get(ContextKind::Usage)?.to_string();
    let of = |command: &str| usage.contains(&format!(" {command} "));
    let step = match name {
        "login" | "logout" | "register" | "setup" if of("auth") || !of("backups") => {
            "there is no login; set credentials in the environment or in a profile, see --help"
        }
        "set" | "edit" | "init" | "rename" | "delete" if of("config") => {
            "profiles are read-only; edit atlascli/config.toml or use the official tool"
        }
        _ => return None,
    };
    Some(format!("; {step}"))
}

/// Suggests similar names, at most three.
fn suggested(error: &Error, kind: ContextKind, name: &str) -> String {
    let names = match error.get(kind) {
        Some(ContextValue::String(name)) => vec![name.clone()],
        Some(ContextValue::Strings(names)) => names.clone(),
        _ => return "; see --help".to_owned(),
    };
    let mut close = closest(name, names.iter().map(String::as_str));
    if close.is_empty() {
        close = names.iter().map(String::as_str).take(3).collect();
    }
    format!("; did you mean {}?", close.join(" or "))
}

/// The reason why a value was refused, if its parser gives one.
fn why(error: &Error) -> String {
    let Some(source) = std::error::Error::source(error) else {
        return String::new();
    };
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        let expected = match error.kind() {
            IntErrorKind::PosOverflow => "a smaller number",
            _ => "digits only",
        };
        return format!(": expected {expected}");
    }
    if source.is::<TryFromIntError>() {
        return ": expected a smaller number".to_owned();
    }
    let text = source.to_string();
    match text.split_once(" is not in ") {
        Some((_, bounds)) => format!(": expected {}", range(bounds)),
        None => format!(": {text}"),
    }
}

/// A number from which on a bound is the end of a type, and says nothing.
const LARGE: u64 = i64::MAX as u64;

/// Says in words which numbers are taken: `1..=32`, `0..24` or `1..`.
fn range(bounds: &str) -> String {
    let Some((least, end)) = bounds.split_once("..") else {
        return bounds.to_owned();
    };
    let most = match end.strip_prefix('=') {
        Some(most) => most.parse::<u64>().ok(),
        None => end.parse::<u64>().ok().map(|end| end.saturating_sub(1)),
    };
    match most {
        Some(most) if most < LARGE => format!("a number from {least} to {most}"),
        _ => format!("a number of {least} or more"),
    }
}
