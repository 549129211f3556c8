//! What is going on, for whoever shows it.

use std::path::PathBuf;

use atlas_model::RestoreJobId;

/// Something that happened on the way to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Another download of the cluster is under way; this one waits its turn.
    WaitingForTurn,
    /// Atlas is getting the snapshot ready.
    Preparing {
        /// The job.
        job: Option<RestoreJobId>,
        /// What Atlas says of it.
        status: String,
    },
    /// A file begins, or goes on.
    Started {
        /// Its length, if the store tells.
        length: Option<u64>,
        /// How much of it is there from an earlier run.
        resumed: u64,
    },
    /// More bytes of it are on the disk.
    Received {
        /// How many.
        bytes: u64,
    },
    /// The store's file changed, so everything begins again.
    StartedOver,
    /// The link ended; a new one was asked for.
    LinkRenewed,
    /// The file is complete and is being looked at.
    Verifying,
    /// A file of another program was in the way and has another name now.
    SetAside {
        /// The name it had.
        path: PathBuf,
        /// The name it has.
        kept_as: PathBuf,
    },
    /// A file that was there is not the one that its note speaks of; it is downloaded again.
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// Takes events as they happen; called often, and must be quick.
pub type Progress<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// For whoever does not want to know.
pub fn silent(_: Event) {}
