//! Calls by name: any operation of the API, with parameters by name and JSON or bytes as bodies.

use std::fmt;
use std::time::Duration;

use atlas_catalog::{Operation, RequestBuilder};
use atlas_model::{
    Answer, AnswerMeta, AskedOperation, Body, ItemsPerPage, Link, NextPage, PageNumber, Paging,
    PagingError, read_answer,
};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream;
use http::Request;
use http::uri::PathAndQuery;
use serde_json::Value;

use crate::client::Client;
use crate::download::Download;
use crate::error::{Attempts, Error, ErrorKind};
use crate::list_time::ListTime;

/// A call of an operation by its name, under construction; from [`Client::call`].
///
/// Nothing is sent before [`send`](Call::send), [`stream`](Call::stream), [`pages`](Call::pages)
/// or [`items`](Call::items), nor if the name or a parameter is invalid.
///
/// ```no_run
/// # async fn run(client: atlas_transport::Client) -> Result<(), atlas_transport::Error> {
/// let answer = client
///     .call("getGroupCluster")
///     .parameter("groupId", "32b6e34b3d91647abb20e7b8")
///     .parameter("clusterName", "Cluster0")
///     .send()
///     .await?;
/// match answer.value.json() {
///     Ok(json) => println!("{}", json["stateName"]),
///     Err(error) => println!("not JSON: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `send`, `stream`, `pages` or `items`"]
pub struct Call {
    client: Client,
    request: Result<RequestBuilder, String>,
}

impl Client {
    /// Starts a call of an operation by its id (`getGroupCluster`), a former id, or its tag and short id
    /// (`clusters.getCluster`).
    ///
    /// Authentication, retries, envelope and errors are those of [`send`](Client::send).
    pub fn call(&self, operation: &str) -> Call {
        Call {
            client: self.clone(),
            request: Operation::find(operation)
                .map(Operation::request)
                .ok_or_else(|| operation.to_owned()),
        }
    }

    /// Starts a call from a request that was built elsewhere.
    pub fn call_request(&self, request: RequestBuilder) -> Call {
        Call {
            client: self.clone(),
            request: Ok(request),
        }
    }
}

impl Call {
    fn with(mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        self.request = self.request.map(change);
        self
    }

    /// Adds a parameter of the path, the query or a header by its name on the wire. An array parameter
    /// is added once for each value.
    pub fn parameter(self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.with(|request| request.parameter(name, value))
    }

    /// Requests the newest version that is not newer than this date (`YYYY-MM-DD`), or `preview`; the
    /// newest stable version by default.
    pub fn version(self, version: impl Into<String>) -> Self {
        self.with(|request| request.version(version))
    }

    /// Requests a response format: `json`, `gzip` or `csv`; JSON by default, or the only documented
    /// format.
    pub fn format(self, format: impl Into<String>) -> Self {
        self.with(|request| request.format(format))
    }

    /// Sets a JSON body, sent without checks; see
    /// [`check_body`](atlas_catalog::RequestBuilder::check_body).
    pub fn json(self, body: Value) -> Self {
        self.with(|request| request.json(body))
    }

    /// Sets a body of bytes, sent unchanged as JSON in the requested version.
    pub fn bytes(self, body: impl Into<Bytes>) -> Self {
        self.with(|request| request.bytes(body))
    }

    /// Declares that the operation is safe to repeat: a `POST` or `PATCH` whose response is lost is
    /// sent again.
    pub fn assume_idempotent(mut self) -> Self {
        self.client = self.client.assume_idempotent();
        self
    }

    /// Limits the time of the call, or of each page of a list; see
    /// [`Client::with_total_timeout`].
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.client = self.client.with_total_timeout(limit);
        self
    }

    /// Sends the call and reads the response; any success status is accepted. `value` is the body
    /// without its envelope, empty if the response has no content.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownOperation`] and [`ErrorKind::Request`] before anything is sent; otherwise as
    /// [`Client::send`]. The error of a 403 names the documented roles.
    pub async fn send(self) -> Result<Answer<Body>, Error> {
        let request = self.request()?;
        self.client
            .send_raw(&request, request.build().map_err(ErrorKind::from)?)
            .await
    }

    /// Sends the call and streams the response, for log files and the like. The body is not
    /// decompressed: a `gzip` file stays compressed.
    ///
    /// # Errors
    /// As [`send`](Call::send).
    pub async fn stream(self) -> Result<RawStream, Error> {
        let request = self.request()?;
        let built = request.build().map_err(ErrorKind::from)?;
        let (response, download) = self.client.open_stream(built).await?;
        let operation = request.operation();
        let Some(download) = download else {
            let envelope = request.value("envelope") == Some("true");
            return Err(refusal(operation, response, envelope));
        };
        Ok(RawStream {
            meta: AnswerMeta::read(response.status(), response.headers()),
            download,
        })
    }

    /// Reads a list page by page to its end, by the rules of [`Client::pages`]. If the response is not
    /// paged, returns it as the only page.
    ///
    /// Follows pages of a `GET` only. Starts at the call's `pageNum`, and requests 500 items a page
    /// unless the call has `itemsPerPage`.
    ///
    /// # Errors
    /// An error is the last item; see [`Client::pages`].
    pub fn pages(self) -> impl Stream<Item = Result<Answer<Body>, Error>> + Send + use<> {
        let first = match Walk::new(self) {
            Ok(walk) => At::Before(Box::new(walk)),
            Err(error) => At::Failed(error),
        };
        stream::unfold(first, |at| async move {
            match at {
                At::Before(walk) => Some(walk.step().await),
                At::Failed(error) => Some((Err(error), At::End)),
                At::End => None,
            }
        })
    }

    /// Returns the items of a list, one by one: the elements of `results`, or of a response that is an
    /// array.
    ///
    /// # Errors
    /// As [`pages`](Call::pages); [`ErrorKind::NotAList`] for any other response.
    pub fn items(self) -> impl Stream<Item = Result<Value, Error>> + Send + use<> {
        use futures_util::{StreamExt as _, TryStreamExt as _};

        let operation = self
            .request
            .as_ref()
            .map_or("", |request| request.operation().id());
        self.pages()
            .map(move |page| -> Result<_, Error> {
                let items = items_of(&page?).ok_or(ErrorKind::NotAList { operation })?;
                Ok(stream::iter(items.into_iter().map(Ok)))
            })
            .try_flatten()
    }

    fn request(&self) -> Result<RequestBuilder, Error> {
        self.request.clone().map_err(|name| {
            let suggestions = Operation::suggest(&name);
            ErrorKind::UnknownOperation { name, suggestions }.into()
        })
    }
}

/// Returns the items of a page: `results`, or the elements if the page is an array.
fn items_of(page: &Answer<Body>) -> Option<Vec<Value>> {
    match page.value.json().ok()? {
        Value::Array(items) => Some(items),
        Value::Object(mut fields) => match fields.remove("results")? {
            Value::Array(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

impl Client {
    async fn send_raw(
        &self,
        request: &RequestBuilder,
        built: Request<Bytes>,
    ) -> Result<Answer<Body>, Error> {
        let mut response = self.execute(built).await?;
        let attempts: Attempts = response.extensions_mut().remove().unwrap_or_default();
        let envelope = request.value("envelope") == Some("true");
        let operation = request.operation();
        let read = |response: &_| read_answer(|| asked(operation), response, envelope);
        self.guard(response, read)
            .map_err(|error| Error::new(error, attempts))
    }
}

fn refusal(operation: Operation, mut response: http::Response<Bytes>, envelope: bool) -> Error {
    let attempts: Attempts = response.extensions_mut().remove().unwrap_or_default();
    match read_answer(|| asked(operation), &response, envelope) {
        Err(error) => Error::new(error, attempts),
        Ok(_) => ErrorKind::Malformed {
            source: "response without a body to stream".into(),
        }
        .into(),
    }
}

/// Returns the facts of an operation for error messages.
pub(crate) fn asked(operation: Operation) -> AskedOperation {
    let roles = operation.roles().iter().map(String::as_str).collect();
    let versions = operation.versions().iter();
    let versions = versions.filter_map(|version| version.name.parse().ok());
    let mut asked = AskedOperation::new(operation.id(), &operation.path())
        .roles(roles)
        .versions(versions.collect())
        .successor(operation.successor().map(Operation::id));
    asked.names_more |= operation.method() != http::Method::GET;
    asked
}

/// A streamed response; from [`Call::stream`].
#[derive(Debug)]
pub struct RawStream {
    meta: AnswerMeta,
    download: Download,
}

impl RawStream {
    /// Returns the metadata of the response, from its status and headers.
    pub fn meta(&self) -> &AnswerMeta {
        &self.meta
    }

    /// Returns a header, if it is present and valid text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.download.header(name)
    }

    /// Waits for the next bytes; returns `None` at the end.
    ///
    /// # Errors
    /// As [`Download::chunk`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.download.chunk().await
    }
}

/// The position in a list.
enum At {
    /// Before a page.
    Before(Box<Walk>),
    /// After the last page that could be read.
    Failed(Error),
    End,
}

/// A list while it is read.
struct Walk {
    client: Client,
    request: RequestBuilder,
    /// The query of the link to the page, which replaces the call's own.
    query: Option<String>,
    paging: Paging,
    /// The items of the previous page, to detect a server that repeats itself.
    before: Option<Vec<Value>>,
    time: ListTime,
}

impl Walk {
    fn new(call: Call) -> Result<Self, Error> {
        let mut request = call.request()?;
        let operation = request.operation();
        let method = operation.method();
        let numbered = method == http::Method::GET && operation.parameter("pageNum").is_some();
        let paging = if numbered {
            // A value that is not a number fails when the request is built.
            let given = |name| {
                request
                    .value(name)
                    .and_then(|value| value.parse::<u32>().ok())
            };
            let number = given("pageNum")
                .and_then(PageNumber::new)
                .unwrap_or(PageNumber::FIRST);
            let size =
                given("itemsPerPage").and_then(|size| ItemsPerPage::new(u16::try_from(size).ok()?));
            if size.is_none() && request.value("itemsPerPage").is_none() {
                request = request.parameter("itemsPerPage", ItemsPerPage::MAX.get());
            }
            Paging::new(&method, number, size.unwrap_or(ItemsPerPage::MAX))
        } else {
            Paging::unnumbered(&method)
        };
        Ok(Self {
            time: call.client.list_time(),
            paging: call.client.limited(paging),
            client: call.client,
            request,
            query: None,
            before: None,
        })
    }

    /// Reads a page and determines the next one.
    async fn step(mut self) -> (Result<Answer<Body>, Error>, At) {
        let built = match self.next_request() {
            Ok(built) => built,
            Err(error) => return (Err(error), At::End),
        };
        let page = self.client.send_raw(&self.request, built);
        let answer = match self.time.wait(page).await {
            Ok(answer) => answer,
            Err(error) => return (Err(error), At::End),
        };
        let page = answer.value.json().unwrap_or_default();
        let Some(items) = page["results"].as_array() else {
            return (Ok(answer), At::End);
        };
        let links: Option<Vec<Link>> = serde_json::from_value(page["links"].clone()).ok();
        let next = self.paging.after(items.len(), links.as_deref());
        if !items.is_empty() && self.before.as_ref() == Some(items) {
            let pages = self.paging.pages();
            return (Err(self.broken(PagingError::Repeated { pages })), At::End);
        }
        self.before = Some(items.clone());
        let then = match next {
            Ok(NextPage::Follow(query)) => {
                self.query = Some(query);
                At::Before(Box::new(self))
            }
            Ok(NextPage::ByNumber(number)) => {
                let size = self.paging.size().get();
                self.request = self
                    .request
                    .set_parameter("pageNum", number.get())
                    .set_parameter("itemsPerPage", size);
                self.query = None;
                At::Before(Box::new(self))
            }
            Ok(_) => At::End,
            Err(problem) => At::Failed(self.broken(problem)),
        };
        (Ok(answer), then)
    }

    fn next_request(&self) -> Result<Request<Bytes>, Error> {
        let mut built = self.request.build().map_err(ErrorKind::from)?;
        if let Some(query) = &self.query {
            let target = format!("{}?{query}", built.uri().path());
            let target: PathAndQuery = target.parse().map_err(|_| {
                let pages = self.paging.pages();
                self.broken(PagingError::BadLink { pages })
            })?;
            *built.uri_mut() = target.into();
        }
        Ok(built)
    }

    fn broken(&self, problem: PagingError) -> Error {
        let operation = self.request.operation().id();
        ErrorKind::List { operation, problem }.into()
    }
}
