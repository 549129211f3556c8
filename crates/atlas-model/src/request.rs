//! Writes the request of an operation.

use std::fmt;

use atlas_pattern::Pattern;
use bytes::Bytes;
use compact_str::{CompactString, ToCompactString};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::uri::InvalidUri;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::call_options::CallOptions;
use crate::meta::{OperationMeta, parameter};
use crate::request_error::BuildError;

/// Collects the parameters of one operation for its request.
///
/// The first invalid value is kept as an error, which
/// [`to_request`](crate::OperationExt::to_request) returns.
#[derive(Debug)]
pub struct RequestWriter {
    meta: &'static OperationMeta,
    path: Vec<(&'static str, CompactString)>,
    query: String,
    headers: Vec<(&'static str, String)>,
    error: Option<BuildError>,
}

impl RequestWriter {
    pub(crate) fn new(meta: &'static OperationMeta) -> Self {
        Self {
            meta,
            path: Vec::with_capacity(4),
            query: String::new(),
            headers: Vec::new(),
            error: None,
        }
    }

    /// Sets a path parameter; it is percent-encoded.
    ///
    /// Empty, `.` and `..` are errors: they are invalid in a path.
    pub fn path(&mut self, name: &'static str, value: &dyn fmt::Display) {
        let value = value.to_compact_string();
        if matches!(value.as_str(), "" | "." | "..") {
            self.refuse(name, &value, "a non-empty text other than . and ..");
        }
        self.path.push((name, value));
    }

    /// Sets a query parameter, if there is a value; it is percent-encoded.
    pub fn query<T: fmt::Display>(&mut self, name: &'static str, value: Option<&T>) {
        if let Some(value) = value {
            self.pair(name, value);
        }
    }

    /// Sets a query parameter to several values: `a=1&a=2`.
    pub fn query_list<T: fmt::Display>(&mut self, name: &'static str, values: Option<&Vec<T>>) {
        for value in values.into_iter().flatten() {
            self.pair(name, value);
        }
    }

    /// Refuses an empty required list.
    pub fn check_filled<T>(&mut self, name: &'static str, values: &[T]) {
        if values.is_empty() {
            self.refuse(name, "", "at least one value");
        }
    }

    /// Sets a header, if there is a value.
    pub fn header<T: fmt::Display>(&mut self, name: &'static str, value: Option<&T>) {
        if let Some(value) = value {
            self.headers.push((name, value.to_string()));
        }
    }

    /// Refuses a value that does not match a documented pattern known to
    /// [`atlas_pattern::Pattern::find`]. Refuses every value if the pattern is unknown.
    pub fn check_pattern<T: AsRef<str>>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
        pattern: &'static str,
    ) {
        let Some(value) = value else {
            return;
        };
        let Some(pattern) = Pattern::find(pattern) else {
            let expected = format!("a documented pattern, not {pattern}");
            return self.refuse(name, value.as_ref(), &expected);
        };
        if !pattern.is_match(value.as_ref()) {
            self.refuse(name, value.as_ref(), pattern.expected());
        }
    }

    /// Refuses a number outside its documented bounds.
    pub fn check_range(
        &mut self,
        name: &'static str,
        value: Option<i64>,
        low: Option<i64>,
        high: Option<i64>,
    ) {
        let Some(value) = value else {
            return;
        };
        if low.is_some_and(|low| value < low) || high.is_some_and(|high| value > high) {
            let expected = match (low, high) {
                (Some(low), Some(high)) => format!("a number from {low} to {high}"),
                (Some(low), None) => format!("a number from {low}"),
                (None, Some(high)) => format!("a number up to {high}"),
                (None, None) => String::new(),
            };
            self.refuse(name, &value.to_string(), &expected);
        }
    }

    fn pair(&mut self, name: &str, value: &dyn fmt::Display) {
        let mark = if self.query.is_empty() { '?' } else { '&' };
        self.query.push(mark);
        self.query.push_str(name);
        self.query.push('=');
        let value = value.to_compact_string();
        self.query.extend(utf8_percent_encode(&value, ESCAPED));
    }

    #[cold]
    fn refuse(&mut self, name: &'static str, value: &str, expected: &str) {
        let operation = self.meta.id;
        self.error.get_or_insert_with(|| BuildError::Parameter {
            operation,
            parameter: name,
            value: value.to_owned(),
            expected: expected.to_owned(),
        });
    }

    /// Builds the request, its target in origin form (RFC 9112 section 3.2.1).
    pub(crate) fn finish(
        self,
        options: &CallOptions,
        body: Option<Bytes>,
    ) -> Result<http::Request<Bytes>, BuildError> {
        let meta = self.meta;
        if options.envelope && !meta.envelope {
            return Err(BuildError::NoEnvelope { operation: meta.id });
        }
        let target = self.target(options)?;
        if let Some(error) = self.error {
            return Err(error);
        }
        let failed = |source: http::Error| BuildError::Http {
            operation: meta.id,
            source,
        };
        let version = options.version.unwrap_or(meta.newest().version);
        let accept = version.media_type(meta.format).text();
        // Room for the headers that a client adds.
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 8);
        let accept = HeaderValue::try_from(accept).map_err(|error| failed(error.into()))?;
        headers.insert(ACCEPT, accept);
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name).map_err(|error| failed(error.into()))?;
            let value = HeaderValue::try_from(value).map_err(|error| failed(error.into()))?;
            headers.append(name, value);
        }
        let mut request = http::Request::new(body.unwrap_or_default());
        *request.method_mut() = meta.method.clone();
        *request.uri_mut() = target
            .try_into()
            .map_err(|error: InvalidUri| failed(error.into()))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn target(&self, options: &CallOptions) -> Result<String, BuildError> {
        let mut target = String::with_capacity(self.meta.path.len() + 64);
        // Bytewise: the segments are too short for `memchr`.
        for segment in self
            .meta
            .path
            .as_bytes()
            .split(|byte| *byte == b'/')
            .skip(1)
        {
            let segment = std::str::from_utf8(segment).unwrap_or_default();
            target.push('/');
            let Some((name, suffix)) = parameter(segment) else {
                target.push_str(segment);
                continue;
            };
            let Some((_, value)) = self.path.iter().find(|(known, _)| *known == name) else {
                return Err(BuildError::Unset {
                    operation: self.meta.id,
                    parameter: name.to_owned(),
                });
            };
            target.extend(utf8_percent_encode(value, ESCAPED));
            target.push_str(suffix);
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
        Ok(target)
    }
}

/// Serializes a body as JSON.
pub(crate) fn json<T: Serialize>(meta: &OperationMeta, value: &T) -> Result<Bytes, BuildError> {
    match serde_json::to_vec(value) {
        Ok(body) => Ok(body.into()),
        Err(source) => Err(BuildError::Body {
            operation: meta.id,
            source,
        }),
    }
}

/// The media type of request bodies without a version, and of errors.
pub(crate) const JSON: &str = "application/json";

/// The characters to escape in a path segment and in a query: all but the unreserved ones (RFC 3986
/// section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
