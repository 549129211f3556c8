//! What can be wrong with a request, and how it is answered.

use atlas_model::api_error::code;
use atlas_model::{ApiError, ApiVersion, PatternError};
use http::StatusCode;

/// A request that does not fit its operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The method or path belongs to another operation.
    #[error("the request line is not the one of {operation}")]
    WrongOperation {
        /// The operation's id.
        operation: &'static str,
    },
    /// A parameter of the path is missing.
    #[error("{parameter} is missing")]
    Missing {
        /// The parameter, as the API spells it.
        parameter: &'static str,
    },
    /// A parameter is outside its documented pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// `envelope` or `pretty` is neither `true` nor `false`.
    #[error("{parameter} is neither true nor false")]
    Flag {
        /// The parameter.
        parameter: &'static str,
    },
    /// An optional parameter is not what it takes.
    #[error("{parameter} takes {expected}")]
    Choice {
        /// The parameter, as the API spells it.
        parameter: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// The path or query is not UTF-8 once its percent-encoding is taken off.
    #[error("{part} is not percent-encoded UTF-8")]
    Encoding {
        /// What is badly encoded.
        part: &'static str,
    },
    /// `Accept` names no version of the API.
    #[error("accept names no version of the API; send application/vnd.atlas.2025-02-19+json")]
    NotAcceptable,
    /// `Accept` names a version from before the operation's first.
    #[error("no version of {operation} is as old as the one asked for; its first is {first}")]
    NoSuchVersion {
        /// The operation's id.
        operation: &'static str,
        /// The oldest version there is.
        first: ApiVersion,
    },
    /// `Content-Type` is not JSON.
    #[error("the body's content type is not JSON; send application/json")]
    MediaType,
    /// There is no body, though one is required.
    #[error("the body is empty; {operation} requires a JSON object")]
    EmptyBody {
        /// The operation's id.
        operation: &'static str,
    },
    /// The body is not the documented one.
    #[error("{}{problem}", if field.is_empty() { String::new() } else { format!("{field}: ") })]
    Body {
        /// The path of the offending field, empty if it is the body as a whole.
        field: String,
        /// What is wrong with it, in one line.
        problem: String,
    },
}

impl RequestError {
    /// The parameter or field at fault, if it is one.
    fn field(&self) -> Option<&str> {
        match self {
            Self::Missing { parameter }
            | Self::Flag { parameter }
            | Self::Choice { parameter, .. } => Some(parameter),
            Self::Pattern(error) => Some(error.field()),
            Self::Encoding { part } => Some(part),
            Self::Body { field, .. } => Some(field).filter(|field| !field.is_empty()).map(|s| &**s),
            _ => None,
        }
    }

    /// The answer to such a request: 400 with the field named, or 404, 406, 415.
    pub(crate) fn to_api_error(&self) -> ApiError {
        let (status, error_code) = match self {
            Self::WrongOperation { .. } => (StatusCode::NOT_FOUND, code::RESOURCE_NOT_FOUND),
            Self::NotAcceptable | Self::NoSuchVersion { .. } => {
                (StatusCode::NOT_ACCEPTABLE, code::UNEXPECTED_ERROR)
            }
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, code::UNEXPECTED_ERROR),
            _ => (StatusCode::BAD_REQUEST, code::VALIDATION_ERROR),
        };
        let problem = self.to_string();
        let error = ApiError::new(status, error_code, problem.clone());
        match self.field() {
            Some(field) => error.with_field(field, &problem),
            None => error,
        }
    }
}
