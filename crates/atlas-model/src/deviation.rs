//! Differences between a response and its documented type.

use std::fmt;

use crate::api_error::OneLine;

/// One difference between a response and its documentation.
///
/// A field whose value is of an unexpected type is left out of the typed value; it is still in
/// [`Answer::body`](crate::Answer::body).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deviation {
    path: String,
    problem: String,
}

impl Deviation {
    /// Creates a deviation at `path`; `problem` is one line.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }

    /// Returns the path as the API spells it: `results[0].id`. Empty for the response as a whole.
    /// Keys are as received; [`Display`](fmt::Display) shows them in one line without control
    /// characters.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the problem in one line. It does not show the value, which may be a secret.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, problem) = (OneLine(&self.path), OneLine(&self.problem));
        if self.path.is_empty() {
            return problem.fmt(f);
        }
        write!(f, "{path}: {problem}")
    }
}
