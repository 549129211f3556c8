//! The judge: compares what was seen with what a case requires.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_catalog::Operation;
use serde_json::Value;

use crate::case::{ClientCase, Credentials, Expectation, Outcome, SeenRequest};
use crate::digest::DigestAnswer;
use crate::same;
use crate::wire::WireRequest;

/// What a client did with a case's call.
#[derive(Debug, Clone)]
pub struct Conduct {
    /// The requests it sent.
    pub requests: Vec<WireRequest>,
    /// How its last call ended.
    pub outcome: Outcome,
    /// Everything it printed, logged or gave as an error.
    pub output: String,
    /// How long all of it took.
    pub took: Duration,
    /// How much memory it ever used, in bytes, where that is known.
    pub memory: Option<u64>,
}

/// Lists what a client did that the case does not allow; empty if it conforms.
pub fn judge(case: &ClientCase, seen: &Conduct) -> Vec<String> {
    let faults = judge_by(case, &case.expect, seen);
    let other = |other: &Expectation| {
        let mut other = other.clone();
        // What must not be, must not be either way.
        other.seconds = other.seconds.or(case.expect.seconds);
        other.mebibytes = other.mebibytes.or(case.expect.mebibytes);
        other.secrets.extend(case.expect.secrets.iter().cloned());
        judge_by(case, &other, seen).is_empty()
    };
    if case.or.iter().any(other) {
        Vec::new()
    } else {
        faults
    }
}

fn judge_by(case: &ClientCase, expected: &Expectation, seen: &Conduct) -> Vec<String> {
    let mut faults = Vec::new();
    if !expected.outcome.is_met_by(&seen.outcome) {
        faults.push(format!(
            "outcome: {:?}, required {:?}",
            seen.outcome, expected.outcome
        ));
    }
    if seen.requests.len() != expected.requests.len() {
        faults.push(format!(
            "{} requests, required {}",
            seen.requests.len(),
            expected.requests.len()
        ));
    }
    let defaults = defaults(&case.call.operation);
    let mut cnonces = BTreeMap::new();
    let mut before = Duration::ZERO;
    for (index, (request, required)) in seen.requests.iter().zip(&expected.requests).enumerate() {
        let mut found = Vec::new();
        headers(request, required, &defaults, &mut found);
        if let Some(required) = &required.digest {
            digest(case, request, required, &mut cnonces, &mut found);
        }
        let waited = request.at.saturating_sub(before);
        if waited < Duration::from_millis(required.not_before_ms) {
            found.push(format!(
                "came after {} ms, required {}",
                waited.as_millis(),
                required.not_before_ms
            ));
        }
        before = request.at;
        faults.extend(
            found
                .into_iter()
                .map(|fault| format!("request {}: {fault}", index + 1)),
        );
    }
    if let Some(seconds) = expected.seconds
        && seen.took > Duration::from_secs(seconds)
    {
        faults.push(format!("took {:?}, allowed {seconds} s", seen.took));
    }
    if let (Some(allowed), Some(used)) = (expected.mebibytes, seen.memory)
        && used > allowed << 20
    {
        faults.push(format!("used {used} bytes, allowed {allowed} MiB"));
    }
    for secret in &expected.secrets {
        let sent = seen.requests.iter().any(|request| {
            let in_headers = request
                .headers
                .iter()
                .any(|(_, value)| value.contains(secret));
            in_headers || request.target.contains(secret)
        });
        if sent || seen.output.contains(secret) {
            faults.push("a secret shows".to_owned());
        }
    }
    faults
}

/// The documented defaults of an operation's query.
fn defaults(operation: &str) -> Vec<(&'static str, &'static str)> {
    let operation = Operation::find(operation);
    let takes = |name: &str| operation.is_some_and(|it| it.parameter(name).is_some());
    let paging = [
        ("includeCount", "true"),
        ("itemsPerPage", "100"),
        ("pageNum", "1"),
    ];
    // Every operation takes these two.
    [("envelope", "false"), ("pretty", "false")]
        .into_iter()
        .chain(paging.into_iter().filter(|(name, _)| takes(name)))
        .collect()
}

fn headers(
    request: &WireRequest,
    required: &SeenRequest,
    defaults: &[(&str, &str)],
    faults: &mut Vec<String>,
) {
    let (method, target) = (request.method.as_str(), request.target.as_str());
    let body = String::from_utf8_lossy(&request.body);
    let fits = |required: &Option<String>, same: &dyn Fn(&str) -> bool| {
        required.as_ref().is_none_or(|required| same(required))
    };
    if !fits(&required.method, &|required| required == method) {
        faults.push(format!(
            "method: {method:?}, required {:?}",
            required.method
        ));
    }
    if !fits(&required.target, &|required| {
        let of_the_api = required.starts_with("/api/atlas/");
        same::target(required, target, if of_the_api { defaults } else { &[] })
    }) {
        faults.push(format!(
            "target: {target:?}, required {:?}",
            required.target
        ));
    }
    if !fits(&required.body, &|required| {
        same::body(required, &request.body)
    }) {
        faults.push(format!("body: {body:?}, required {:?}", required.body));
    }
    for name in &required.absent {
        if request.header(name).is_some() {
            faults.push(format!("{name} must not be there"));
        }
    }
    for name in &required.once {
        let lines = request.headers.iter().filter(|(known, _)| known == name);
        let lines = lines.count();
        if lines != 1 {
            faults.push(format!("{name} is there {lines} times, required once"));
        }
    }
    for (name, value) in &required.headers {
        let seen = request.header(name);
        if !seen.is_some_and(|seen| same::header(name, value, seen)) {
            faults.push(format!(
                "{name}: {:?}, required {value:?}",
                request.header(name)
            ));
        }
    }
}

fn digest(
    case: &ClientCase,
    request: &WireRequest,
    required: &BTreeMap<String, Value>,
    cnonces: &mut BTreeMap<String, String>,
    faults: &mut Vec<String>,
) {
    let Some(answer) = request
        .header("authorization")
        .and_then(DigestAnswer::parse)
    else {
        faults.push("authorization is no digest".to_owned());
        return;
    };
    let nonce = answer.get("nonce").unwrap_or_default().to_owned();
    let cnonce = answer.get("cnonce").unwrap_or_default().to_owned();
    let first = cnonces.entry(nonce).or_insert(cnonce).clone();
    for (name, value) in required {
        let seen = answer.get(name);
        let fits = match (name.as_str(), value) {
            ("valid", _) => {
                let Credentials::Digest { user, password } = &case.call.auth else {
                    faults.push("the case gives no key to judge a digest by".to_owned());
                    continue;
                };
                let (method, target) = (&request.method, &request.target);
                faults.extend(answer.fault(method, target, user, password, Some(&first)));
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
            faults.push(format!("digest {name}: {seen:?}, required {value}"));
        }
    }
}
