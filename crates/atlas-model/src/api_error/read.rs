//! Reads error bodies with any subset of the documented fields.

use http::HeaderMap;
use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{ApiError, BadRequestDetail, FieldViolation};
use crate::envelope::Envelope;

impl ApiError {
    /// Reads the body of an error response; `None` if it holds none of the documented fields.
    ///
    /// Any of `error`, `errorCode`, `detail`, `reason` and `badRequestDetail` is sufficient, also
    /// inside an [envelope](crate::envelope). `error` and `error_description` of RFC 6750 are read
    /// as code and detail.
    pub fn read(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let content = Envelope::open(body).map_or(body, |envelope| envelope.content);
        let fields: Map<String, Value> = serde_json::from_slice(content).ok()?;
        Some(Self::from_fields(fields)).filter(Self::says_something)
    }

    /// Reads an error response; the code is that of `X-Error-Code` if the body has none.
    pub(crate) fn read_response(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let code = headers.get("x-error-code");
        let code = code.and_then(|value| value.to_str().ok()).and_then(filled);
        match (Self::read(body), code) {
            (Some(mut error), code) => {
                error.error_code = error.error_code.or(code);
                Some(error)
            }
            (None, Some(code)) => Some(Self {
                error_code: Some(code),
                ..Self::default()
            }),
            (None, None) => None,
        }
    }

    /// Reads an error body that was sent instead of a resource: `error` with a status from 400 and
    /// a code or text, or a code with text.
    pub(crate) fn in_place_of_a_resource(body: &[u8]) -> Option<Self> {
        // Most bodies lack the field and need not be parsed a second time.
        let names_it = || {
            memmem::find_iter(body, b"\"error")
                .map(|at| &body[at + b"\"error".len()..])
                .any(|rest| rest.starts_with(b"\"") || rest.starts_with(b"Code\""))
        };
        if body.len() > LARGEST_ERROR || !names_it() {
            return None;
        }
        let fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let error = Self::from_fields(fields);
        let (coded, worded) = (
            error.error_code.is_some(),
            error.reason.is_some() || error.detail.is_some(),
        );
        let refused = match error.error {
            Some(400..=599) => coded || worded,
            Some(_) => false,
            None => coded && worded,
        };
        refused.then_some(error)
    }

    fn says_something(&self) -> bool {
        self.error.is_some()
            || self.error_code.is_some()
            || self.detail.is_some()
            || self.reason.is_some()
            || self.bad_request_detail.is_some()
    }

    /// Reads each field on its own: a field of an unexpected type does not affect the others.
    fn from_fields(mut fields: Map<String, Value>) -> Self {
        let status = fields.remove("error");
        let mut field = |name: &str| fields.remove(name).filter(|value| !value.is_null());
        let mut error = Self {
            error: status.as_ref().and_then(number),
            detail: field("detail").and_then(text),
            reason: field("reason").and_then(text),
            error_code: field("errorCode").and_then(text),
            parameters: field("parameters").map(list),
            bad_request_detail: field("badRequestDetail").and_then(refused_fields),
        };
        if let Some(code) = status.as_ref().and_then(oauth_code) {
            error.error_code.get_or_insert(code);
            error.detail = error
                .detail
                .or_else(|| field("error_description").and_then(text));
        }
        error
    }
}

impl<'de> Deserialize<'de> for ApiError {
    /// Reads an object with any of the documented fields, or none of them.
    fn deserialize<D: Deserializer<'de>>(body: D) -> Result<Self, D::Error> {
        Map::deserialize(body).map(Self::from_fields)
    }
}

/// A status: an integer, or an integer as text.
fn number(value: &Value) -> Option<u16> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => {
            let whole = value.as_f64().filter(|number| number.fract() == 0.0);
            whole.and_then(|number| format!("{number}").parse().ok())
        }
    }
}

/// Text that is not empty, or a number or boolean as text.
fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => filled(&text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.trim().is_empty()).then(|| text.to_owned())
}

/// The elements of an array; any other value is a single element.
fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(entries) => entries,
        other => vec![other],
    }
}

/// Refused fields: `{"fields": […]}` as documented, a bare array or entry, or a plain text.
fn refused_fields(value: Value) -> Option<BadRequestDetail> {
    let entries = match value {
        Value::Object(mut object) if object.contains_key("fields") => {
            list(object.remove("fields")?)
        }
        other => list(other),
    };
    let violation = |entry| match entry {
        Value::Object(mut entry) => {
            let mut field = |name: &str| entry.remove(name).and_then(text);
            Some(FieldViolation {
                description: field("description"),
                field: field("field"),
            })
        }
        entry => text(entry).map(|text| FieldViolation {
            description: Some(text),
            field: None,
        }),
    };
    let fields: Vec<_> = entries.into_iter().filter_map(violation).collect();
    let has_text = |entry: &FieldViolation| entry.description.is_some() || entry.field.is_some();
    let fields: Vec<_> = fields.into_iter().filter(has_text).collect();
    (!fields.is_empty()).then_some(BadRequestDetail {
        fields: Some(fields),
    })
}

/// Whether a text is spelled like the codes of RFC 6749 and RFC 6750, such as `invalid_token`.
fn oauth_code(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let spelled = text
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (spelled && text.contains('_')).then(|| text.to_owned())
}

/// The byte order mark that some servers send first (U+FEFF in UTF-8).
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Larger bodies are not searched for an error in place of a resource.
const LARGEST_ERROR: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Option<ApiError> {
        ApiError::read(body.to_string().as_bytes())
    }

    #[test]
    fn any_documented_field_is_enough_and_none_is_too_few() {
        for body in [
            json!({"error": 401}),
            json!({"error": "401"}),
            json!({"errorCode": "X", "error": {}, "reason": [], "parameters": 7}),
            json!({"detail": "d", "error": null, "errorCode": null, "parameters": null}),
            json!({"reason": "r", "error": -1, "badRequestDetail": "no"}),
            json!({"badRequestDetail": {"fields": [{"field": "f"}]}}),
            json!({"status": 401, "content": {"reason": "Unauthorized"}}),
            json!({"error": "invalid_token", "error_description": "expired"}),
        ] {
            assert!(read(&body).is_some(), "{body}");
        }
        for body in [
            json!({}),
            json!({"error": null, "errorCode": "", "detail": " ", "reason": null}),
            json!({"error": "Not Found", "path": "/", "status": 404}),
            json!({"error": {"code": 404, "message": "m"}}),
            json!({"parameters": ["a"]}),
            json!({"badRequestDetail": {"fields": [null, [], {}]}}),
            json!({"status": 401, "content": null}),
            json!(["errorCode"]),
            json!("Unauthorized"),
            json!(null),
        ] {
            assert_eq!(read(&body), None, "{body}");
        }
        assert_eq!(ApiError::read(b"<html>"), None);
    }

    #[test]
    fn only_the_field_of_an_unexpected_type_is_left_out() {
        let error = read(&json!({
            "error": "404", "errorCode": 7, "detail": {"a": 1}, "reason": "Not Found",
            "parameters": {"name": "Cluster0"},
            "badRequestDetail": {"fields": {"field": "f", "description": 3}},
        }))
        .unwrap();
        assert_eq!(error.error, Some(404));
        assert_eq!(error.error_code.as_deref(), Some("7"));
        assert_eq!(error.detail, None);
        assert_eq!(error.parameters.unwrap(), [json!({"name": "Cluster0"})]);
        let fields = error.bad_request_detail.unwrap().fields.unwrap();
        assert_eq!(fields[0].description.as_deref(), Some("3"));
    }

    #[test]
    fn a_field_given_twice_does_not_hide_the_error() {
        let error = ApiError::read(br#"{"error":404,"errorCode":"A","errorCode":"B"}"#).unwrap();
        assert_eq!(error.error_code.as_deref(), Some("B"));
    }
}
