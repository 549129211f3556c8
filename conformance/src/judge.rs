//! Judges clients: compares an observation with the expectations of a case.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_catalog::Operation;
use serde_json::Value;

use crate::case::{Call, ClientCase, Credentials, Expectation, Outcome, SeenRequest};
use crate::difference::{Difference, quoted};
use crate::digest::DigestAnswer;
use crate::message::body_of;
use crate::same;
use crate::verdict::NO_SECRET;
use crate::wire::WireRequest;

/// The observed behaviour of a client in one case.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The requests.
    pub requests: Vec<WireRequest>,
    /// The outcome of the last call.
    pub outcome: Outcome,
    /// All printed, logged and error texts.
    pub output: String,
    /// The duration of all calls.
    pub took: Duration,
    /// The peak memory in bytes, if known.
    pub memory: Option<u64>,
}

/// Returns the differences between an observation and the case; empty if the client conforms.
pub fn judge(case: &ClientCase, seen: &Observation) -> Vec<Difference> {
    let differences = judge_by(case, &case.expect, seen);
    let other = |other: &Expectation| {
        let mut other = other.clone();
        // Bounds and secrets hold for every alternative.
        other.seconds = other.seconds.or(case.expect.seconds);
        other.mebibytes = other.mebibytes.or(case.expect.mebibytes);
        other.secrets.extend(case.expect.secrets.iter().cloned());
        judge_by(case, &other, seen).is_empty()
    };
    if case.or.iter().any(other) {
        Vec::new()
    } else {
        differences
    }
}

fn judge_by(case: &ClientCase, expected: &Expectation, seen: &Observation) -> Vec<Difference> {
    let mut differences = Vec::new();
    if !expected.outcome.is_met_by(&seen.outcome) {
        differences.push(Difference::new("outcome", &expected.outcome, &seen.outcome));
    }
    if seen.requests.len() != expected.requests.len() {
        let (required, seen) = (expected.requests.len(), seen.requests.len());
        differences.push(Difference::new("number of requests", required, seen));
    }
    let defaults = defaults(&case.call);
    let mut cnonces = BTreeMap::new();
    let mut before = Duration::ZERO;
    for (index, (request, required)) in seen.requests.iter().zip(&expected.requests).enumerate() {
        let mut found = Vec::new();
        compare(request, required, &defaults, &mut found);
        if required.sent && !same::json_body(body_of(&case.call).as_ref(), &request.body) {
            let required =
                body_of(&case.call).map_or_else(|| "nothing".into(), |it| it.to_string());
            let seen = String::from_utf8_lossy(&request.body);
            found.push(Difference::new("body", required, quoted(Some(&seen))));
        }
        if let Some(required) = &required.digest {
            digest(case, request, required, &mut cnonces, &mut found);
        }
        let waited = request.at.saturating_sub(before);
        if waited < Duration::from_millis(required.not_before_ms) {
            let required = format!("at least {} ms", required.not_before_ms);
            let seen = format!("{} ms", waited.as_millis());
            found.push(Difference::new(
                "time since the previous request",
                required,
                seen,
            ));
        }
        before = request.at;
        let place = format!("request {}", index + 1);
        differences.extend(found.into_iter().map(|it| it.within(&place)));
    }
    if let Some(seconds) = expected.seconds
        && seen.took > Duration::from_secs(seconds)
    {
        let seen = format!("{:.1} s", seen.took.as_secs_f64());
        differences.push(Difference::new(
            "time",
            format!("at most {seconds} s"),
            seen,
        ));
    }
    if let (Some(allowed), Some(used)) = (expected.mebibytes, seen.memory)
        && used >> 20 > allowed
    {
        let seen = format!("{} MiB", used >> 20);
        differences.push(Difference::new(
            "memory",
            format!("at most {allowed} MiB"),
            seen,
        ));
    }
    for secret in &expected.secrets {
        let in_requests = seen.requests.iter().any(|request| {
            let mut values = request.headers.iter().map(|(_, value)| value);
            values.any(|value| value.contains(secret)) || request.target.contains(secret)
        });
        for (shows, place) in [
            (in_requests, "requests"),
            (seen.output.contains(secret), "output"),
        ] {
            if shows {
                differences.push(Difference::new(place, NO_SECRET, "a secret"));
            }
        }
    }
    differences
}

/// Returns the documented defaults of a call's query parameters. A client that reads all pages of a
/// list may choose their size if the call does not.
fn defaults(call: &Call) -> Vec<(&'static str, &'static str)> {
    let operation = Operation::find(&call.operation);
    let takes = |name: &str| operation.is_some_and(|it| it.parameter(name).is_some());
    let paging = [
        ("includeCount", "true"),
        ("itemsPerPage", "100"),
        ("pageNum", "1"),
    ];
    let mut defaults = vec![("envelope", "false"), ("pretty", "false")];
    defaults.extend(paging.into_iter().filter(|(name, _)| takes(name)));
    if call.list {
        let free = ["includeCount", "itemsPerPage"].into_iter();
        let free = free.filter(|name| !call.query.contains_key(*name));
        defaults.extend(free.map(|name| (name, same::ANY)));
    }
    defaults
}

fn compare(
    request: &WireRequest,
    required: &SeenRequest,
    defaults: &[(&str, &str)],
    differences: &mut Vec<Difference>,
) {
    let (method, target) = (request.method.as_str(), request.target.as_str());
    let body = String::from_utf8_lossy(&request.body);
    let mut require =
        |place: &str, required: &Option<String>, seen: &str, fits: &dyn Fn(&str) -> bool| {
            if let Some(required) = required.as_deref().filter(|required| !fits(required)) {
                differences.push(Difference::new(
                    place,
                    quoted(Some(required)),
                    quoted(Some(seen)),
                ));
            }
        };
    require("method", &required.method, method, &|it| it == method);
    require("target", &required.target, target, &|required| {
        let of_the_api = required.starts_with("/api/atlas/");
        same::target(required, target, if of_the_api { defaults } else { &[] })
    });
    require("body", &required.body, &body, &|it| {
        same::body(it, &request.body)
    });
    for name in &required.absent {
        if let Some(value) = request.header(name) {
            let place = format!("header {name}");
            differences.push(Difference::new(place, "nothing", quoted(Some(value))));
        }
    }
    for name in &required.once {
        let lines = request.headers.iter().filter(|(known, _)| known == name);
        let lines = lines.count();
        // A list may be sent in several lines (RFC 9110 section 5.3).
        if lines == 0 || (lines > 1 && name != "accept") {
            let place = format!("header {name}");
            differences.push(Difference::new(place, "one line", format!("{lines} lines")));
        }
    }
    for (name, value) in &required.headers {
        let seen = request.list(name);
        let seen = seen.as_deref();
        if !seen.is_some_and(|seen| same::header(name, value, seen)) {
            let place = format!("header {name}");
            differences.push(Difference::new(place, quoted(Some(value)), quoted(seen)));
        }
    }
}

fn digest(
    case: &ClientCase,
    request: &WireRequest,
    required: &BTreeMap<String, Value>,
    cnonces: &mut BTreeMap<String, String>,
    differences: &mut Vec<Difference>,
) {
    let header = request.header("authorization");
    let Some(answer) = header.and_then(DigestAnswer::parse) else {
        let place = "header authorization";
        differences.push(Difference::new(place, "a digest", quoted(header)));
        return;
    };
    let nonce = answer.get("nonce").unwrap_or_default().to_owned();
    let cnonce = answer.get("cnonce").unwrap_or_default().to_owned();
    let first = cnonces.entry(nonce).or_insert(cnonce).clone();
    for (name, value) in required {
        let seen = answer.get(name);
        let fits = match (name.as_str(), value) {
            ("valid", _) => {
                // Without a key in the case, no digest is valid.
                let (user, password) = match &case.call.auth {
                    Credentials::Digest { user, password } => (user.as_str(), password.as_str()),
                    _ => ("", ""),
                };
                let (method, target, body) = (&request.method, &request.target, &request.body);
                let fault = answer.fault(method, target, body, user, password, Some(&first));
                differences.extend(fault);
                true
            }
            ("userhash", Value::Bool(wanted)) => (seen == Some("true")) == *wanted,
            ("algorithm", Value::String(wanted)) => {
                seen.unwrap_or("MD5").eq_ignore_ascii_case(wanted)
            }
            (_, Value::Null) => seen.is_none(),
            (_, Value::String(wanted)) => seen == Some(wanted),
            _ => false,
        };
        if !fits {
            let required = if value.is_null() {
                "nothing".to_owned()
            } else {
                value.to_string()
            };
            differences.push(Difference::new(
                format!("digest {name}"),
                required,
                quoted(seen),
            ));
        }
    }
}
