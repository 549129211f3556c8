//! Another right style: the same request, written in another way.

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::client::{authorization, put};

/// Says the same in another way.
pub(super) fn restyle(request: &mut Request<Bytes>) {
    if let Ok(value) = serde_json::from_slice::<Value>(request.body()) {
        put(
            request,
            CONTENT_TYPE,
            "Application/Vnd.Atlas.2025-03-12+JSON; Charset=\"UTF-8\"",
        );
        request.headers_mut().remove(http::header::CONTENT_LENGTH);
        *request.body_mut() = spread(&value).into();
    } else {
        put(request, CONTENT_TYPE, "application/json");
    }
    defaults(request);
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    if let Some(Ok(value)) = accept.map(|text| HeaderValue::from_str(&text.to_uppercase())) {
        request.headers_mut().insert(ACCEPT, value);
    }
    authorization(request, |text| text.replacen("Bearer ", "bearer ", 1));
}

/// JSON with much white space, the last field first, and every other character escaped.
fn spread(value: &Value) -> String {
    let text = |text: &str| {
        let escaped = text.encode_utf16().enumerate().map(|(place, unit)| {
            let plain = char::from_u32(unit.into()).filter(char::is_ascii_alphanumeric);
            match plain {
                Some(plain) if place % 2 == 0 => plain.to_string(),
                _ => format!("\\u{unit:04X}"),
            }
        });
        format!("\"{}\"", escaped.collect::<String>())
    };
    let list = |open: &str, parts: Vec<String>, close: &str| {
        format!("{open} \n\t{}\r\n{close} ", parts.join(" , "))
    };
    match value {
        Value::String(content) => text(content),
        Value::Array(items) => list("[", items.iter().map(spread).collect(), "]"),
        Value::Object(fields) => {
            let fields = fields.iter().rev();
            let fields = fields.map(|(name, value)| format!("{} : {}", text(name), spread(value)));
            list("{", fields.collect(), "}")
        }
        other => match other.as_i64() {
            // The same number in another form.
            Some(number) if number.abs() < 1_000_000 => format!("{number}.0e+0"),
            _ => other.to_string(),
        },
    }
}

/// Adds documented defaults to the query; of a digest it would be another request.
fn defaults(request: &mut Request<Bytes>) {
    let of_token = request
        .headers()
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"Bearer "));
    let mut target = request.uri().to_string();
    for name in ["envelope", "pretty"] {
        if of_token && !target.contains(&format!("{name}=")) {
            let mark = if target.contains('?') { "&" } else { "?" };
            target += &[mark, name, "=false"].concat();
        }
    }
    if let Ok(target) = target.parse() {
        *request.uri_mut() = target;
    }
}
