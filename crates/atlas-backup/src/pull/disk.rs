//! Blocking disk operations of a pull.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{is_own, look};
use crate::error::Error;
use crate::folder::{self, FolderLock};
use crate::manifest::Manifest;

/// A folder that this run works in, with its lock.
pub(super) struct Disk<'a> {
    pub(super) folder: &'a Path,
    /// None in a dry run.
    lock: Arc<Option<FolderLock>>,
}

impl<'a> Disk<'a> {
    pub(super) async fn open(folder: &'a Path, dry_run: bool) -> Result<Self, Error> {
        let mut disk = Self {
            folder,
            lock: Arc::default(),
        };
        let path = folder.to_owned();
        let opening = disk.work(move || {
            if dry_run {
                folder::check(&path)?;
                return Ok(None);
            }
            folder::prepare(&path)?;
            folder::lock(&path).map(Some)
        });
        disk.lock = Arc::new(opening.await?);
        Ok(disk)
    }

    /// Removes the manifests of missing files.
    pub(super) async fn remove_manifests(&self, files: Vec<PathBuf>) -> Result<(), Error> {
        let removing = self.work(move || {
            for file in files {
                let path = Manifest::path_of(&file);
                if look(&path)?.is_some_and(|found| is_own(&found, &path)) {
                    std::fs::remove_file(&path)
                        .map_err(|error| Error::file(&path, "cannot be removed", error))?;
                }
            }
            Ok(())
        });
        removing.await
    }

    /// Runs blocking work. If the call is dropped, the work runs to its end and holds the lock
    /// until then.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let lock = Arc::clone(&self.lock);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(lock);
            done
        });
        let done = done.await;
        done.map_err(|error| Error::file(self.folder, "cannot be read", error.into()))?
    }
}
