//! The client: operations in, answers out.

use std::sync::Arc;
use std::time::Duration;

use atlas_model::{Answer, CallOptions, Operation, OperationExt, Paging, SnapshotUrl};
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{Request, Response, Uri};

use crate::base_url::{check_authority, without_user};
use crate::call::{Requests, Shared, in_runtime};
use crate::download::{ByteRange, Download, FileRequest};
use crate::error::{Attempts, Error, ErrorKind};
use crate::list_time::ListTime;
use crate::retry::RetryPolicy;
use crate::settings::{CallSettings, MinRate};
use crate::timer::Timer;

/// A client of one Atlas API with one set of credentials.
///
/// Cheap to clone; clones share connections, challenge, token and retry budget. Calls can be
/// dropped at any point. Needs a Tokio runtime with time and I/O; outside of one its calls end as
/// [`ErrorKind::OutsideRuntime`].
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
    settings: CallSettings,
    #[cfg(feature = "catalog")]
    strict: bool,
}

impl Client {
    pub(crate) fn new_on(shared: Shared) -> Self {
        Self {
            settings: shared.calls.clone(),
            shared: Arc::new(shared),
            #[cfg(feature = "catalog")]
            strict: false,
        }
    }

    /// The same client for calls that do no harm if Atlas gets them twice: a `POST` whose answer is
    /// lost is then sent again, instead of ending as [`ErrorKind::OutcomeUnknown`].
    #[must_use]
    pub fn assume_idempotent(&self) -> Self {
        let mut client = self.clone();
        client.settings.idempotent = true;
        client
    }

    /// The same client for calls that may take this long, authentication, retries and the waits
    /// between them included, in place of the builder's
    /// [`total_timeout`](crate::ClientBuilder::total_timeout).
    ///
    /// ```
    /// # fn example(client: &atlas_transport::Client) {
    /// use std::time::Duration;
    ///
    /// let impatient = client.with_total_timeout(Duration::from_secs(5));
    /// # }
    /// ```
    #[must_use]
    pub fn with_total_timeout(&self, limit: Duration) -> Self {
        let mut client = self.clone();
        client.settings.total_timeout = limit;
        client
    }

    /// The same client with another retry policy for its calls and downloads. The fetching of an
    /// access token, which all clones share, goes by the builder's.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        let mut client = self.clone();
        client.settings.retry = policy;
        client
    }

    /// The same client with another minimum rate for files, as
    /// [`ClientBuilder::min_rate`](crate::ClientBuilder::min_rate).
    #[must_use]
    pub fn with_min_rate(&self, bytes_per_second: u64, window: Duration) -> Self {
        let mut client = self.clone();
        client.settings.min_rate = MinRate {
            bytes_per_second,
            window,
        };
        client
    }

    /// The minimum rate for files: bytes a second, and over which time.
    pub fn min_rate(&self) -> (u64, Duration) {
        let MinRate {
            bytes_per_second,
            window,
        } = self.settings.min_rate;
        (bytes_per_second, window)
    }

    /// The retry policy of this client's calls and downloads.
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.settings.retry
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
    pub async fn send<O: Operation + Sync>(
        &self,
        operation: &O,
    ) -> Result<Answer<O::Response>, Error> {
        self.send_with(operation, &CallOptions::default()).await
    }

    /// Sends an operation in a chosen version and form.
    ///
    /// The types have the fields of the newest version. Of an older one, they show what both have,
    /// and the answer's deviations say so; [`call`](Client::call) gives all of it.
    ///
    /// # Errors
    /// As [`send`](Client::send).
    pub async fn send_with<O: Operation + Sync>(
        &self,
        operation: &O,
        options: &CallOptions,
    ) -> Result<Answer<O::Response>, Error> {
        let mut requests = || operation.to_request(options).map_err(ErrorKind::from);
        self.send_requests::<O>(&mut requests, options).await
    }

    /// Sends the request of an operation and reads its answer.
    pub(crate) async fn send_requests<O: Operation>(
        &self,
        requests: &mut Requests<'_>,
        options: &CallOptions,
    ) -> Result<Answer<O::Response>, Error> {
        #[cfg(feature = "catalog")]
        let documented = if self.strict {
            Some(crate::strict::find(O::META)?)
        } else {
            None
        };
        let mut response = self.shared.call(requests, &self.settings).await?;
        let attempts: Attempts = response.extensions_mut().remove().unwrap_or_default();
        let read = |response: &_| {
            let answer = O::read_response(response, options).map_err(ErrorKind::from)?;
            #[cfg(feature = "catalog")]
            if let Some(operation) = documented {
                crate::strict::check(operation, O::META, &answer, options.envelope)?;
            }
            Ok(answer)
        };
        let read = self.shared.secrets.guard(response, read);
        read.map_err(|error: ErrorKind| Error::new(error, attempts))
    }

    /// The paging of a list, within this client's bounds.
    pub(crate) fn limited(&self, paging: Paging) -> Paging {
        let settings = &self.shared.settings;
        paging.limits(settings.page_limit, settings.item_limit)
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
        read: impl Fn(&Response<Bytes>) -> Result<T, E>,
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
        let mut requests = || Ok(request.clone());
        self.shared.call(&mut requests, &self.settings).await
    }

    /// Sends a request and gives the head of the answer, with the rest to stream if it is a success.
    #[cfg(feature = "catalog")]
    pub(crate) async fn open_stream(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Response<Bytes>, Option<Download>), Error> {
        let mut requests = || Ok(request.clone());
        let call = self.shared.call_to_stream(&mut requests, &self.settings);
        let (response, body) = call.await?;
        let download = body.map(|body| {
            let timer = Timer::new(self.shared.settings.read_timeout, None);
            Download::of(
                response.headers().clone(),
                body,
                timer,
                self.settings.min_rate,
            )
        });
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
    /// redirects. The link appears in no error and no log. Opening it is retried as the client's
    /// [retry policy](crate::retry::RetryPolicy) says; a file that breaks off later is not opened
    /// again: ask for the missing part with [`download_part`](Client::download_part).
    ///
    /// # Errors
    /// [`ErrorKind::LinkExpired`] for 403, [`ErrorKind::Link`] for any other answer but 200, and
    /// [`ErrorKind::InvalidLink`] or [`ErrorKind::InsecureLink`] before anything is sent.
    pub async fn download(&self, link: &SnapshotUrl) -> Result<Download, Error> {
        let download = self.open(link, None).await?;
        match download.part() {
            None => Ok(download),
            // No part was asked for.
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
        in_runtime()?;
        let invalid = |problem| ErrorKind::InvalidLink { problem };
        let uri: Uri = link.expose().parse().map_err(|_| invalid(NOT_A_URL))?;
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(invalid(NOT_A_URL).into());
        };
        check_authority(authority).map_err(invalid)?;
        match self.shared.base.allows_link(scheme, authority.host()) {
            Some(true) => {}
            Some(false) => return Err(ErrorKind::InsecureLink.into()),
            None => return Err(invalid(NOT_A_URL).into()),
        }
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.uri = without_user(uri);
        let user_agent = self.shared.user_agent.clone();
        parts.headers.insert(USER_AGENT, user_agent);
        if let Some(range) = range {
            let put = range.put(&mut parts.headers);
            put.map_err(|()| ErrorKind::Unsendable {
                what: "the tag of the file",
            })?;
        }
        let mut timer = Timer::new(
            self.shared.settings.read_timeout,
            Some(self.settings.total_timeout),
        );
        let mut file = FileRequest {
            shared: &self.shared,
            parts,
            range,
            min_rate: self.settings.min_rate,
        };
        let retries = self.shared.retries(&self.settings, true);
        let (download, _) = retries.run(&mut file, &mut timer).await?;
        Ok(download)
    }
}

/// What is wrong with a link that is no `http` or `https` URL.
const NOT_A_URL: &str = "expected an https URL";

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.shared.base)
            .field("settings", &self.shared.settings)
            .field("calls", &self.settings)
            .finish_non_exhaustive()
    }
}
