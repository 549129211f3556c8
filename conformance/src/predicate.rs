//! What an answer must be, and whether it is.

use atlas_model::{CallOptions, OPERATIONS};
use bytes::Bytes;
use http::Response;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::case::{Predicate, Predicates};

/// How the request was made that an answer is to.
pub(crate) struct Asked<'a> {
    /// The operation, if it was one.
    pub(crate) operation: Option<&'a str>,
    /// Whether the status was asked for inside the body.
    pub(crate) envelope: bool,
}

/// Lists what an answer is not that it must be.
pub(crate) fn faults(
    required: &Predicates,
    asked: &Asked<'_>,
    answer: &Response<Bytes>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let status = answer.status().as_u16();
    if !required.status.is_empty() && !required.status.contains(&status) {
        faults.push(format!("status: {status}, required {:?}", required.status));
    }
    headers(required, answer, &mut faults);
    let text = String::from_utf8_lossy(answer.body());
    for forbidden in &required.body_without {
        if text.contains(forbidden) {
            faults.push(format!("the body holds {forbidden:?}"));
        }
    }
    if let Some(length) = required.body_length
        && answer.body().len() as u64 != length
    {
        let seen = answer.body().len();
        faults.push(format!("the body has {seen} bytes, required {length}"));
    }
    // Some refusals have no body at all.
    let bodiless = required.error.as_deref() == Some("?") && answer.body().is_empty();
    let wants_json = !required.json.is_empty() || (required.error.is_some() && !bodiless);
    if wants_json {
        match serde_json::from_slice::<Value>(answer.body()) {
            Ok(body) => json(required, asked, status, &body, &mut faults),
            Err(error) => faults.push(format!("the body is no JSON: {error}")),
        }
    }
    if required.conforms {
        faults.extend(strays(asked, answer));
    }
    faults
}

fn headers(required: &Predicates, answer: &Response<Bytes>, faults: &mut Vec<String>) {
    let header = |name: &str| {
        let value = answer.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    for (name, wanted) in &required.headers {
        let seen = header(name);
        let fits = match wanted {
            Value::Null | Value::Bool(false) => seen.is_none(),
            Value::Bool(true) => seen.is_some(),
            wanted => seen.as_deref() == wanted.as_str(),
        };
        if !fits {
            faults.push(format!("{name}: {seen:?}, required {wanted}"));
        }
    }
    for (name, pattern) in &required.header_matches {
        let seen = header(name).unwrap_or_default();
        if !header_matches(pattern, &seen) {
            faults.push(format!("{name}: {seen:?}, required to fit {pattern}"));
        }
    }
}

fn json(
    required: &Predicates,
    asked: &Asked<'_>,
    status: u16,
    body: &Value,
    faults: &mut Vec<String>,
) {
    let mut content = body;
    if asked.envelope {
        if body["status"].as_u64() != Some(u64::from(status)) {
            faults.push(format!(
                "status inside: {}, required {status}",
                body["status"]
            ));
        }
        if body.get("content").is_some() {
            content = &body["content"];
        } else if body.get("results").is_none() {
            faults.push("an envelope has content or results".to_owned());
        }
    }
    if let Some(code) = &required.error {
        error(code, status, content, faults);
    }
    for (pointer, predicate) in &required.json {
        let seen = content.pointer(pointer);
        if !holds(predicate, seen) {
            let shown = seen.map_or_else(|| "nothing".to_owned(), Value::to_string);
            faults.push(format!("{pointer}: {shown}, required {predicate:?}"));
        }
    }
}

/// The fields of an error body. Each may be absent or null, since all were seen so; a code that a
/// case names is required.
fn error(code: &str, status: u16, body: &Value, faults: &mut Vec<String>) {
    let mut require = |fits: bool, what: &str| {
        if !fits {
            faults.push(format!("error body: {what}"));
        }
    };
    let absent_or = |field: &str, fits: &dyn Fn(&Value) -> bool| {
        let value = body.get(field);
        value.is_none_or(|value| value.is_null() || fits(value))
    };
    require(body.is_object(), "not an object");
    let known = ["error", "errorCode", "detail", "reason"];
    require(
        known.iter().any(|field| body.get(field).is_some()),
        "it has none of error, errorCode, detail and reason",
    );
    require(
        absent_or("error", &|it| it.as_u64() == Some(u64::from(status))),
        "error is not the status",
    );
    if matches!(code, "*" | "?") {
        require(
            absent_or("errorCode", &Value::is_string),
            "errorCode is not a string",
        );
    } else {
        let seen = body["errorCode"].as_str();
        require(
            seen == Some(code),
            &format!("errorCode is {seen:?}, required {code:?}"),
        );
    }
    require(
        absent_or("detail", &Value::is_string),
        "detail is not a string",
    );
    require(
        absent_or("reason", &Value::is_string),
        "reason is not a string",
    );
    require(
        absent_or("parameters", &Value::is_array),
        "parameters are no array",
    );
    require(
        absent_or("badRequestDetail", &Value::is_object),
        "badRequestDetail is not an object",
    );
}

fn holds(predicate: &Predicate, seen: Option<&Value>) -> bool {
    match predicate {
        Predicate::Equals(wanted) => seen == Some(wanted),
        Predicate::Not(other) => seen.is_some_and(|seen| seen != other),
        Predicate::Matches(pattern) => seen
            .and_then(Value::as_str)
            .is_some_and(|text| matches(pattern, text)),
        Predicate::Length(length) => seen
            .and_then(Value::as_array)
            .is_some_and(|items| items.len() == *length),
        Predicate::Rels(wanted) => seen
            .and_then(Value::as_array)
            .is_some_and(|links| have_rels(links, wanted)),
        Predicate::OneOf(values) => seen.is_some_and(|seen| values.contains(seen)),
        Predicate::Is(kind) => match (kind.as_str(), seen) {
            ("absent", seen) => seen.is_none(),
            ("present", Some(_)) => true,
            ("string", Some(seen)) => seen.is_string(),
            ("integer", Some(seen)) => seen.is_i64() || seen.is_u64(),
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

/// Where an answer strays from the documented schema of its operation.
fn strays(asked: &Asked<'_>, answer: &Response<Bytes>) -> Vec<String> {
    let operation = OPERATIONS
        .iter()
        .find(|operation| Some(operation.meta.id) == asked.operation);
    let Some(operation) = operation else {
        return vec!["no operation was asked that the answer could conform to".to_owned()];
    };
    let options = CallOptions {
        envelope: asked.envelope,
        ..CallOptions::default()
    };
    match operation.response(answer.clone(), &options) {
        Ok(answer) => answer
            .value
            .iter()
            .map(|deviation| format!("deviates: {deviation:?}"))
            .collect(),
        Err(error) => vec![format!("is no answer of the operation: {error}")],
    }
}
