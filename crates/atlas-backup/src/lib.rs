//! From a cluster's name to a snapshot file that can be trusted.
//!
//! [`Backups`] finds out what kind of cluster it is, picks a snapshot, asks for it in that kind's
//! way, waits, downloads it through as many connections as the store allows, goes on where an
//! earlier run was killed, and gives the file its name when it is complete and sound. A manifest beside
//! it says what it is, so that it can be checked again later with [`verify`].
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use atlas_backup::{Backups, DownloadOptions, Event, Pick};
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
//! let options = DownloadOptions::default().connections(2);
//! let mut last = (0, None);
//! let show = |event: Event| {
//!     if let Event::Received { received, length } = event {
//!         last = (received, length); // a bar is drawn from these two alone
//!     }
//! };
//! let files = backups.download(project, &cluster, &Pick::Latest, &out, &options, show).await?;
//! assert_eq!(files[0].manifest.bytes, out.metadata()?.len());
//! assert_eq!(last, (files[0].manifest.bytes, Some(files[0].manifest.bytes)));
//! atlas_backup::verify(&out)?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Backups::request_download`] asks for a snapshot and does not wait; [`Pick::Job`] downloads by that
//! job later, or by one that another program has made.
//!
//! # What is never done
//!
//! No call here writes to a cluster, but for [`Backups::restore`]. No path and no name is taken
//! from a server. The link to a snapshot is a secret: it is in no event, no error and no file.
//!
//! No file of another program is written to, replaced or removed, but for an output that is named
//! and may be replaced. A file or manifest that this program wrote is told by the project, cluster and
//! snapshot that stand in it. [`Backups::pull`] says when it removes a file.
//!
//! # Features
//!
//! `object-store` adds `Backups::download_to_store`, which streams a snapshot into S3, Google Cloud
//! Storage or Azure Blob Storage without a copy on this machine, and `Backups::pull_to_store`, which keeps
//! a folder there; several processes on several machines share its work. `StoreTarget::from_env` lists the
//! variables that configure a store; shared configuration files such as `~/.aws/config` are not read.
//!
//! # How a file is checked
//!
//! While it comes, two threads follow it in the order of its bytes: one computes its SHA-256 and what
//! checksums the store announced, the other inflates it and walks through the tar inside. A download
//! takes as long as the slower of link and check. After a kill the check begins at the first byte, beside
//! the rest of the download. A file without ranges comes as one stream, and one whose store gives no
//! strong tag is resumed by `Last-Modified`. A resumed file that turns out to be broken, after a power cut
//! for instance, is downloaded again at once.
//!
//! # Retries and bounds
//!
//! The client's retry policy decides how often failed requests are retried; see [`DownloadOptions`]. What a server
//! says is checked before anything is made for it:
//!
//! | what | at most | else |
//! | --- | --- | --- |
//! | a file | 64 TiB, 5 TiB in an object store | [`Error::TooLong`], [`Error::Usage`] |
//! | files of one restore job | 1,000 | [`Error::TooMany`] |
//! | snapshots, or restore jobs, in a list | 100,000 | [`Error::TooMany`] |
//! | connections of one download | 128 | fewer are used |
//! | clusters of a project | 10,000 | [`Error::TooMany`] |
//! | memory for bytes on their way to a file | 8 MiB, or 16 KiB for each connection | a slow disk slows the download |
//! | memory for the check of a file | 6 MiB | a slow check slows an upload, not a download to a file |
//! | memory for parts on their way to a store | 128 MiB, or one part | a slow store slows the download |
//! | memory for parts on their way to a writer | 4 MiB for each connection and 8 MiB more, 128 MiB in all | a slow reader slows the download |
//! | connections of all downloads of one [`Backups`] | 128, or [`Backups::connection_limit`] | the others wait |
//! | the journal of a partial file | 7 MiB on the disk, half a MiB in memory | |
//! | a file's tag that is kept for resuming | 1 KiB | one stream, begun again after a failure |
//! | an extended header of a tar | 1 MiB | [`Error::Unsound`] |
//! | a manifest | 1 MiB | [`Error::File`] |
//! | a catalogue | 256 MiB, read in pieces | [`Error::Foreign`] |
//! | a lease in a store | 2 MiB | [`Error::Foreign`] |
//! | a wait that a server asks for | the policy's `retry_after_cap` | that |
//!
//! # Not supported
//!
//! Point-in-time restores, backups of whole projects, and export to a bucket by Atlas itself.

#![forbid(unsafe_code)]

mod about;
mod asking;
mod backups;
mod catalogue;
mod checksums;
mod clusters;
mod disk;
mod error;
mod fault;
mod fetch;
mod folder;
mod following;
mod gathered;
mod inspect;
mod job;
mod job_view;
mod journal;
mod kind;
mod manifest;
#[cfg(feature = "object-store")]
mod object_store;
mod one_file;
mod options;
mod part_lock;
mod picking;
mod piped;
mod progress;
mod pull;
mod restore;
mod retention;
mod retries;
mod saved;
mod saving;
mod shards;
mod snapshot;
mod tar_walk;
mod teller;
mod verified;
mod verify;
mod waiting;

pub use backups::Backups;
pub use error::{Accepted, Awaited, Error};
pub use fault::Fault;
pub use job_view::{JobEnd, JobState, JobView};
pub use kind::ClusterKind;
pub use manifest::Manifest;
#[cfg(feature = "object-store")]
pub use object_store::{Settled, StoreFailure, StoreFolder, StoreTarget, Stored};
pub use options::{DownloadOptions, PullOptions, WaitPolicy};
pub use progress::{Event, silent};
pub use pull::{PullSummary, Pulled, PulledFile};
pub use retention::{Keep, KeepError};
pub use saved::{Saved, check_output};
pub use snapshot::{Pick, SnapshotView};
pub use verified::{Verified, missing_files, snapshot_files, verify, verify_with};

/// The README's program, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
