//! The client for programs without an async runtime; needs the feature `blocking`.
//!
//! Has the calls of [`crate::Client`], each of which blocks until it has ended; streaming a raw call
//! needs the async client. Clones share a runtime with one thread. Calls may be made from several
//! threads, and also within an async runtime, where they block the calling thread.
//!
//! ```no_run
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use atlas_model::projects::ListGroups;
//! use atlas_transport::{BaseUrl, Credentials, blocking};
//!
//! let credentials = Credentials::api_key("public", "private");
//! let client = blocking::Client::new(BaseUrl::cloud(), &credentials)?;
//! for project in client.items(ListGroups::new()) {
//!     println!("{:?}", project?.name);
//! }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use atlas_model::{Answer, CallOptions, Operation, Page, Paged, SnapshotUrl};
use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_util::StreamExt;
use http::{Request, Response};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::base_url::BaseUrl;
use crate::builder::ClientBuilder;
use crate::content_range::ContentRange;
use crate::credentials::Credentials;
use crate::download::{self, ByteRange};
use crate::error::{Error, ErrorKind};

/// A client whose calls block.
///
/// Cheap to clone; clones share the state of the async client, and the thread.
#[derive(Clone)]
pub struct Client {
    client: crate::Client,
    driver: Driver,
}

impl ClientBuilder {
    /// Builds a client whose calls block.
    ///
    /// # Errors
    /// As [`build`](ClientBuilder::build); [`ErrorKind::NoRuntime`] if the thread cannot be started.
    pub fn build_blocking(self) -> Result<Client, Error> {
        Client::of(self.build()?)
    }
}

impl Client {
    /// Builds a client with the default settings; see [`ClientBuilder::build_blocking`] for others.
    ///
    /// # Errors
    /// As [`ClientBuilder::build_blocking`].
    pub fn new(base: BaseUrl, credentials: &Credentials) -> Result<Self, Error> {
        crate::Client::builder(base, credentials).build_blocking()
    }

    /// Wraps an async client, with the same settings, connections and token.
    ///
    /// # Errors
    /// [`ErrorKind::NoRuntime`] if the thread cannot be started.
    pub fn of(client: crate::Client) -> Result<Self, Error> {
        let driver = Driver::start()?;
        Ok(Self { client, driver })
    }

    /// Returns the same client with other settings.
    ///
    /// ```no_run
    /// # fn example(client: &atlas_transport::blocking::Client) {
    /// use std::time::Duration;
    ///
    /// let impatient = client.with(|client| client.with_total_timeout(Duration::from_secs(5)));
    /// # }
    /// ```
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&crate::Client) -> crate::Client) -> Self {
        Self {
            client: change(&self.client),
            driver: self.driver.clone(),
        }
    }

    /// Sends an operation and reads its response; see [`crate::Client::send`].
    ///
    /// # Errors
    /// As [`crate::Client::send`].
    pub fn send<O: Operation + Sync>(&self, operation: &O) -> Result<Answer<O::Response>, Error>
    where
        O::Response: Send,
    {
        self.send_with(operation, &CallOptions::default())
    }

    /// Sends an operation with a chosen version and response format; see [`crate::Client::send_with`].
    ///
    /// # Errors
    /// As [`crate::Client::send`].
    pub fn send_with<O: Operation + Sync>(
        &self,
        operation: &O,
        options: &CallOptions,
    ) -> Result<Answer<O::Response>, Error>
    where
        O::Response: Send,
    {
        self.driver.run(self.client.send_with(operation, options))
    }

    /// Sends a request and returns the response, whatever its status; see
    /// [`crate::Client::execute`].
    ///
    /// # Errors
    /// As [`crate::Client::execute`].
    pub fn execute(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        self.driver.run(self.client.execute(request))
    }

    /// Reads a list page by page to its end; see [`crate::Client::pages`].
    pub fn pages<O>(&self, operation: O) -> Iter<Answer<Page<O::Item>>>
    where
        O: Paged + Send + Sync + 'static,
        O::Item: Send + 'static,
    {
        self.iterate(self.client.pages(operation))
    }

    /// Returns the items of a list, to its end; see [`crate::Client::items`].
    pub fn items<O>(&self, operation: O) -> Iter<O::Item>
    where
        O: Paged + Send + Sync + 'static,
        O::Item: Send + 'static,
    {
        self.iterate(self.client.items(operation))
    }

    fn iterate<T>(&self, stream: impl Stream<Item = Result<T, Error>> + Send + 'static) -> Iter<T> {
        Iter {
            stream: Box::pin(stream),
            driver: self.driver.clone(),
        }
    }

    /// Starts a call of an operation by its name, to be sent with [`Call::send`].
    #[cfg(feature = "catalog")]
    pub fn call(&self, operation: &str) -> Call {
        Call {
            call: self.client.call(operation),
            driver: self.driver.clone(),
        }
    }

    /// Opens a snapshot's file; see [`crate::Client::download`].
    ///
    /// # Errors
    /// As [`crate::Client::download`].
    pub fn download(&self, link: &SnapshotUrl) -> Result<Download, Error> {
        let download = self.driver.run(self.client.download(link))?;
        Ok(Download::of(download, self.driver.clone()))
    }

    /// Opens a part of a snapshot's file; see [`crate::Client::download_part`].
    ///
    /// # Errors
    /// As [`crate::Client::download_part`].
    pub fn download_part(&self, link: &SnapshotUrl, range: &ByteRange) -> Result<Download, Error> {
        let download = self.driver.run(self.client.download_part(link, range))?;
        Ok(Download::of(download, self.driver.clone()))
    }

    /// Revokes a service account's access token; see [`crate::Client::revoke_token`].
    ///
    /// # Errors
    /// As [`crate::Client::revoke_token`].
    pub fn revoke_token(&self) -> Result<(), Error> {
        self.driver.run(self.client.revoke_token())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.client).finish()
    }
}

/// The pages or items of a list. An error is the last item.
pub struct Iter<T> {
    stream: Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>,
    driver: Driver,
}

impl<T: Send> Iterator for Iter<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.driver.wait(self.stream.next()) {
            Ok(next) => next,
            Err(error) => Some(Err(error)),
        }
    }
}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iter")
    }
}

/// A call of an operation by its name; from [`Client::call`].
#[cfg(feature = "catalog")]
#[derive(Debug)]
#[must_use = "nothing is sent before `send`, `pages` or `items`"]
pub struct Call {
    call: crate::raw::Call,
    driver: Driver,
}

#[cfg(feature = "catalog")]
impl Call {
    /// Changes the call, for instance to add a parameter or a body.
    ///
    /// ```no_run
    /// # fn example(client: &atlas_transport::blocking::Client) -> Result<(), atlas_transport::Error> {
    /// let answer = client
    ///     .call("getGroup")
    ///     .with(|call| call.parameter("groupId", "32b6e34b3d91647abb20e7b8"))
    ///     .send()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with(self, change: impl FnOnce(crate::raw::Call) -> crate::raw::Call) -> Self {
        Self {
            call: change(self.call),
            driver: self.driver,
        }
    }

    /// Sends the call and reads the response; see [`crate::Call::send`].
    ///
    /// # Errors
    /// As [`crate::Call::send`].
    pub fn send(self) -> Result<Answer<atlas_model::Body>, Error> {
        self.driver.run(self.call.send())
    }

    /// Reads a list page by page; see [`crate::Call::pages`].
    pub fn pages(self) -> Iter<Answer<atlas_model::Body>> {
        Iter {
            stream: Box::pin(self.call.pages()),
            driver: self.driver,
        }
    }

    /// Returns the items of a list; see [`crate::Call::items`].
    pub fn items(self) -> Iter<serde_json::Value> {
        Iter {
            stream: Box::pin(self.call.items()),
            driver: self.driver,
        }
    }
}

/// A snapshot's file in transfer, which implements [`Read`](io::Read).
///
/// An error of a read contains the client's [`Error`] as its inner error.
#[derive(Debug)]
pub struct Download {
    inner: download::Download,
    left: Bytes,
    driver: Driver,
}

impl Download {
    fn of(download: download::Download, driver: Driver) -> Self {
        Self {
            inner: download,
            left: Bytes::new(),
            driver,
        }
    }

    /// Returns the number of bytes of this transfer, if the store announced it.
    pub fn length(&self) -> Option<u64> {
        self.inner.length()
    }

    /// Returns the part of the file that is transferred; `None` for the whole file.
    pub fn part(&self) -> Option<ContentRange> {
        self.inner.part()
    }

    /// Returns the file's `ETag`, if the store sent one.
    pub fn etag(&self) -> Option<&str> {
        self.inner.etag()
    }

    /// Waits for the next bytes; returns `None` at the end.
    ///
    /// # Errors
    /// As [`crate::Download::chunk`].
    pub fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if !self.left.is_empty() {
            return Ok(Some(std::mem::take(&mut self.left)));
        }
        self.driver.run(self.inner.chunk())
    }
}

impl io::Read for Download {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while self.left.is_empty() {
            match self.driver.run(self.inner.chunk()) {
                Ok(Some(chunk)) => self.left = chunk,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        let length = out.len().min(self.left.len());
        self.left.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}

/// A runtime on its own thread, which also serves connections between calls.
#[derive(Clone)]
struct Driver {
    runtime: Arc<Background>,
}

/// A runtime that can be dropped anywhere: waiting for its thread would panic in an async context.
struct Background(Option<Runtime>);

impl Driver {
    fn start() -> Result<Self, ErrorKind> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("atlas-transport")
            .enable_all()
            .build()
            .map_err(|source| ErrorKind::NoRuntime { source })?;
        Ok(Self {
            runtime: Arc::new(Background(Some(runtime))),
        })
    }

    /// Waits for a future that returns a result of the client.
    fn run<T: Send>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        self.wait(future)?
    }

    fn wait<F>(&self, future: F) -> Result<F::Output, Error>
    where
        F: Future + Send,
        F::Output: Send,
    {
        let runtime = self
            .runtime
            .0
            .as_ref()
            .expect("only drop takes the runtime");
        if Handle::try_current().is_err() {
            return Ok(runtime.block_on(future));
        }
        // A runtime cannot be entered from within another one, but from another thread.
        std::thread::scope(|scope| {
            let waiting = std::thread::Builder::new()
                .spawn_scoped(scope, || runtime.block_on(future))
                .map_err(|source| ErrorKind::NoRuntime { source })?;
            Ok(waiting
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}
