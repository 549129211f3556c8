//! Turns an answer into a response in the requested version, format and envelope.

use atlas_model::api_error::code;
use atlas_model::{ApiError, CallOptions, envelope};
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::api::answer::{self, Answer, Content};
use crate::api::call::Call;
use crate::api::fidelity::{self, Fidelity};
use crate::api::plan::{Kind, is_page, item_schema};
use crate::api::shape::Shaper;
use crate::api::{read, statuses};
use crate::body::Body;
use crate::reply::set;
use crate::store;
use crate::world::{FIRST_SNAPSHOT, ORG, Sandbox};

impl Sandbox {
    /// The response of a successful call.
    pub(crate) fn respond_with(&self, call: &Call<'_>, answer: Answer) -> Response<Bytes> {
        let Answer {
            status,
            content,
            shaped,
            location,
        } = answer;
        let content = match content {
            Content::None if statuses::has_braces(call.operation) => {
                Content::Bytes(Bytes::from_static(b"{}"))
            }
            other => other,
        };
        let status = status.unwrap_or_else(|| statuses::of(call, &content));
        let schema = call.version.response_schema("json");
        let media_type = read::media_type(call.version, call.format);
        let mut response = match content {
            Content::None if call.options.envelope => {
                write(status, &media_type, false, b"{}".to_vec(), &call.options)
            }
            Content::None => write(status, &media_type, false, Vec::new(), &call.options),
            Content::Bytes(bytes) => {
                let options = if call.format == "json" {
                    call.options
                } else {
                    CallOptions::default()
                };
                write(status, &media_type, false, bytes.to_vec(), &options)
            }
            Content::One(value) => {
                let value = match schema.filter(|_| shaped) {
                    Some(schema) => self.shape(call, value, schema, false),
                    None => value,
                };
                unwritten(status, &media_type, false, value, call.options)
            }
            Content::List(values) => {
                let of_items = schema.map(item_schema).filter(|_| shaped);
                let shape = |value: Value| match of_items {
                    Some(schema) => self.shape(call, value, schema, true),
                    None => value,
                };
                if schema.is_none_or(is_page) {
                    let mut page = answer::page(call, values);
                    if let Some(Value::Array(results)) = page.get_mut("results") {
                        let shaped = std::mem::take(results).into_iter().map(shape);
                        *results = shaped.collect();
                    }
                    unwritten(status, &media_type, true, Value::Object(page), call.options)
                } else {
                    let values = values.into_iter().map(shape).collect();
                    unwritten(status, &media_type, false, values, call.options)
                }
            }
        };
        if call.format == "gzip" {
            let name = format!("attachment; filename=\"{}.gz\"", call.operation.short_id());
            set(&mut response, CONTENT_DISPOSITION.as_str(), &name);
        }
        if let Some(path) = location {
            let url = call.target.resource(&path);
            set(&mut response, LOCATION.as_str(), &url);
        }
        response
    }

    /// The resource in the shape of a schema.
    fn shape(
        &self,
        call: &Call<'_>,
        value: Value,
        schema: &'static atlas_catalog::Schema,
        in_list: bool,
    ) -> Value {
        let plan = call.plan;
        let mut key = call.whole_key();
        if in_list || matches!(plan.kind, Kind::Create) {
            for (_, field) in &plan.id {
                let id = value.get(field).and_then(Value::as_str);
                key = store::below(&key, id.unwrap_or_default());
            }
        }
        let created = self.store.get(&key).map(|resource| resource.created);
        let project = store::key(["groups", call.path("groupId")]);
        let org = self
            .store
            .get(&project)
            .and_then(|project| project.text("orgId"));
        let href = call.target.resource(&key);
        let shaper = Shaper {
            seed: &key,
            created: created.unwrap_or(FIRST_SNAPSHOT),
            path: &call.path,
            org: org.unwrap_or(ORG),
            href: &href,
            is_new: plan.kind == Kind::Create,
            is_made_up: created.is_none()
                && matches!(plan.kind, Kind::Item | Kind::List)
                && fidelity::of(call.operation) == Fidelity::Generic,
        };
        let is_unknown = match &value {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if is_unknown {
            shaper.made_up(schema)
        } else {
            shaper.shape(schema, value)
        }
    }
}

/// A JSON body that is serialized later, since that takes long and does not need the world.
#[derive(Clone)]
struct Unwritten {
    value: Value,
    list: bool,
    options: CallOptions,
}

/// A response whose body is serialized by [`written`].
fn unwritten(
    status: StatusCode,
    media_type: &str,
    list: bool,
    value: Value,
    options: CallOptions,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    if let Ok(media_type) = media_type.parse() {
        response.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    let body = Unwritten {
        value,
        list,
        options,
    };
    response.extensions_mut().insert(body);
    response
}

/// The response with its body serialized, if that was deferred.
pub(crate) fn written(mut response: Response<Body>) -> Response<Body> {
    let Some(unwritten) = response.extensions_mut().remove::<Unwritten>() else {
        return response;
    };
    let Unwritten {
        value,
        list,
        options,
    } = unwritten;
    let mut body = json(&value, options.pretty);
    if options.envelope {
        body = envelope::wrap(response.status(), list, options.pretty, &body);
    }
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, body.len().into());
    *response.body_mut() = Bytes::from(body).into();
    response
}

/// The response for an error, in the form that `options` request.
///
/// Errors have no version: the media type is `application/json`.
pub(crate) fn failure(error: &ApiError, options: &CallOptions) -> Response<Bytes> {
    let status = error.status().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = serde_json::to_value(error).unwrap_or_default();
    if status == StatusCode::NOT_FOUND && error.has_code(code::UNEXPECTED_ERROR) {
        // As recorded: 404 `UNEXPECTED_ERROR` has null parameters.
        body["parameters"] = Value::Null;
    }
    let body = json(&body, options.pretty);
    write(status, "application/json", false, body, options)
}

/// The usual maximum length of a response.
const USUAL_LENGTH: usize = 4096;

fn json(value: &Value, pretty: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(USUAL_LENGTH);
    let written = if pretty {
        serde_json::to_writer_pretty(&mut text, value)
    } else {
        serde_json::to_writer(&mut text, value)
    };
    // Strings and numbers always serialize.
    debug_assert!(written.is_ok(), "{written:?}");
    text
}

/// Sets the body of a response, in an envelope if one is requested.
fn write(
    status: StatusCode,
    media_type: &str,
    list: bool,
    mut body: Vec<u8>,
    options: &CallOptions,
) -> Response<Bytes> {
    if options.envelope {
        body = envelope::wrap(status, list, options.pretty, &body);
    }
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    if !allows_body(status) {
        if status == StatusCode::RESET_CONTENT {
            response.headers_mut().insert(CONTENT_LENGTH, 0.into());
        }
        return response;
    }
    if body.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, body.len().into());
    if let Ok(media_type) = media_type.parse() {
        headers.insert(CONTENT_TYPE, media_type);
    }
    *response.body_mut() = body.into();
    response
}

/// Whether a response with this status can have a body: not 204, 205 and 304 (RFC 9110 sections
/// 15.3.5, 15.3.6 and 15.4.5).
fn allows_body(status: StatusCode) -> bool {
    ![
        StatusCode::NO_CONTENT,
        StatusCode::RESET_CONTENT,
        StatusCode::NOT_MODIFIED,
    ]
    .contains(&status)
}
