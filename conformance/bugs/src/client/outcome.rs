//! Bugs in a client's replies.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::text;
use crate::bug::Bug;

/// Changes the reply to a run. `results` is the number of items in the last page of a list.
pub(super) fn alter(
    bug: Bug,
    kind: &str,
    asked: &Map<String, Value>,
    results: Option<usize>,
    answer: &mut Map<String, Value>,
) {
    let is_error = is(answer, "api_error");
    match bug.name {
        "error-told-as-success" if is_error => set(answer, "kind", json!("ok")),
        "success-told-as-error" if is(answer, "ok") => set(answer, "kind", json!("unreadable")),
        "status-told-wrong" if is_error => set(answer, "status", json!(500)),
        "error-code-dropped" => set(answer, "errorCode", Value::Null),
        "list-cut-told-as-whole" if is(answer, "incomplete") => set(answer, "kind", json!("ok")),
        "list-read-to-its-first-page" if asked.get("list") == Some(&json!(true)) => {
            set(answer, "items", json!(results));
        }
        "secret-echoed" => {
            let output = format!("{}{}", text(answer, "output"), secret(asked));
            answer.insert("output".to_owned(), output.into());
        }
        "download-leaves-a-broken-file" if kind == "download" && !is(answer, "ok") => {
            let _ = std::fs::write(Path::new(text(asked, "out")), "the first half");
        }
        _ if kind == "pattern" => pattern(bug, text(asked, "text"), answer),
        _ => {}
    }
}

/// Whether a reply has an outcome of this kind.
pub(super) fn is(answer: &Map<String, Value>, kind: &str) -> bool {
    answer
        .get("outcome")
        .is_some_and(|outcome| outcome["kind"] == kind)
}

/// Changes the reply to a pattern case.
fn pattern(bug: Bug, text: &str, answer: &mut Map<String, Value>) {
    let accepted = is(answer, "accepted");
    let accepted = match bug.name {
        "letters-ascii-only" => accepted && text.is_ascii(),
        "length-in-bytes" => accepted && text.len() <= 64,
        "length-in-utf-16" => accepted && text.encode_utf16().count() <= 64,
        "pattern-ignored" => true,
        _ => return,
    };
    set(
        answer,
        "kind",
        json!(if accepted { "accepted" } else { "refused" }),
    );
}

fn set(answer: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(Value::Object(outcome)) = answer.get_mut("outcome") {
        outcome.insert(name.to_owned(), value);
    }
}

/// Returns the secret of a call or a download.
fn secret(asked: &Map<String, Value>) -> &str {
    let auth = asked
        .get("auth")
        .and_then(Value::as_object)
        .unwrap_or(asked);
    let secrets = ["password", "secret", "token"];
    let secret = secrets.iter().find_map(|name| auth.get(*name));
    secret.and_then(Value::as_str).unwrap_or_default()
}
