//! Downloading a snapshot to an object store, without a local copy.
//!
//! The received bytes are sent to a multipart upload and checked at the same time: only a sound
//! snapshot is completed under its key. A download that fails or is dropped aborts its upload. The
//! run that takes over the lease of a killed process resumes its upload. It reads all bytes from
//! Atlas again, since the parts of an upload cannot be read back, but sends only the missing ones.

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
mod record;
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
    /// The key of the object.
    pub key: String,
    /// The full URL of the object.
    pub url: String,
    /// The description of the object; the object `<key>.json` has the same content.
    pub manifest: Manifest,
}

/// A key in an object store, and the settings of the store.
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
    /// Returns whether an output is a URL of an object store: `s3://…`, `gs://…`, `az://…`, or a
    /// scheme that is not supported.
    pub fn is_meant(out: &str) -> bool {
        url::is_meant(out)
    }

    /// Creates a target from `s3://bucket/key`, `gs://bucket/key`, `az://container/key` or
    /// `abfss://container@account.host/key`, with the credentials and the endpoint of the
    /// environment. The key is used literally; nothing in it is decoded.
    ///
    /// S3 is configured by `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,
    /// `AWS_REGION`, `AWS_ENDPOINT_URL` and other `AWS_` variables, Google Cloud Storage by
    /// `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_SERVICE_ACCOUNT` and other `GOOGLE_` variables,
    /// Azure by `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`,
    /// `AZURE_STORAGE_SAS_TOKEN` and other `AZURE_` variables. Each store reads only its own
    /// variables, and those of proxies and certificate roots. `AWS_PROFILE` and the files in
    /// `~/.aws` are not read.
    ///
    /// Without credentials in these variables, the credentials of the machine's role, such as that
    /// of an EC2 instance, are requested from the metadata service: directly, once, and for at most
    /// 2 s.
    ///
    /// `https` uses the proxy of `HTTPS_PROXY` or `ALL_PROXY`, except for the hosts in `NO_PROXY`,
    /// as in [`atlas_transport::Client`]: an invalid proxy address is an error, never a direct
    /// connection. Plain `http`, which must be allowed, never uses a proxy; `HTTP_PROXY` is not
    /// read. `SSL_CERT_FILE` and `SSL_CERT_DIR` have the same effect as there.
    ///
    /// # Errors
    /// [`Error::Usage`] if the URL or a variable is invalid; it names the variable and does not
    /// show its value.
    pub fn from_env(out: &str) -> Result<Self, Error> {
        let url = StoreUrl::parse(out)?;
        Self::open(url, std::env::vars_os(), |given, name| given == name)
    }

    /// Does the same with the given settings, by the same names in any case; others are ignored.
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

    /// Waits until the uploads of dropped downloads are aborted.
    ///
    /// When the future of a download to a store is dropped, its upload is aborted in the
    /// background. A program should call this before it ends, or the upload may stay open. An
    /// object that was just being completed is completed.
    pub async fn settle(&self) -> Settled {
        self.cleanup.settle().await
    }

    /// Returns the URLs of manifests whose object is being completed or replaced: if the program
    /// ends now, they may be left without it.
    /// [`download_to_store`](crate::Backups::download_to_store) takes them over.
    pub fn incomplete(&self) -> Vec<String> {
        self.cleanup.incomplete()
    }

    /// Sets how long a lease lasts without a renewal; 60 s by default, at least 1 s.
    ///
    /// A run that works on a key holds a lease: the object `<key>.part`, which it renews three
    /// times in that period. The lease also records the uploaded parts. The lease of a killed run
    /// expires after that period; another run then takes it over and resumes the upload.
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
