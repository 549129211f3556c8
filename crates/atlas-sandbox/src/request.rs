//! The request of an operation, read strictly and in the order in which Atlas looks at one.

use std::borrow::Cow;
use std::str::FromStr;

use atlas_model::{
    ApiVersion, CallOptions, Format, ItemsPerPage, OperationMeta, PageNumber, Patterned,
    VersionedMediaType,
};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use crate::operations::Facts;
use crate::request_error::RequestError;

/// The parts of a request, for an operation to read itself from.
#[derive(Debug)]
pub(crate) struct RequestReader<'a> {
    meta: &'static OperationMeta,
    path: Vec<(&'static str, Cow<'a, str>)>,
    query: Vec<Pair<'a>>,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl<'a> RequestReader<'a> {
    /// Reads an HTTP request: its target, `Accept`, `Content-Type` and body.
    ///
    /// # Errors
    /// [`RequestError`], in the order in which Atlas looks at a request: the request line,
    /// `Accept`, `Content-Type`, the query.
    pub(crate) fn from_http(
        facts: &Facts,
        request: &'a Request<Bytes>,
    ) -> Result<(Self, CallOptions), RequestError> {
        let meta = facts.meta;
        let captures = (request.method() == meta.method)
            .then(|| meta.captures(request.uri().path()))
            .flatten()
            .ok_or(RequestError::WrongOperation { operation: meta.id })?;
        let asked = asked_version(request.headers()).ok_or(RequestError::NotAcceptable)?;
        if meta.answered(asked).is_none() {
            return Err(RequestError::NoSuchVersion {
                operation: meta.id,
                first: meta.oldest().version,
            });
        }
        if facts.body && !request.headers().get(CONTENT_TYPE).is_some_and(is_json) {
            return Err(RequestError::MediaType);
        }
        let mut path = Vec::with_capacity(captures.len());
        for (name, raw) in captures {
            let value = percent_decode_str(raw)
                .decode_utf8()
                .map_err(|_| RequestError::Encoding { part: name })?;
            path.push((name, value));
        }
        let text = request.uri().query().unwrap_or_default();
        let query = if facts.query {
            query_pairs(text)?
        } else {
            Vec::new()
        };
        let mut options = call_options(text)?;
        options.version = Some(asked);
        let reader = Self {
            meta,
            path,
            query,
            headers: request.headers(),
            body: request.body(),
        };
        Ok((reader, options))
    }

    /// Reads a parameter of the path.
    ///
    /// # Errors
    /// [`RequestError::Missing`] or [`RequestError::Pattern`].
    pub(crate) fn path<T: Patterned>(&self, name: &'static str) -> Result<T, RequestError> {
        let (_, value) = self
            .path
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or(RequestError::Missing { parameter: name })?;
        Ok(T::parse_field(name, value)?)
    }

    /// Reads a parameter of the query; the last one of that name counts.
    ///
    /// # Errors
    /// [`RequestError::Choice`]
    pub(crate) fn query<T: Chosen>(&self, name: &'static str) -> Result<Option<T>, RequestError> {
        let found = self.query.iter().rev().find(|(known, _)| known == name);
        chosen(name, found.map(|(_, value)| &**value))
    }

    /// Reads a parameter that travels as a header.
    ///
    /// # Errors
    /// [`RequestError::Choice`]
    pub(crate) fn header<T: Chosen>(&self, name: &'static str) -> Result<Option<T>, RequestError> {
        let found = self.headers.get(name);
        let text = found.and_then(|value| value.to_str().ok());
        chosen(name, text.map(str::trim))
    }

    /// Reads the JSON body, strictly: an unknown field, a repeated one and a value outside its
    /// pattern are errors.
    ///
    /// # Errors
    /// [`RequestError::EmptyBody`] or [`RequestError::Body`], which names the field.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        if self.body.trim_ascii().is_empty() {
            return Err(RequestError::EmptyBody {
                operation: self.meta.id,
            });
        }
        serde_json::from_slice(self.body).map_err(|error| body_error::<T>(self.body, &error))
    }
}

/// Reads `envelope` and `pretty` from a query; the last one of each counts, anything else is let
/// pass.
///
/// # Errors
/// [`RequestError::Flag`] if one of them is neither `true` nor `false`.
pub(crate) fn call_options(query: &str) -> Result<CallOptions, RequestError> {
    let mut options = CallOptions::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (flag, parameter) = match name {
            "envelope" => (&mut options.envelope, "envelope"),
            "pretty" => (&mut options.pretty, "pretty"),
            _ => continue,
        };
        *flag = match value {
            "true" => true,
            "false" => false,
            _ => return Err(RequestError::Flag { parameter }),
        };
    }
    Ok(options)
}

/// What an optional parameter of a query or a header can be.
pub(crate) trait Chosen: FromStr {
    /// What it takes, in words.
    const EXPECTED: &'static str;
}

impl Chosen for bool {
    const EXPECTED: &'static str = "true or false";
}

impl Chosen for i64 {
    const EXPECTED: &'static str = "a whole number";
}

impl Chosen for ItemsPerPage {
    const EXPECTED: &'static str = "a number from 1 to 500";
}

impl Chosen for PageNumber {
    const EXPECTED: &'static str = "a number from 1";
}

fn chosen<T: Chosen>(
    parameter: &'static str,
    value: Option<&str>,
) -> Result<Option<T>, RequestError> {
    let Some(value) = value else {
        return Ok(None);
    };
    match value.parse() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(RequestError::Choice {
            parameter,
            expected: T::EXPECTED,
        }),
    }
}

/// A name and its value.
type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn query_pairs(query: &str) -> Result<Vec<Pair<'_>>, RequestError> {
    let decoded = |text| {
        percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| RequestError::Encoding { part: "the query" })
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// Reads a refused body once more, this time noting the path to the offending field.
#[cold]
fn body_error<T: DeserializeOwned>(body: &[u8], first: &serde_json::Error) -> RequestError {
    let deserializer = &mut serde_json::Deserializer::from_slice(body);
    let field = match serde_path_to_error::deserialize::<_, T>(deserializer) {
        Err(error) => match error.path().to_string().as_str() {
            "." | "?" => String::new(),
            path => path.to_owned(),
        },
        Ok(_) => String::new(),
    };
    RequestError::Body {
        field,
        problem: first.to_string(),
    }
}

/// The newest version among those that `Accept` names; the sandbox has no preview.
fn asked_version(headers: &HeaderMap) -> Option<ApiVersion> {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(dated)
        .map(|media_type| media_type.version)
        .max()
}

fn is_json(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let versioned = dated(text);
        essence.eq_ignore_ascii_case("application/json")
            || versioned.is_some_and(|versioned| versioned.format == Format::Json)
    })
}

/// A media type that names a version by its date.
fn dated(text: &str) -> Option<VersionedMediaType> {
    let media_type: VersionedMediaType = text.parse().ok()?;
    media_type.version.date().map(|_| media_type)
}
