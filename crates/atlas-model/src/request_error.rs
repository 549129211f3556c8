//! What can be wrong with a request before it is sent.

use crate::error_chain::debug_as_chain;

/// A value that could not become a request.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The body could not be written as JSON.
    #[error("the body of {operation} cannot be written as JSON")]
    Body {
        /// The operation's id.
        operation: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The request line or a header would not be valid HTTP.
    #[error("the request of {operation} is not valid HTTP")]
    Http {
        /// The operation's id.
        operation: &'static str,
        /// Why.
        #[source]
        source: http::Error,
    },
    /// A parameter is outside of its documented bounds or pattern.
    #[error("invalid {parameter} {value:?} of {operation}: expected {expected}")]
    Parameter {
        /// The operation's id.
        operation: &'static str,
        /// The parameter, as the API spells it.
        parameter: &'static str,
        /// The value.
        value: String,
        /// What is expected.
        expected: String,
    },
    /// A name in the path has no value: [`Operation::encode`](crate::Operation::encode) did not set
    /// it.
    #[error("the path of {operation} needs a value for {parameter}")]
    Unset {
        /// The operation's id.
        operation: &'static str,
        /// The parameter, as the API spells it.
        parameter: String,
    },
    /// An envelope was asked for, and the operation has none.
    #[error("{operation} answers without an envelope: leave the option envelope out")]
    NoEnvelope {
        /// The operation's id.
        operation: &'static str,
    },
}

debug_as_chain!(BuildError);
