//! `--out s3://…`: downloads a snapshot to an object store.

#[cfg(not(feature = "object-store"))]
use {
    crate::failure::Failure,
    crate::output::Output,
    crate::target::Target,
    atlas_backup::{DownloadOptions, Pick},
};

/// The help about object stores.
#[cfg(feature = "object-store")]
pub(super) const HELP: &str = "\n
With --out s3://bucket/key, gs://bucket/key or az://container/key the snapshot goes to an object \
store without a local copy. The key is used literally. Credentials, region and endpoint come \
from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION \
and AWS_ENDPOINT_URL for S3, GOOGLE_APPLICATION_CREDENTIALS for Google, \
AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY for Azure. AWS_PROFILE and the files in \
~/.aws are not read. An existing object or manifest is replaced only with --force. During the \
upload, bucket/key.part is its lease and journal: another run waits for it, and after a kill the \
same command resumes the upload, immediately on the same machine and within a minute elsewhere. \
A signal aborts the upload, and waits less than a second for the store; if the store does not \
respond in time, the error states so. Without credentials in the environment, those of an \
instance role are requested once, for at most 2 s, from the metadata service of this machine \
(169.254.169.254 on EC2). https goes through the proxy of HTTPS_PROXY or ALL_PROXY, except to the hosts in \
NO_PROXY; plain http never goes through a proxy, and HTTP_PROXY is not read.";
/// The help about object stores.
#[cfg(not(feature = "object-store"))]
pub(super) const HELP: &str = "";
/// The help of `pull` about object stores.
#[cfg(feature = "object-store")]
pub(super) const PULL_HELP: &str = "\n
With --dir s3://bucket/prefix, gs://bucket/prefix or az://container/prefix the folder is in an \
object store, which is configured as for atlas backups snapshots download. Several runs on \
several machines share the work: each snapshot is downloaded by the run that holds its lease, an \
object that ends in .part. The lease of a killed run expires within a minute, and on the same \
machine immediately; another run resumes its upload. An object has changed if its tag differs \
from the one in catalogue.json; --verify reads all objects. An object of another program is \
never replaced.";
/// The help of `pull` about object stores.
#[cfg(not(feature = "object-store"))]
pub(super) const PULL_HELP: &str = "";

/// Refuses the URL: this build does not support object stores.
#[cfg(not(feature = "object-store"))]
#[allow(
    clippy::unused_async,
    reason = "has the same signature as with the feature"
)]
pub(super) async fn download<F: Future<Output = Result<Target, Failure>>>(
    _: &str,
    _: &DownloadOptions,
    _: &Output,
    _: Pick,
    _: impl FnOnce() -> F,
) -> Result<(), Failure> {
    Err(unsupported("--out"))
}

/// The failure of a URL in a build without object stores.
#[cfg(not(feature = "object-store"))]
pub(super) fn unsupported(setting: &str) -> Failure {
    Failure::Usage(format!(
        "{setting} is a URL, but this build cannot write to object stores; build it with --features \
         object-store, or name a path on this machine"
    ))
}

#[cfg(feature = "object-store")]
pub(crate) use upload::interrupted;
#[cfg(feature = "object-store")]
pub(super) use upload::{download, watch_folder};

#[cfg(feature = "object-store")]
mod upload {
    use std::sync::{Mutex, PoisonError};
    use std::time::Duration;

    use atlas_backup::{DownloadOptions, Pick, Settled, StoreFolder, StoreTarget};
    use tokio::time::timeout;

    use crate::backups::saved::print_saved;
    use crate::failure::{Failure, backup_line};
    use crate::output::Output;
    use crate::progress::Watcher;
    use crate::signals;
    use crate::target::Target;

    /// The store that is written to, so that a signal can abort the upload.
    static WRITTEN: Mutex<Option<Written>> = Mutex::new(None);

    /// An object, or a folder of objects.
    #[derive(Clone)]
    enum Written {
        Object(StoreTarget),
        Folder(StoreFolder),
    }

    impl Written {
        async fn settle(&self) -> Settled {
            match self {
                Self::Object(object) => object.settle().await,
                Self::Folder(folder) => folder.settle().await,
            }
        }

        fn incomplete(&self) -> Vec<String> {
            match self {
                Self::Object(object) => object.incomplete(),
                Self::Folder(folder) => folder.incomplete(),
            }
        }
    }

    /// Makes a signal wait until uploads to a folder are aborted.
    pub(crate) fn watch_folder(folder: &StoreFolder) {
        watch(Written::Folder(folder.clone()));
    }

    fn watch(written: Written) {
        signals::extend_grace(EXTRA, unsettled);
        *WRITTEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(written);
    }

    /// How long to wait for an upload to be aborted.
    const PATIENCE: Duration = Duration::from_millis(600);
    /// How much longer than other work this may take to end after a signal, so that the process ends
    /// within a second.
    const EXTRA: Duration = Duration::from_millis(400);

    /// Downloads a snapshot into an object store.
    pub(crate) async fn download<F: Future<Output = Result<Target, Failure>>>(
        out: &str,
        options: &DownloadOptions,
        output: &Output,
        pick: Pick,
        open: impl FnOnce() -> F,
    ) -> Result<(), Failure> {
        let store = StoreTarget::from_env(out)?;
        watch(Written::Object(store.clone()));
        let watcher = Watcher::default();
        let target = open().await?;
        target.reach(options.patience, &watcher).await?;
        let take = |event| watcher.take(event);
        let (project, cluster) = (target.project, &target.cluster);
        let stored = target
            .backups
            .download_to_store(project, cluster, &pick, &store, options, take)
            .await;
        watcher.end();
        for stored in stored? {
            print_saved(&stored.url, &stored.manifest, output)?;
        }
        Ok(())
    }

    /// The failure after a signal; an upload to a store is aborted first.
    pub(crate) async fn interrupted(signal: u8) -> Failure {
        let Some(store) = written() else {
            return signals::interrupted(signal);
        };
        match timeout(PATIENCE, store.settle()).await {
            Ok(settled) => Failure::UploadInterrupted {
                signal,
                line: outcome(&settled),
            },
            Err(_) => unsettled(signal),
        }
    }

    /// The failure if the upload is not aborted in time.
    fn unsettled(signal: u8) -> Failure {
        let mut line = "the upload may stay open in the store; abort it there".to_owned();
        if let Some(manifest) = written().and_then(|store| store.incomplete().pop()) {
            line = format!(
                "the upload may stay open in the store, and {manifest} may exist without its \
                 object; re-run the command to replace the manifest"
            );
        }
        Failure::UploadInterrupted { signal, line }
    }

    fn written() -> Option<Written> {
        let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        written.clone()
    }

    fn outcome(settled: &Settled) -> String {
        if let Some(error) = settled.failed.first() {
            backup_line(error)
        } else if let Some(url) = settled.stored.first() {
            format!("{url} was already complete and is stored")
        } else if settled.aborted > 0 {
            "the upload was aborted; re-run the command to start over".to_owned()
        } else {
            "no upload was in progress; re-run the command to start over".to_owned()
        }
    }
}
