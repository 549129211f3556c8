//! Requests to a store: each with a deadline, and repeated within the limits for retries.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    MultipartId, ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, UpdateVersion,
};
use tokio::time::timeout;

use super::connect::{Clock, Connector};
use super::failure::StoreFailure;
use super::open::open;
use super::settings::{Settings, unusable};
use super::url::{Kind, StoreUrl, usage};
use crate::error::Error;
use crate::retries::Retries;

/// A store, and its clients.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) kind: Kind,
    pub(super) objects: Arc<dyn ObjectStore>,
    parts: Arc<dyn MultipartStore>,
    /// Completes an upload only if the key has no object; not every store supports it.
    pub(super) creating: Option<Arc<dyn MultipartStore>>,
    secrets: Arc<[String]>,
    retries: Retries,
    clock: Clock,
}

/// The bytes of an object.
pub(super) type Streamed = Pin<Box<dyn Stream<Item = Result<Bytes, Failed>> + Send>>;

/// A small object.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) body: Bytes,
    pub(super) version: UpdateVersion,
    /// When it was last written, by the clock of the store.
    pub(super) modified: Timestamp,
}

/// A request that failed, after all attempts.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) failure: StoreFailure,
    /// Whether one of the attempts may have been applied anyway.
    pub(super) maybe_applied: bool,
}

impl Failed {
    /// Whether the store reports that the key already exists.
    pub(super) fn is_taken(&self) -> bool {
        let status = self.failure.status().map(|status| status.as_u16());
        matches!(status, Some(304 | 412))
            || status == Some(409) && self.failure.code() != Some("ConditionalRequestConflict")
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.failure.status().is_some_and(|status| status == 404)
    }

    pub(super) fn is_unsupported(&self) -> bool {
        self.failure.status().is_some_and(|status| status == 501)
    }
}

/// The shortest deadline of a request.
const DEADLINE: Duration = Duration::from_secs(60);
/// The deadline of a list of many pages.
const LISTING: Duration = Duration::from_secs(600);
/// The deadline of a completion: S3 may take minutes to assemble ten thousand parts.
const COMPLETION: Duration = Duration::from_secs(600);
/// The minimum rate in bytes per second; a slower part is sent again.
const SLOWEST: u64 = 64 << 10;
/// The longest tag of a part that is kept.
const LONGEST_TAG: usize = 1 << 10;

impl Connection {
    /// Opens a store, without retries.
    pub(super) fn new(url: &StoreUrl, settings: &Settings) -> Result<Self, Error> {
        let connector = Connector::new().map_err(|kind| usage(kind.to_string()))?;
        let opened = open(url, settings, &connector).map_err(|text| {
            // The invalid setting is found by leaving out each of them.
            let mut names = settings.iter().map(|(name, _)| name);
            let culprit = names.find(|name| open(url, &settings.without(name), &connector).is_ok());
            match culprit {
                Some(name) => unusable(name, "the store cannot be set up with it"),
                None => usage(format!("cannot set up {}: {text}", url.base)),
            }
        });
        let (objects, parts, creating) = opened?;
        let off = |name| {
            settings
                .get(name)
                .is_some_and(|it| it.eq_ignore_ascii_case("disabled"))
        };
        Ok(Self {
            kind: url.kind,
            objects,
            parts,
            creating: creating.filter(|_| !off("AWS_CONDITIONAL_PUT")),
            secrets: settings.secrets().into(),
            retries: Retries::none(),
            clock: connector.clock(),
        })
    }

    /// The same store, without retries.
    pub(super) fn once(&self) -> Self {
        self.with(Retries::none())
    }

    /// The current time by the store's clock, from its last response; `None` if it sent no date.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.clock.now()
    }

    /// The same store, with these limits for retries.
    pub(super) fn with(&self, retries: Retries) -> Self {
        Self {
            retries,
            ..self.clone()
        }
    }

    /// The metadata of an object; `None` if there is none.
    pub(super) async fn head(&self, key: &Path) -> Result<Option<ObjectMeta>, Failed> {
        match self.ask(0, || self.objects.head(key)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(failed) if failed.is_not_found() => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    /// The objects directly below a prefix.
    pub(super) async fn list(&self, prefix: &Path) -> Result<Vec<ObjectMeta>, Failed> {
        let prefix = (!prefix.as_ref().is_empty()).then_some(prefix);
        let list = || self.objects.list_with_delimiter(prefix);
        let listed = self.ask_within(LISTING, list).await?;
        Ok(listed.objects)
    }

    /// The content of an object as a stream, and its version.
    pub(super) async fn stream(&self, key: &Path) -> Result<(ObjectMeta, Streamed), Failed> {
        let got = self.ask(0, || self.objects.get(key)).await?;
        let (meta, secrets) = (got.meta.clone(), self.secrets.clone());
        let stream = got.into_stream().map(move |chunk| {
            chunk.map_err(|error| Failed {
                failure: StoreFailure::of(&error, &secrets),
                maybe_applied: false,
            })
        });
        Ok((meta, Box::pin(stream)))
    }

    pub(super) async fn delete(&self, key: &Path) -> Result<(), Failed> {
        match self.ask(0, || self.objects.delete(key)).await {
            Err(failed) if !failed.is_not_found() => Err(failed),
            _ => Ok(()),
        }
    }

    pub(super) async fn create_upload(&self, key: &Path) -> Result<MultipartId, Failed> {
        self.ask(0, || self.parts.create_multipart(key)).await
    }

    pub(super) async fn put_part(
        &self,
        key: &Path,
        upload: &MultipartId,
        index: usize,
        part: PutPayload,
    ) -> Result<PartId, Failed> {
        let bytes = part.content_length() as u64;
        let put = || self.parts.put_part(key, upload, index, part.clone());
        let part = self.ask(bytes, put).await?;
        // Thousands of tags are kept until the upload is completed.
        if part.content_id.len() > LONGEST_TAG {
            return Err(Failed {
                failure: StoreFailure::says("the store's tag of a part is longer than 1024 bytes"),
                maybe_applied: true,
            });
        }
        Ok(part)
    }

    /// Completes an upload; with `create` only if the key has no object, where the store supports
    /// that.
    pub(super) async fn complete(
        &self,
        key: &Path,
        upload: &MultipartId,
        parts: &[PartId],
        create: bool,
    ) -> Result<(), Failed> {
        let parts = || {
            parts.iter().map(|part| PartId {
                content_id: part.content_id.clone(),
            })
        };
        let completing = match &self.creating {
            Some(creating) if create => creating,
            _ => &self.parts,
        };
        let complete = || completing.complete_multipart(key, upload, parts().collect());
        self.ask_within(COMPLETION, complete).await.map(drop)
    }

    /// Aborts an upload. Without patience: it follows a failure, or the program is about to end.
    pub(super) async fn abort(&self, key: &Path, upload: &MultipartId) -> Result<(), Failed> {
        let brief = self.with(self.retries.brief());
        let aborted = brief.ask(0, || self.parts.abort_multipart(key, upload));
        match aborted.await {
            // It no longer exists.
            Err(failed) if !failed.is_not_found() => Err(failed),
            _ => Ok(()),
        }
    }

    /// The hint for a failure, in the imperative.
    pub(super) fn hint(&self, failure: &StoreFailure) -> &'static str {
        let status = failure.status().map_or(0, |status| status.as_u16());
        if failure.is_of_metadata() {
            return match self.kind {
                Kind::S3 => {
                    "no AWS credentials are in the environment, ~/.aws is not read, and this \
                     machine has no instance role; set AWS_ACCESS_KEY_ID and \
                     AWS_SECRET_ACCESS_KEY"
                }
                Kind::Google => {
                    "no Google credentials are in the environment, and this machine has no \
                     service account; set GOOGLE_APPLICATION_CREDENTIALS"
                }
                Kind::Azure => {
                    "no Azure credentials are in the environment, and this machine has no \
                     managed identity; set AZURE_STORAGE_ACCOUNT_KEY"
                }
            };
        }
        match (status, failure.code()) {
            (_, Some("NoSuchBucket" | "ContainerNotFound")) => {
                "create the bucket or correct its name"
            }
            (300..=399, _) => {
                "set the region and the endpoint of the bucket; redirects are not followed"
            }
            (401 | 403, _) => "check the credentials and their permissions",
            (409, _) => "another program writes the same key; try again later",
            (400..=499, _) => "check the region, the endpoint and the name",
            _ if failure.is_transient() => "try again later",
            (0, _) if !failure.maybe_applied() => "check the endpoint, the network and any proxy",
            _ => "check the credentials and the endpoint",
        }
    }

    /// Sends a request, and repeats it while the failure is transient and the retries last.
    pub(super) async fn ask<T, F>(&self, bytes: u64, request: impl Fn() -> F) -> Result<T, Failed>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let deadline = DEADLINE + Duration::from_secs(bytes / SLOWEST);
        self.ask_within(deadline, request).await
    }

    async fn ask_within<T, F>(
        &self,
        deadline: Duration,
        request: impl Fn() -> F,
    ) -> Result<T, Failed>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let (mut failures, mut maybe_applied) = (self.retries.failures(), false);
        loop {
            let failure = match timeout(deadline, request()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => StoreFailure::of(&error, &self.secrets),
                Err(_) => StoreFailure::timed_out(deadline.as_secs()),
            };
            maybe_applied |= failure.maybe_applied();
            let (transient, asked) = (failure.is_transient(), failure.retry_after());
            if !failures
                .wait_out_if(transient, asked, || failure.to_string())
                .await
            {
                return Err(Failed {
                    failure,
                    maybe_applied,
                });
            }
        }
    }
}
