//! One declaration of an operation, read from both ends of the wire.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, StatusCode};
use jiff::civil::Date;

use crate::answer::{Answer, AnswerMeta, Body};
use crate::api_error::ApiError;
use crate::asked::AskedOperation;
use crate::call_options::CallOptions;
use crate::envelope::{self, Envelope};
use crate::request::{JSON, RequestReader, RequestWriter, parameter_name};
use crate::request_error::{BuildError, RequestError};
use crate::resource::Payload;
use crate::response_error::{self, Opened, ResponseError};
use crate::version::{ApiVersion, essence};

/// An operation of the API: a value that becomes a request and is answered by a resource.
///
/// Declared once; the four conversions of [`OperationExt`] follow.
pub trait Operation: Sized + 'static {
    /// The facts about the operation, the same for every value of it.
    const META: &'static OperationMeta;

    /// What answers it.
    type Response: Payload;

    /// Puts the operation's fields into a request.
    ///
    /// # Errors
    /// [`BuildError`] if a field has no place in HTTP or JSON.
    fn encode(&self, out: &mut RequestWriter) -> Result<(), BuildError>;

    /// Reads the operation's fields from a request, strictly.
    ///
    /// # Errors
    /// [`RequestError`] names the parameter or field at fault.
    fn decode(request: &RequestReader<'_>) -> Result<Self, RequestError>;
}

/// The facts about one operation.
#[derive(Debug)]
#[non_exhaustive]
pub struct OperationMeta {
    /// The API's `operationId`.
    pub id: &'static str,
    /// The shorter name, `atlas api TAG NAME`.
    pub short_id: &'static str,
    /// The group the API documents it under.
    pub tag: &'static str,
    /// One line on what it does.
    pub summary: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with a `{name}` for each parameter.
    pub path: &'static str,
    /// The parameters of the path, in the order of the Rust type's fields.
    pub path_parameters: &'static [Parameter],
    /// The parameters of the query, all optional; `envelope` and `pretty` are not among them.
    pub query_parameters: &'static [Parameter],
    /// The parameters that travel as headers, all optional.
    pub header_parameters: &'static [Parameter],
    /// Whether it takes `pretty`.
    pub pretty: bool,
    /// Whether it requires a JSON body.
    pub body: bool,
    /// The status of a success.
    pub success: StatusCode,
    /// Its versions, oldest first; never empty.
    pub versions: &'static [Version],
    /// The role that it is documented to need.
    pub role: Option<&'static str>,
    /// The operation that takes its place, by id.
    pub successor: Option<&'static str>,
}

/// A parameter of a path, a query or a header.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Parameter {
    /// The API's name for it.
    pub name: &'static str,
    /// Its documented pattern; in a query or a header, what it takes in words.
    pub pattern: &'static str,
    /// One line on what it is.
    pub summary: &'static str,
}

/// One version of an operation.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Version {
    /// Its date.
    pub version: ApiVersion,
    /// The day from which Atlas answers it no more.
    pub sunset: Option<Date>,
}

impl Parameter {
    pub(crate) const fn new(
        name: &'static str,
        pattern: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            name,
            pattern,
            summary,
        }
    }
}

impl Version {
    pub(crate) const fn new(version: Date, sunset: Option<Date>) -> Self {
        Self {
            version: ApiVersion::new(version),
            sunset,
        }
    }
}

impl OperationMeta {
    /// The newest version.
    pub const fn newest(&self) -> Version {
        self.versions[self.versions.len() - 1]
    }

    /// The oldest version.
    pub const fn oldest(&self) -> Version {
        self.versions[0]
    }

    /// The version that answers when `asked` is asked for: the newest that is not newer.
    pub fn answered(&self, asked: ApiVersion) -> Option<Version> {
        let not_newer = |version: &&Version| version.version <= asked;
        self.versions.iter().rev().find(not_newer).copied()
    }

    /// The day from which no version of it is answered any more, if there is one.
    pub const fn sunset(&self) -> Option<Date> {
        self.newest().sunset
    }

    /// The tag as `atlas api` spells it: `Shared-Tier Snapshots` is `sharedTierSnapshots`.
    pub fn tag_command(&self) -> String {
        let mut command = String::with_capacity(self.tag.len());
        for word in self.tag.split(|c: char| !c.is_ascii_alphanumeric()) {
            let mut letters = word.chars();
            let Some(first) = letters.next() else {
                continue;
            };
            if command.is_empty() {
                command.extend(first.to_lowercase());
            } else {
                command.extend(first.to_uppercase());
            }
            command.push_str(letters.as_str());
        }
        command
    }

    /// The raw path parameters of `path`, if it is one of this operation's.
    pub(crate) fn captures<'a>(&self, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
        let mut captures = Vec::new();
        let mut segments = path.split('/');
        for expected in self.path.split('/') {
            let segment = segments.next()?;
            match parameter_name(expected) {
                Some(name) => {
                    let parameter = self
                        .path_parameters
                        .iter()
                        .find(|known| known.name == name)?;
                    captures.push((parameter.name, segment));
                }
                None if expected == segment => {}
                None => return None,
            }
        }
        segments.next().is_none().then_some(captures)
    }
}

/// The four conversions of every operation.
pub trait OperationExt: Operation {
    /// Builds the request, its target in origin form, for a transport to send.
    ///
    /// # Errors
    /// [`BuildError`]; the values of this crate's operations do not give one.
    fn to_request(&self, options: &CallOptions) -> Result<http::Request<Bytes>, BuildError> {
        let mut writer = RequestWriter::new(Self::META);
        self.encode(&mut writer)?;
        writer.finish(options)
    }

    /// Reads the operation from a request, as a server does.
    ///
    /// # Errors
    /// [`RequestError`]; [`RequestError::to_api_error`] gives the answer to send.
    fn from_request<B: AsRef<[u8]>>(
        request: &http::Request<B>,
    ) -> Result<(Self, CallOptions), RequestError> {
        let (reader, options) = RequestReader::from_http(Self::META, request)?;
        Ok((Self::decode(&reader)?, options))
    }

    /// Builds the response, as a server does, in the version and form that `options` ask for.
    ///
    /// # Errors
    /// [`BuildError`] if the resource has no JSON form.
    fn to_response(
        value: &Self::Response,
        options: &CallOptions,
    ) -> Result<http::Response<Bytes>, BuildError> {
        let meta = Self::META;
        let mut body = value
            .write(options.pretty)
            .map_err(|source| BuildError::Body {
                operation: meta.id,
                source,
            })?;
        if body.is_empty() && options.envelope {
            body.extend_from_slice(b"{}");
        }
        let asked = options.version.unwrap_or(meta.newest().version);
        let answered = meta.answered(asked).unwrap_or(meta.oldest()).version;
        let media_type = format!("{};charset=utf-8", answered.json());
        let list = <Self::Response as Payload>::LIST;
        Ok(respond(meta.success, &media_type, list, body, options))
    }

    /// Reads the response, leniently.
    ///
    /// The envelope's status counts where there is an envelope, whatever the status line says;
    /// one is looked for only if `options` asked for it. An error body under the status of a
    /// success counts as the error it is.
    ///
    /// # Errors
    /// [`ResponseError`] for an error of Atlas and for a body that is neither.
    fn from_response(
        response: http::Response<Bytes>,
        options: &CallOptions,
    ) -> Result<Answer<Self::Response>, ResponseError> {
        let (parts, body) = response.into_parts();
        let asked = || Self::META.into();
        let opened = open(&asked, &parts, &body, options.envelope)?;
        match <Self::Response as Payload>::read(&opened.content) {
            Ok(value) => Ok(Answer {
                value,
                meta: opened.meta,
                body: Body(body),
            }),
            Err(error) => Err(response_error::unreadable(
                asked(),
                opened.meta,
                &parts.headers,
                &opened.content,
                &response_error::problem(&error),
            )),
        }
    }
}

impl<O: Operation> OperationExt for O {}

/// Reads the response to a request that was not built from an [`Operation`], leniently: `value` is
/// the body without its envelope.
///
/// An envelope is looked for only if `envelope` says that one was asked for. `operation` is called
/// for an error.
///
/// # Errors
/// [`ResponseError`] for every status but those of success, for an error of Atlas, and for an HTML
/// page.
pub fn read_answer(
    operation: impl Fn() -> AskedOperation,
    response: http::Response<Bytes>,
    envelope: bool,
) -> Result<Answer<Body>, ResponseError> {
    let (parts, body) = response.into_parts();
    let opened = open(&operation, &parts, &body, envelope)?;
    let media_type = parts.headers.get(CONTENT_TYPE);
    let media_type = media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if essence(media_type).eq_ignore_ascii_case("text/html") && !opened.content.is_empty() {
        let (meta, content) = (opened.meta, opened.content);
        let problem = "an HTML page, not an answer of Atlas";
        return Err(response_error::unreadable(
            operation(),
            meta,
            &parts.headers,
            &content,
            problem,
        ));
    }
    Ok(Answer {
        value: Body(opened.content),
        meta: opened.meta,
        body: Body(body),
    })
}

/// Takes off the envelope and turns every answer without success into an error.
fn open(
    operation: &dyn Fn() -> AskedOperation,
    parts: &http::response::Parts,
    body: &Bytes,
    envelope: bool,
) -> Result<Opened, ResponseError> {
    let mut meta = AnswerMeta::read(parts.status, &parts.headers);
    let mut content = body.clone();
    if envelope && let Some(envelope) = Envelope::open(body) {
        meta.status = envelope.status;
        content = body.slice_ref(envelope.content);
    }
    if !meta.status.is_success() {
        let headers = &parts.headers;
        return Err(response_error::failure(
            operation(),
            meta,
            headers,
            &content,
        ));
    }
    match ApiError::in_place_of_a_resource(&content) {
        Some(error) => {
            meta.status = error.status().unwrap_or(meta.status);
            Err(response_error::refused(operation(), meta, error))
        }
        None => Ok(Opened { meta, content }),
    }
}

impl ApiError {
    /// Builds the response a server gives with this error, in the form that `options` ask for.
    ///
    /// Errors carry no version, so the media type is plain `application/json`.
    pub fn to_response(&self, options: &CallOptions) -> http::Response<Bytes> {
        let status = self.status().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = if options.pretty {
            serde_json::to_vec_pretty(self)
        } else {
            serde_json::to_vec(self)
        };
        respond(status, JSON, false, body.unwrap_or_default(), options)
    }
}

/// Puts a body into a response, and into an envelope where one is asked for.
fn respond(
    status: StatusCode,
    media_type: &str,
    list: bool,
    mut body: Vec<u8>,
    options: &CallOptions,
) -> http::Response<Bytes> {
    if options.envelope {
        body = envelope::wrap(status, list, options.pretty, &body);
    }
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = status;
    if body.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, body.len().into());
    if let Ok(media_type) = media_type.parse() {
        headers.insert(CONTENT_TYPE, media_type);
    }
    *response.body_mut() = body.into();
    response
}
