//! `--out s3://…`: a snapshot into an object store.

#[cfg(not(feature = "object-store"))]
use {
    crate::failure::Failure,
    crate::output::Output,
    crate::target::Target,
    atlas_backup::{DownloadOptions, Pick},
};

/// What `--help` says of object stores.
#[cfg(feature = "object-store")]
pub(super) const HELP: &str = "\n
With --out s3://bucket/key, gs://bucket/key or az://container/key the snapshot goes to an object \
store without a local copy. The key is taken literally. Credentials, region and endpoint come \
from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION \
and AWS_ENDPOINT_URL for S3, GOOGLE_APPLICATION_CREDENTIALS for Google, \
AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY for Azure. AWS_PROFILE and the files in \
~/.aws are not read. An object or manifest that exists is replaced only with --force. While it \
is under way, bucket/key.part is its lease and its journal: another run waits for it, and after \
a kill the same command goes on with the upload, at once on the same machine and within a minute \
elsewhere. A signal aborts the upload, which waits less than a second for the store; if that \
does not answer by then, the error says so. Without credentials in the environment, the metadata \
service of this machine (169.254.169.254 on EC2) is asked once, for 2 s at most, for those of an \
instance role. https goes through the proxy of HTTPS_PROXY or ALL_PROXY, except to the hosts in \
NO_PROXY; plain http never goes through a proxy, and HTTP_PROXY is not read.";
/// What `--help` says of object stores.
#[cfg(not(feature = "object-store"))]
pub(super) const HELP: &str = "";
/// What the help of `pull` says of them.
#[cfg(feature = "object-store")]
pub(super) const PULL_HELP: &str = "\n
With --dir s3://bucket/prefix, gs://bucket/prefix or az://container/prefix the folder is in an \
object store, which is configured as for atlas backups snapshots download. Several runs on \
several machines share the work: each snapshot is taken by the run that holds its lease, an \
object that ends in .part. The lease of a run that was killed ends within a minute, on the same \
machine at once, and another run goes on with its upload. Whether an object is still the one \
that was stored is told by its tag, which catalogue.json notes; --verify reads all objects. An \
object of another program is never replaced.";
/// What the help of `pull` says of them.
#[cfg(not(feature = "object-store"))]
pub(super) const PULL_HELP: &str = "";

/// Refuses the URL: this build knows no object store.
#[cfg(not(feature = "object-store"))]
#[allow(
    clippy::unused_async,
    reason = "has the signature of the one that downloads"
)]
pub(super) async fn download<F: Future<Output = Result<Target, Failure>>>(
    _: &str,
    _: &DownloadOptions,
    _: &Output,
    _: Pick,
    _: impl FnOnce() -> F,
) -> Result<(), Failure> {
    Err(unsupported("out"))
}

/// The refusal of a URL by a build that knows no object store.
#[cfg(not(feature = "object-store"))]
pub(super) fn unsupported(flag: &str) -> Failure {
    Failure::Usage(format!(
        "--{flag} is a URL, but this build cannot write to object stores; build it with --features \
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

    /// The store that is written to, for a signal that comes meanwhile.
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

    /// Lets a signal wait for what is on its way to a folder.
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

    /// What a signal means: if a snapshot was on its way to a store, its upload is aborted first.
    pub(crate) async fn interrupted(signal: u8) -> Failure {
        let Some(store) = written() else {
            return signals::interrupted(signal);
        };
        match timeout(PATIENCE, store.settle()).await {
            Ok(settled) => Failure::UploadInterrupted {
                signal,
                line: said(&settled),
            },
            Err(_) => unsettled(signal),
        }
    }

    /// The error if the upload is not aborted in time.
    fn unsettled(signal: u8) -> Failure {
        let mut line = "the upload may stay open in the store; abort it there".to_owned();
        if let Some(manifest) = written().and_then(|store| store.incomplete().pop()) {
            line = format!(
                "the upload may stay open in the store, and {manifest} may be there without its \
                 object; re-run the command, which replaces that manifest"
            );
        }
        Failure::UploadInterrupted { signal, line }
    }

    fn written() -> Option<Written> {
        let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        written.clone()
    }

    fn said(settled: &Settled) -> String {
        if let Some(error) = settled.failed.first() {
            backup_line(error)
        } else if let Some(url) = settled.stored.first() {
            format!("{url} was just being completed, and is stored")
        } else if settled.aborted > 0 {
            "the upload was aborted; the same command starts over".to_owned()
        } else {
            "no upload was under way; the same command starts over".to_owned()
        }
    }
}
