//! Answers, and the headers that Atlas puts on them.

use atlas_model::{ApiError, CallOptions, OperationMeta, http_date};
use bytes::Bytes;
use http::header::{ALLOW, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::rate_limit::Level;
use crate::response;

/// An error as a response, with the request's envelope and indentation.
pub(crate) fn error(error: &ApiError, options: &CallOptions) -> Response<Bytes> {
    let mut response = response::failure(error, options);
    if let Some(code) = &error.error_code {
        set(&mut response, "x-error-code", code);
    }
    response
}

/// 401 with a challenge.
pub(crate) fn unauthorized(challenge: &str, options: &CallOptions) -> Response<Bytes> {
    let api_error = ApiError::new(
        StatusCode::UNAUTHORIZED,
        atlas_model::api_error::code::UNEXPECTED_ERROR,
        "You are not authorized for this resource.",
    );
    let mut response = error(&api_error, options);
    set(&mut response, WWW_AUTHENTICATE.as_str(), challenge);
    response
}

/// 405 with the methods that would do.
pub(crate) fn other_methods(methods: &[&Method], options: &CallOptions) -> Response<Bytes> {
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    let api_error = ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        atlas_model::api_error::code::UNEXPECTED_ERROR,
        format!("This path answers {} only.", names.join(", ")),
    );
    let mut response = error(&api_error, options);
    set(&mut response, ALLOW.as_str(), &names.join(", "));
    response
}

/// 405 as Atlas answers it: without a body.
pub(crate) fn allow_only(methods: &[&Method]) -> Response<Bytes> {
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    set(&mut response, ALLOW.as_str(), &names.join(", "));
    response
}

/// Adds what every answer of an operation carries.
pub(crate) fn finish(
    response: &mut Response<Bytes>,
    meta: &OperationMeta,
    options: &CallOptions,
    level: Option<Level>,
) {
    if let Some(level) = level {
        set(response, "ratelimit-limit", &level.limit.to_string());
        set(
            response,
            "ratelimit-remaining",
            &level.remaining.to_string(),
        );
    }
    let asked = options.version.unwrap_or(meta.newest().version);
    let answered = meta.answered(asked).unwrap_or(meta.newest());
    if let Some(sunset) = answered.sunset {
        set(response, "deprecation", &http_date(midnight(DEPRECATED)));
        set(response, "sunset", &http_date(midnight(sunset)));
    }
}

/// Keeps other sites from reading or embedding an answer, and browsers from guessing its type.
pub(crate) fn for_no_other_site(response: &mut Response<Bytes>) {
    set(response, "cross-origin-resource-policy", "same-origin");
    set(response, "x-content-type-options", "nosniff");
    set(response, "cache-control", "no-store");
}

/// Sets a header; a text that cannot be one is left out.
pub(crate) fn set<B>(response: &mut Response<B>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// The beginning of a day in UTC.
pub(crate) fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .unwrap_or(Timestamp::MAX)
}

/// When older versions were superseded: the version date of the Flex operations. No source gives
/// the `Deprecation` that Atlas itself sent.
const DEPRECATED: Date = Date::constant(2024, 11, 13);
