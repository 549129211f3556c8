//! Server cases: a login without the documented roles is refused.

use atlas_catalog::{Operation, Role};
use serde_json::{Value, json};

use crate::case::{Sources, head};
use crate::server::{asked, has_ended, plausible};

/// The roles of the login `reader`.
const READER: [&str; 2] = ["Project Read Only", "Organization Member"];

/// Returns the case of an operation that the reader is not allowed to use.
pub(crate) fn case(operation: Operation, sources: &Sources) -> Option<Value> {
    let roles = operation.roles();
    let held = |role: &String| READER.iter().any(|held| Role(held).includes(role));
    if roles.is_empty() || operation.is_open() || roles.iter().any(held) {
        return None;
    }
    let parameters = plausible(operation, sources);
    let version = operation.version(None)?;
    let mut request = asked(operation, version, parameters, sources);
    request["login"] = "reader".into();
    let requires = format!(
        "The server refuses {operation} for a login without the role {}.",
        roles.join(" or ")
    );
    let source = format!("facts: roles of {operation}");
    let mut case = head(&format!("role-{operation}"), operation, &requires, &source);
    if has_ended(version) {
        case["level"] = "MAY".into();
    }
    // A server without the login refuses all its requests.
    let known = json!({
        "request": {"operation": "listGroups", "login": "reader"},
        "expect": {"status": [200]},
        "need": "a login reader",
    });
    let refused = json!({
        "request": request,
        "expect": {"status": [401, 403], "error": "?"},
    });
    case["flow"] = json!({"steps": [known, refused]});
    Some(case)
}
