//! Compares parts of requests by meaning: forms that a standard treats as equivalent are equal.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Whether a body equals the required one. JSON is compared as JSON and a form as its pairs; the
/// order of fields, white space, escapes and the format of numbers are ignored.
pub(crate) fn body(required: &str, seen: &[u8]) -> bool {
    if let Ok(Strict(wanted)) = serde_json::from_str(required) {
        return serde_json::from_slice(seen).is_ok_and(|Strict(seen)| value(&wanted, &seen));
    }
    let form = std::str::from_utf8(seen).ok().map(pairs);
    required.as_bytes() == seen
        || (required.contains('=') && form.is_some_and(|form| has_pairs(&form, &pairs(required))))
}

/// Whether a form has these pairs, no duplicate name, and no second authentication method (RFC 6749
/// section 2.3).
fn has_pairs(form: &[(String, String)], required: &[(String, String)]) -> bool {
    let names: BTreeSet<&String> = form.iter().map(|(name, _)| name).collect();
    names.len() == form.len()
        && required.iter().all(|pair| form.contains(pair))
        && !form.iter().any(|(name, _)| name == "client_secret")
}

/// Whether a body is this value as JSON; `None` requires an empty body.
pub(crate) fn json_body(required: Option<&Value>, seen: &[u8]) -> bool {
    match required {
        None => seen.is_empty(),
        Some(wanted) => serde_json::from_slice(seen).is_ok_and(|Strict(seen)| value(wanted, &seen)),
    }
}

/// Whether a target equals the required one (RFC 3986 section 6.2.2): hexadecimal digits in any
/// case, unreserved characters escaped or not, and query parameters in any order. A parameter with
/// its default value equals an absent one.
pub(crate) fn target(required: &str, seen: &str, defaults: &[(&str, &str)]) -> bool {
    let parts = |target: &str| {
        let (path, query) = match target.split_once('?') {
            None => (target, None),
            Some((path, query)) => (path, without_defaults(&pairs(query), defaults)),
        };
        (normal(path), query)
    };
    parts(required) == parts(seen)
}

/// Whether a header has the required value: media types are compared by type and parameters, the
/// scheme of credentials in any case.
pub(crate) fn header(name: &str, required: &str, seen: &str) -> bool {
    match name {
        "content-type" => content_type(required, seen),
        "accept" => seen.split(',').any(|range| is_accepted(required, range)),
        "authorization" => match (required.split_once(' '), seen.trim().split_once(' ')) {
            (Some((scheme, rest)), Some((seen, seen_rest))) => {
                scheme.eq_ignore_ascii_case(seen) && rest == seen_rest.trim_start()
            }
            _ => required == seen,
        },
        _ => required == seen,
    }
}

/// Whether a range of `Accept` names a media type with a weight above zero.
fn is_accepted(required: &str, range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_zero = |weight: &str| weight.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let refused = parts.any(|parameter| match parameter.split_once('=') {
        Some((name, weight)) => name.trim().eq_ignore_ascii_case("q") && is_zero(weight.trim()),
        None => false,
    });
    required.eq_ignore_ascii_case(essence) && !refused
}

/// Whether a content type is the required one: JSON with or without a version, and no charset other
/// than UTF-8.
fn content_type(required: &str, seen: &str) -> bool {
    let mut parts = seen.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let as_utf_8 = parts.all(|parameter| match parameter.split_once('=') {
        Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    });
    let versioned = required == "application/json" && is_versioned_json(&essence);
    as_utf_8 && (essence == required || versioned)
}

/// Whether a lowercase media type is `application/vnd.atlas.DATE+json`.
fn is_versioned_json(essence: &str) -> bool {
    let date = essence.strip_prefix("application/vnd.atlas.");
    let date = date.and_then(|rest| rest.strip_suffix("+json"));
    date.is_some_and(|date| date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok())
}

/// Returns the decoded pairs of a query or form, sorted.
fn pairs(text: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
        String::from_utf8(bytes).unwrap_or(text)
    };
    let pairs = text.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, "\0"));
        (decoded(name), decoded(value))
    });
    let mut pairs: Vec<_> = pairs.collect();
    // The order of values with the same name is ignored.
    pairs.sort();
    pairs
}

/// As a default, matches any value.
pub(crate) const ANY: &str = "*";

/// Removes the parameters with default values from a query; returns `None` if none is left.
/// Repeated parameters are kept.
fn without_defaults(
    pairs: &[(String, String)],
    defaults: &[(&str, &str)],
) -> Option<Vec<(String, String)>> {
    let is_default = |(name, value): &(String, String)| {
        let once = pairs.iter().filter(|(other, _)| other == name).count() == 1;
        let mut of_name = defaults.iter().filter(|(other, _)| other == name);
        once && of_name.any(|(_, default)| *default == ANY || default == value)
    };
    let kept: Vec<_> = pairs
        .iter()
        .filter(|pair| !is_default(pair))
        .cloned()
        .collect();
    (!kept.is_empty()).then_some(kept)
}

/// Returns a path with uppercase escapes, and without escapes of unreserved characters. Dot segments
/// stay escaped, since they refer to another folder when unescaped.
fn normal(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(normal_segment).collect();
    segments.join("/")
}

fn normal_segment(segment: &str) -> String {
    let dots = ["%2e%2e", ".%2e", "%2e.", "%2e"];
    if dots.contains(&segment.to_ascii_lowercase().as_str()) {
        return segment.to_ascii_uppercase();
    }
    let mut normal = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some((before, escaped)) = rest.split_once('%') {
        normal.push_str(before);
        let byte = escaped
            .get(..2)
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        let Some(byte) = byte else {
            normal.push('%');
            rest = escaped;
            continue;
        };
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            normal.push(char::from(byte));
        } else {
            let _ = write!(normal, "%{byte:02X}");
        }
        rest = &escaped[2..];
    }
    normal + rest
}

/// Whether two values are equal; numbers are compared by value.
pub(crate) fn value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => number(one, other),
        (Value::Array(one), Value::Array(other)) => {
            let same = |(one, other)| value(one, other);
            one.len() == other.len() && one.iter().zip(other).all(same)
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, one)| other.get(name).is_some_and(|it| value(one, it));
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

fn number(one: &Number, other: &Number) -> bool {
    let is_float = one.is_f64() || other.is_f64();
    one == other || (is_float && one.as_f64() == other.as_f64())
}

/// JSON without duplicate fields, whose meaning is not defined (RFC 8259 section 4).
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate field"));
            }
        }
        Ok(fields.into())
    }
}
