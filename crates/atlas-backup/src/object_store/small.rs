//! Small objects: manifests, leases and catalogues.

use bytes::Bytes;
use futures_util::StreamExt;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};

use super::connection::{Connection, Failed, Text};
use super::url::Kind;

impl Connection {
    /// The first `limit` bytes of an object, and its version; `None` if there is none.
    pub(super) async fn read(&self, key: &Path, limit: usize) -> Result<Option<Text>, Failed> {
        let read = self.ask(0, || async {
            let got = self.objects.get(key).await?;
            let version = UpdateVersion {
                e_tag: got.meta.e_tag.clone(),
                version: got.meta.version.clone(),
            };
            let modified = got.meta.last_modified.timestamp();
            let modified = Timestamp::from_second(modified).unwrap_or(Timestamp::MAX);
            let mut stream = got.into_stream();
            let mut read = Vec::new();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk?;
                read.extend_from_slice(&chunk[..chunk.len().min(limit - read.len())]);
                if read.len() == limit {
                    break;
                }
            }
            let body = read.into();
            Ok(Text {
                body,
                version,
                modified,
            })
        });
        match read.await {
            Ok(read) => Ok(Some(read)),
            Err(failed) if failed.is_not_found() => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    /// Writes a small object only if the key has none, where the store supports that; returns its
    /// version.
    pub(super) async fn create(&self, key: &Path, text: Bytes) -> Result<UpdateVersion, Failed> {
        self.write(key, text, PutMode::Create).await
    }

    /// Writes a small object only if it still has a version, where the store supports that; returns
    /// the next version.
    pub(super) async fn replace(
        &self,
        key: &Path,
        text: Bytes,
        version: &UpdateVersion,
    ) -> Result<UpdateVersion, Failed> {
        self.write(key, text, PutMode::Update(version.clone()))
            .await
    }

    /// Writes a small object in place of any other; returns its version.
    pub(super) async fn overwrite(&self, key: &Path, text: Bytes) -> Result<UpdateVersion, Failed> {
        self.write(key, text, PutMode::Overwrite).await
    }

    async fn write(&self, key: &Path, text: Bytes, mode: PutMode) -> Result<UpdateVersion, Failed> {
        let can_compare = |version: &UpdateVersion| match self.kind {
            Kind::Google => version.version.is_some(),
            Kind::S3 | Kind::Azure => version.e_tag.is_some(),
        };
        let mode = match mode {
            _ if self.creating.is_none() && self.kind == Kind::S3 => PutMode::Overwrite,
            PutMode::Update(version) if !can_compare(&version) => PutMode::Overwrite,
            mode => mode,
        };
        let put = |mode: PutMode| {
            let payload = PutPayload::from(text.clone());
            async move {
                let options = PutOptions::from(mode);
                self.objects.put_opts(key, payload, options).await
            }
        };
        let put_as = async |mode: PutMode| self.ask(0, || put(mode.clone())).await;
        let failed = match put_as(mode).await {
            Ok(written) => return Ok(written.into()),
            Err(failed) => failed,
        };
        if failed.is_unsupported() {
            return put_as(PutMode::Overwrite).await.map(UpdateVersion::from);
        }
        // One of the attempts of a write whose condition failed may have succeeded.
        if failed.is_taken()
            && failed.maybe_applied
            && let Ok(Some(found)) = self.read(key, text.len() + 1).await
            && found.body == text
        {
            return Ok(found.version);
        }
        Err(failed)
    }
}
