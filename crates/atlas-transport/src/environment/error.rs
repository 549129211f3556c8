//! Why the environment gives no account.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::{FileProblem, ValueProblem, VariableSet};

/// Why the environment gives no account. Names variables, and the paths that `_FILE` variables hold;
/// never the value of another variable, and never the content of a file.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// No set has credentials.
    #[error(
        "no credentials in the environment; set MONGODB_ATLAS_PUBLIC_API_KEY and \
         MONGODB_ATLAS_PRIVATE_API_KEY, or MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET"
    )]
    NoCredentials,
    /// One half of a pair is there. Two halves of different sets are never put together.
    #[error("{there} is set but {missing} is not; set both")]
    HalfAPair {
        /// The variable that is set: the `_FILE` variable if the value comes from a file.
        there: String,
        /// The one that is not.
        missing: String,
    },
    /// A value is invalid.
    #[error("{variable} {problem}")]
    Value {
        /// The variable.
        variable: String,
        /// What is wrong with its value.
        problem: ValueProblem,
    },
    /// A variable and its `_FILE` variable are both set.
    #[error("{variable} and {file} are both set; unset one of them")]
    BothSet {
        /// The variable that holds the value.
        variable: String,
        /// The one that names a file with the value.
        file: String,
    },
    /// The file that a `_FILE` variable names cannot be used.
    #[error("{variable} names {}, which {problem}", shown(path, problem))]
    File {
        /// The variable that names the file.
        variable: String,
        /// Its path, as the variable has it. The message leaves out a name without a folder that
        /// cannot be read, since it may be the secret itself.
        path: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
    /// A service is unknown.
    #[error("invalid {variable}: expected cloud or cloudgov")]
    Service {
        /// The variable.
        variable: String,
    },
    /// A base URL cannot be used.
    #[error("{variable} {problem}")]
    BaseUrl {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The credentials of one set have no base URL, and another set without credentials has one:
    /// they could be meant for that one.
    #[error(
        "the credentials are those of {credentials}, but {variable} names another base URL; set \
         {expected} to the base URL of these credentials, or unset {variable}"
    )]
    OtherBaseUrl {
        /// The set of the credentials.
        credentials: VariableSet,
        /// The variable that names a base URL.
        variable: String,
        /// The variable that names the base URL in the set of the credentials.
        expected: String,
    },
}

/// A path, unless it may be the secret itself: what cannot be read and is in no folder that exists.
fn shown(path: &Path, problem: &FileProblem) -> String {
    let is_in_folder = path.parent().is_some_and(|folder| {
        let names = folder.components();
        let mut names = names.filter(|name| matches!(name, Component::Normal(_)));
        names.next().is_some() && folder.is_dir()
    });
    if !is_in_folder && matches!(problem, FileProblem::Unreadable { .. }) {
        return "a file (not shown; it must be a path, not the value itself)".to_owned();
    }
    // In quotes, with what could control a terminal escaped.
    let path: &dyn fmt::Debug = &path;
    format!("{path:?}")
}

impl fmt::Debug for EnvironmentError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
