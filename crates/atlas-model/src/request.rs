//! The request of an operation, written at one end of the wire and read at the other.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use compact_str::{CompactString, ToCompactString};
use http::header::{ACCEPT, CONTENT_TYPE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call_options::CallOptions;
use crate::operation::OperationMeta;
use crate::pattern::Patterned;
use crate::request_error::{BuildError, RequestError};
use crate::version::{ApiVersion, Format, VersionedMediaType, essence};

/// Collects what one operation puts into its request.
#[derive(Debug)]
pub struct RequestWriter {
    meta: &'static OperationMeta,
    path: Vec<(&'static str, CompactString)>,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Bytes>,
}

impl RequestWriter {
    pub(crate) fn new(meta: &'static OperationMeta) -> Self {
        Self {
            meta,
            path: Vec::with_capacity(meta.path_parameters.len()),
            query: String::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Sets a parameter of the path; it is percent-encoded.
    pub fn path(&mut self, name: &'static str, value: &dyn fmt::Display) {
        self.path.push((name, value.to_compact_string()));
    }

    /// Sets a parameter of the query, if it is chosen.
    pub fn query<T: Chosen>(&mut self, name: &'static str, value: Option<&T>) {
        if let Some(value) = value {
            self.query
                .push(if self.query.is_empty() { '?' } else { '&' });
            self.query.push_str(name);
            self.query.push('=');
            let value = value.to_string();
            self.query.extend(utf8_percent_encode(&value, SEGMENT));
        }
    }

    /// Sets a header, if it is chosen.
    pub fn header<T: Chosen>(&mut self, name: &'static str, value: Option<&T>) {
        if let Some(value) = value {
            self.headers.push((name, value.to_string()));
        }
    }

    /// Sets the JSON body.
    ///
    /// # Errors
    /// [`BuildError::Body`] if the value has no JSON form.
    pub fn body<T: Serialize>(&mut self, value: &T) -> Result<(), BuildError> {
        let body = serde_json::to_vec(value).map_err(|source| BuildError::Body {
            operation: self.meta.id,
            source,
        })?;
        self.body = Some(body.into());
        Ok(())
    }

    /// Builds the request, its target in origin form (RFC 9112 section 3.2.1).
    pub(crate) fn finish(self, options: &CallOptions) -> Result<http::Request<Bytes>, BuildError> {
        let meta = self.meta;
        let version = options.version.unwrap_or(meta.newest().version);
        let mut request = http::Request::builder()
            .method(meta.method.clone())
            .uri(self.target(options))
            .header(ACCEPT, version.json().to_string());
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
            .body(self.body.unwrap_or_default())
            .map_err(|source| BuildError::Http {
                operation: meta.id,
                source,
            })
    }

    fn target(&self, options: &CallOptions) -> String {
        let mut target = String::with_capacity(self.meta.path.len() + 64);
        for segment in self.meta.path.split('/').skip(1) {
            target.push('/');
            match parameter_name(segment) {
                Some(name) => {
                    let value = self.path.iter().find(|(known, _)| *known == name);
                    let value = value.map_or("", |(_, value)| value);
                    target.extend(utf8_percent_encode(value, SEGMENT));
                }
                None => target.push_str(segment),
            }
        }
        target.push_str(&self.query);
        let mut separator = if self.query.is_empty() { '?' } else { '&' };
        let pretty = options.pretty && self.meta.pretty;
        for (name, on) in [("envelope", options.envelope), ("pretty", pretty)] {
            if on {
                target.push(separator);
                target.push_str(name);
                target.push_str("=true");
                separator = '&';
            }
        }
        target
    }
}

/// The parts of a request, for an operation to read itself from.
///
/// Made from an HTTP request by a server, or from named values by a command line.
#[derive(Debug)]
pub struct RequestReader<'a> {
    meta: &'static OperationMeta,
    path: Vec<(&'static str, Cow<'a, str>)>,
    query: Vec<Pair<'a>>,
    headers: Vec<(&'static str, Cow<'a, str>)>,
    body: Option<Cow<'a, [u8]>>,
}

impl<'a> RequestReader<'a> {
    /// A reader of named values, without any yet.
    pub fn new(meta: &'static OperationMeta) -> Self {
        Self {
            meta,
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds the value of a path parameter, as it is before percent-encoding.
    #[must_use]
    pub fn with_path(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.path.push((name, value.into()));
        self
    }

    /// Adds the value of a query parameter, as it is before percent-encoding.
    #[must_use]
    pub fn with_query(mut self, name: &'a str, value: impl Into<Cow<'a, str>>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds the value of a parameter that travels as a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Cow<'a, [u8]>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Reads an HTTP request: its target, `Accept`, `Content-Type` and body.
    ///
    /// # Errors
    /// [`RequestError`], in the order in which Atlas looks at a request: the request line,
    /// `Accept`, `Content-Type`, the query.
    pub fn from_http<B: AsRef<[u8]>>(
        meta: &'static OperationMeta,
        request: &'a http::Request<B>,
    ) -> Result<(Self, CallOptions), RequestError> {
        Self::from_parts(meta, request, request.body().as_ref())
    }

    fn from_parts<B>(
        meta: &'static OperationMeta,
        request: &'a http::Request<B>,
        body: &'a [u8],
    ) -> Result<(Self, CallOptions), RequestError> {
        let mut reader = Self::new(meta);
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
        if meta.body {
            if !request.headers().get(CONTENT_TYPE).is_some_and(is_json) {
                return Err(RequestError::MediaType);
            }
            reader.body = Some(Cow::Borrowed(body));
        }
        for (name, raw) in captures {
            let value = percent_decode_str(raw)
                .decode_utf8()
                .map_err(|_| RequestError::Encoding { part: name })?;
            reader.path.push((name, value));
        }
        let query = request.uri().query().unwrap_or_default();
        if !meta.query_parameters.is_empty() {
            reader.query = query_pairs(query)?;
        }
        for parameter in meta.header_parameters {
            let value = request.headers().get(parameter.name);
            if let Some(value) = value.and_then(|value| value.to_str().ok()) {
                reader.headers.push((parameter.name, value.trim().into()));
            }
        }
        let mut options = CallOptions::from_query(query)?;
        options.version = Some(asked);
        Ok((reader, options))
    }

    /// Reads a parameter of the path.
    ///
    /// # Errors
    /// [`RequestError::Missing`] or [`RequestError::Pattern`].
    pub fn path<T: Patterned>(&self, name: &'static str) -> Result<T, RequestError> {
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
    pub fn query<T: Chosen>(&self, name: &'static str) -> Result<Option<T>, RequestError> {
        let found = self.query.iter().rev().find(|(known, _)| known == name);
        chosen(name, found.map(|(_, value)| value))
    }

    /// Reads a parameter that travels as a header.
    ///
    /// # Errors
    /// [`RequestError::Choice`]
    pub fn header<T: Chosen>(&self, name: &'static str) -> Result<Option<T>, RequestError> {
        let found = self.headers.iter().rev().find(|(known, _)| *known == name);
        chosen(name, found.map(|(_, value)| value))
    }

    /// Reads the JSON body, strictly: an unknown field, a repeated one and a value outside its
    /// pattern are errors.
    ///
    /// # Errors
    /// [`RequestError::EmptyBody`] or [`RequestError::Body`], which names the field.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, RequestError> {
        let body = self.body.as_deref().unwrap_or_default();
        if body.trim_ascii().is_empty() {
            return Err(RequestError::EmptyBody {
                operation: self.meta.id,
            });
        }
        serde_json::from_slice(body).map_err(|error| body_error::<T>(body, &error))
    }
}

fn chosen<T: Chosen>(
    parameter: &'static str,
    value: Option<&Cow<'_, str>>,
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

/// What an optional parameter of a query or a header can be.
pub trait Chosen: FromStr + fmt::Display {
    /// What it takes, in words.
    const EXPECTED: &'static str;
}

impl Chosen for bool {
    const EXPECTED: &'static str = "true or false";
}

impl Chosen for i64 {
    const EXPECTED: &'static str = "a whole number";
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

/// The newest version among those that `Accept` names.
fn asked_version(headers: &http::HeaderMap) -> Option<ApiVersion> {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|media_type| media_type.parse::<VersionedMediaType>().ok())
        .map(|media_type| media_type.version)
        .max()
}

fn is_json(value: &http::HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| {
        let versioned = text.parse::<VersionedMediaType>();
        essence(text).eq_ignore_ascii_case(JSON)
            || versioned.is_ok_and(|versioned| versioned.format == Format::Json)
    })
}

/// The name in a path template's `{name}` segment.
pub(crate) fn parameter_name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The media type of requests without a version, and of errors.
pub(crate) const JSON: &str = "application/json";

/// What is escaped in a path segment: all but the unreserved characters of RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
