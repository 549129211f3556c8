//! Violations: differences between a request or response and the facts.

use std::fmt;

use serde_json::Value;

/// One difference between a value and its documentation.
///
/// Displayed as one line, such as `$.name: expected at most 64 characters, found "…"` or `$.tags:
/// unknown field`. The found value is truncated, escaped, and left out if it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    path: String,
    kind: ViolationKind,
    expected: String,
    found: Option<String>,
}

/// The kind of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// Another JSON type.
    Type,
    /// A required field, parameter or body is missing.
    Required,
    /// A value is not among the documented ones.
    Enum,
    /// A string does not match an enforced pattern.
    Pattern,
    /// A string does not match its format, or a number its type.
    Format,
    /// A size, length or count is outside its bounds, or an element is repeated.
    Bound,
    /// A value does not match any member of a union.
    Union,
    /// A request has a field that exists only in responses. Atlas ignores it.
    ReadOnly,
    /// A response has a field that exists only in requests.
    WriteOnly,
    /// A field, parameter or body is not documented. Atlas ignores it.
    UnknownField,
}

impl ViolationKind {
    /// Whether Atlas accepts a request with such a violation: it ignores read-only and unknown
    /// fields.
    pub fn is_tolerated(self) -> bool {
        matches!(self, Self::ReadOnly | Self::UnknownField)
    }

    /// Returns its name, such as `read-only`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Required => "required",
            Self::Enum => "enum",
            Self::Pattern => "pattern",
            Self::Format => "format",
            Self::Bound => "bound",
            Self::Union => "union",
            Self::ReadOnly => "read-only",
            Self::WriteOnly => "write-only",
            Self::UnknownField => "unknown field",
        }
    }
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Violation {
    pub(crate) fn new(
        path: impl Into<String>,
        kind: ViolationKind,
        expected: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            kind,
            expected: expected.into(),
            found: None,
        }
    }

    pub(crate) fn found(mut self, value: &Value) -> Self {
        self.found = Some(match value {
            Value::Array(items) => format!("an array of {}", items.len()),
            Value::Object(_) => "an object".to_owned(),
            Value::String(text) => shown(text),
            other => other.to_string(),
        });
        self
    }

    pub(crate) fn found_text(mut self, text: &str) -> Self {
        self.found = Some(shown(text));
        self
    }

    /// Returns its location: a JSON path such as `$.replicationSpecs[0].zoneName`, or a parameter's
    /// name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the kind of violation.
    pub fn kind(&self) -> ViolationKind {
        self.kind
    }

    /// Returns the expected form in words, or a statement that a field is missing, unknown,
    /// read-only or write-only.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match self.kind {
            ViolationKind::Required
            | ViolationKind::ReadOnly
            | ViolationKind::WriteOnly
            | ViolationKind::UnknownField => return f.write_str(&self.expected),
            _ => write!(f, "expected {}", self.expected)?,
        }
        match &self.found {
            Some(found) => write!(f, ", found {found}"),
            None => Ok(()),
        }
    }
}

/// A text in quotes, escaped and truncated to 60 characters.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
