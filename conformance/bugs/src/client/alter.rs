//! Bugs in the requests of a client.

use serde_json::{Map, Value, json};

use super::list::ANOTHER_STYLE;
use super::request::{Headers, Request};
use super::style::restyle;
use super::text;
use crate::bug::Bug;

/// Changes a request of the client.
pub(super) fn request(bug: Bug, request: &mut Request) {
    if request.path().starts_with("/api/oauth/") {
        match bug.name {
            "token-request-without-basic" => request.headers.remove("authorization"),
            "token-request-as-json" => request.headers.set("content-type", "application/json"),
            _ => {}
        }
        return;
    }
    if request.path().starts_with("/store/") {
        if bug.is("link-with-authorization") {
            request.headers.set("authorization", "Bearer t0ken");
        }
        return;
    }
    if bug == ANOTHER_STYLE {
        restyle(request);
        return;
    }
    alter_target(bug, request);
    alter_headers(bug, &mut request.headers);
    if !request.body.is_empty() {
        alter_body(bug, &mut request.body);
    }
}

fn alter_target(bug: Bug, request: &mut Request) {
    match bug.name {
        "method-put" => "PUT".clone_into(&mut request.method),
        "path-doubled-slash" => request.target = request.target.replacen("/groups", "//groups", 1),
        "path-suffix-lost" => {
            let path = request.path();
            if let Some(end) = path.rfind(':').filter(|end| !path[*end..].contains('/')) {
                let query = request.target[path.len()..].to_owned();
                request.target = format!("{}{query}", &path[..end]);
            }
        }
        "path-in-lower-case" => {
            let path = request.path();
            request.target = path.to_lowercase() + &request.target[path.len()..];
        }
        "page-number-from-zero" => {
            for number in 1..10 {
                let (from, to) = (
                    format!("pageNum={number}"),
                    format!("pageNum={}", number - 1),
                );
                if request.target.contains(&from) {
                    request.target = request.target.replace(&from, &to);
                    break;
                }
            }
        }
        "secret-in-query" => request.add_query("token=t0ken"),
        "envelope-not-asked" => request.remove_query("envelope=true"),
        "pretty-not-asked" => request.remove_query("pretty=true"),
        _ => {}
    }
}

fn alter_headers(bug: Bug, headers: &mut Headers) {
    match bug.name {
        "accept-missing" => headers.remove("accept"),
        "accept-unversioned" => headers.set("accept", "application/json"),
        "accept-of-another-version" => {
            let accept = headers.get("accept").unwrap_or_default();
            let other = if accept.contains("2023-01-01") {
                "application/vnd.atlas.2023-02-01+json"
            } else {
                "application/vnd.atlas.2023-01-01+json"
            };
            headers.set("accept", other);
        }
        "host-missing" => headers.remove("host"),
        "host-of-another" => headers.set("host", "another.example"),
        "content-type-missing" => headers.remove("content-type"),
        "content-type-text" => headers.set("content-type", "text/plain"),
        "content-type-latin-1" => {
            headers.set("content-type", "application/json;charset=iso-8859-1");
        }
        "content-type-csv" => headers.set("content-type", "application/vnd.atlas.2023-01-01+csv"),
        "authorization-missing" => headers.remove("authorization"),
        "authorization-basic" => headers.set("authorization", "Basic dXNlcjpwYXNz"),
        _ => {
            if let Some(value) = headers.get("authorization") {
                let altered = authorization(bug, value);
                if altered != value {
                    headers.set("authorization", &altered);
                }
            }
        }
    }
}

/// Changes the value of an `Authorization` header.
fn authorization(bug: Bug, value: &str) -> String {
    let with = |name: &str, other: &str| {
        let Some(start) = value.find(&format!("{name}=")) else {
            return value.to_owned();
        };
        let end = value[start..].find(',');
        let end = end.map_or(value.len(), |end| start + end);
        format!("{}{other}{}", &value[..start], &value[end..])
    };
    match bug.name {
        "bearer-altered" => value.replacen("Bearer ", "Bearer x", 1),
        "digest-nc-stuck" => with("nc", "nc=00000001"),
        "digest-nc-short" => with("nc", "nc=1"),
        "digest-cnonce-missing" => with("cnonce", "x=1"),
        "digest-uri-of-the-root" => with("uri", "uri=\"/\""),
        "digest-response-altered" => {
            with("response", "response=\"00000000000000000000000000000000\"")
        }
        "digest-realm-altered" => with("realm", "realm=\"Another\""),
        "digest-qop-missing" => with("qop", "x=1"),
        "digest-username-altered" => with("username", "username=\"another\""),
        "digest-nonce-altered" => value.replacen(" nonce=\"", " nonce=\"0", 1),
        _ => value.to_owned(),
    }
}

fn alter_body(bug: Bug, body: &mut Vec<u8>) {
    let first_text = |change: fn(&str) -> String| {
        let mut value = serde_json::from_slice::<Value>(body).ok()?;
        let text = value
            .as_object_mut()?
            .values_mut()
            .find(|it| it.is_string())?;
        *text = change(text.as_str()?).into();
        Some(value.to_string().into_bytes())
    };
    let with_field = |field: &str| {
        let text = String::from_utf8_lossy(body);
        let rest = text.trim_start().strip_prefix('{')?.to_owned();
        let comma = if rest.trim_start().starts_with('}') {
            ""
        } else {
            ","
        };
        Some(format!("{{{field}{comma}{rest}").into_bytes())
    };
    let altered = match bug.name {
        "body-value-spaced" => first_text(|text| format!(" {text}")),
        "body-value-altered" => {
            first_text(|text| format!("4{}", text.get(1..).unwrap_or_default()))
        }
        "body-field-twice" => with_field("\"snapshotId\":\"\""),
        "body-extra-field" => with_field("\"extra\":1"),
        "body-field-lost" => {
            let mut value = serde_json::from_slice::<Value>(body).unwrap_or_default();
            let fields = value.as_object_mut();
            fields.map(|fields| {
                let first = fields.keys().next().cloned();
                fields.remove(&first.unwrap_or_default());
                Value::Object(fields.clone()).to_string().into_bytes()
            })
        }
        "body-lost" => Some(Vec::new()),
        "body-with-bom" => Some([b"\xef\xbb\xbf", body.as_slice()].concat()),
        _ => None,
    };
    if let Some(altered) = altered {
        *body = altered;
    }
}

/// Returns the request of a call without checking its values.
pub(super) fn unchecked(call: &Map<String, Value>) -> Request {
    let mut target = text(call, "path").to_owned();
    let parameters = call.get("parameters").and_then(Value::as_object);
    for (name, value) in parameters.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default().replace(' ', "%20");
        target = target.replace(&format!("{{{name}}}"), &value);
    }
    let mut headers = Headers::default();
    let version = text(call, "version");
    headers.set("accept", &format!("application/vnd.atlas.{version}+json"));
    headers.set("content-type", "application/json");
    let body = call.get("body").filter(|body| **body != json!(null));
    let body = body.map(|body| body.to_string().into_bytes());
    Request {
        method: text(call, "method").to_owned(),
        target: target.replace(['\r', '\n'], ""),
        headers,
        body: body.unwrap_or_default(),
    }
}
