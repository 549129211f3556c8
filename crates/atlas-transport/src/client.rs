//! The client: operations in, answers out.

use std::sync::Arc;

use atlas_model::{Answer, CallOptions, Operation, OperationExt, SnapshotUrl};
use bytes::Bytes;
use http::{Request, Response, Uri};

use crate::base_url::{BaseUrl, check_authority, is_scheme_allowed};
use crate::builder::ClientBuilder;
use crate::call::Shared;
use crate::credentials::Credentials;
use crate::download::{ByteRange, Download};
use crate::error::{Attempts, Error, ErrorKind};
use crate::list_time::ListTime;
use crate::retry::RetryPolicy;
use crate::timer::Timer;

/// A client of one Atlas API with one set of credentials.
///
/// Cheap to clone; clones share connections, challenge, token and retry budget. Calls can be
/// dropped at any point. Needs a Tokio runtime with time and I/O.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use atlas_model::flex_clusters::GetFlexCluster;
/// use atlas_transport::{BaseUrl, Client, Credentials};
///
/// let credentials = Credentials::api_key("public", "private");
/// let client = Client::new(BaseUrl::cloud(), &credentials)?;
/// let project = "32b6e34b3d91647abb20e7b8".parse()?;
/// let answer = client.send(&GetFlexCluster::new(project, "Flex0".parse()?)).await?;
/// println!("{:?}, answered as {:?}", answer.value.state_name, answer.meta.version);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    idempotent: bool,
    #[cfg(feature = "catalog")]
    strict: bool,
}

impl Client {
    /// A client with the default settings.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(base: BaseUrl, credentials: &Credentials) -> Result<Self, Error> {
        Self::builder(base, credentials).build()
    }

    /// Starts to set up a client.
    pub fn builder(base: BaseUrl, credentials: &Credentials) -> ClientBuilder {
        ClientBuilder::new(base, credentials)
    }

    pub(crate) fn new_on(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            idempotent: false,
            #[cfg(feature = "catalog")]
            strict: false,
        }
    }

    /// The same client for calls that do no harm if Atlas gets them twice: a `POST` whose answer is
    /// lost is then sent again, instead of ending as [`ErrorKind::OutcomeUnknown`].
    #[must_use]
    pub fn assume_idempotent(&self) -> Self {
        Self {
            idempotent: true,
            ..self.clone()
        }
    }

    /// The same client for typed calls whose answers must be as documented, for tests: one that
    /// strays from the facts of its version is an error.
    ///
    /// Real answers stray: 31.6 % of the recorded ones have a value that no enum lists.
    ///
    /// Needs the feature `catalog`, which is on by default. Errors show where an answer strays and what
    /// was expected there, and never the value.
    ///
    /// # Errors
    /// Its calls end as [`ErrorKind::Undocumented`], with every difference. An operation
    /// that the catalog does not have ends as [`ErrorKind::NotInCatalog`]; it is not sent.
    #[cfg(feature = "catalog")]
    #[must_use]
    pub fn strict(&self) -> Self {
        Self {
            strict: true,
            ..self.clone()
        }
    }

    /// Sends an operation and reads its answer, in the version that its types are of: the newest.
    ///
    /// An answer is read leniently: see [`Answer::deviations`].
    ///
    /// Sent again where the [retry policy](crate::retry::RetryPolicy) says so.
    ///
    /// # Errors
    /// [`Error`]; [`Error::may_have_been_sent`] tells whether Atlas can have acted on it.
    pub async fn send<O: Operation>(&self, operation: &O) -> Result<Answer<O::Response>, Error> {
        self.send_with(operation, &CallOptions::default()).await
    }

    /// Sends an operation in a chosen version and form.
    ///
    /// The types have the fields of the newest version. Of an older one, they show what both have,
    /// and the answer's deviations say so; [`call`](Client::call) gives all of it.
    ///
    /// # Errors
    /// As [`send`](Client::send).
    pub async fn send_with<O: Operation>(
        &self,
        operation: &O,
        options: &CallOptions,
    ) -> Result<Answer<O::Response>, Error> {
        let request = operation.to_request(options).map_err(ErrorKind::from)?;
        self.send_request::<O>(request, options).await
    }

    /// Sends the request of an operation and reads its answer.
    pub(crate) async fn send_request<O: Operation>(
        &self,
        request: Request<Bytes>,
        options: &CallOptions,
    ) -> Result<Answer<O::Response>, Error> {
        #[cfg(feature = "catalog")]
        let documented = if self.strict {
            Some(crate::strict::find(O::META)?)
        } else {
            None
        };
        let mut response = self.execute(request).await?;
        let attempts: Attempts = response.extensions_mut().remove().unwrap_or_default();
        let read = |response| {
            let answer = O::from_response(response, options).map_err(ErrorKind::from)?;
            #[cfg(feature = "catalog")]
            if let Some(operation) = documented {
                crate::strict::check(operation, O::META, &answer, options.envelope)?;
            }
            Ok(answer)
        };
        let read = self.shared.secrets.guard(response, read);
        read.map_err(|error: ErrorKind| Error::new(error, attempts))
    }

    /// How often and how soon the calls of this client are sent again.
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.shared.settings.retry
    }

    /// The time for reading a list.
    pub(crate) fn list_time(&self) -> ListTime {
        ListTime::new(self.shared.settings.list_timeout)
    }

    /// Reads an answer, so that an error quotes no secret of this client.
    #[cfg(feature = "catalog")]
    pub(crate) fn guard<T, E>(
        &self,
        response: Response<Bytes>,
        read: impl Fn(Response<Bytes>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.secrets.guard(response, read)
    }

    /// Sends a request whose target is in origin form, as
    /// [`to_request`](OperationExt::to_request) builds it: authenticates it, sends it, again where
    /// the retry policy says so, and collects the answer whatever its status.
    ///
    /// An answer to a request that was sent again has its [`Attempts`] among its extensions.
    ///
    /// # Errors
    /// As [`send`](Client::send), without [`ErrorKind::Response`].
    pub async fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        self.shared.call(request, self.idempotent).await
    }

    /// Sends a request and gives the head of the answer, with the rest to stream if it is a success.
    #[cfg(feature = "catalog")]
    pub(crate) async fn open_stream(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Response<Bytes>, Option<Download>), Error> {
        let mut streamed = None;
        let call = self
            .shared
            .call_for(request, self.idempotent, Some(&mut streamed));
        let response = call.await?;
        let timer = Timer::new(self.shared.settings.read_timeout, None);
        let download = streamed.map(|body| Download::of(response.headers().clone(), body, timer));
        Ok((response, download))
    }

    /// Takes a service account's access token back (RFC 7009): here, in the token cache, and at
    /// Atlas. The next call fetches another. Does nothing for other credentials.
    ///
    /// # Errors
    /// [`Error`]; the token is forgotten here and in the cache even then.
    pub async fn revoke_token(&self) -> Result<(), Error> {
        self.shared.revoke().await
    }

    /// Opens a snapshot's file for streaming.
    ///
    /// Goes to the object store that the link names, without `Authorization` and without following
    /// redirects. The link appears in no error and no log.
    ///
    /// # Errors
    /// [`ErrorKind::LinkExpired`] for 403, [`ErrorKind::Link`] for any other answer but 200, and
    /// [`ErrorKind::InvalidLink`] or [`ErrorKind::InsecureLink`] before anything is sent.
    pub async fn download(&self, link: &SnapshotUrl) -> Result<Download, Error> {
        let download = self.open(link, None).await?;
        match download.part() {
            None => Ok(download),
            // Nobody asked for a part.
            Some(_) => Err(ErrorKind::Link {
                status: http::StatusCode::PARTIAL_CONTENT,
                retry_after: None,
            }
            .into()),
        }
    }

    /// Opens a part of a snapshot's file for streaming, as [`download`](Client::download) does
    /// the whole.
    ///
    /// A store that knows no ranges, or whose file has another tag than `if_range`, answers with
    /// the whole: then [`Download::part`] is `None`.
    ///
    /// # Errors
    /// As [`download`](Client::download); 206 is fine here. [`ErrorKind::Malformed`] for a 206
    /// whose `Content-Range` makes no sense, begins elsewhere, or ends later than asked for.
    pub async fn download_part(
        &self,
        link: &SnapshotUrl,
        range: &ByteRange,
    ) -> Result<Download, Error> {
        self.open(link, Some(range)).await
    }

    async fn open(&self, link: &SnapshotUrl, range: Option<&ByteRange>) -> Result<Download, Error> {
        let invalid = |problem| ErrorKind::InvalidLink { problem };
        let uri: Uri = link.expose().parse().map_err(|_| invalid(NOT_A_URL))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(invalid(NOT_A_URL).into());
        };
        check_authority(authority).map_err(invalid)?;
        match is_scheme_allowed(scheme, authority.host()) {
            Some(true) => {}
            Some(false) => return Err(ErrorKind::InsecureLink.into()),
            None => return Err(invalid(NOT_A_URL).into()),
        }
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = uri;
        if let Some(range) = range {
            let put = range.put(&mut parts.headers);
            put.map_err(|()| ErrorKind::Unsendable {
                what: "the tag of the file",
            })?;
        }
        let mut timer = Timer::new(self.shared.settings.read_timeout, None);
        let response = self.shared.once_for_a_file(parts, &mut timer).await?;
        let (head, body) = response.into_parts();
        Ok(Download::open(head, body, timer, range).await?)
    }
}

/// What is wrong with a link that is no `http` or `https` URL.
const NOT_A_URL: &str = "expected an https URL";

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.shared.base)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}
