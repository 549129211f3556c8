//! A folder in an object store, and the settings of the store.

use std::time::Duration;

use super::StoreTarget;
use super::cleanup::Settled;
use super::connection::Connection;
use super::url::StoreUrl;
use crate::error::Error;
use crate::retries::Retries;

/// A bucket, or a prefix in it, that holds a cluster's snapshots, with the same settings as
/// [`StoreTarget`].
#[derive(Clone)]
pub struct StoreFolder {
    pub(super) target: StoreTarget,
}

impl std::fmt::Debug for StoreFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreFolder")
            .field("url", &self.url())
            .finish_non_exhaustive()
    }
}

impl StoreFolder {
    /// Creates a folder from `s3://bucket` or `s3://bucket/prefix`, or the same of another store,
    /// with the settings of the environment that [`StoreTarget::from_env`] lists.
    ///
    /// # Errors
    /// As [`StoreTarget::from_env`].
    pub fn from_env(folder: &str) -> Result<Self, Error> {
        let url = StoreUrl::parse_folder(folder)?;
        let target = StoreTarget::open(url, std::env::vars_os(), |given, name| given == name);
        target.map(|target| Self { target })
    }

    /// Does the same with the given settings, by the same names in any case; others are ignored.
    ///
    /// # Errors
    /// As [`StoreTarget::new`].
    pub fn new(folder: &str, settings: Vec<(String, String)>) -> Result<Self, Error> {
        let url = StoreUrl::parse_folder(folder)?;
        let settings = settings.into_iter();
        let settings = settings.map(|(name, value)| (name.into(), value.into()));
        let target = StoreTarget::open(url, settings, str::eq_ignore_ascii_case);
        target.map(|target| Self { target })
    }

    /// Returns a folder in this one.
    ///
    /// # Errors
    /// [`Error::Usage`] if the key is too long.
    pub fn child(&self, name: &str) -> Result<Self, Error> {
        Ok(Self {
            target: StoreTarget {
                url: self.target.url.child(name)?,
                ..self.target.clone()
            },
        })
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        self.target.url.of(&self.target.url.key)
    }

    /// Sets how long a lease lasts without a renewal; see [`StoreTarget::lease`].
    #[must_use]
    pub fn lease(self, length: Duration) -> Self {
        Self {
            target: self.target.lease(length),
        }
    }

    /// Waits until the uploads of dropped downloads are aborted; see [`StoreTarget::settle`].
    pub async fn settle(&self) -> Settled {
        self.target.settle().await
    }

    /// Returns the URLs of manifests that would be left without their objects if the program ended
    /// now; see [`StoreTarget::incomplete`].
    pub fn incomplete(&self) -> Vec<String> {
        self.target.incomplete()
    }

    /// The URL of an object in it.
    pub(super) fn url_of(&self, name: &str) -> String {
        let url = self.target.url.child(name);
        url.map_or_else(|_| name.to_owned(), |url| url.of(&url.key))
    }

    pub(super) fn connection(&self, retries: &Retries) -> Connection {
        self.target.connection.with(retries.clone())
    }

    /// The target of an object in it.
    pub(super) fn object(&self, name: &str) -> Result<StoreTarget, Error> {
        Ok(StoreTarget {
            url: self.target.url.child(name)?,
            ..self.target.clone()
        })
    }
}
