//! Reads a JSON object from a file that a flag names.

use std::path::Path;

use atlas_transport::atlas_catalog::{RequestBuilder, ViolationKind};
use serde_json::Value;

use crate::failure::Failure;
use crate::read_file;
use crate::signals::blocking;

/// The largest file, in bytes.
const LIMIT: u64 = 16 << 20;

/// Reads a file that holds a JSON object; `-` is standard input.
pub(crate) async fn object(path: &Path) -> Result<Value, Failure> {
    let path = path.to_owned();
    blocking(move || {
        let shown = path.display();
        let text = if path.as_os_str() == "-" {
            read_file::from(std::io::stdin().lock(), LIMIT)
        } else {
            read_file::text(&path, LIMIT)
        };
        let text = text.map_err(|error| Failure::File(format!("cannot read {shown}: {error}")))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        match serde_json::from_str::<Value>(text) {
            Ok(value) if value.is_object() => Ok(value),
            Ok(_) => Err(Failure::Usage(format!("{shown}: expected a JSON object"))),
            Err(error) => Err(Failure::Usage(format!("{shown}: invalid JSON: {error}"))),
        }
    })
    .await
}

/// Checks a request body from a file. An unknown field is an error, since Atlas would ignore it. A
/// read-only field is accepted, so that a response can be edited and sent back.
pub(crate) fn check(request: &RequestBuilder, path: &Path) -> Result<(), Failure> {
    let violations = request
        .check_body()
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let wrong: Vec<String> = violations
        .iter()
        .filter(|violation| violation.kind() != ViolationKind::ReadOnly)
        .map(ToString::to_string)
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let (path, wrong) = (path.display(), wrong.join("; "));
    Err(Failure::Usage(format!("invalid {path}: {wrong}")))
}
