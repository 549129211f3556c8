//! What a request or an answer has that the facts do not allow.

use std::fmt;

use serde_json::Value;

/// One difference between a value and what the facts say of it.
///
/// Shown as one line, such as `$.name: expected at most 64 characters, found "…"` or
/// `$.tags: unknown field`. What was found is shortened, escaped, and left out where it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    path: String,
    kind: ViolationKind,
    expected: String,
    found: Option<String>,
}

/// What sort of difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// Another JSON type.
    Type,
    /// A field, a parameter or a body that must be there is absent.
    Required,
    /// A value that is not among the documented ones.
    Enum,
    /// A text outside of an enforced pattern.
    Pattern,
    /// A text outside of its format, or a number outside of its type.
    Format,
    /// Too small, too large, too short, too long, too few, too many, or twice the same.
    Bound,
    /// A value that fits no member of a union.
    Union,
    /// A request has a field that only answers have. Atlas ignores it.
    ReadOnly,
    /// An answer has a field that only requests have.
    WriteOnly,
    /// A field, a parameter or a body that is not documented. Atlas ignores it.
    UnknownField,
}

impl ViolationKind {
    /// Whether Atlas takes a request that has it: read-only and unknown fields are ignored.
    pub fn is_tolerated(self) -> bool {
        matches!(self, Self::ReadOnly | Self::UnknownField)
    }

    /// Its name, such as `read-only`.
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

    /// Where it is: a JSON path such as `$.replicationSpecs[0].zoneName`, or a parameter's name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What sort of difference it is.
    pub fn kind(&self) -> ViolationKind {
        self.kind
    }

    /// What was expected there, in words; for a field that is missing, unknown, read-only or
    /// write-only, that it is.
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

/// A text in quotes, escaped, at most 60 characters of it.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}
