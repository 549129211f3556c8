//! The error of reading an account from the environment.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::{FileProblem, ValueProblem, VariableSet};

/// The error of reading an account from the environment. Names variables and the paths of `_FILE`
/// variables, but never the value of another variable or the content of a file.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// No set has credentials.
    #[error(
        "no credentials in the environment; set MONGODB_ATLAS_CLIENT_ID and \
         MONGODB_ATLAS_CLIENT_SECRET, or MONGODB_ATLAS_PUBLIC_API_KEY and \
         MONGODB_ATLAS_PRIVATE_API_KEY, or MONGODB_ATLAS_ACCESS_TOKEN"
    )]
    NoCredentials,
    /// Only one half of a pair is set. Halves of different sets are never combined.
    #[error("{there} is set but {missing} is not; set both")]
    HalfAPair {
        /// The variable that is set: the `_FILE` variable if the value comes from a file.
        there: String,
        /// The variable that is not set.
        missing: String,
    },
    /// A value is invalid.
    #[error("{variable} {problem}")]
    Value {
        /// The variable.
        variable: String,
        /// The problem with its value.
        problem: ValueProblem,
    },
    /// A variable and its `_FILE` variable are both set.
    #[error("{variable} and {file} are both set; unset one of them")]
    BothSet {
        /// The variable with the value.
        variable: String,
        /// The variable with the path of a file.
        file: String,
    },
    /// The file of a `_FILE` variable cannot be used.
    #[error("{variable} names {}, which {problem}", shown(path, problem))]
    File {
        /// The variable with the path.
        variable: String,
        /// The path, as set. The message omits a bare name that cannot be read, since it may be the
        /// secret itself.
        path: PathBuf,
        /// The problem with the file.
        problem: FileProblem,
    },
    /// A service is unknown.
    #[error("invalid {variable}: expected cloud or cloudgov")]
    Service {
        /// The variable.
        variable: String,
    },
    /// A base URL is invalid.
    #[error("{variable} {problem}")]
    BaseUrl {
        /// The variable.
        variable: String,
        /// The problem with its value.
        problem: String,
    },
    /// The credentials of one set have no base URL, and another set has one without credentials: the
    /// credentials could be meant for it.
    #[error(
        "the credentials are those of {credentials}, but {variable} has another base URL; set \
         {expected} to the base URL of these credentials, or unset {variable}"
    )]
    OtherBaseUrl {
        /// The set of the credentials.
        credentials: VariableSet,
        /// The variable with the other base URL.
        variable: String,
        /// The variable for the base URL in the set of the credentials.
        expected: String,
    },
}

/// Returns a path for display, unless it may be the secret itself: unreadable, and in no existing folder.
fn shown(path: &Path, problem: &FileProblem) -> String {
    let is_in_folder = path.parent().is_some_and(|folder| {
        let names = folder.components();
        let mut names = names.filter(|name| matches!(name, Component::Normal(_)));
        names.next().is_some() && folder.is_dir()
    });
    if !is_in_folder && matches!(problem, FileProblem::Unreadable { .. }) {
        return "a file (not shown: expected a path, not the value itself)".to_owned();
    }
    // Quoted, with terminal control characters escaped.
    let path: &dyn fmt::Debug = &path;
    format!("{path:?}")
}

impl fmt::Debug for EnvironmentError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
