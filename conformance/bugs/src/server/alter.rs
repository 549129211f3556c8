//! The changes made by server bugs.

use std::sync::{Mutex, PoisonError};

use atlas_sandbox::{OWNER, READER};
use bytes::Bytes;
use http::header::{
    ALLOW, CONTENT_LENGTH, CONTENT_TYPE, ETAG, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use serde_json::Value;

use super::set;
use crate::bug::Bug;

/// Changes a request before the sandbox.
pub(super) fn request(bug: Bug, request: &mut Request<Bytes>, digests: &Mutex<Vec<String>>) {
    let authorization = text(request.headers(), "authorization");
    let is_digest = authorization.starts_with("Digest ");
    let owner = |request: &mut Request<Bytes>| {
        let value = format!("Bearer {}", OWNER.access_token);
        set(request.headers_mut(), "authorization", &value);
    };
    match bug.name {
        "envelope-forgotten" => retarget(request, "envelope=true", ""),
        "pretty-forgotten" => retarget(request, "pretty=true", ""),
        "paging-ignored" => retarget(request, "?", "?x"),
        "nc-ignored" if is_digest => {
            let mut seen = digests.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.contains(&authorization) {
                owner(request);
            }
            seen.push(authorization);
        }
        "digest-unchecked" if is_digest => owner(request),
        "bearer-unchecked" if authorization.starts_with("Bearer ") => owner(request),
        "nobody-let-in"
            if authorization.is_empty() && !request.uri().path().starts_with("/sandbox-store/") =>
        {
            owner(request);
        }
        "reader-may-write" if authorization.ends_with(READER.access_token) => owner(request),
        "names-unchecked" => rename(request, |_| true),
        "read-only-fields-refused" => refuse_fields(request),
        "ids-in-any-case" => {
            let path = request.uri().path().to_owned();
            let lower: Vec<String> = path
                .split('/')
                .map(|part| {
                    if part.len() == 24 {
                        part.to_lowercase()
                    } else {
                        part.to_owned()
                    }
                })
                .collect();
            retarget(request, &path, &lower.join("/"));
        }
        "accept-unchecked" => {
            let value = "application/vnd.atlas.2025-03-12+json";
            set(request.headers_mut(), "accept", value);
        }
        "content-type-unchecked" if !request.body().is_empty() => {
            set(request.headers_mut(), "content-type", "application/json");
        }
        "range-ignored" => drop(request.headers_mut().remove(RANGE)),
        "too-large-let-pass" if request.body().len() > 1 << 20 => {
            request.headers_mut().remove(CONTENT_LENGTH);
            *request.body_mut() = Bytes::from_static(b"{}");
        }
        // The sandbox accepts names that this server refuses.
        "letters-ascii-only" => refuse_names(request, |name| !name.is_ascii()),
        "length-in-bytes" => refuse_names(request, |name| name.len() > 64),
        _ => {}
    }
}

/// Changes a response of the sandbox.
pub(super) fn answer(bug: Bug, asked: &HeaderMap, answer: &mut Response<Bytes>) {
    let status = answer.status();
    let failed = status.is_client_error();
    let versioned = text(answer.headers(), "content-type").starts_with("application/vnd.atlas.");
    let headers = answer.headers_mut();
    match bug.name {
        "media-type-unversioned" if versioned => set(headers, "content-type", "application/json"),
        "media-type-of-the-version-asked" if versioned => {
            let asked = text(asked, "accept");
            set(headers, "content-type", &format!("{asked};charset=utf-8"));
        }
        "media-type-missing" => drop(headers.remove(CONTENT_TYPE)),
        "challenge-missing" => drop(headers.remove(WWW_AUTHENTICATE)),
        "stale-never-said" => {
            let challenge = text(headers, "www-authenticate");
            if !challenge.is_empty() {
                let challenge = challenge.replace("stale=true", "stale=false");
                set(headers, "www-authenticate", &challenge);
            }
        }
        "allow-missing" => drop(headers.remove(ALLOW)),
        "retry-after-missing" => drop(headers.remove(RETRY_AFTER)),
        "etag-missing" => drop(headers.remove(ETAG)),
        "token-cached" => drop(headers.remove("cache-control")),
        "sunset-missing" => {
            headers.remove("sunset");
            headers.remove("deprecation");
        }
        "rate-limit-missing" => {
            headers.remove("ratelimit-limit");
            headers.remove("ratelimit-remaining");
        }
        "error-body-empty" if failed => body(answer, Bytes::new()),
        "error-body-html" if failed => body(answer, "<html>No</html>".into()),
        "error-told-as-200" if failed => *answer.status_mut() = StatusCode::OK,
        "success-as-201" if status == StatusCode::OK => *answer.status_mut() = StatusCode::CREATED,
        "unauthorized-number-wrong" if status == StatusCode::UNAUTHORIZED => {
            edit(answer, |it| drop(it.insert("error".to_owned(), 0.into())));
        }
        "method-not-allowed-as-404" if status == StatusCode::METHOD_NOT_ALLOWED => {
            *answer.status_mut() = StatusCode::NOT_FOUND;
        }
        "not-found-as-500" if status == StatusCode::NOT_FOUND => {
            *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        }
        "link-without-signature" if status == StatusCode::FORBIDDEN => {
            *answer.status_mut() = StatusCode::OK;
        }
        "error-code-missing" if failed => edit(answer, |it| drop(it.remove("errorCode"))),
        "error-number-wrong" if failed => {
            edit(answer, |it| drop(it.insert("error".to_owned(), 0.into())));
        }
        "secret-echoed" if failed => {
            let secret = text(asked, "authorization");
            edit(answer, |it| {
                it.insert("detail".to_owned(), secret.clone().into());
            });
        }
        "total-count-missing" | "pages-reversed" | "next-link-missing" => {
            edit(answer, |it| alter_list(bug, it));
        }
        "field-undocumented" if versioned => edit(answer, |it| {
            it.insert("undocumented".to_owned(), 1.into());
        }),
        "field-null" if versioned => edit(answer, |it| {
            if let Some(value) = it.values_mut().find(|value| value.is_string()) {
                *value = Value::Null;
            }
        }),
        "id-as-number" if versioned => edit(answer, |it| {
            if let Some(value) = it.get_mut("id") {
                *value = 1.into();
            }
        }),
        "timestamp-without-zone" if versioned => substitute(answer, &[":00Z\""], ":00\""),
        "token-type-missing" => edit(answer, |it| drop(it.remove("token_type"))),
        "envelope-status-wrong" => edit(answer, |it| {
            if it.contains_key("content") || it.contains_key("results") {
                it.insert("status".to_owned(), 299.into());
            }
        }),
        "job-at-once-complete" => {
            substitute(answer, &["PENDING", "QUEUED", "RUNNING"], "COMPLETED");
        }
        "job-never-complete" => substitute(answer, &["COMPLETED"], "RUNNING"),
        "wrong-kind-code-altered" => substitute(
            answer,
            &["CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"],
            "CLUSTER_NOT_FOUND",
        ),
        "link-field-renamed" => substitute(answer, &["\"snapshotUrl\""], "\"url\""),
        "id-in-upper-case" => substitute(
            answer,
            &[atlas_sandbox::PROJECT],
            "32B6E34B3D91647ABB20E7B8",
        ),
        _ => {}
    }
}

/// Changes the fields of a list.
fn alter_list(bug: Bug, fields: &mut serde_json::Map<String, Value>) {
    if bug.is("total-count-missing") {
        fields.remove("totalCount");
        return;
    }
    let name = if bug.is("pages-reversed") {
        "results"
    } else {
        "links"
    };
    match fields.get_mut(name) {
        Some(Value::Array(results)) if name == "results" => results.reverse(),
        Some(Value::Array(links)) => links.retain(|link| link["rel"] != "next"),
        _ => {}
    }
}

fn text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

const NAME: &str = "targetDeploymentItemName";

/// Replaces the name of a target if the predicate holds.
fn rename(request: &mut Request<Bytes>, like: impl Fn(&str) -> bool) {
    replace_name(request, like, "any");
}

fn refuse_names(request: &mut Request<Bytes>, like: impl Fn(&str) -> bool) {
    replace_name(request, like, "");
}

fn replace_name(request: &mut Request<Bytes>, like: impl Fn(&str) -> bool, by: &str) {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(request.body()) else {
        return;
    };
    let name = fields.get(NAME).and_then(Value::as_str);
    if name.is_some_and(like) {
        fields.insert(NAME.to_owned(), by.into());
        put(request, &Value::Object(fields));
    }
}

/// Removes the required fields from a body that also has other fields.
fn refuse_fields(request: &mut Request<Bytes>) {
    if let Ok(Value::Object(fields)) = serde_json::from_slice(request.body()) {
        let known = ["snapshotId", NAME, "targetProjectId"];
        if fields.contains_key(NAME) && fields.keys().any(|name| !known.contains(&name.as_str())) {
            put(request, &serde_json::json!({}));
        }
    }
}

fn put(request: &mut Request<Bytes>, value: &Value) {
    request.headers_mut().remove(CONTENT_LENGTH);
    *request.body_mut() = value.to_string().into();
}

fn body(answer: &mut Response<Bytes>, bytes: Bytes) {
    answer.headers_mut().remove(CONTENT_LENGTH);
    *answer.body_mut() = bytes;
}

fn edit(answer: &mut Response<Bytes>, change: impl Fn(&mut serde_json::Map<String, Value>)) {
    if let Ok(Value::Object(mut fields)) = serde_json::from_slice(answer.body()) {
        change(&mut fields);
        body(answer, Value::Object(fields).to_string().into());
    }
}

fn substitute(answer: &mut Response<Bytes>, from: &[&str], to: &str) {
    let Ok(mut text) = String::from_utf8(answer.body().to_vec()) else {
        return;
    };
    for from in from {
        text = text.replace(from, to);
    }
    body(answer, text.into());
}

/// Replaces a part of a request's target.
fn retarget(request: &mut Request<Bytes>, from: &str, to: &str) {
    let uri = request.uri().to_string().replacen(from, to, 1);
    if let Ok(uri) = uri.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
}
