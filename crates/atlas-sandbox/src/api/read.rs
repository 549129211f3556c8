//! Reading a request: version, parameters and body, in the order in which Atlas looks at one.

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

/// What a request says, but for who it comes from.
pub(crate) struct Read {
    pub(crate) version: &'static Version,
    pub(crate) format: &'static str,
    pub(crate) options: CallOptions,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
    /// The paths of fields of the body that were ignored.
    pub(crate) ignored: Vec<String>,
}

/// Fields that tell which schema a body has, and what Atlas takes for them if they are left out.
const ASSUMED: [(&str, &str, &str); 3] = [
    ("createGroupClusterFtsIndex", "type", "search"),
    ("createGroupClusterSearchIndex", "type", "search"),
    ("updateGroupClusterFtsIndex", "type", "search"),
];

/// How many fields of a body are named that were ignored.
const MOST_IGNORED: usize = 50;

/// Reads a request, or gives the 400, 406 or 415 to answer.
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
            "the body's content type is not JSON; send application/json",
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

/// Reads `envelope` and `pretty` for an answer to a request that cannot be read further.
pub(crate) fn options(request: &Request<Bytes>) -> CallOptions {
    let pairs = query_pairs(request.uri().query().unwrap_or_default());
    pairs.and_then(|pairs| flags(&pairs)).unwrap_or_default()
}

/// The version and the format of the answer, by `Accept`.
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
            "accept names no version of the API; send application/vnd.atlas.2025-02-19+json"
                .to_owned(),
        );
    }
    // The newest date first; a preview is asked for by its name only.
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
        return refused(format!("{id} answers {} only", formats.join(" or ")));
    }
    let first = operation.versions().first();
    refused(format!(
        "no version of {id} is as old as the one asked for; its first is {}",
        first.map_or("none", |first| first.name.as_str())
    ))
}

fn query_pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8().map(Into::into);
        decoded.map_err(|_| refuse::invalid("", "the query is not percent-encoded UTF-8"))
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// Reads `envelope` and `pretty`; the last one of each counts.
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
            _ => return Err(refuse::invalid(name, "takes true or false")),
        };
    }
    Ok(options)
}

/// Checks the parameters. One that is not documented is ignored; of one that is repeated and no
/// array, the last one counts.
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

/// Reads and checks a JSON body, whose secrets are masked then; gives the paths of the fields that
/// are ignored.
fn body(
    operation: Operation,
    version: &Version,
    path: &[(&'static str, String)],
    text: &[u8],
) -> Result<(Value, Vec<String>), ApiError> {
    if text.trim_ascii().is_empty() {
        let problem = format!(
            "the body is empty; {} requires a JSON object",
            operation.id()
        );
        return Err(refuse::invalid("", &problem));
    }
    let mut body: Value = serde_json::from_slice(text)
        .map_err(|error| refuse::invalid("", &format!("the body is not JSON: {error}")))?;
    serde_json::from_slice::<WithoutRepeats>(text)
        .map_err(|error| refuse::invalid("", &format!("of the body, {error}")))?;
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
        // What was listed may have kept something else from the list.
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

/// Puts into a body what it must have and the path says already, such as `groupId`.
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

/// Takes away the fields of a request that are read-only or not documented.
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
                    // A discriminator tells which fields there are, and stays.
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

/// The version of an answer, for its `Content-Type`.
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
