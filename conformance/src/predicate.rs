//! Checks responses against predicates.

use std::fmt::Write as _;

use atlas_catalog::{Operation, Schema};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::case::{Predicate, Predicates};
use crate::conforms::{answered, opened, violations};
use crate::difference::{Difference, quoted};
use crate::error_body::{error, parameters, repeats};
use crate::read_back::property;
use crate::same;

/// The request that a response belongs to.
pub(crate) struct Asked<'a> {
    /// The operation, if any.
    pub(crate) operation: Option<&'a str>,
    /// Whether an envelope was requested.
    pub(crate) envelope: bool,
}

/// Returns the differences between a response and the predicates.
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
    for wanted in &required.body_with {
        if !text.contains(wanted) {
            found.push(Difference::new("body", quoted(Some(wanted)), shown(&text)));
        }
    }
    if let Some(length) = required.body_length
        && answer.body().len() as u64 != length
    {
        let seen = format!("{} bytes", answer.body().len());
        found.push(Difference::new("body", format!("{length} bytes"), seen));
    }
    // Some refusals have no body, or an HTML page of a proxy.
    let media_type = answer.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let is_json = media_type.is_some_and(|it| it.to_ascii_lowercase().contains("json"));
    let bodiless = required.error.as_deref() == Some("?") && (answer.body().is_empty() || !is_json);
    let of_error = required.parameters.is_some() || required.repeats;
    let wants_json =
        !required.json.is_empty() || of_error || (required.error.is_some() && !bodiless);
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

/// Returns a text quoted and shortened.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text.chars().take(200).collect();
    quoted(Some(&short))
}

fn headers(required: &Predicates, answer: &Response<Bytes>, found: &mut Vec<Difference>) {
    let header = |name: &str| {
        // Several lines form one list (RFC 9110 section 5.3).
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
    if let Some(wanted) = &required.parameters {
        parameters(wanted, content, found);
    }
    if required.repeats {
        repeats(content, found);
    }
    for (pointer, predicate) in &required.json {
        let seen = content.pointer(pointer);
        if !holds(predicate, seen, content) {
            let seen = match (predicate, seen) {
                (Predicate::Fields(names), Some(Value::Object(fields))) => without(names, fields),
                (_, seen) => seen.map_or_else(|| "nothing".to_owned(), Value::to_string),
            };
            let place = if pointer.is_empty() { "body" } else { pointer };
            found.push(Difference::new(place, predicate, seen));
        }
    }
}

/// Whether a response has content: an object has a documented field other than `links`, a list has
/// a result with such a field.
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

/// Whether a schema documents fields by name.
fn has_fields(schema: &Schema) -> bool {
    let resolved = schema.resolve();
    let composed = [&resolved.one_of, &resolved.any_of].into_iter().flatten();
    schema.parts().any(|part| !part.properties.is_empty())
        || resolved.discriminator.is_some()
        || composed.into_iter().any(has_fields)
}

fn holds(predicate: &Predicate, seen: Option<&Value>, body: &Value) -> bool {
    match predicate {
        Predicate::Equals(wanted) => seen.is_some_and(|seen| same::value(seen, wanted)),
        Predicate::Not(other) => seen.is_some_and(|seen| !same::value(seen, other)),
        Predicate::Matches(pattern) => seen
            .and_then(Value::as_str)
            .is_some_and(|text| matches(pattern, text)),
        Predicate::Contains(texts) => seen
            .and_then(Value::as_str)
            .is_some_and(|seen| texts.iter().all(|text| seen.contains(text))),
        Predicate::Fields(names) => seen
            .and_then(Value::as_object)
            .is_some_and(|seen| names.iter().all(|name| seen.contains_key(name))),
        Predicate::After { of, seconds } => {
            let later = seen.and_then(time);
            let first = body.pointer(of).and_then(time);
            let between = later
                .zip(first)
                .map(|(later, first)| later.duration_since(first));
            between.is_some_and(|it| it.as_secs() == i64::from(*seconds))
        }
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

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Describes the missing fields of an object.
fn without(names: &[String], fields: &Map<String, Value>) -> String {
    let missing = names.iter().filter(|name| !fields.contains_key(*name));
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    format!("an object without {}", missing.join(", "))
}

/// Whether links have exactly these relations and absolute URLs.
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

/// Whether a header's value matches a pattern. Media types, schemes and directives are
/// case-insensitive.
fn header_matches(pattern: &str, text: &str) -> bool {
    let regex = RegexBuilder::new(pattern).case_insensitive(true).build();
    regex.is_ok_and(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(predicate: Value, body: &Value, pointer: &str) -> bool {
        let predicate: Predicate = serde_json::from_value(predicate).unwrap();
        holds(&predicate, body.pointer(pointer), body)
    }

    #[test]
    fn a_time_is_a_number_of_seconds_after_another() {
        let body = json!({"a": "2026-01-01T00:00:00Z", "b": "2026-01-01T06:00:00.5Z", "c": 1});
        let after = |of: &str, seconds: u32| json!({"after": {"of": of, "seconds": seconds}});
        assert!(fits(after("/a", 21600), &body, "/b"));
        assert!(!fits(after("/a", 21601), &body, "/b"));
        assert!(!fits(after("/b", 21600), &body, "/a"));
        assert!(!fits(after("/c", 21600), &body, "/b"));
        assert!(!fits(after("/a", 0), &body, "/d"));
    }

    #[test]
    fn an_object_has_every_field_that_is_named_and_a_text_every_part() {
        let body = json!({"a": "the archive 1", "b": null});
        assert!(fits(json!({"fields": ["a", "b"]}), &body, ""));
        assert!(!fits(json!({"fields": ["a", "c"]}), &body, ""));
        assert!(!fits(json!({"fields": ["a"]}), &body, "/a"));
        assert!(fits(json!({"contains": ["archive", "1"]}), &body, "/a"));
        assert!(!fits(json!({"contains": ["archive", "2"]}), &body, "/a"));
        assert!(!fits(json!({"contains": ["b"]}), &body, "/b"));
    }
}
