//! The query of the journal.

use std::fmt;

use atlas_catalog::Operation;
use http::Method;

use super::record::RecordedRequest;
use crate::faults::{shortened, unknown_operation};

/// A filter; a request must match every part.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    operation: Option<Operation>,
    method: Option<Method>,
    status: Option<Status>,
    path: Option<String>,
    since: Option<u64>,
    limit: Option<usize>,
}

#[derive(Debug)]
enum Status {
    None,
    Code(u16),
}

/// The error for an invalid query of a journal.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalQueryError(String);

impl fmt::Debug for JournalQueryError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The methods of RFC 9110, section 9, and PATCH.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::CONNECT,
    Method::OPTIONS,
    Method::TRACE,
    Method::PATCH,
];

impl Filter {
    /// Parses a form-encoded query.
    pub(crate) fn parse(query: &str) -> Result<Self, JournalQueryError> {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            filter.set(&name, &value).map_err(JournalQueryError)?;
        }
        Ok(filter)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let repeated = match name {
            "operation" => {
                let operation = Operation::find(value);
                let unknown = || format!("invalid operation: {}", unknown_operation(value));
                let operation = operation.ok_or_else(unknown)?;
                self.operation.replace(operation).is_some()
            }
            "method" => {
                let upper = value.to_ascii_uppercase();
                let method = METHODS.into_iter().find(|method| method.as_str() == upper);
                // A misspelt method would match nothing, and a test that expects nothing pass.
                let method = method.ok_or_else(|| invalid(name, value, "a method such as POST"))?;
                self.method.replace(method).is_some()
            }
            "status" => {
                let status = match value {
                    "none" => Some(Status::None),
                    code => code
                        .parse()
                        .ok()
                        .filter(|code| (100..=599).contains(code))
                        .map(Status::Code),
                };
                let status = status.ok_or_else(|| invalid(name, value, "100 to 599, or none"))?;
                self.status.replace(status).is_some()
            }
            "path" if value.starts_with('/') => self.path.replace(value.to_owned()).is_some(),
            "path" => return Err(invalid(name, value, "a leading slash")),
            "since" => {
                let since = value.parse();
                let since = since.map_err(|_| invalid(name, value, "the number of a request"))?;
                self.since.replace(since).is_some()
            }
            "limit" => {
                let limit = value.parse();
                let limit = limit.map_err(|_| invalid(name, value, "a number of requests"))?;
                self.limit.replace(limit).is_some()
            }
            _ => {
                return Err(format!(
                    "unknown parameter {:?}: expected operation, method, status, path, since or \
                     limit",
                    shortened(name)
                ));
            }
        };
        if repeated {
            return Err(format!("invalid {name}: expected only once"));
        }
        Ok(())
    }

    /// The maximum number of requests.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(usize::MAX)
    }

    pub(super) fn fits(&self, request: &RecordedRequest) -> bool {
        let status = request.status().map(|status| status.as_u16());
        // The most expensive comparison is last.
        self.since.is_none_or(|since| request.number() > since)
            && self
                .method
                .as_ref()
                .is_none_or(|method| method == request.method())
            && self.status.as_ref().is_none_or(|wanted| match wanted {
                Status::None => status.is_none(),
                Status::Code(code) => status == Some(*code),
            })
            && self
                .path
                .as_ref()
                .is_none_or(|start| begins(&request.path(), start))
            && self
                .operation
                .is_none_or(|wanted| request.operation() == Some(wanted))
    }
}

fn invalid(name: &str, value: &str, expected: &str) -> String {
    format!("invalid {name} {:?}: expected {expected}", shortened(value))
}

/// Whether a path starts with a text, in which `/api/atlas/v2` may be omitted.
fn begins(path: &str, start: &str) -> bool {
    let below = path.strip_prefix("/api/atlas/v2");
    path.starts_with(start) || below.is_some_and(|below| below.starts_with(start))
}
