//! One request of the journal: copied on arrival, parsed and redacted when it is shown.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use atlas_catalog::Operation;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, PROXY_AUTHORIZATION};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::End;
use super::redact::{self, Shown};
use super::urls;
use crate::faults::Matched;
use crate::secret_names::is_secret_name;

/// The number of bytes of a target that are kept.
const MAX_TARGET: usize = 8 << 10;
/// The number of bytes of the headers that are kept.
const MAX_HEADERS: usize = 8 << 10;
/// The maximum size of a body that is kept.
const MAX_BODY: usize = 64 << 10;
/// The number of ignored fields that are kept, and the bytes of each.
const MAX_IGNORED: usize = 50;
const MAX_FIELD: usize = 200;
/// The memory of an entry in addition to its text, in bytes.
const OVERHEAD: usize = 64;

/// A request to a sandbox, without its secrets.
///
/// Cloning is cheap. It serializes as in `GET /sandbox/requests`.
#[derive(Clone)]
pub struct RecordedRequest(Arc<Record>);

/// A request without a response yet.
pub(super) struct Draft {
    at: Timestamp,
    method: Method,
    /// The target, then names and values of headers, each followed by a NUL, then the body.
    text: Vec<u8>,
    target: usize,
    headers: usize,
    headers_omitted: usize,
    body_bytes: Option<usize>,
}

struct Record {
    number: u64,
    draft: Draft,
    status: Option<StatusCode>,
    fault: Option<Matched>,
    ignored_fields: Box<[Box<str>]>,
}

impl Draft {
    /// Copies the kept parts of a request, whose own buffers are larger and would stay allocated.
    /// The body is `None` if it was not read.
    pub(super) fn new<B>(at: Timestamp, request: &Request<B>, body: Option<&Bytes>) -> Self {
        let uri = request.uri();
        let kept = body.filter(|body| body.len() <= MAX_BODY);
        let kept = kept.map_or(&[][..], |body| &body[..]);
        let mut text = Vec::with_capacity(512 + kept.len());
        text.extend_from_slice(uri.path().as_bytes());
        if let Some(query) = uri.query() {
            text.push(b'?');
            text.extend_from_slice(query.as_bytes());
        }
        text.truncate(MAX_TARGET);
        let target = text.len();
        let mut headers_omitted = 0;
        for (name, value) in request.headers() {
            let value = without_secret(name, value);
            if text.len() - target + name.as_str().len() + value.len() > MAX_HEADERS {
                headers_omitted += 1;
                continue;
            }
            text.extend_from_slice(name.as_str().as_bytes());
            text.push(0);
            text.extend_from_slice(&value);
            text.push(0);
        }
        let headers = text.len();
        text.extend_from_slice(kept);
        Self {
            at,
            method: request.method().clone(),
            text,
            target,
            headers,
            headers_omitted,
            body_bytes: body.map(Bytes::len),
        }
    }

    pub(super) fn finish(self, number: u64, end: End<'_>) -> RecordedRequest {
        let fields = end.ignored_fields.iter().take(MAX_IGNORED);
        let shortened = |field: &String| field.chars().take(MAX_FIELD).collect::<Box<str>>();
        RecordedRequest(Arc::new(Record {
            number,
            draft: self,
            status: end.status,
            fault: end.fault,
            ignored_fields: fields.map(shortened).collect(),
        }))
    }
}

impl RecordedRequest {
    /// Returns the number, counted from 1 since the start of the server in the order of the
    /// responses.
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Returns the time of the request, by the sandbox's clock.
    pub fn at(&self) -> Timestamp {
        self.0.draft.at
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.0.draft.method
    }

    /// Returns path and query, with the values of secret parameters replaced by `(redacted)`.
    pub fn target(&self) -> String {
        urls::target(&self.sent_target())
    }

    /// Returns the path as it was sent.
    pub fn path(&self) -> String {
        let target = self.sent_target();
        target.split('?').next().unwrap_or_default().to_owned()
    }

    /// Returns the operation of the method and path, if there is one.
    pub fn operation(&self) -> Option<Operation> {
        let target = self.sent_target();
        let path = target.split('?').next().unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        atlas_catalog::route(self.method(), path).map(|found| found.operation)
    }

    /// Returns a header; repeated values are joined by `, `. Of `Authorization`, only the scheme is
    /// kept.
    pub fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers().into_iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The headers, with lowercase names.
    fn headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = Vec::new();
        let text = &self.0.draft.text[self.0.draft.target..self.0.draft.headers];
        let mut parts = text.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            match headers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => {
                    known.push_str(", ");
                    known.push_str(&value);
                }
                None => headers.push((name.into_owned(), value.into_owned())),
            }
        }
        headers
    }

    /// Returns the body, with secret values replaced by `(redacted)`: JSON as it is, a form as an
    /// object, anything else as text. `None` if there is no body or it is not shown.
    pub fn body(&self) -> Option<Value> {
        self.shown_body().value
    }

    fn shown_body(&self) -> Shown {
        match self.0.draft.body_bytes {
            None => return Shown::omitted("body was not read".to_owned()),
            Some(bytes) if bytes > MAX_BODY => {
                return Shown::omitted(format!("body has more than {MAX_BODY} bytes"));
            }
            Some(_) => {}
        }
        let content_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let body = &self.0.draft.text[self.0.draft.headers..];
        redact::body(body, &content_type, || self.operation())
    }

    /// Returns the status of the response; `None` if a fault or the client ended the request
    /// without one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the number of the fault plan's rule that acted, from 1.
    pub fn fault(&self) -> Option<usize> {
        self.0.fault.as_ref().map(|fault| fault.rule)
    }

    /// Returns the paths of ignored fields in the body, as
    /// [`Answered`](crate::Answered::ignored_fields) does.
    pub fn ignored_fields(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.ignored_fields.iter().map(AsRef::as_ref)
    }

    /// The used memory.
    pub(super) fn memory(&self) -> usize {
        let fields = self.0.ignored_fields.iter();
        let fields: usize = fields
            .map(|field| field.len() + size_of::<Box<str>>())
            .sum();
        size_of::<Record>() + OVERHEAD + self.0.draft.text.capacity() + fields
    }

    fn sent_target(&self) -> Cow<'_, str> {
        self.text(0..self.0.draft.target)
    }

    fn text(&self, range: Range<usize>) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.draft.text[range])
    }

    pub(crate) fn to_json(&self) -> Value {
        let record = &self.0;
        let headers = self.headers().into_iter();
        let headers: Map<String, Value> = headers.map(|(name, it)| (name, it.into())).collect();
        let body = self.shown_body();
        let mut shown = json!({
            "number": record.number,
            "at": record.draft.at.to_string(),
            "method": self.method().as_str(),
            "target": self.target(),
            "operation": self.operation().map(Operation::id),
            "headers": headers,
            "body": body.value,
            "bodyBytes": record.draft.body_bytes,
            "status": record.status.map(|status| status.as_u16()),
            "fault": record.fault,
            "ignoredFields": record.ignored_fields,
        });
        if let Some(reason) = body.omitted {
            shown["bodyOmitted"] = reason.into();
        }
        if record.draft.headers_omitted > 0 {
            shown["headersOmitted"] = record.draft.headers_omitted.into();
        }
        shown
    }
}

impl serde::Serialize for RecordedRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedRequest")
            .field("number", &self.number())
            .field("method", self.method())
            .field("target", &self.target())
            .field("status", &self.status())
            .field("fault", &self.fault())
            .finish_non_exhaustive()
    }
}

/// The value of a header, or the replacement of a secret.
fn without_secret<'a>(name: &HeaderName, value: &'a HeaderValue) -> Cow<'a, [u8]> {
    if *name == AUTHORIZATION || *name == PROXY_AUTHORIZATION {
        let scheme = value.as_bytes().split(|byte| *byte == b' ').next();
        let scheme = scheme.unwrap_or_default();
        // Any other text could be the secret itself.
        let known = ["Basic", "Bearer", "Digest"]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.as_bytes()));
        return match known {
            Some(known) => Cow::Owned(format!("{known} {}", redact::REDACTED).into_bytes()),
            None => Cow::Borrowed(redact::REDACTED.as_bytes()),
        };
    }
    if value.is_sensitive() || is_secret_name(name.as_str()) {
        return Cow::Borrowed(redact::REDACTED.as_bytes());
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    let shown = if *name == HOST {
        urls::host(&text)
    } else {
        urls::text(&text)
    };
    match shown {
        Cow::Owned(shown) => Cow::Owned(shown.into_bytes()),
        Cow::Borrowed(_) => Cow::Borrowed(value.as_bytes()),
    }
}
