//! Errors of building a request.

use crate::error_chain::debug_as_chain;

/// A value that cannot become a request.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The body could not be written as JSON.
    #[error("the body of {operation} cannot be written as JSON")]
    Body {
        /// The operation's id.
        operation: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// The request line or a header would not be valid HTTP.
    #[error("the request of {operation} is not valid HTTP")]
    Http {
        /// The operation's id.
        operation: &'static str,
        /// The cause.
        #[source]
        source: http::Error,
    },
    /// A parameter violates its documented bounds or pattern.
    #[error("invalid {parameter} {value:?} of {operation}: expected {expected}")]
    Parameter {
        /// The operation's id.
        operation: &'static str,
        /// The parameter, as the API spells it.
        parameter: &'static str,
        /// The invalid value.
        value: String,
        /// The expected form.
        expected: String,
    },
    /// A path parameter has no value: [`Operation::encode`](crate::Operation::encode) did not set
    /// it.
    #[error("the path of {operation} needs a value for {parameter}")]
    Unset {
        /// The operation's id.
        operation: &'static str,
        /// The parameter, as the API spells it.
        parameter: String,
    },
    /// An envelope was requested, but the operation does not support it.
    #[error("{operation} does not support envelopes; leave the option envelope out")]
    NoEnvelope {
        /// The operation's id.
        operation: &'static str,
    },
}

debug_as_chain!(BuildError);
