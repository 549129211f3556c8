//! Downloads MongoDB Atlas snapshots: from a cluster's name to a verified file.
//!
//! [`Backups`] detects the kind of a cluster, picks a snapshot, requests a download, waits for it,
//! and downloads the file over as many connections as the store allows. An interrupted download is
//! resumed. The file gets its final name only when it is complete and sound. A manifest next to it
//! describes the file, so that [`verify`] can check it again later.
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
//! [`Backups::request_download`] requests a download and returns without waiting. [`Pick::Job`]
//! downloads the file of that job later, or of a job that another program started.
//!
//! # Guarantees
//!
//! Only [`Backups::restore`] writes to a cluster. No path or file name is taken from a server. The
//! link to a snapshot is a secret: it appears in no event, error or file.
//!
//! Files of other programs are never written, replaced or removed, except an output file that the
//! caller names and allows to be replaced. A file or manifest of this program is recognized by the
//! project, cluster and snapshot that it names. [`Backups::pull`] documents when it removes a file.
//!
//! # Features
//!
//! `object-store` adds `Backups::download_to_store`, which streams a snapshot to S3, Google Cloud
//! Storage or Azure Blob Storage without a local copy, and `Backups::pull_to_store`, which keeps a
//! folder in a store up to date and can run on several machines at once. `StoreTarget::from_env`
//! lists the variables that configure a store. Shared configuration files such as `~/.aws/config`
//! are not read.
//!
//! # How a file is checked
//!
//! During the download, two threads read the file in order. One computes its SHA-256 and the
//! checksums that the store announced; the other decompresses it and walks the tar inside. A
//! download therefore takes as long as the slower of transfer and check. After an interruption the
//! check starts again at the first byte, while the rest is downloaded. A store without range
//! requests sends the file in one stream; without a strong `ETag`, a download is resumed by
//! `Last-Modified`. If a resumed file turns out to be damaged, for instance after a power failure,
//! it is downloaded again at once.
//!
//! # Retries and bounds
//!
//! The client's retry policy decides how often failed requests are retried; see
//! [`DownloadOptions`]. Values from a server are checked before anything is allocated for them:
//!
//! | what | limit | beyond it |
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
//! | a file's tag that is kept for resuming | 1 KiB | one stream, restarted after a failure |
//! | an extended header of a tar | 1 MiB | [`Error::Unsound`] |
//! | a manifest | 1 MiB | [`Error::File`] |
//! | a catalogue | 256 MiB, read in pieces | [`Error::Foreign`] |
//! | a lease in a store | 2 MiB | [`Error::Foreign`] |
//! | a wait that a server requests | the policy's `retry_after_cap` | capped |
//!
//! # Not supported
//!
//! Point-in-time restores, backups of whole projects, and export to a bucket by Atlas itself.

#![cfg_attr(docsrs, feature(doc_cfg))]
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
mod windows_names;

pub use backups::Backups;
pub use error::{Accepted, Awaited, Error};
pub use fault::Fault;
pub use folder::is_busy_folder;
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
pub use verified::{
    KnownBy, MissingFile, Verified, catalogued_files, has_pulled_names, is_pulled_folder,
    is_pulled_name, missing_files, snapshot_files, verify, verify_with,
};

/// The README's program, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
