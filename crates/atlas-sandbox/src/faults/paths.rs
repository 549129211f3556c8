//! Validates the paths of fault rules.

use atlas_catalog::Operation;

use super::check::shortened;
use crate::control;
use crate::object_store;

/// The maximum length of a path.
const MAX_PATH: usize = 2000;

/// The paths that are neither operations nor files.
const OTHER_PATHS: [&str; 3] = ["/", TOKEN, REVOKE];
/// The prefix of the paths of all operations.
const API: &str = "/api/atlas/v2";
const TOKEN: &str = "/api/oauth/token";
const REVOKE: &str = "/api/oauth/revoke";

/// The kinds of requests that a rule can match.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// An operation of the API.
    pub(super) operations: bool,
    /// Requests to issue or revoke a token.
    pub(super) tokens: bool,
    /// Snapshot files.
    pub(super) files: bool,
}

/// The requests that a rule with this operation and this path prefix can match; both are valid.
pub(super) fn reach(operation: Option<&str>, start: Option<&str>) -> Reach {
    let start = start.unwrap_or("/");
    let free = operation.is_none();
    Reach {
        operations: templates(operation).any(|template| can_begin(&template, start)),
        tokens: free && [TOKEN, REVOKE].iter().any(|path| path.starts_with(start)),
        files: free && can_begin_a_file(start),
    }
}

/// Checks that a request can have a path with this prefix, and that it belongs to the operation.
pub(super) fn check(start: &str, operation: Option<&str>) -> Result<(), String> {
    let shown = shortened(start);
    if !start.starts_with('/') {
        return Err(format!("invalid path {shown:?}: expected a leading slash"));
    }
    if start.len() > MAX_PATH {
        return Err(format!(
            "invalid path {shown:?}: expected at most {MAX_PATH} bytes"
        ));
    }
    if start.contains(['{', '}']) {
        return Err(format!(
            "invalid path {shown:?}: expected the value of a parameter, not its name in braces"
        ));
    }
    if start.contains('*') {
        return Err(format!(
            "invalid path {shown:?}: a path is a prefix without wildcards; remove * \
             and the rest"
        ));
    }
    if start.contains(['?', '#']) {
        return Err(format!(
            "invalid path {shown:?}: expected a path without a query or fragment"
        ));
    }
    if let Some(odd) = start.chars().find(|it| !stands_in_a_path(*it)) {
        return Err(format!(
            "invalid path {shown:?}: expected {odd:?} percent-encoded, as in requests"
        ));
    }
    if !escapes_are_whole(start) {
        return Err(format!(
            "invalid path {shown:?}: expected two hexadecimal digits after %"
        ));
    }
    if start
        .split('/')
        .any(|segment| matches!(segment, "." | ".."))
    {
        return Err(format!(
            "invalid path {shown:?}: expected no segments . and .., which clients remove"
        ));
    }
    if start.starts_with(control::PREFIX) {
        return Err(format!(
            "invalid path {shown:?}: control requests have no faults"
        ));
    }
    if let Some(id) = operation {
        if !reach(operation, Some(start)).operations {
            return Err(format!("no request of {id} has a path like {shown:?}"));
        }
        return Ok(());
    }
    let reach = reach(None, Some(start));
    let other = OTHER_PATHS.iter().any(|path| path.starts_with(start));
    if other || reach.operations || reach.tokens || reach.files {
        return Ok(());
    }
    let below = format!("{API}{start}");
    if self::reach(None, Some(&below)).operations {
        return Err(format!(
            "invalid path {shown:?}: expected the full path; did you mean {:?}?",
            shortened(&below)
        ));
    }
    Err(format!(
        "invalid path {shown:?}: expected that of an operation, the token endpoint or a file"
    ))
}

/// Whether a character is allowed in a path (RFC 3986 section 3.3).
fn stands_in_a_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/%".contains(c)
}

/// Whether two hexadecimal digits follow each `%`; the last escape may be cut off.
fn escapes_are_whole(text: &str) -> bool {
    text.split('%').skip(1).enumerate().all(|(index, after)| {
        let last = index + 2 == text.split('%').count();
        let digits = after.bytes().take(2);
        let count = digits.clone().filter(u8::is_ascii_hexdigit).count();
        count == 2 || (last && count == after.len())
    })
}

/// Whether the text is a prefix of the path of a snapshot file, `/sandbox-store/SNAPSHOT.tgz`.
fn can_begin_a_file(start: &str) -> bool {
    const END: &str = ".tgz";
    let Some(name) = start.strip_prefix(object_store::PREFIX) else {
        return object_store::PREFIX.starts_with(start);
    };
    let hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = name.bytes().take_while(hex).count();
    let rest = &name[digits..];
    digits <= 24 && (rest.is_empty() || (digits == 24 && END.starts_with(rest)))
}

/// The paths of an operation, or of all operations, with parameter names in braces.
pub(super) fn templates(id: Option<&str>) -> impl Iterator<Item = String> {
    let one = id.and_then(Operation::find);
    let all = id.is_none().then(Operation::all);
    one.into_iter()
        .chain(all.into_iter().flatten())
        .map(Operation::path)
}

/// Whether the text is a prefix of a path that matches the template.
fn can_begin(template: &str, start: &str) -> bool {
    let (mut template, mut start) = (template.split('/'), start.split('/').peekable());
    while let Some(given) = start.next() {
        let Some(wanted) = template.next() else {
            return false;
        };
        let last = start.peek().is_none();
        let fits = match wanted.split_once('{') {
            None if last => wanted.starts_with(given),
            None => wanted == given,
            Some(_) if last && given.is_empty() => true,
            Some((literal, _)) if last && given.len() <= literal.len() => {
                literal.starts_with(given)
            }
            Some((literal, _)) => given.len() > literal.len() && given.starts_with(literal),
        };
        if !fits {
            return false;
        }
    }
    true
}
