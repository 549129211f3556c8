//! What an answer must be, and whether it is.

use atlas_catalog::{Operation, Version};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
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

/// Where an answer strays from the documented schema of its operation, in the version that it
/// names.
fn strays(asked: &Asked<'_>, answer: &Response<Bytes>) -> Vec<String> {
    let Some(operation) = asked.operation.and_then(Operation::find) else {
        return vec!["no operation was asked that the answer could conform to".to_owned()];
    };
    let Some(version) = answered(operation, answer) else {
        return vec!["the operation has no version to conform to".to_owned()];
    };
    let body = serde_json::from_slice::<Value>(answer.body());
    let mut status = answer.status().as_u16();
    let mut content = match body {
        Ok(body) => body,
        Err(_) if version.schema_of(status, "json").is_none() => Value::Null,
        Err(error) => return vec![format!("is no answer of the operation: {error}")],
    };
    if asked.envelope {
        (status, content) = opened(status, content);
    }
    if !(200..300).contains(&status) {
        return vec![format!("is no answer of the operation: status {status}")];
    }
    let violations = operation.check_response(version, status, &content);
    let violations = violations.iter();
    violations.map(|it| format!("deviates: {it}")).collect()
}

/// The version that an answer names in its media type; the newest one if it names none.
fn answered(operation: Operation, answer: &Response<Bytes>) -> Option<&'static Version> {
    let media_type = answer.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let date = media_type
        .and_then(|text| text.trim_start().strip_prefix("application/vnd.atlas."))
        .and_then(|rest| rest.split_once('+'))
        .map(|(date, _)| date);
    date.and_then(|date| operation.version(Some(date)))
        .or_else(|| operation.version(None))
}

/// The status and the content of an envelope: a list has its status beside its results. What is
/// none stays as it is.
fn opened(line: u16, mut body: Value) -> (u16, Value) {
    let status = body["status"].as_u64();
    let Some(status) = status.and_then(|status| u16::try_from(status).ok()) else {
        return (line, body);
    };
    if let Some(content) = body.get_mut("content") {
        return (status, content.take());
    }
    match body.as_object_mut() {
        Some(list) if list.contains_key("results") => {
            list.remove("status");
            (status, body)
        }
        _ => (line, body),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(operation: &str, version: &str, envelope: bool, body: &Value) -> Vec<String> {
        let media_type = format!("application/vnd.atlas.{version}+json;charset=utf-8");
        let answer = Response::builder().header(CONTENT_TYPE, media_type);
        let asked = Asked {
            operation: Some(operation),
            envelope,
        };
        strays(&asked, &answer.body(body.to_string().into()).unwrap())
    }

    #[test]
    fn what_is_inside_an_envelope_is_judged_without_it() {
        let (one, list) = ("getGroupFlexCluster", "listGroupFlexClusterBackupSnapshots");
        let version = "2024-11-13";
        let single = json!({"status": 200, "content": {"name": "a"}});
        assert!(found(one, version, false, &single).len() > 1);
        assert!(
            !found(one, version, true, &single)
                .concat()
                .contains("status")
        );
        let page = json!({"status": 200, "results": [], "totalCount": 0});
        assert_eq!(found(list, version, true, &page), [""; 0]);
        assert_eq!(
            found(list, version, false, &page),
            ["deviates: $.status: unknown field"]
        );
        let refused = json!({"status": 404, "content": {"error": 404}});
        assert_eq!(
            found(one, version, true, &refused),
            ["is no answer of the operation: status 404"]
        );
    }

    #[test]
    fn an_answer_is_judged_by_the_version_that_it_names() {
        let body = json!({"numShards": 1});
        let unknown = "deviates: $.numShards: unknown field".to_owned();
        for (version, fits) in [
            ("2023-01-01", true),
            ("2024-08-05", false),
            ("never", false),
        ] {
            let found = found("getGroupCluster", version, false, &body);
            assert_eq!(!found.contains(&unknown), fits, "{version}: {found:?}");
        }
    }

    #[test]
    fn only_an_operation_without_a_documented_answer_may_answer_no_json() {
        let answer = |status: u16| {
            Response::builder()
                .status(status)
                .body(Bytes::new())
                .unwrap()
        };
        let strays = |operation: Option<&str>, status: u16| {
            let envelope = false;
            strays(
                &Asked {
                    operation,
                    envelope,
                },
                &answer(status),
            )
            .len()
        };
        assert_eq!(strays(Some("deleteGroupFlexCluster"), 204), 0);
        assert_eq!(strays(Some("deleteGroupFlexCluster"), 404), 1);
        assert_eq!(strays(Some("getGroupFlexCluster"), 200), 1);
        assert_eq!(strays(Some("noSuchOperation"), 200), 1);
        assert_eq!(strays(None, 200), 1);
    }
}
