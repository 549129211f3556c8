//! The destination of a pull: a folder of this machine, or one in an object store.

use std::path::{Component, Path, PathBuf, is_separator};

#[cfg(feature = "object-store")]
use atlas_backup::StoreFolder;
use atlas_backup::{Backups, Event, PullOptions, PullSummary, Pulled};
use atlas_model::{ClusterName, ProjectId};

use crate::backups::store;
use crate::failure::Failure;
use crate::urls::is_meant;

/// The destination of a pull.
#[derive(Debug)]
pub(super) enum Dir {
    Local(PathBuf),
    #[cfg(feature = "object-store")]
    Store(Box<StoreFolder>),
}

impl Dir {
    /// Reads a path or a URL; `setting` is `--dir` or the key of a file.
    pub(super) fn read(setting: &str, text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(Failure::Usage(format!("{setting} is empty; name a folder")));
        }
        if text == "-" {
            let hint = "name a folder, or write ./- for a folder of that name";
            return Err(Failure::Usage(format!("invalid {setting} -: {hint}")));
        }
        let of_home = text.strip_prefix('~');
        if of_home.is_some_and(|rest| rest.is_empty() || rest.starts_with(is_separator)) {
            let line =
                format!("invalid {setting} {text}: only a shell expands ~; write the full path");
            return Err(Failure::Usage(line));
        }
        if !is_meant(text) {
            let path = PathBuf::from(text);
            if path.exists() && !path.is_dir() {
                let problem = format!("{text} is not a folder; name a folder");
                return Err(Failure::File(problem));
            }
            return Ok(Self::Local(path));
        }
        #[cfg(feature = "object-store")]
        return Ok(Self::Store(Box::new(StoreFolder::from_env(text)?)));
        #[cfg(not(feature = "object-store"))]
        Err(store::unsupported(setting))
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

    /// The identity of the folder, however its path is written: its real path as far as it exists, or
    /// the URL.
    pub(super) fn identity(&self) -> PathBuf {
        match self {
            Self::Local(path) => real(path),
            #[cfg(feature = "object-store")]
            Self::Store(folder) => folder.url().into(),
        }
    }

    /// Its path or URL, for people.
    pub(super) fn shown(&self) -> PathBuf {
        match self {
            Self::Local(path) => path.clone(),
            #[cfg(feature = "object-store")]
            Self::Store(folder) => folder.url().into(),
        }
    }

    /// Makes a signal wait until uploads to a store are aborted.
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

/// A path without links, `.` and `..`, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for above in path.ancestors() {
        let Ok(found) = above.canonicalize() else {
            continue;
        };
        let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
        return rest
            .components()
            .fold(found, |real, component| match component {
                Component::ParentDir => real.parent().map_or(real.clone(), Path::to_owned),
                Component::CurDir => real,
                component => real.join(component),
            });
    }
    path
}
