//! Where a pull puts its files: a folder of this machine, or one in an object store.

use std::path::{Path, PathBuf};

#[cfg(feature = "object-store")]
use atlas_backup::StoreFolder;
use atlas_backup::{Backups, Event, PullOptions, PullSummary, Pulled};
use atlas_model::{ClusterName, ProjectId};

use crate::backups::store;
use crate::failure::Failure;
use crate::urls::is_meant;

/// Where a pull puts its files.
#[derive(Debug)]
pub(super) enum Dir {
    Local(PathBuf),
    #[cfg(feature = "object-store")]
    Store(Box<StoreFolder>),
}

impl Dir {
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(Failure::Usage("--dir is empty; name a folder".to_owned()));
        }
        if !is_meant(text) {
            return Ok(Self::Local(text.into()));
        }
        #[cfg(feature = "object-store")]
        return Ok(Self::Store(Box::new(StoreFolder::from_env(text)?)));
        #[cfg(not(feature = "object-store"))]
        Err(store::unsupported("dir"))
    }

    /// The folder of one of several clusters.
    #[cfg_attr(
        not(feature = "object-store"),
        allow(
            clippy::unnecessary_wraps,
            reason = "the key in a store may be too long"
        )
    )]
    pub(super) fn child(&self, cluster: &ClusterName) -> Result<Self, Failure> {
        Ok(match self {
            Self::Local(path) => Self::Local(path.join(cluster.as_str())),
            #[cfg(feature = "object-store")]
            Self::Store(folder) => Self::Store(Box::new(folder.child(cluster.as_str())?)),
        })
    }

    /// Its path or URL, for people.
    pub(super) fn shown(&self) -> PathBuf {
        match self {
            Self::Local(path) => path.clone(),
            #[cfg(feature = "object-store")]
            Self::Store(folder) => folder.url().into(),
        }
    }

    /// Lets a signal wait for what this leaves in a store.
    pub(super) fn watch(&self) {
        match self {
            Self::Local(_) => {}
            #[cfg(feature = "object-store")]
            Self::Store(folder) => store::watch_folder(folder),
        }
    }

    pub(super) async fn pull(
        &self,
        backups: &Backups,
        (project, cluster): (ProjectId, &ClusterName),
        options: &PullOptions,
        report: impl FnMut(Pulled) + Send,
        progress: impl FnMut(Event) + Send,
    ) -> Result<PullSummary, atlas_backup::Error> {
        match self {
            Self::Local(path) => {
                let path: &Path = path;
                let pulling = backups.pull(project, cluster, path, options, report, progress);
                pulling.await
            }
            #[cfg(feature = "object-store")]
            Self::Store(folder) => {
                let pulling =
                    backups.pull_to_store(project, cluster, folder, options, report, progress);
                pulling.await
            }
        }
    }
}
