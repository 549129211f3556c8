//! Checks responses against the documentation.

use atlas_catalog::{Operation, Violation, ViolationKind};
use atlas_model::envelope::Envelope;
use atlas_model::{Answer, Deviation, Format, OperationMeta};
use serde_json::Value;

use crate::error::ErrorKind;

/// Finds the operation of a type in the catalog.
pub(crate) fn find(meta: &'static OperationMeta) -> Result<Operation, ErrorKind> {
    Operation::find(meta.id)
        .filter(|operation| operation.method() == meta.method && operation.path() == meta.path)
        .ok_or(ErrorKind::NotInCatalog { operation: meta.id })
}

/// Returns an error for a response that does not match the documentation of its version.
pub(crate) fn check<R>(
    operation: Operation,
    meta: &'static OperationMeta,
    answer: &Answer<R>,
    envelope: bool,
) -> Result<(), ErrorKind> {
    let asked = answer.meta.version.unwrap_or(meta.newest().version);
    let version = operation.version(Some(&asked.to_string()));
    let body = answer.body.bytes();
    let opened = Envelope::open(body).filter(|_| envelope);
    let content = opened.map_or(&body[..], |envelope| envelope.content);
    let mut found: Vec<(String, String)> = Vec::new();
    match (version, serde_json::from_slice::<Value>(content)) {
        (Some(version), Ok(mut content)) => {
            // A list has its envelope's status next to its results.
            if let (Some(opened), Value::Object(list)) = (opened, &mut content)
                && opened.content.len() == body.len()
            {
                list.remove("status");
            }
            let status = answer.meta.status.as_u16();
            found.extend(
                operation
                    .check_response(version, status, &content)
                    .iter()
                    .map(place_and_problem),
            );
        }
        (_, Err(_)) if meta.format == Format::Json && !content.is_empty() => {
            found.push((String::new(), "the body cannot be read as JSON".to_owned()));
        }
        _ => {}
    }
    for deviation in &answer.deviations {
        if !found.iter().any(|(path, _)| path == deviation.path()) {
            found.push((deviation.path().to_owned(), deviation.problem().to_owned()));
        }
    }
    let violations: Vec<String> = found
        .into_iter()
        .map(|(path, problem)| Deviation::new(path, problem).to_string())
        .collect();
    if violations.is_empty() {
        return Ok(());
    }
    Err(ErrorKind::Undocumented {
        operation: meta.id,
        violations,
    })
}

/// Returns the place of a violation and what was expected there, without the value, which may be a
/// secret.
fn place_and_problem(violation: &Violation) -> (String, String) {
    let path = violation
        .path()
        .trim_start_matches('$')
        .trim_start_matches('.');
    let expected = violation.expected();
    let problem = match violation.kind() {
        ViolationKind::Required
        | ViolationKind::ReadOnly
        | ViolationKind::WriteOnly
        | ViolationKind::UnknownField => expected.to_owned(),
        _ => format!("expected {expected}"),
    };
    (path.to_owned(), problem)
}
