//! Builds a request from an operation and its parameters.

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::details::{Body, Place, Version};
use crate::operation::Operation;
use crate::route::Template;
use crate::violation::{Violation, ViolationKind};

/// The characters that are not escaped in a path segment and in a query: the unreserved ones of RFC
/// 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A builder of a request for an operation.
///
/// ```
/// # fn main() -> Result<(), atlas_catalog::RequestError> {
/// use atlas_catalog::Operation;
///
/// let operation = Operation::find("getGroupCluster").expect("a documented operation");
/// let request = operation
///     .request()
///     .parameter("groupId", "32b6e34b3d91647abb20e7b8")
///     .parameter("clusterName", "Cluster0")
///     .build()?;
/// let path = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/clusters/Cluster0";
/// assert_eq!(request.uri(), path);
/// assert_eq!(request.headers()["accept"], "application/vnd.atlas.2024-08-05+json");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a request is built by `build`"]
pub struct RequestBuilder {
    operation: Operation,
    parameters: Vec<(String, String)>,
    version: Option<String>,
    format: Option<String>,
    body: Option<RequestBody>,
}

#[derive(Clone)]
enum RequestBody {
    Json(Value),
    Bytes(Bytes, Option<String>),
}

impl Operation {
    /// Starts a request for this operation.
    pub fn request(self) -> RequestBuilder {
        RequestBuilder {
            operation: self,
            parameters: Vec::new(),
            version: None,
            format: None,
            body: None,
        }
    }
}

impl RequestBuilder {
    /// Returns the operation.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Adds a parameter by its name on the wire. Add an array once for each value.
    pub fn parameter(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.parameters.push((name.into(), value.to_string()));
        self
    }

    /// Replaces all values of a parameter.
    pub fn set_parameter(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.parameters.retain(|(known, _)| known != name);
        self.parameter(name, value)
    }

    /// Returns the value of a parameter, the last one if there are several.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut given = self.parameters.iter().rev();
        given
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Requests the newest version that is not newer than this date (`YYYY-MM-DD`), or `preview`.
    /// The default is the newest stable version.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Requests a response format: `json`, `gzip` or `csv`. The default is JSON, or the only
    /// documented format.
    pub fn format(mut self, format: impl Into<String>) -> Self {
        self.format = Some(format.into());
        self
    }

    /// Sets a JSON body.
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(RequestBody::Json(body));
        self
    }

    /// Sets a body that is sent unchanged, as JSON in the requested version.
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(RequestBody::Bytes(body.into(), None));
        self
    }

    /// Sets a body that is sent unchanged, with a media type.
    pub fn bytes_as(mut self, body: impl Into<Bytes>, media_type: impl Into<String>) -> Self {
        self.body = Some(RequestBody::Bytes(body.into(), Some(media_type.into())));
        self
    }

    /// Returns the version that will be requested.
    ///
    /// # Errors
    /// [`RequestError::Version`]
    pub fn resolve_version(&self) -> Result<&'static Version, RequestError> {
        let asked = self.version.as_deref();
        self.operation
            .version(asked)
            .ok_or_else(|| RequestError::Version {
                operation: self.operation,
                asked: asked.unwrap_or_default().to_owned(),
            })
    }

    /// Lists the violations of the body against the schema of the version; see
    /// [`Operation::check_request`]. Bytes that are not JSON are a violation.
    ///
    /// # Errors
    /// [`RequestError::Version`]
    pub fn check_body(&self) -> Result<Vec<Violation>, RequestError> {
        let version = self.resolve_version()?;
        Ok(match &self.body {
            None => self.operation.check_request(version, None),
            Some(RequestBody::Json(body)) => self.operation.check_request(version, Some(body)),
            Some(RequestBody::Bytes(bytes, _)) => match serde_json::from_slice(bytes) {
                Ok(body) => self.operation.check_request(version, Some(&body)),
                Err(_) => vec![Violation::new("$", ViolationKind::Type, "JSON")],
            },
        })
    }

    /// Builds the request, with its target in origin form: path and query.
    ///
    /// Parameters are checked; a body is checked only by [`check_body`](Self::check_body).
    ///
    /// # Errors
    /// [`RequestError`] if the request cannot be sent.
    pub fn build(&self) -> Result<Request<Bytes>, RequestError> {
        let operation = self.operation;
        let version = self.resolve_version()?;
        let given = self.parameters.iter();
        let given = given.map(|(name, value)| (name.as_str(), value.as_str()));
        let violations = operation.check_parameters(given);
        if !violations.is_empty() {
            return Err(RequestError::Parameters {
                operation,
                violations,
            });
        }
        let format = self.answer_format(version)?;
        let asked = self.version.as_deref().unwrap_or(&version.name);
        let media_type = |format: &str| format!("application/vnd.atlas.{asked}+{format}");
        let mut request = Request::builder()
            .method(operation.method())
            .uri(self.target())
            .header(ACCEPT, media_type(format));
        for (name, value) in self.in_place(Place::Header) {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(value);
            if let (Ok(name), Ok(value)) = (name, value) {
                request = request.header(name, value);
            }
        }
        let (body, content_type) = match (&self.body, operation.body()) {
            (None, Body::Required) => return Err(RequestError::NoBody { operation }),
            (Some(_), Body::None) => return Err(RequestError::Body { operation }),
            (None, _) => (Bytes::new(), None),
            (Some(RequestBody::Json(body)), _) => {
                (Bytes::from(body.to_string()), Some(media_type("json")))
            }
            (Some(RequestBody::Bytes(bytes, media)), _) => {
                let media = media.clone().unwrap_or_else(|| media_type("json"));
                (bytes.clone(), Some(media))
            }
        };
        if let Some(content_type) = content_type {
            request = request.header(CONTENT_TYPE, content_type);
        }
        request
            .body(body)
            .map_err(|_| RequestError::Target { operation })
    }

    fn answer_format(&self, version: &'static Version) -> Result<&str, RequestError> {
        let mut formats = version.formats();
        let Some(asked) = self.format.as_deref() else {
            let first = formats.next().unwrap_or("json");
            return Ok(if formats.any(|format| format == "json") {
                "json"
            } else {
                first
            });
        };
        if formats.any(|format| format == asked) {
            return Ok(asked);
        }
        Err(RequestError::Format {
            operation: self.operation,
            asked: asked.to_owned(),
        })
    }

    fn in_place(&self, place: Place) -> impl Iterator<Item = (&str, &str)> {
        let stands = move |name: &str| {
            let parameter = self.operation.parameter(name);
            parameter.is_some_and(|parameter| parameter.place == place)
        };
        let given = self.parameters.iter().filter(move |(name, _)| stands(name));
        given.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Path and query. Every path parameter is present at this point.
    fn target(&self) -> String {
        let mut target = String::new();
        for segment in self.operation.segments() {
            target.push('/');
            let Some(template) = Template::read(segment) else {
                target.push_str(segment);
                continue;
            };
            let mut given = self.in_place(Place::Path);
            let value = given.find(|(name, _)| *name == template.name);
            let value = value.map(|(_, value)| value).unwrap_or_default();
            target.push_str(template.before);
            target.extend(utf8_percent_encode(value, RESERVED));
            target.push_str(template.after);
        }
        for (place, (name, value)) in self.in_place(Place::Query).enumerate() {
            target.push(if place == 0 { '?' } else { '&' });
            target.extend(utf8_percent_encode(name, RESERVED));
            target.push('=');
            target.extend(utf8_percent_encode(value, RESERVED));
        }
        target
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A body can contain passwords.
        f.debug_struct("RequestBuilder")
            .field("operation", &self.operation)
            .field("parameters", &self.parameters)
            .field("version", &self.version)
            .field("format", &self.format)
            .field("body", &self.body.is_some())
            .finish()
    }
}

/// The error of building a request.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Parameters are missing, unknown, or have invalid values.
    #[error("invalid parameters of {operation}: {}", listed(violations))]
    #[non_exhaustive]
    Parameters {
        /// The operation.
        operation: Operation,
        /// The violations.
        violations: Vec<Violation>,
    },
    /// The operation has no such version.
    #[error(
        "{operation} has no version {:?}: expected {}",
        asked, listed_versions(*operation)
    )]
    #[non_exhaustive]
    Version {
        /// The operation.
        operation: Operation,
        /// The requested version.
        asked: String,
    },
    /// The operation has no response in this format.
    #[error("{operation} does not support format {asked:?}; see its documented formats")]
    #[non_exhaustive]
    Format {
        /// The operation.
        operation: Operation,
        /// The requested format.
        asked: String,
    },
    /// The operation requires a body, but there is none.
    #[error("{operation} requires a request body")]
    #[non_exhaustive]
    NoBody {
        /// The operation.
        operation: Operation,
    },
    /// There is a body, but the operation does not accept one.
    #[error("{operation} does not accept a request body; remove it")]
    #[non_exhaustive]
    Body {
        /// The operation.
        operation: Operation,
    },
    /// The target or a header exceeds the maximum length.
    #[error("the request for {operation} is too long; shorten its parameters")]
    #[non_exhaustive]
    Target {
        /// The operation.
        operation: Operation,
    },
}

impl fmt::Debug for RequestError {
    /// The same as `Display`, since `main() -> Result` prints `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn listed(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

fn listed_versions(operation: Operation) -> String {
    let names: Vec<&str> = operation
        .versions()
        .iter()
        .map(|version| version.name.as_str())
        .collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        ["preview"] => "preview".to_owned(),
        [one] => format!("{one} or a later date"),
        [dates @ .., "preview"] => {
            format!("one of {}, a later date, or preview", dates.join(", "))
        }
        many => format!("one of {}, or a later date", many.join(", ")),
    }
}
