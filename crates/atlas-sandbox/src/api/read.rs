//! Parses a request: version, parameters and body, in the order in which Atlas checks them.

use atlas_catalog::{Body, Operation, Place, Route, Schema, Version, Violation, ViolationKind};
use atlas_model::api_error::code;
use atlas_model::{ApiError, ApiVersion, CallOptions, Format, VersionedMediaType};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::api::refuse;
use crate::api::repeats::WithoutRepeats;
use crate::behaviour::masks::mask_secrets;

/// The parsed request, without its login.
pub(crate) struct Read {
    pub(crate) version: &'static Version,
    pub(crate) format: &'static str,
    pub(crate) options: CallOptions,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
    /// The paths of fields of the body that were ignored.
    pub(crate) ignored: Vec<String>,
}

/// Discriminator fields, and the value that Atlas assumes if they are missing.
const ASSUMED: [(&str, &str, &str); 3] = [
    ("createGroupClusterFtsIndex", "type", "search"),
    ("createGroupClusterSearchIndex", "type", "search"),
    ("updateGroupClusterFtsIndex", "type", "search"),
];

/// The number of ignored fields that are reported.
const MOST_IGNORED: usize = 50;

/// Parses a request; the error is the 400, 406 or 415 to return.
pub(crate) fn read(request: &Request<Bytes>, route: &Route) -> Result<Read, ApiError> {
    let operation = route.operation;
    let (version, format) = answered(operation, request.headers())?;
    let sends_body = !request.body().trim_ascii().is_empty();
    let takes_body = match operation.body() {
        Body::Required => true,
        Body::Optional => sends_body,
        Body::None => false,
    };
    if takes_body && !request.headers().get(CONTENT_TYPE).is_some_and(is_json) {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code::UNEXPECTED_ERROR,
            "invalid Content-Type: expected application/json",
        ));
    }
    let text = request.uri().query().unwrap_or_default();
    let query = query_pairs(text)?;
    let mut options = flags(&query)?;
    options.version = version.name.parse().ok();
    parameters(operation, route, &query, request.headers())?;
    let (body, ignored) = if takes_body {
        body(operation, version, &route.parameters, request.body())?
    } else {
        (Value::Null, Vec::new())
    };
    Ok(Read {
        version,
        format,
        options,
        query,
        body,
        ignored,
    })
}

/// Reads `envelope` and `pretty` for the response to a request that cannot be parsed further.
pub(crate) fn options(request: &Request<Bytes>) -> CallOptions {
    let pairs = query_pairs(request.uri().query().unwrap_or_default());
    pairs.and_then(|pairs| flags(&pairs)).unwrap_or_default()
}

/// The version and format of the response, chosen by `Accept`.
fn answered(
    operation: Operation,
    headers: &HeaderMap,
) -> Result<(&'static Version, &'static str), ApiError> {
    let refused = |detail: String| {
        Err(ApiError::new(
            StatusCode::NOT_ACCEPTABLE,
            code::UNEXPECTED_ERROR,
            detail,
        ))
    };
    let mut asked: Vec<VersionedMediaType> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|text| text.parse().ok())
        .collect();
    if asked.is_empty() {
        return refused(
            "invalid Accept: expected a versioned media type, such as application/vnd.atlas.2025-02-19+json"
                .to_owned(),
        );
    }
    // The newest date first; a preview is only chosen by its name.
    asked.sort_by_key(|one| std::cmp::Reverse(one.version.date()));
    let mut known = None;
    for one in &asked {
        let name = match one.version.date() {
            Some(date) => date.to_string(),
            None => "preview".to_owned(),
        };
        let Some(version) = operation.version(Some(&name)) else {
            continue;
        };
        known = Some(version);
        let format = match one.format {
            Format::Gzip => "gzip",
            Format::Csv => "csv",
            _ => "json",
        };
        if version.formats().any(|known| known == format) {
            return Ok((version, format));
        }
    }
    let id = operation.id();
    if let Some(version) = known {
        let formats: Vec<&str> = version.formats().collect();
        return refused(format!("{id} only returns {}", formats.join(" or ")));
    }
    let first = operation.versions().first();
    refused(format!(
        "the requested version precedes the first version of {id}, {}",
        first.map_or("none", |first| first.name.as_str())
    ))
}

fn query_pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8().map(Into::into);
        decoded.map_err(|_| refuse::invalid("", "invalid query: expected percent-encoded UTF-8"))
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// Reads `envelope` and `pretty`; the last value of each counts.
fn flags(query: &[(String, String)]) -> Result<CallOptions, ApiError> {
    let mut options = CallOptions::default();
    for (name, value) in query {
        let flag = match name.as_str() {
            "envelope" => &mut options.envelope,
            "pretty" => &mut options.pretty,
            _ => continue,
        };
        *flag = match value.as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(refuse::invalid(name, "expected true or false")),
        };
    }
    Ok(options)
}

/// Checks the parameters. Unknown parameters are ignored. If a parameter other than an array is
/// repeated, the last value counts.
fn parameters(
    operation: Operation,
    route: &Route,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Result<(), ApiError> {
    let mut given: Vec<(&str, &str)> = Vec::new();
    let path = route.parameters.iter();
    given.extend(path.map(|(name, value)| (*name, value.as_str())));
    for parameter in operation.parameters() {
        let name = parameter.name.as_str();
        match parameter.place {
            Place::Path => {}
            Place::Query => {
                let values = query.iter().filter(|(known, _)| known == name);
                let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
                let first = if parameter.is_repeated() {
                    0
                } else {
                    values.len().saturating_sub(1)
                };
                given.extend(values.iter().skip(first).map(|value| (name, *value)));
            }
            Place::Header => {
                let value = headers.get(name).and_then(|value| value.to_str().ok());
                given.extend(value.map(|value| (name, value.trim())));
            }
        }
    }
    match operation.check_parameters(given).first() {
        None => Ok(()),
        Some(violation) => Err(refused(violation)),
    }
}

/// Parses and checks a JSON body and masks its secrets. Returns the paths of the ignored fields.
fn body(
    operation: Operation,
    version: &Version,
    path: &[(&'static str, String)],
    text: &[u8],
) -> Result<(Value, Vec<String>), ApiError> {
    if text.trim_ascii().is_empty() {
        let problem = format!(
            "the body is empty: {} requires a JSON object",
            operation.id()
        );
        return Err(refuse::invalid("", &problem));
    }
    let mut body: Value = serde_json::from_slice(text)
        .map_err(|error| refuse::invalid("", &format!("invalid JSON: {error}")))?;
    serde_json::from_slice::<WithoutRepeats>(text)
        .map_err(|error| refuse::invalid("", &format!("invalid body: {error}")))?;
    let assumed = ASSUMED.iter().find(|(id, _, _)| *id == operation.id());
    if let (Some((_, field, value)), Some(fields)) = (assumed, body.as_object_mut()) {
        fields.entry(*field).or_insert_with(|| (*value).into());
    }
    add_from_path(version, path, &mut body);
    let violations = operation.check_request(version, Some(&body));
    if let Some(refusal) = violations.iter().find(|it| !it.kind().is_tolerated()) {
        return Err(refused(refusal));
    }
    let ignored: Vec<String> = violations
        .iter()
        .take(MOST_IGNORED)
        .map(|it| it.path().trim_start_matches("$.").to_owned())
        .collect();
    if let (false, Some(schema)) = (violations.is_empty(), version.request_schema()) {
        strip(schema, &mut body);
        // The fields listed so far may have hidden further violations.
        let rest = operation.check_request(version, Some(&body));
        if let Some(refusal) = rest.iter().find(|it| !it.kind().is_tolerated()) {
            return Err(refused(refusal));
        }
    }
    if let Some(schema) = version.request_schema() {
        mask_secrets(schema, &mut body);
    }
    Ok((body, ignored))
}

/// Adds the required fields of a body that the path already contains, such as `groupId`.
fn add_from_path(version: &Version, path: &[(&'static str, String)], body: &mut Value) {
    let (Some(schema), Value::Object(fields)) = (version.request_schema(), body) else {
        return;
    };
    for part in schema.parts() {
        for (name, value) in path {
            let required = part.required.iter().any(|required| required == name);
            if required && !fields.contains_key(*name) {
                fields.insert((*name).to_owned(), value.clone().into());
            }
        }
    }
}

fn refused(violation: &Violation) -> ApiError {
    let problem = violation.to_string();
    let field = violation.path().trim_start_matches("$.");
    let problem = problem
        .strip_prefix(violation.path())
        .and_then(|rest| rest.strip_prefix(": "))
        .unwrap_or(&problem);
    match (field, violation.kind()) {
        ("$", ViolationKind::Required) => refuse::invalid("", "the body is empty"),
        ("$", _) => refuse::invalid("", problem),
        _ => refuse::invalid(field, problem),
    }
}

/// Removes the fields of a request that are read-only or not documented.
fn strip(schema: &Schema, value: &mut Value) {
    match value {
        Value::Array(items) => {
            if let Some(of_items) = schema.resolve().items.as_deref() {
                for item in items {
                    strip(of_items, item);
                }
            }
        }
        Value::Object(fields) => {
            let object = crate::api::object::Object::of(schema, fields);
            if object.is_open() {
                return;
            }
            fields.retain(|name, value| match object.field(name) {
                Some(field) if field.read_only || field.resolve().read_only => {
                    // Discriminators are kept: they choose the other fields.
                    object.is_discriminator(name)
                }
                Some(field) => {
                    strip(field, value);
                    true
                }
                None => false,
            });
        }
        _ => {}
    }
}

fn is_json(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let versioned: Option<VersionedMediaType> = text.parse().ok();
        essence.eq_ignore_ascii_case("application/json")
            || versioned.is_some_and(|versioned| versioned.format == Format::Json)
    })
}

/// The media type of a version, for `Content-Type`.
pub(crate) fn media_type(version: &Version, format: &str) -> String {
    let name = &version.name;
    let charset = if format == "json" {
        ";charset=utf-8"
    } else {
        ""
    };
    let date: Option<ApiVersion> = name.parse().ok();
    let name = date.map_or_else(|| name.clone(), |date| date.to_string());
    format!("application/vnd.atlas.{name}+{format}{charset}")
}
