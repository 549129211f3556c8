//! Error responses, and the headers of Atlas.

use atlas_catalog::{Operation, Version};
use atlas_model::{ApiError, CallOptions};
use bytes::Bytes;
use http::header::{ALLOW, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::api::respond;
use crate::rate_limit::Level;

/// The response for an error, with the envelope and indentation of the request.
pub(crate) fn error(error: &ApiError, options: &CallOptions) -> Response<Bytes> {
    let mut response = respond::failure(error, options);
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
    // Recorded 401 responses have no `X-Error-Code`.
    let mut response = respond::failure(&api_error, options);
    set(&mut response, WWW_AUTHENTICATE.as_str(), challenge);
    response
}

/// 405 with the allowed methods.
pub(crate) fn other_methods(methods: &[&Method], options: &CallOptions) -> Response<Bytes> {
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    let api_error = ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        atlas_model::api_error::code::UNEXPECTED_ERROR,
        format!("This path only supports {}.", names.join(", ")),
    );
    let mut response = error(&api_error, options);
    set(&mut response, ALLOW.as_str(), &names.join(", "));
    response
}

/// 405 as Atlas returns it: without a body.
pub(crate) fn allow_only(methods: &[&Method]) -> Response<Bytes> {
    let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    set(&mut response, ALLOW.as_str(), &names.join(", "));
    response
}

/// Adds the headers of every response of an operation.
pub(crate) fn finish(
    response: &mut Response<Bytes>,
    version: Option<(Operation, &Version)>,
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
    let Some((operation, version)) = version else {
        return;
    };
    let Some(sunset) = version.sunset.as_deref().and_then(day) else {
        return;
    };
    if let Some(deprecated) = superseded(operation, version).and_then(day) {
        set(response, "deprecation", &deprecated);
    }
    set(response, "sunset", &sunset);
}

/// The date on which a version was superseded: that of the next version, or that of the first
/// version of the successor operation.
fn superseded(operation: Operation, version: &Version) -> Option<&'static str> {
    let next = |of: Operation, after: &str| {
        let mut versions = of.versions().iter().filter(|it| !it.is_preview());
        versions
            .find(|it| it.name.as_str() > after)
            .map(|it| it.name.as_str())
    };
    next(operation, &version.name).or_else(|| next(operation.successor()?, ""))
}

/// The start of a day as Atlas formats it: with a single digit where possible, which is not a valid
/// HTTP date (RFC 9110 section 5.6.7).
fn day(text: &str) -> Option<String> {
    let day: Date = text.parse().ok()?;
    Some(day.strftime("%a, %-d %b %Y 00:00:00 GMT").to_string())
}

/// Keeps other sites from reading or embedding a response, and browsers from guessing its type.
pub(crate) fn for_no_other_site(response: &mut Response<Bytes>) {
    set(response, "cross-origin-resource-policy", "same-origin");
    set(response, "x-content-type-options", "nosniff");
    set(response, "cache-control", "no-store");
}

/// Sets a header, unless the text is not a valid value.
pub(crate) fn set<B>(response: &mut Response<B>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// The start of a day in UTC.
pub(crate) fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .unwrap_or(Timestamp::MAX)
}
