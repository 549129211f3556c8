//! Operations: values that become requests, with the types of their responses.

use bytes::Bytes;
use memchr::memmem;
use serde::Serialize;

use crate::answer::{Answer, AnswerMeta, Body};
use crate::api_error::ApiError;
use crate::asked::AskedOperation;
use crate::call_options::CallOptions;
use crate::deviation::Deviation;
use crate::envelope::Envelope;
use crate::meta::OperationMeta;
use crate::payload::{Payload, Unfit};
use crate::request::{RequestWriter, json};
use crate::request_error::BuildError;
use crate::response_error::{self, A_PAGE, Opened, ResponseError, is_page};

/// An operation of the API: a value that becomes a request, and the type of its response.
///
/// The generated modules have one for each operation of the API. An operation that they lack can be
/// declared in any crate, and a client sends it like the others:
///
/// ```
/// use atlas_model::{
///     CallOptions, NoBody, Operation, OperationExt, OperationMeta, ProjectId, RequestWriter, Version,
/// };
/// use http::Method;
/// use serde::Deserialize;
///
/// struct GetWidget {
///     project: ProjectId,
///     name: String,
/// }
///
/// #[derive(Deserialize)]
/// struct Widget {
///     size: Option<i64>,
/// }
///
/// impl Operation for GetWidget {
///     const META: &'static OperationMeta = &OperationMeta::new(
///         "getGroupWidget",
///         Method::GET,
///         "/api/atlas/v2/groups/{groupId}/widgets/{widgetName}",
///         &[Version::new(2025, 3, 12)],
///     );
///     type Response = Widget;
///     type Body = NoBody;
///
///     fn encode(&self, out: &mut RequestWriter) {
///         out.path("groupId", &self.project);
///         out.path("widgetName", &self.name);
///     }
/// }
///
/// let project = ProjectId::parse("32b6e34b3d91647abb20e7b8")?;
/// let operation = GetWidget { project, name: "a b".to_owned() };
/// let request = operation.to_request(&CallOptions::default())?;
/// assert_eq!(
///     request.uri(),
///     "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/widgets/a%20b"
/// );
/// let response = http::Response::new(r#"{"size": 3}"#.into());
/// let widget = GetWidget::from_response(response, &CallOptions::default())?.into_inner();
/// assert_eq!(widget.size, Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an operation of the API",
    label = "this is not an operation",
    note = "operations are in the modules of `atlas_model`, each behind the feature of its tag"
)]
pub trait Operation {
    /// The facts about the operation, the same for every value of it.
    const META: &'static OperationMeta;

    /// The type of its response: a type that serde reads, [`Empty`](crate::Empty), or [`Body`] for
    /// a file.
    type Response: Payload;

    /// The type of its request body; [`NoBody`] if it has none.
    type Body: Serialize;

    /// Writes the parameters into a request.
    fn encode(&self, out: &mut RequestWriter);

    /// Returns the body, if there is one.
    fn body(&self) -> Option<&Self::Body> {
        None
    }
}

/// The body of an operation without a body. It has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum NoBody {}

/// Converts operations to requests and reads their responses.
pub trait OperationExt: Operation {
    /// Builds the request for a transport to send, its target in origin form. `Debug` of a request
    /// shows its body, secrets included.
    ///
    /// # Errors
    /// [`BuildError`] if a parameter violates its documentation, or the body cannot be written as
    /// JSON.
    fn to_request(&self, options: &CallOptions) -> Result<http::Request<Bytes>, BuildError> {
        let mut writer = RequestWriter::new(Self::META);
        self.encode(&mut writer);
        let body = match self.body() {
            Some(body) => Some(json(Self::META, body)?),
            None => None,
        };
        writer.finish(options, body)
    }

    /// Reads the response leniently.
    ///
    /// A value of an unexpected type is left out and becomes one of [`Answer::deviations`]; so does
    /// a response in another version than the type's. The status of the envelope, if there is one,
    /// replaces that of the status line; an envelope is opened only if `options` requested it. An
    /// error body with a success status is an error.
    ///
    /// # Errors
    /// [`ResponseError`] for an error of Atlas and for a body that is neither an error nor the
    /// resource.
    fn from_response(
        response: http::Response<Bytes>,
        options: &CallOptions,
    ) -> Result<Answer<Self::Response>, ResponseError> {
        Self::read_response(&response, options)
    }

    /// Reads the response like [`from_response`](OperationExt::from_response), without consuming
    /// it.
    ///
    /// # Errors
    /// The same as [`from_response`](OperationExt::from_response).
    fn read_response(
        response: &http::Response<Bytes>,
        options: &CallOptions,
    ) -> Result<Answer<Self::Response>, ResponseError> {
        let headers = response.headers();
        let asked = || Self::META.into();
        let mut opened = open(&asked, response, options.envelope)?;
        if opened.content.is_empty() && opened.meta.status == http::StatusCode::NO_CONTENT {
            opened.content = Bytes::from_static(b"{}");
        }
        let read = if is_page(headers, &opened.content) {
            Err(Unfit::new(A_PAGE.to_owned()))
        } else if !options.envelope && is_wrapped_error(&opened.content) {
            // Otherwise the envelope would be read as a resource without fields.
            Err(Unfit::new("an envelope that was not requested".to_owned()))
        } else {
            Self::Response::read(&opened.content)
        };
        match read {
            Ok((value, mut deviations)) => {
                deviations.extend(other_version(Self::META, &opened.meta));
                Ok(Answer {
                    value,
                    meta: opened.meta,
                    body: Body(response.body().clone()),
                    deviations,
                })
            }
            Err(error) => Err(response_error::unreadable(
                asked(),
                opened.meta,
                headers,
                &opened.content,
                &error.to_string(),
            )),
        }
    }
}

impl<O: Operation> OperationExt for O {}

/// Whether a body is an envelope with an error.
fn is_wrapped_error(body: &[u8]) -> bool {
    // An envelope has only two fields, so `content` is near the beginning.
    let head = &body[..body.len().min(64)];
    let named = memmem::find(head, CONTENT).is_some();
    named && Envelope::open(body).is_some_and(|envelope| !envelope.status.is_success())
}

const CONTENT: &[u8] = b"\"content\"";

/// The deviation for a response in another version than that of the type.
fn other_version(meta: &OperationMeta, answer: &AnswerMeta) -> Option<Deviation> {
    let typed = meta.newest().version;
    let answered = answer.version.filter(|version| *version != typed)?;
    Some(Deviation::new(
        "",
        format!("the response has version {answered}, but the type has the fields of {typed}"),
    ))
}

/// Reads the response to a request that was not built from an [`Operation`], leniently: `value` is
/// the body without its envelope.
///
/// An envelope is opened only if `envelope` states that it was requested. `operation` is called
/// only for an error.
///
/// # Errors
/// [`ResponseError`] for every status but success, for an error of Atlas, and for an HTML page.
pub fn read_answer(
    operation: impl Fn() -> AskedOperation,
    response: &http::Response<Bytes>,
    envelope: bool,
) -> Result<Answer<Body>, ResponseError> {
    let headers = response.headers();
    let opened = open(&operation, response, envelope)?;
    if is_page(headers, &opened.content) {
        let (meta, content) = (opened.meta, opened.content);
        let problem = A_PAGE;
        return Err(response_error::unreadable(
            operation(),
            meta,
            headers,
            &content,
            problem,
        ));
    }
    Ok(Answer {
        value: Body(opened.content),
        meta: opened.meta,
        body: Body(response.body().clone()),
        deviations: Vec::new(),
    })
}

/// Removes the envelope and turns every response without success into an error.
fn open(
    operation: &dyn Fn() -> AskedOperation,
    response: &http::Response<Bytes>,
    envelope: bool,
) -> Result<Opened, ResponseError> {
    let (headers, body) = (response.headers(), response.body());
    let mut meta = AnswerMeta::read(response.status(), headers);
    let mut content = body.clone();
    if envelope && let Some(envelope) = Envelope::open(body) {
        meta.status = envelope.status;
        content = body.slice_ref(envelope.content);
    }
    if !meta.status.is_success() {
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
