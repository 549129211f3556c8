//! The client: sends operations and reads their responses.

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
/// Cheap to clone; clones share connections, challenge, token and retry budget. The future of a call
/// can be dropped at any point. Needs a Tokio runtime with time and I/O; without one, calls end as
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
/// println!("{:?}, version {:?}", answer.value.state_name, answer.meta.version);
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

    /// Returns the same client for calls that are safe to repeat: a `POST` whose response is lost is
    /// sent again, instead of ending as [`ErrorKind::OutcomeUnknown`].
    #[must_use]
    pub fn assume_idempotent(&self) -> Self {
        let mut client = self.clone();
        client.settings.idempotent = true;
        client
    }

    /// Returns the same client with another time limit for calls, authentication, retries and the
    /// waits between them included, in place of the builder's
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

    /// Returns the same client with another retry policy for its calls and downloads. Token requests,
    /// which all clones share, use the builder's policy.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        let mut client = self.clone();
        client.settings.retry = policy;
        client
    }

    /// Returns the same client with another minimum rate for files; see
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

    /// Returns the minimum rate for files: bytes a second, and the window over which it is measured.
    pub fn min_rate(&self) -> (u64, Duration) {
        let MinRate {
            bytes_per_second,
            window,
        } = self.settings.min_rate;
        (bytes_per_second, window)
    }

    /// Returns the retry policy of this client's calls and downloads.
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.settings.retry
    }

    /// Returns the same client for typed calls in tests: a response that does not match the
    /// documentation of its version is an error.
    ///
    /// Real responses differ: 31.6 % of the recorded ones have a value that no enum lists.
    ///
    /// Needs the feature `catalog`, which is on by default. Errors show the place of each difference and the
    /// expected form, never the value.
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

    /// Sends an operation and reads its response, in the newest version: that of its types.
    ///
    /// Responses are read leniently; see [`Answer::deviations`]. The request is retried by the
    /// [retry policy](crate::retry::RetryPolicy).
    ///
    /// # Errors
    /// [`Error`]; [`Error::may_have_been_sent`] returns whether Atlas may have processed the request.
    pub async fn send<O: Operation + Sync>(
        &self,
        operation: &O,
    ) -> Result<Answer<O::Response>, Error> {
        self.send_with(operation, &CallOptions::default()).await
    }

    /// Sends an operation with a chosen version and response format.
    ///
    /// The types have the fields of the newest version. From an older version they hold the common
    /// fields, and deviations list the others; [`call`](Client::call) returns all of them.
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

    /// Sends the request of an operation and reads its response.
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

    /// Returns the paging of a list, within this client's limits.
    pub(crate) fn limited(&self, paging: Paging) -> Paging {
        let settings = &self.shared.settings;
        paging.limits(settings.page_limit, settings.item_limit)
    }

    /// Returns the time budget for reading a list.
    pub(crate) fn list_time(&self) -> ListTime {
        ListTime::new(self.shared.settings.list_timeout)
    }

    /// Reads a response such that an error quotes no secret of this client.
    #[cfg(feature = "catalog")]
    pub(crate) fn guard<T, E>(
        &self,
        response: Response<Bytes>,
        read: impl Fn(&Response<Bytes>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.shared.secrets.guard(response, read)
    }

    /// Sends a request whose target is in origin form, as
    /// [`to_request`](OperationExt::to_request) builds it. Authenticates it, retries it by the retry
    /// policy, and returns the response whatever its status.
    ///
    /// If the request was retried, the response's extensions contain the [`Attempts`].
    ///
    /// # Errors
    /// As [`send`](Client::send), without [`ErrorKind::Response`].
    pub async fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let mut requests = || Ok(request.clone());
        self.shared.call(&mut requests, &self.settings).await
    }

    /// Sends a request and returns the response, with a body to stream if it is a success.
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

    /// Revokes the access token of a service account (RFC 7009) at Atlas and removes it from the client
    /// and the token cache. The next call fetches another. Does nothing for other credentials.
    ///
    /// # Errors
    /// [`Error`]; the client and the cache drop the token in any case.
    pub async fn revoke_token(&self) -> Result<(), Error> {
        self.shared.revoke().await
    }

    /// Opens a snapshot's file for streaming.
    ///
    /// The request goes to the object store that the link names, without `Authorization`; redirects are
    /// not followed. The link appears in no error and no log. Opening the file is retried by the
    /// [retry policy](crate::retry::RetryPolicy); a download that breaks later is not: request the
    /// missing part with [`download_part`](Client::download_part).
    ///
    /// # Errors
    /// [`ErrorKind::LinkExpired`] for 403, [`ErrorKind::Link`] for any other status but 200, and
    /// [`ErrorKind::InvalidLink`] or [`ErrorKind::InsecureLink`] before anything is sent.
    pub async fn download(&self, link: &SnapshotUrl) -> Result<Download, Error> {
        let download = self.open(link, None).await?;
        match download.part() {
            None => Ok(download),
            // No range was requested.
            Some(_) => Err(ErrorKind::Link {
                status: http::StatusCode::PARTIAL_CONTENT,
                retry_after: None,
            }
            .into()),
        }
    }

    /// Opens a part of a snapshot's file for streaming; see [`download`](Client::download).
    ///
    /// A store that does not support ranges, or whose file has another `ETag` than `if_range`, returns
    /// the whole file: [`Download::part`] is then `None`.
    ///
    /// # Errors
    /// As [`download`](Client::download), but 206 is accepted. [`ErrorKind::Malformed`] for a 206
    /// whose `Content-Range` is invalid, begins elsewhere, or ends after the requested range.
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
                what: "the ETag of the file",
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

/// The problem of a link that is not an `http` or `https` URL.
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
