//! Events of a call, for its caller to show.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_model::RestoreJobId;

/// Something that happened on the way to a file.
///
/// A callback of any call that downloads or waits is given these as they happen. A bar of one
/// file needs [`Received`](Event::Received) alone, since it carries the totals; the next file of a
/// snapshot with shards begins with [`Started`](Event::Started):
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
/// It is called by the task that polls the call, on that task's thread, never by two threads at once
/// and never after the call has ended. `Received` comes once for each batch that was written: 16 KiB
/// to 4 MiB, depending on the length of the file and the number of connections. A download to an
/// object store or a writer sends it for every 64 KiB or more. All other events are rare.
///
/// The download stands still while the callback runs: it must not block, and work that takes longer
/// than a millisecond belongs on another thread. A callback that panics ends the call as dropping it
/// does: what is on the disk stays, and the next call resumes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Another download of the cluster is under way; this one waits its turn.
    WaitingForTurn,
    /// Another run works on the same object of a store; this one waits for it to end. Told as soon as
    /// it waits, and then at most once a minute. Where a run does not wait, as in a folder of this
    /// machine, [`Error::Busy`](crate::Error::Busy) says so at once.
    WaitingForRun {
        /// What the other run holds: the URL of its lease.
        path: PathBuf,
        /// How long this run has been waiting.
        since: Duration,
    },
    /// Atlas is at work on what is waited for: it gets a snapshot ready to be downloaded, restores it
    /// over a cluster, or takes it.
    Preparing {
        /// The job; `None` while the snapshot itself is being taken.
        job: Option<RestoreJobId>,
        /// What Atlas says of it.
        status: String,
        /// Whether the job writes over a cluster; `false` for a download, and while a snapshot is being
        /// taken.
        restore: bool,
    },
    /// A file begins, or goes on: before its first byte, after each new link, and after
    /// [`StartedOver`](Event::StartedOver). A snapshot with shards has several files, one after the
    /// other.
    Started {
        /// Its length in bytes, if the store tells.
        length: Option<u64>,
        /// How many bytes of it are there already, mostly from an earlier run.
        resumed: u64,
    },
    /// More bytes of the file are on the disk, or were taken by the upload.
    Received {
        /// How many bytes of the file are there by now, those that were resumed included. Grows
        /// with each event of a file, however many connections it has, except after
        /// [`StartedOver`](Event::StartedOver).
        received: u64,
        /// Its length in bytes, if the store tells.
        length: Option<u64>,
    },
    /// What was received of the file counts no more, or not all of it: it changed in the store, or
    /// it came in a stream that broke and cannot be resumed. [`Started`](Event::Started) follows.
    StartedOver,
    /// The link ended; a new one was asked for.
    LinkRenewed,
    /// All bytes of the file are there. What is left of its check follows, since the check runs
    /// beside the download.
    Verifying,
    /// How far the check is, after [`Verifying`](Event::Verifying) or in
    /// [`verify_with`](crate::verify_with); for every 8 MiB or more.
    Verified {
        /// How many bytes of the file were looked at.
        verified: u64,
        /// Its length in bytes, if it is known.
        length: Option<u64>,
    },
    /// A file that is there already is read to its end to check it: because a pull is asked to verify
    /// all, because the file has changed, or before others are removed for it. Told before its first
    /// byte, for every 8 MiB or more, and at the end of a sound file. One file is read after the other.
    Checking {
        /// The file's path, or the URL of an object.
        path: PathBuf,
        /// How many bytes of it were read.
        read: u64,
        /// Its length in bytes.
        length: u64,
    },
    /// Atlas or a store failed in a way that can pass by itself; it is asked again.
    Retrying {
        /// What failed, in one line.
        reason: String,
        /// How long it has been failing without a byte of progress.
        since: Duration,
        /// How long until it is asked again.
        wait: Duration,
    },
    /// A file of another program was in the way and has another name now.
    SetAside {
        /// The name it had.
        path: PathBuf,
        /// The name it has.
        kept_as: PathBuf,
    },
    /// A file that was there is not the one that its manifest speaks of; it is downloaded again.
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// A callback that ignores every event.
pub fn silent(_: Event) {}

/// Takes what happens, from whatever is at work on one call.
pub(crate) type Progress<'a> = &'a (dyn Report + 'a);

/// What the parts of a download tell.
pub(crate) trait Report: Send + Sync {
    /// Something without a count.
    fn tell(&self, event: Event);

    /// Another file is next.
    fn next_file(&self);

    /// The file begins, or goes on.
    fn started(&self, length: Option<u64>, resumed: u64);

    /// More bytes of it are there.
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

    /// Held while the callback runs, so that totals arrive in order. A callback that panicked has
    /// left the counts whole: they are set before it is called.
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
    fn only_starting_over_sets_a_total_back_and_it_is_told_before() {
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
                assert!(received != 2, "as the test wants it");
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
