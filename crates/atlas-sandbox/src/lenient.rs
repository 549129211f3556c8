//! Bodies with fields that no request has. Atlas ignores read-only fields, and its own tools send
//! them; what it does with unknown ones is not recorded, so they are ignored too.

use atlas_model::CallOptions;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::operations::Served;
use crate::request::RequestReader;
use crate::request_error::RequestError;

/// The fields of a request's body that were ignored, in an answer's extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct IgnoredFields(pub(crate) Vec<String>);

/// How many fields of a body are ignored before it is refused.
const MOST: usize = 50;

/// Reads an operation from a request, without the fields that it does not have; gives their paths.
pub(crate) fn read<O: Served>(
    request: &Request<Bytes>,
) -> Result<(O, CallOptions, IgnoredFields), RequestError> {
    let mut ignored = Vec::new();
    let first = match strictly::<O>(request) {
        Ok((asked, options)) => return Ok((asked, options, IgnoredFields(ignored))),
        Err(error) => error,
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(request.body()) else {
        return Err(first);
    };
    let mut error = first;
    while ignored.len() < MOST {
        let Some(path) = unknown_field(&error) else {
            return Err(error);
        };
        if !remove(&mut body, &path) {
            return Err(error);
        }
        ignored.push(path);
        let mut rest = Request::new(Bytes::from(body.to_string()));
        rest.method_mut().clone_from(request.method());
        rest.uri_mut().clone_from(request.uri());
        rest.headers_mut().clone_from(request.headers());
        match strictly::<O>(&rest) {
            Ok((asked, options)) => return Ok((asked, options, IgnoredFields(ignored))),
            Err(next) => error = next,
        }
    }
    Err(error)
}

/// Reads an operation from a request; a field that it does not have is an error.
fn strictly<O: Served>(request: &Request<Bytes>) -> Result<(O, CallOptions), RequestError> {
    let (reader, options) = RequestReader::from_http(O::FACTS, request)?;
    Ok((O::read(&reader)?, options))
}

/// Notes in an answer which fields were ignored.
pub(crate) fn note<B>(response: &mut Response<B>, ignored: IgnoredFields) {
    if !ignored.0.is_empty() {
        response.extensions_mut().insert(ignored);
    }
}

/// The path of the unknown field that an error is about.
fn unknown_field(error: &RequestError) -> Option<String> {
    let RequestError::Body { field, problem, .. } = error else {
        return None;
    };
    let name = problem.strip_prefix("unknown field `")?;
    // What is expected follows; it names documented fields only.
    let (name, _) = name
        .rsplit_once("`, expected")
        .or_else(|| name.rsplit_once("`, there"))?;
    let is_path = field == name || field.ends_with(&format!(".{name}"));
    Some(match field.as_str() {
        field if is_path => field.to_owned(),
        "" => name.to_owned(),
        field => format!("{field}.{name}"),
    })
}

/// Removes the field at a path such as `tags[0].colour`. Names may hold dots and brackets.
fn remove(value: &mut Value, path: &str) -> bool {
    match value {
        Value::Object(fields) => {
            if fields.remove(path).is_some() {
                return true;
            }
            fields.iter_mut().any(|(name, inner)| {
                let rest = path.strip_prefix(name.as_str());
                rest.is_some_and(|rest| match rest.strip_prefix('.') {
                    Some(rest) => remove(inner, rest),
                    None => rest.starts_with('[') && remove(inner, rest),
                })
            })
        }
        Value::Array(items) => {
            let place = path.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((index, rest)) = place else {
                return false;
            };
            let item = index
                .parse()
                .ok()
                .and_then(|index: usize| items.get_mut(index));
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            item.is_some_and(|item| remove(item, rest))
        }
        _ => false,
    }
}
