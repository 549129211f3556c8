//! What an answer must be, and whether it is.

use std::fmt::Write as _;

use atlas_catalog::{Operation, Schema};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::case::{Predicate, Predicates};
use crate::conforms::{answered, opened, violations};
use crate::difference::{Difference, quoted};
use crate::read_back::property;
use crate::same;

/// How the request was made that an answer is to.
pub(crate) struct Asked<'a> {
    /// The operation, if it was one.
    pub(crate) operation: Option<&'a str>,
    /// Whether the status was asked for inside the body.
    pub(crate) envelope: bool,
}

/// Lists how an answer differs from what is required.
pub(crate) fn differences(
    required: &Predicates,
    asked: &Asked<'_>,
    answer: &Response<Bytes>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let status = answer.status().as_u16();
    if !required.status.is_empty() && !required.status.contains(&status) {
        let allowed: Vec<String> = required.status.iter().map(u16::to_string).collect();
        let mut seen = status.to_string();
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if let Some(code) = body["errorCode"].as_str() {
            let _ = write!(seen, " with error code {code:?}");
        }
        found.push(Difference::new("status", allowed.join(" or "), seen));
    }
    headers(required, answer, &mut found);
    let text = String::from_utf8_lossy(answer.body());
    for forbidden in &required.body_without {
        if text.contains(forbidden) {
            found.push(Difference::new(
                "body",
                "no such text",
                quoted(Some(forbidden)),
            ));
        }
    }
    if let Some(length) = required.body_length
        && answer.body().len() as u64 != length
    {
        let seen = format!("{} bytes", answer.body().len());
        found.push(Difference::new("body", format!("{length} bytes"), seen));
    }
    // Some refusals have no body at all, or a page of a proxy.
    let media_type = answer.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|it| it.to_ascii_lowercase().contains("json"));
    let bodiless = required.error.as_deref() == Some("?") && (answer.body().is_empty() || !is_json);
    let wants_json = !required.json.is_empty() || (required.error.is_some() && !bodiless);
    if wants_json {
        match serde_json::from_slice::<Value>(answer.body()) {
            Ok(body) => json(required, asked, status, &body, &mut found),
            Err(error) => found.push(Difference::new("body", "JSON", error)),
        }
    }
    if required.conforms {
        found.extend(violations(asked, answer));
    }
    if required.filled && found.is_empty() && !is_filled(asked, answer) {
        found.push(Difference::new(
            "body",
            "at least one field or result",
            shown(&text),
        ));
    }
    found
}

/// A text, shortened.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(200).collect();
    quoted(Some(&short))
}

fn headers(required: &Predicates, answer: &Response<Bytes>, found: &mut Vec<Difference>) {
    let header = |name: &str| {
        // Several lines are one list (RFC 9110 section 5.3).
        let lines = answer.headers().get_all(name).iter();
        let lines = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
        lines.reduce(|list, line| format!("{list}, {line}"))
    };
    for (name, wanted) in &required.headers {
        let seen = header(name);
        let (fits, required) = match wanted {
            Value::Null | Value::Bool(false) => (seen.is_none(), "nothing".to_owned()),
            Value::Bool(true) => (seen.is_some(), "any value".to_owned()),
            wanted => (seen.as_deref() == wanted.as_str(), wanted.to_string()),
        };
        if !fits {
            let place = format!("header {name}");
            found.push(Difference::new(place, required, quoted(seen.as_deref())));
        }
    }
    for (name, pattern) in &required.header_matches {
        let seen = header(name);
        if !header_matches(pattern, seen.as_deref().unwrap_or_default()) {
            let (place, required) = (format!("header {name}"), format!("a match of {pattern}"));
            found.push(Difference::new(place, required, quoted(seen.as_deref())));
        }
    }
}

fn json(
    required: &Predicates,
    asked: &Asked<'_>,
    status: u16,
    body: &Value,
    found: &mut Vec<Difference>,
) {
    let mut content = body;
    if asked.envelope {
        if body["status"].as_f64() != Some(f64::from(status)) {
            found.push(Difference::new(
                "/status in the envelope",
                status,
                &body["status"],
            ));
        }
        if body.get("content").is_some() {
            content = &body["content"];
        } else if body.get("results").is_none() {
            let required = "content or results in the envelope";
            found.push(Difference::new("body", required, shown(&body.to_string())));
        }
    }
    if let Some(code) = &required.error {
        error(code, status, content, found);
    }
    for (pointer, predicate) in &required.json {
        let seen = content.pointer(pointer);
        if !holds(predicate, seen) {
            let seen = seen.map_or_else(|| "nothing".to_owned(), Value::to_string);
            let place = if pointer.is_empty() { "body" } else { pointer };
            found.push(Difference::new(place, predicate, seen));
        }
    }
}

/// The fields of an error body. Each may be absent or null, since all were seen so; a code that a
/// case names is required.
fn error(code: &str, status: u16, body: &Value, found: &mut Vec<Difference>) {
    let known = ["error", "errorCode", "detail", "reason"];
    if !known.iter().any(|field| body.get(field).is_some()) {
        let required = "an object with error, errorCode, detail or reason";
        found.push(Difference::new(
            "error body",
            required,
            shown(&body.to_string()),
        ));
        return;
    }
    let mut require = |field: &str, what: &str, fits: &dyn Fn(&Value) -> bool| {
        let value = &body[field];
        if !value.is_null() && !fits(value) {
            found.push(Difference::new(format!("error body /{field}"), what, value));
        }
    };
    let is_status = |it: &Value| it.as_f64() == Some(f64::from(status));
    require("error", &format!("the status {status}"), &is_status);
    require("errorCode", "a string", &Value::is_string);
    require("detail", "a string", &Value::is_string);
    require("reason", "a string", &Value::is_string);
    require("parameters", "an array", &Value::is_array);
    require("badRequestDetail", "an object", &Value::is_object);
    let seen = &body["errorCode"];
    if !matches!(code, "*" | "?") && seen.as_str() != Some(code) {
        found.push(Difference::new(
            "error body /errorCode",
            quoted(Some(code)),
            seen,
        ));
    }
}

/// Whether an answer has content: an object a documented field beside its links, a list a result
/// with one.
fn is_filled(asked: &Asked<'_>, answer: &Response<Bytes>) -> bool {
    let Ok(mut body) = serde_json::from_slice::<Value>(answer.body()) else {
        return !answer.body().is_empty();
    };
    if asked.envelope {
        (_, body) = opened(answer.status().as_u16(), body);
    }
    let operation = asked.operation.and_then(Operation::find);
    let version = operation.and_then(|operation| answered(operation, answer));
    let Some(schema) = version.and_then(|version| version.response_schema("json")) else {
        return !body.is_null();
    };
    match property(schema, "results") {
        Some(results) => has_content(&body["results"], results),
        None => has_content(&body, schema),
    }
}

fn has_content(value: &Value, schema: &Schema) -> bool {
    match value {
        Value::Array(items) => {
            let items_are = schema.resolve().items.as_deref();
            items
                .iter()
                .any(|item| items_are.is_none_or(|it| has_content(item, it)))
        }
        Value::Object(fields) => {
            let is_map = !has_fields(schema);
            let mut names = fields.keys().filter(|name| *name != "links");
            names.any(|name| is_map || property(schema, name).is_some())
        }
        other => !other.is_null(),
    }
}

/// Whether fields of an object are documented by name.
fn has_fields(schema: &Schema) -> bool {
    let resolved = schema.resolve();
    let composed = [&resolved.one_of, &resolved.any_of].into_iter().flatten();
    schema.parts().any(|part| !part.properties.is_empty())
        || resolved.discriminator.is_some()
        || composed.into_iter().any(has_fields)
}

fn holds(predicate: &Predicate, seen: Option<&Value>) -> bool {
    match predicate {
        Predicate::Equals(wanted) => seen.is_some_and(|seen| same::value(seen, wanted)),
        Predicate::Not(other) => seen.is_some_and(|seen| !same::value(seen, other)),
        Predicate::Matches(pattern) => seen
            .and_then(Value::as_str)
            .is_some_and(|text| matches(pattern, text)),
        Predicate::Length(length) => seen
            .and_then(Value::as_array)
            .is_some_and(|items| items.len() == *length),
        Predicate::Rels(wanted) => seen
            .and_then(Value::as_array)
            .is_some_and(|links| have_rels(links, wanted)),
        Predicate::OneOf(values) => {
            seen.is_some_and(|seen| values.iter().any(|value| same::value(seen, value)))
        }
        Predicate::Is(kind) => match (kind.as_str(), seen) {
            ("absent", seen) => seen.is_none(),
            ("present", Some(_)) => true,
            ("string", Some(seen)) => seen.is_string(),
            ("integer", Some(seen)) => seen.as_f64().is_some_and(|number| number.fract() == 0.0),
            ("boolean", Some(seen)) => seen.is_boolean(),
            ("array", Some(seen)) => seen.is_array(),
            ("object", Some(seen)) => seen.is_object(),
            ("null", Some(seen)) => seen.is_null(),
            _ => false,
        },
    }
}

/// Whether links have these relations and no others, and each leads to an absolute URL.
fn have_rels(links: &[Value], wanted: &[String]) -> bool {
    let mut seen: Vec<&str> = links
        .iter()
        .filter_map(|link| link["rel"].as_str())
        .collect();
    let mut wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    seen.sort_unstable();
    wanted.sort_unstable();
    let absolute = |link: &Value| {
        let href = link["href"].as_str().unwrap_or_default();
        href.starts_with("http://") || href.starts_with("https://")
    };
    seen == wanted && links.iter().all(absolute)
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

/// Whether a header's value matches a pattern. Media types, schemes and directives come in any
/// case.
fn header_matches(pattern: &str, text: &str) -> bool {
    let regex = RegexBuilder::new(pattern).case_insensitive(true).build();
    regex.is_ok_and(|regex| regex.is_match(text))
}
