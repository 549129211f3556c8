//! Checks a response against the documented schema of its operation.

use atlas_catalog::{Operation, Version, Violation, ViolationKind};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use crate::difference::{Difference, quoted};
use crate::predicate::Asked;
use crate::recorded_values::is_recorded;

/// Returns the violations of the operation's documented schema, in the version that the response
/// names.
pub(crate) fn violations(asked: &Asked<'_>, answer: &Response<Bytes>) -> Vec<Difference> {
    let place = "response of the operation";
    let operation = asked.operation.and_then(Operation::find);
    let version = operation.and_then(|operation| Some((operation, answered(operation, answer)?)));
    let Some((operation, version)) = version else {
        let seen = quoted(asked.operation);
        return vec![Difference::new(
            place,
            "a documented operation and version",
            seen,
        )];
    };
    let mut status = answer.status().as_u16();
    let mut content = match serde_json::from_slice::<Value>(answer.body()) {
        Ok(body) => body,
        Err(_) if version.schema_of(status, "json").is_none() => Value::Null,
        Err(error) => return vec![Difference::new(place, "JSON", error)],
    };
    if asked.envelope {
        (status, content) = opened(status, content);
    }
    if !(200..300).contains(&status) {
        return vec![Difference::new(
            place,
            "a success",
            format!("status {status}"),
        )];
    }
    // Some operations were recorded with another success status than the documented one.
    let documented = version.statuses().find(|it| *it == status);
    let status = documented
        .or_else(|| version.statuses().next())
        .unwrap_or(status);
    let mut found = operation.check_response(version, status, &content);
    found.retain(|violation| !is_recorded(violation));
    let required = format!("the schema of {} in {}", operation.id(), version.name);
    let difference = |violation: &Violation| {
        let difference = Difference::new("body", &required, violation);
        if is_of_a_recorded_kind(violation) {
            difference.recorded()
        } else {
            difference
        }
    };
    found.iter().map(difference).collect()
}

/// Whether recorded responses of Atlas have violations of this kind, in other fields or with other
/// values: undocumented fields and values, nulls, texts outside of patterns and bounds, and absent
/// required fields.
fn is_of_a_recorded_kind(violation: &Violation) -> bool {
    match violation.kind() {
        ViolationKind::Enum
        | ViolationKind::UnknownField
        | ViolationKind::Pattern
        | ViolationKind::Required
        | ViolationKind::Bound => true,
        ViolationKind::Type => violation.to_string().ends_with(", found null"),
        _ => false,
    }
}

/// Returns the version in the media type of a response, or the newest one.
pub(crate) fn answered(operation: Operation, answer: &Response<Bytes>) -> Option<&'static Version> {
    let media_type = answer.headers().get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let date = media_type.map(str::to_ascii_lowercase).and_then(|text| {
        let rest = text.trim_start().strip_prefix("application/vnd.atlas.")?;
        Some(rest.split_once('+')?.0.to_owned())
    });
    let date = date.as_deref();
    date.and_then(|date| operation.version(Some(date)))
        .or_else(|| operation.version(None))
}

/// Returns the status and the content of an envelope; a list has its status next to its results.
/// Other bodies are returned unchanged.
pub(crate) fn opened(line: u16, mut body: Value) -> (u16, Value) {
    let status = body["status"]
        .as_f64()
        .filter(|status| status.fract() == 0.0);
    let status = status.and_then(|status| format!("{status}").parse::<u16>().ok());
    let Some(status) = status else {
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
        let found = violations(&asked, &answer.body(body.to_string().into()).unwrap());
        found.into_iter().map(|it| it.seen).collect()
    }

    #[test]
    fn the_content_of_an_envelope_is_judged_without_the_envelope() {
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
            ["$.status: unknown field"]
        );
        let refused = json!({"status": 404, "content": {"error": 404}});
        assert_eq!(found(one, version, true, &refused), ["status 404"]);
    }

    #[test]
    fn a_response_is_judged_by_the_version_that_it_names() {
        let body = json!({"numShards": 1});
        let unknown = "$.numShards: unknown field".to_owned();
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
    fn only_an_operation_without_a_documented_body_may_respond_without_json() {
        let answer = |status: u16| {
            Response::builder()
                .status(status)
                .body(Bytes::new())
                .unwrap()
        };
        let found = |operation: Option<&str>, status: u16| {
            let envelope = false;
            violations(
                &Asked {
                    operation,
                    envelope,
                },
                &answer(status),
            )
            .len()
        };
        assert_eq!(found(Some("deleteGroupFlexCluster"), 204), 0);
        assert_eq!(found(Some("deleteGroupFlexCluster"), 404), 1);
        assert_eq!(found(Some("getGroupFlexCluster"), 200), 1);
        assert_eq!(found(Some("noSuchOperation"), 200), 1);
        assert_eq!(found(None, 200), 1);
    }
}
