//! Progress events of a call.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_model::RestoreJobId;

/// A progress event of a download, a wait or a check.
///
/// The callback of a call receives the events as they occur. A progress bar of one file needs only
/// [`Received`](Event::Received), since it contains the totals. Each file of a snapshot with shards
/// starts with [`Started`](Event::Started):
///
/// ```
/// use atlas_backup::Event;
///
/// fn show(event: Event) {
///     if let Event::Received { received, length } = event {
///         match length {
///             Some(length) => eprint!("\r{received} of {length} bytes"),
///             None => eprint!("\r{received} bytes"),
///         }
///     }
/// }
/// ```
///
/// # The callback
///
/// The callback is called by the task that polls the call, on that task's thread, never by two
/// threads at once and never after the call has ended. `Received` is sent once for each written
/// batch: 16 KiB to 4 MiB, depending on the length of the file and the number of connections. A
/// download to an object store or a writer sends it every 64 KiB or more. All other events are
/// rare.
///
/// The download pauses while the callback runs: the callback must not block, and work that takes
/// longer than a millisecond belongs on another thread. A callback that panics ends the call as
/// dropping it does: data on disk stays, and the next call resumes the download.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Another download of the cluster is in progress at Atlas; this one waits for it.
    WaitingForTurn,
    /// Another run works on the same object of a store; this one waits for it to end. Sent when the
    /// wait begins, and then at most once a minute. Where runs do not wait, as in a local folder,
    /// [`Error::Busy`](crate::Error::Busy) is returned at once.
    WaitingForRun {
        /// The lease of the other run, as a URL.
        path: PathBuf,
        /// How long this run has been waiting.
        since: Duration,
    },
    /// Atlas is still working: it prepares a snapshot for download, restores it to a cluster, or
    /// takes it.
    Preparing {
        /// The job; `None` while the snapshot itself is being taken.
        job: Option<RestoreJobId>,
        /// The status that Atlas reports.
        status: String,
        /// Whether the job writes to a cluster; `false` for a download, and while a snapshot is
        /// being taken.
        restore: bool,
    },
    /// A file starts or resumes: sent before its first byte, after each new link, and after
    /// [`StartedOver`](Event::StartedOver). The files of a snapshot with shards follow one another.
    Started {
        /// Its length in bytes, if the store reports it.
        length: Option<u64>,
        /// The number of bytes that are already present, usually from an earlier run.
        resumed: u64,
    },
    /// More bytes of the file were written to disk, or accepted by the upload.
    Received {
        /// The total number of bytes of the file so far, including resumed ones. Increases with
        /// each event of a file, whatever the number of connections, except after
        /// [`StartedOver`](Event::StartedOver).
        received: u64,
        /// Its length in bytes, if the store reports it.
        length: Option<u64>,
    },
    /// The received bytes of the file were discarded, at least in part: the file changed in the
    /// store, or its stream broke and cannot be resumed. [`Started`](Event::Started) follows.
    StartedOver,
    /// The link expired and was replaced.
    LinkRenewed,
    /// All bytes of the file were received. The check, which runs during the download, now
    /// completes.
    Verifying,
    /// The progress of the check, after [`Verifying`](Event::Verifying) or in
    /// [`verify_with`](crate::verify_with); sent every 8 MiB or more.
    Verified {
        /// The number of checked bytes.
        verified: u64,
        /// Its length in bytes, if it is known.
        length: Option<u64>,
    },
    /// An existing file is read to its end to check it: because the pull verifies all files,
    /// because the file has changed, or because others are removed in favor of it. Sent before its
    /// first byte, every 8 MiB or more, and at the end of a sound file. Files are read one after
    /// another.
    Checking {
        /// The file's path, or the URL of an object.
        path: PathBuf,
        /// The number of bytes read so far.
        read: u64,
        /// Its length in bytes.
        length: u64,
    },
    /// A transient failure of Atlas or of a store; the request will be retried.
    Retrying {
        /// The failure, in one line.
        reason: String,
        /// How long requests have been failing without a byte of progress.
        since: Duration,
        /// The wait before the next attempt.
        wait: Duration,
    },
    /// A file of another program was in the way and was renamed.
    SetAside {
        /// The old name.
        path: PathBuf,
        /// The new name.
        kept_as: PathBuf,
    },
    /// An existing file does not match its manifest; it is downloaded again.
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// A callback that ignores every event.
pub fn silent(_: Event) {}

/// The receiver of the events of one call, shared by its parts.
pub(crate) type Progress<'a> = &'a (dyn Report + 'a);

/// Reports of the parts of a download.
pub(crate) trait Report: Send + Sync {
    /// Sends an event without a count.
    fn tell(&self, event: Event);

    /// Resets the totals for the next file.
    fn next_file(&self);

    /// Reports that the file starts or resumes.
    fn started(&self, length: Option<u64>, resumed: u64);

    /// Adds received bytes of the file.
    fn received(&self, bytes: u64);
}

/// Counts the bytes of a file and calls a callback, one event at a time.
pub(crate) struct Reporter<F> {
    state: Mutex<State<F>>,
}

struct State<F> {
    callback: F,
    received: u64,
    length: Option<u64>,
}

impl<F: FnMut(Event) + Send> Reporter<F> {
    pub(crate) fn new(callback: F) -> Self {
        Self {
            state: Mutex::new(State {
                callback,
                received: 0,
                length: None,
            }),
        }
    }

    /// The lock is held while the callback runs, so that totals arrive in order. Counts are updated
    /// before the callback is called, so they stay valid if it panics.
    fn state(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: FnMut(Event) + Send> Report for Reporter<F> {
    fn tell(&self, event: Event) {
        let mut state = self.state();
        if event == Event::StartedOver {
            state.received = 0;
        }
        (state.callback)(event);
    }

    fn next_file(&self) {
        let mut state = self.state();
        (state.received, state.length) = (0, None);
    }

    fn started(&self, length: Option<u64>, resumed: u64) {
        let mut state = self.state();
        let is_less = resumed < state.received;
        (state.received, state.length) = (resumed, length);
        if is_less {
            (state.callback)(Event::StartedOver);
        }
        (state.callback)(Event::Started { length, resumed });
    }

    fn received(&self, bytes: u64) {
        if bytes == 0 {
            return;
        }
        let mut state = self.state();
        state.received = state.received.saturating_add(bytes);
        let event = Event::Received {
            received: state.received,
            length: state.length,
        };
        (state.callback)(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_many_threads_only_grow_and_none_is_lost() {
        let mut totals = Vec::new();
        let reporter = Reporter::new(|event| {
            if let Event::Received { received, length } = event {
                assert_eq!(length, Some(4100));
                totals.push(received);
            }
        });
        reporter.started(Some(4100), 100);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| reporter.received(1)));
            }
        });
        assert!(totals.iter().copied().eq(101..=4100));
    }

    #[test]
    fn only_starting_over_resets_a_total_and_is_reported_before() {
        let mut events = Vec::new();
        let reporter = Reporter::new(|event| events.push(event));
        reporter.started(Some(9), 0);
        reporter.received(5);
        reporter.received(0);
        reporter.started(Some(9), 5);
        reporter.received(u64::MAX);
        reporter.started(None, 4);
        reporter.next_file();
        reporter.started(None, 0);
        let received = |received, length| Event::Received { received, length };
        let started = |length, resumed| Event::Started { length, resumed };
        let expected = [
            started(Some(9), 0),
            received(5, Some(9)),
            started(Some(9), 5),
            received(u64::MAX, Some(9)),
            Event::StartedOver,
            started(None, 4),
            started(None, 0),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_callback_that_panicked_is_called_again_with_sound_totals() {
        let mut totals = Vec::new();
        let reporter = Reporter::new(|event| {
            if let Event::Received { received, .. } = event {
                totals.push(received);
                assert!(received != 2, "the panic of the test");
            }
        });
        reporter.received(1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            reporter.received(1);
        }));
        assert!(panicked.is_err());
        reporter.received(1);
        assert_eq!(totals, [1, 2, 3]);
    }
}
