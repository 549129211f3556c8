//! Where an answer strays from its type.

use std::fmt;

use crate::api_error::OneLine;

/// One place where an answer strays from what is documented for it, and what became of it.
///
/// A field whose value does not fit its type is left out of the value; it stays in
/// [`Answer::body`](crate::Answer::body).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deviation {
    path: String,
    problem: String,
}

impl Deviation {
    /// A deviation at `path`, with what is wrong in one line.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }

    /// Where it is, as the API spells it: `results[0].id`. Empty for the answer as a whole. Keys
    /// stand there as they came; [`Display`](fmt::Display) shows them in one line without control
    /// characters.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, in one line. It does not show the value, which may be a secret.
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
