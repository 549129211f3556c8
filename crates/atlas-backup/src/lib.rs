//! From a cluster's name to a snapshot file that can be trusted.
//!
//! [`Backups`] finds out what kind of cluster it is, picks a snapshot, asks for it in that kind's
//! way, waits, downloads it through as many connections as the store allows, goes on where an
//! earlier run was killed, and gives the file its name when it is complete and sound. A note beside
//! it says what it is, so that it can be checked again later with [`verify`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use atlas_backup::{Backups, DownloadOptions, Pick, silent};
//! use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, SandboxServer};
//! use atlas_transport::{Client, Credentials};
//!
//! let server = SandboxServer::start().await?;
//! let credentials = Credentials::api_key(OWNER.public_key, OWNER.private_key);
//! let backups = Backups::new(Client::new(server.url().parse()?, &credentials)?);
//! let (project, cluster) = (PROJECT.parse()?, FLEX_CLUSTER.parse()?);
//!
//! let folder = tempfile::tempdir()?;
//! let out = folder.path().join("flex.tgz");
//! let options = DownloadOptions::default();
//! let files = backups.download(project, &cluster, &Pick::Latest, &out, &options, &silent).await?;
//! assert_eq!(files[0].note.bytes, out.metadata()?.len());
//! atlas_backup::verify(&out)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is never done
//!
//! No call here writes to a cluster, but for [`Backups::restore`]. No path and no name is taken
//! from a server. The link to a snapshot is a secret: it is in no event, no error and no file.
//!
//! No file of another program is written to, replaced or removed, but for an output that is named
//! and may be replaced. A file or note that this program wrote is told by the project, cluster and
//! snapshot that stand in it. [`Backups::pull`] says when it removes a file.
//!
//! # Features
//!
//! `object-store` adds `Backups::download_to_store`, which streams a snapshot into S3, Google Cloud
//! Storage or Azure Blob Storage without a copy on this machine. `StoreTarget::from_env` lists the
//! variables that configure a store; shared configuration files such as `~/.aws/config` are not read.
//!
//! # Not supported
//!
//! Point-in-time restores, backups of whole projects, and export to a bucket by Atlas itself.

#![forbid(unsafe_code)]

mod about;
mod asking;
mod backups;
mod checksums;
mod disk;
mod error;
mod fetch;
mod folder;
mod job;
mod job_view;
mod journal;
mod keep;
mod kind;
mod note;
#[cfg(feature = "object-store")]
mod object_store;
mod one_file;
mod part_lock;
mod progress;
mod pull;
mod retention;
mod saved;
mod saving;
mod shards;
mod snapshot;
mod verify;
mod waiting;

pub use backups::{Backups, DownloadOptions};
pub use error::{Error, Fault, JobEnd};
pub use job::WaitPolicy;
pub use job_view::{JobState, JobView};
pub use keep::{Keep, KeepError};
pub use kind::ClusterKind;
pub use note::Note;
#[cfg(feature = "object-store")]
pub use object_store::{Settled, StoreFailure, StoreTarget, Stored};
pub use progress::{Event, Progress, silent};
pub use pull::{PullOptions, PullSummary, Pulled};
pub use saved::{Saved, check_output};
pub use snapshot::{Pick, SnapshotView};
pub use verify::verify;
