//! Error responses, with the recorded codes and parameters where those are known.

use atlas_model::ApiError;
use atlas_model::api_error::code;
use http::StatusCode;
use serde_json::Value;
use std::fmt::Display;

/// An error with string parameters.
pub(crate) fn error(
    status: StatusCode,
    code: &str,
    detail: impl Into<String>,
    parameters: &[&str],
) -> ApiError {
    let parameters = parameters.iter().map(|text| Value::from(*text)).collect();
    ApiError::new(status, code, detail).with_parameters(parameters)
}

/// 400 with a code.
pub(crate) fn bad_request(code: &str, detail: impl Into<String>, parameters: &[&str]) -> ApiError {
    error(StatusCode::BAD_REQUEST, code, detail, parameters)
}

/// 409 with a code.
pub(crate) fn conflict(code: &str, detail: impl Into<String>, parameters: &[&str]) -> ApiError {
    error(StatusCode::CONFLICT, code, detail, parameters)
}

/// 404 with a code.
pub(crate) fn not_found(code: &str, detail: impl Into<String>, parameters: &[&str]) -> ApiError {
    error(StatusCode::NOT_FOUND, code, detail, parameters)
}

/// 404 `RESOURCE_NOT_FOUND`, with one parameter that contains the kind and the id.
pub(crate) fn missing(kind: &str, id: impl Display) -> ApiError {
    let what = format!("{kind} {id}");
    let detail = format!("There is no {what}.");
    not_found(code::RESOURCE_NOT_FOUND, detail, &[&what])
}

/// 404 `GROUP_NOT_FOUND`.
pub(crate) fn no_project(id: &str) -> ApiError {
    let detail = format!("There is no project {id}.");
    not_found(code::GROUP_NOT_FOUND, detail, &[id])
}

/// 404 `ORG_NOT_FOUND`.
pub(crate) fn no_org(id: &str) -> ApiError {
    let detail = format!("There is no organization {id}.");
    not_found("ORG_NOT_FOUND", detail, &[id])
}

/// 404 `CLUSTER_NOT_FOUND`.
pub(crate) fn no_cluster(name: &str, project: &str) -> ApiError {
    let detail = format!("There is no cluster {name} in project {project}.");
    not_found(code::CLUSTER_NOT_FOUND, detail, &[name, project])
}

/// 400 `VALIDATION_ERROR` about a field of the body or a parameter.
pub(crate) fn invalid(field: &str, problem: &str) -> ApiError {
    let detail = if field.is_empty() {
        problem.to_owned()
    } else {
        format!("{field}: {problem}")
    };
    let error = ApiError::new(StatusCode::BAD_REQUEST, code::VALIDATION_ERROR, detail);
    if field.is_empty() {
        error
    } else {
        error.with_field(field, problem)
    }
}

/// 409 for a name that exists already. No code was recorded: this one is the sandbox's own.
pub(crate) fn taken(kind: &str, name: &str) -> ApiError {
    let detail = format!("There is a {kind} {name} already.");
    conflict("RESOURCE_ALREADY_EXISTS", detail, &[name])
}
