//! Errors of reading a response.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::answer::AnswerMeta;
use crate::api_error::{ApiError, OneLine, breaks_a_line};
use crate::asked::AskedOperation;
use crate::cause::{Cause, causes};
use crate::error_chain::debug_as_chain;
use crate::link::hide_links;
use crate::version::essence;

/// A response without a usable resource.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// An error response of Atlas.
    #[error(transparent)]
    Api(Box<ApiFailure>),
    /// Neither the resource nor an error of Atlas: a proxy's page, an empty or malformed body.
    #[error(transparent)]
    Unreadable(Box<Unreadable>),
}

impl ResponseError {
    /// Returns the status and headers of the response.
    pub fn meta(&self) -> &AnswerMeta {
        match self {
            Self::Api(failure) => &failure.meta,
            Self::Unreadable(unreadable) => &unreadable.meta,
        }
    }

    /// Returns the status: that of the envelope, if there is one, or of the status line.
    pub fn status(&self) -> StatusCode {
        self.meta().status
    }

    /// Returns likely causes, the likeliest first; empty if the error itself is specific enough.
    pub fn likely_causes(&self) -> Vec<Cause> {
        match self {
            Self::Api(failure) => Cause::of(
                &failure.operation,
                failure.meta.status,
                Some(&failure.error),
            ),
            Self::Unreadable(unreadable) => {
                Cause::of_other(&unreadable.operation, unreadable.meta.status)
            }
        }
    }

    /// Returns the requested operation.
    pub fn operation(&self) -> &AskedOperation {
        match self {
            Self::Api(failure) => &failure.operation,
            Self::Unreadable(unreadable) => &unreadable.operation,
        }
    }

    /// Sets the documented roles of the requested operation, for callers that know them.
    #[must_use]
    pub fn with_roles(mut self, roles: Vec<&'static str>) -> Self {
        match &mut self {
            Self::Api(failure) => failure.operation.roles = roles,
            Self::Unreadable(unreadable) => unreadable.operation.roles = roles,
        }
        self
    }

    /// Returns the error body of Atlas, if Atlas sent one.
    pub fn api_error(&self) -> Option<&ApiError> {
        match self {
            Self::Api(failure) => Some(&failure.error),
            Self::Unreadable(_) => None,
        }
    }
}

/// An error response of Atlas to an operation.
#[derive(Clone)]
#[non_exhaustive]
pub struct ApiFailure {
    /// The requested operation.
    pub operation: AskedOperation,
    /// The status and headers of the response.
    pub meta: AnswerMeta,
    /// The error in the body.
    pub error: ApiError,
}

impl fmt::Display for ApiFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.error.with_status(self.meta.status);
        write!(f, "{} answered {said}", self.operation.id)?;
        let other = |status: &u16| *status != self.meta.status.as_u16();
        if let Some(other) = self.error.error.filter(other) {
            write!(f, " (the body states {other})")?;
        }
        let likely = Cause::of(&self.operation, self.meta.status, Some(&self.error));
        causes(f, &likely)
    }
}

impl std::error::Error for ApiFailure {}

/// A response whose body cannot be used.
#[derive(Clone)]
#[non_exhaustive]
pub struct Unreadable {
    /// The requested operation.
    pub operation: AskedOperation,
    /// The status and headers of the response.
    pub meta: AnswerMeta,
    /// The `Content-Type`, as received.
    pub media_type: Option<String>,
    /// The problem of the body, in one line.
    pub problem: String,
    /// The beginning of the body, at most [`EXCERPT_CHARACTERS`](Self::EXCERPT_CHARACTERS), with
    /// links hidden; empty if the body could be a resource, which can contain secrets.
    pub excerpt: String,
}

impl Unreadable {
    /// The maximum length of an excerpt, in characters.
    pub const EXCERPT_CHARACTERS: usize = 200;
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.meta.status;
        write!(f, "{} answered {}", self.operation.id, status.as_u16())?;
        if let Some(target) = &self.meta.redirect {
            // The page of a redirect contains no more than its target.
            write!(f, ": redirected to {target}")?;
        } else {
            let media_type = self.media_type.as_deref().unwrap_or("no content type");
            write!(
                f,
                " with {}: {}",
                OneLine(media_type),
                OneLine(&self.problem)
            )?;
            if !self.excerpt.is_empty() {
                write!(f, "; the body begins: {}", self.excerpt)?;
            }
        }
        causes(f, &Cause::of_other(&self.operation, status))
    }
}

impl std::error::Error for Unreadable {}

debug_as_chain!(ResponseError, ApiFailure, Unreadable);

/// Reads a response without success: an error of Atlas, or something else.
pub(crate) fn failure(
    operation: AskedOperation,
    meta: AnswerMeta,
    headers: &HeaderMap,
    body: &[u8],
) -> ResponseError {
    match ApiError::read_response(headers, body) {
        Some(error) => refused(operation, meta, error),
        None if is_page(headers, body) => unreadable(operation, meta, headers, body, A_PAGE),
        None => unreadable(operation, meta, headers, body, "not an error body of Atlas"),
    }
}

/// Whether a response is an HTML page, such as a proxy's.
pub(crate) fn is_page(headers: &HeaderMap, content: &[u8]) -> bool {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = essence(media_type.unwrap_or_default());
    let named = ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| media_type.eq_ignore_ascii_case(html));
    let content = content.trim_ascii();
    named && !content.is_empty() || begins_as_page(content)
}

/// Whether a body begins like an HTML page, whatever its media type. JSON never does.
fn begins_as_page(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    [&b"<!doctype html"[..], b"<html"].iter().any(|beginning| {
        let head = content.get(..beginning.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(beginning))
    })
}

/// The problem of an HTML page.
pub(crate) const A_PAGE: &str = "a web page, not the API";

/// Creates the error for an error body of Atlas.
pub(crate) fn refused(
    operation: AskedOperation,
    meta: AnswerMeta,
    error: ApiError,
) -> ResponseError {
    ResponseError::Api(Box::new(ApiFailure {
        operation,
        meta,
        error,
    }))
}

/// Describes a body that cannot be used.
pub(crate) fn unreadable(
    operation: AskedOperation,
    meta: AnswerMeta,
    headers: &HeaderMap,
    body: &[u8],
    problem: &str,
) -> ResponseError {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let may_be_resource = meta.status.is_success()
        && matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'));
    let problem = if body.is_empty() {
        "the body is empty".to_owned()
    } else {
        problem.to_owned()
    };
    let excerpt = if may_be_resource {
        String::new()
    } else {
        excerpt(media_type.as_deref(), body)
    };
    ResponseError::Unreadable(Box::new(Unreadable {
        operation,
        meta,
        media_type,
        problem,
        excerpt,
    }))
}

/// The beginning of a body as one line of text, with links hidden.
fn excerpt(media_type: Option<&str>, body: &[u8]) -> String {
    // Links are hidden before the text is truncated: half a link is still a link. The bytes needed
    // for the excerpt are within a few times its length.
    let head = &body[..body.len().min(EXCERPT_SOURCE_BYTES)];
    let latin = media_type.is_some_and(|media_type| {
        let parameters = &media_type[essence(media_type).len().min(media_type.len())..];
        parameters.to_ascii_lowercase().contains("iso-8859-1")
    });
    let text = if latin {
        head.iter().copied().map(char::from).collect()
    } else {
        String::from_utf8_lossy(head).into_owned()
    };
    let words = hide_links(&text)
        .split(|c: char| c.is_whitespace() || breaks_a_line(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    words.chars().take(Unreadable::EXCERPT_CHARACTERS).collect()
}

/// The number of bytes of a body that are read for an excerpt.
const EXCERPT_SOURCE_BYTES: usize = 4096;

/// The parts of a response, after its envelope is removed.
pub(crate) struct Opened {
    pub(crate) meta: AnswerMeta,
    pub(crate) content: Bytes,
}
