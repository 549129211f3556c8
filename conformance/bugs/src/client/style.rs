//! Rewrites a request in another valid style.

use serde_json::Value;

use super::request::Request;

/// Rewrites a request without changing its meaning.
pub(super) fn restyle(request: &mut Request) {
    let value = serde_json::from_slice::<Value>(&request.body);
    let content_type = match value {
        Ok(value) => {
            request.body = spread(&value).into_bytes();
            "Application/Vnd.Atlas.2025-03-12+JSON; Charset=\"UTF-8\""
        }
        Err(_) => "application/json",
    };
    request.headers.set("content-type", content_type);
    add_defaults(request);
    if let Some(accept) = request.headers.get("accept").map(str::to_uppercase) {
        request.headers.set("accept", &accept);
    }
    let authorization = request.headers.get("authorization");
    if let Some(token) = authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        let value = format!("bearer {token}");
        request.headers.set("authorization", &value);
    }
}

/// Returns JSON with much white space, the fields reversed, and every other character escaped.
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
            // The same number in another format.
            Some(number) if number.abs() < 1_000_000 => format!("{number}.0e+0"),
            _ => other.to_string(),
        },
    }
}

/// Adds documented defaults to the query, unless a digest covers it.
fn add_defaults(request: &mut Request) {
    let authorization = request.headers.get("authorization");
    if authorization.is_some_and(|value| value.starts_with("Bearer ")) {
        for name in ["envelope", "pretty"] {
            if !request.target.contains(&format!("{name}=")) {
                request.add_query(&format!("{name}=false"));
            }
        }
    }
}
