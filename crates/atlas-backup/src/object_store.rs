//! A snapshot into an object store, without a copy on this machine.
//!
//! What comes from Atlas's store goes straight into a multipart upload and is checked on the way: only
//! a sound snapshot is completed under its key. A download that fails or is dropped aborts its upload;
//! the run that takes over the lease of a killed process resumes its upload. All bytes are then
//! read from Atlas once more, since the parts of an upload cannot be read back, but only those that are
//! missing are sent.

mod checked;
mod claim;
mod cleanup;
mod commit;
mod connect;
mod connection;
mod failure;
mod folder;
mod holder;
mod lease;
mod objects;
mod open;
mod pull;
mod settings;
mod small;
mod storing;
mod streaming;
mod turn;
mod upload;
mod url;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use object_store::path::Path;

use crate::error::Error;
use crate::manifest::Manifest;
use crate::retries::Retries;

use cleanup::Cleanup;
use connection::Connection;
use lease::Leasing;
use settings::Settings;
use upload::Place;
use url::StoreUrl;

pub use cleanup::Settled;
pub use failure::StoreFailure;
pub use folder::StoreFolder;

/// A snapshot that is complete and sound in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its whole URL.
    pub url: String,
    /// What it is; the same stands in the object `<key>.json` beside it.
    pub manifest: Manifest,
}

/// A key in an object store, and how the store is reached.
#[derive(Clone)]
pub struct StoreTarget {
    url: StoreUrl,
    connection: Connection,
    cleanup: Arc<Cleanup>,
    lease: Duration,
}

/// How long a lease lasts.
const LEASE: Duration = Duration::from_secs(60);

impl std::fmt::Debug for StoreTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let url = self.url.of(&self.url.key);
        f.debug_struct("StoreTarget")
            .field("url", &url)
            .finish_non_exhaustive()
    }
}

impl StoreTarget {
    /// Whether an output is meant for an object store: `s3://…`, `gs://…`, `az://…`, or a scheme
    /// that is not supported.
    pub fn is_meant(out: &str) -> bool {
        url::is_meant(out)
    }

    /// `s3://bucket/key`, `gs://bucket/key`, `az://container/key` or
    /// `abfss://container@account.host/key`, with the credentials and the endpoint of the
    /// environment. The key is taken literally; nothing in it is decoded.
    ///
    /// S3 is configured by `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL` and other `AWS_` variables, Google Cloud Storage by
    /// `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_SERVICE_ACCOUNT` and other `GOOGLE_` variables,
    /// Azure by `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`,
    /// `AZURE_STORAGE_SAS_TOKEN` and other `AZURE_` variables. No store reads those of another, and
    /// no other variable has an effect, but for those of proxies and of certificate roots.
    /// `AWS_PROFILE` and the files in `~/.aws` are not read.
    ///
    /// Without credentials among them, the metadata service of this machine is asked for those of
    /// its role, such as that of an EC2 instance: directly, once, and for 2 s at most.
    ///
    /// `https` goes through the proxy of `HTTPS_PROXY` or `ALL_PROXY`, except to the hosts in
    /// `NO_PROXY`, as it does for [`atlas_transport::Client`]: an address that cannot be used is an
    /// error, never a direct connection. Plain `http`, which has to be allowed, never goes through a
    /// proxy; `HTTP_PROXY` is not read. `SSL_CERT_FILE` and `SSL_CERT_DIR` count as they do there.
    ///
    /// # Errors
    /// [`Error::Usage`] if the URL is invalid or a variable cannot be used; it names the variable
    /// and does not show its value.
    pub fn from_env(out: &str) -> Result<Self, Error> {
        let url = StoreUrl::parse(out)?;
        Self::open(url, std::env::vars_os(), |given, name| given == name)
    }

    /// The same with settings of the caller's, by the same names in any case; others are ignored.
    ///
    /// # Errors
    /// As [`from_env`](StoreTarget::from_env).
    pub fn new(out: &str, settings: Vec<(String, String)>) -> Result<Self, Error> {
        let settings = settings.into_iter();
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        Self::open(StoreUrl::parse(out)?, settings, str::eq_ignore_ascii_case)
    }

    fn open(
        url: StoreUrl,
        given: impl IntoIterator<Item = (OsString, OsString)>,
        is_named: impl Fn(&str, &str) -> bool,
    ) -> Result<Self, Error> {
        let settings = Settings::new(url.kind, given, is_named)?;
        let connection = Connection::new(&url, &settings)?;
        Ok(Self {
            url,
            connection,
            cleanup: Arc::default(),
            lease: LEASE,
        })
    }

    /// Waits until the uploads of downloads that were dropped are aborted.
    ///
    /// A download to a store aborts its upload also when its future is dropped, but in the
    /// background. A program that ends then calls this first, or the upload may stay open. An object
    /// that was just being completed is completed.
    pub async fn settle(&self) -> Settled {
        self.cleanup.settle().await
    }

    /// The URLs of manifests whose object is being completed or replaced at this moment: a program
    /// that ends now may leave them without it. [`download_to_store`](crate::Backups::download_to_store) takes them over.
    pub fn incomplete(&self) -> Vec<String> {
        self.cleanup.incomplete()
    }

    /// Sets how long a lease lasts that is not renewed; 60 s by default, and 1 s at least.
    ///
    /// A run that works on a key holds a lease: the object `<key>.part`, which it renews three times as
    /// often. It also tells which parts are uploaded. A run that was killed holds its lease for so
    /// long; then another takes it over and goes on with the upload.
    #[must_use]
    pub fn lease(mut self, length: Duration) -> Self {
        self.lease = length.max(Duration::from_secs(1));
        self
    }

    fn leasing(
        &self,
        (project, cluster): (ProjectId, &ClusterName),
        snapshot: SnapshotId,
        retries: &Retries,
    ) -> Leasing {
        Leasing {
            connection: self.connection.with(retries.clone()),
            cleanup: self.cleanup.clone(),
            key: url::part_key(&self.url.key),
            url: self.url.of(&url::part_key(&self.url.key)),
            source: format!("{project}/{cluster}/{snapshot}/"),
            length: self.lease,
        }
    }

    /// The same for leases of any snapshot of a cluster.
    fn sweeping(&self, of: (ProjectId, &ClusterName), retries: &Retries) -> Leasing {
        let (project, cluster) = of;
        Leasing {
            source: format!("{project}/{cluster}/"),
            ..self.leasing(of, SnapshotId::from_bytes([0; 12]), retries)
        }
    }

    fn place(&self, key: &Path, retries: &Retries) -> Place {
        Place {
            connection: self.connection.with(retries.clone()),
            cleanup: self.cleanup.clone(),
            key: key.clone(),
            url: self.url.of(key),
        }
    }
}
