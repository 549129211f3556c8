//! Settings of downloads, waits and pulls.

use std::time::Duration;

use crate::retention::Keep;

/// How to download.
///
/// ```
/// use std::time::Duration;
///
/// use atlas_backup::{DownloadOptions, WaitPolicy};
///
/// let wait = WaitPolicy::default().deadline(Duration::from_secs(2 * 3600));
/// let options = DownloadOptions::default().connections(8).replace(true).wait(wait);
/// assert_eq!(options.patience, Duration::from_secs(15 * 60), "the default");
/// ```
///
/// # Retries
///
/// How often a request that failed is sent again is the
/// [`RetryPolicy`](atlas_transport::retry::RetryPolicy) of the client, for the store's file and its
/// parts, for uploads and for what is asked of Atlas:
///
/// | setting | what it means here |
/// | --- | --- |
/// | `max_attempts` of 1 | each failure is final; the next run resumes the file |
/// | `max_attempts` of more | how many attempts are made in a row without a byte of progress; as long as `patience` lasts, more are made |
/// | | how often a file is begun that changes in the store, at most three times, the last time as one stream |
/// | `base_delay`, `max_delay` | the bounds of each wait, which is random and 50 ms at least |
/// | `retry_after_cap` | the longest wait that a server can ask for |
///
/// Only [transient](atlas_transport::Error::is_transient) failures are retried, whatever the policy
/// says. Polls of a job are no retries: after a transient failure the next poll follows whatever the
/// policy says, as long as `patience` lasts and up to [`WaitPolicy::deadline`]. For a link that has ended a new one is asked for, `max_attempts`
/// times and at most three times without a byte of progress; once for a link that the store refuses
/// with 400, 401, 404 or 410.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// How many connections at most, where the store allows more than one; 4 by default. It is taken
    /// as 1 to 128.
    pub connections: usize,
    /// Whether a file of that name is replaced; `false` by default.
    pub replace: bool,
    /// How long to wait for the job.
    pub wait: WaitPolicy,
    /// How long an outage of Atlas or of a store may last without a byte of progress, where the client's
    /// policy has more than one attempt; 15 minutes by default. Zero leaves the policy's attempts alone.
    /// It bounds an outage while a job is waited for, too, from the first poll that failed since one was
    /// answered, and there for any policy.
    pub patience: Duration,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            connections: 4,
            replace: false,
            wait: WaitPolicy::default(),
            patience: Duration::from_secs(15 * 60),
        }
    }
}

impl DownloadOptions {
    /// Sets how many connections there are at most; taken as 1 to 128.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets whether a file of that name is replaced.
    #[must_use]
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Sets how long to wait for the job.
    #[must_use]
    pub fn wait(mut self, policy: WaitPolicy) -> Self {
        self.wait = policy;
        self
    }

    /// Sets how long an outage of Atlas or of a store may last without a byte of progress.
    #[must_use]
    pub fn patience(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }
}

/// How long a job or a snapshot is waited for, and how often it is looked at.
///
/// ```
/// use std::time::Duration;
///
/// use atlas_backup::WaitPolicy;
///
/// let policy = WaitPolicy::default()
///     .first(Duration::from_secs(5))
///     .longest(Duration::from_secs(60))
///     .deadline(Duration::from_secs(4 * 3600));
/// assert_eq!(policy.longest, Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitPolicy {
    /// The first wait, at most `longest` and at least 50 ms; 1 s by default.
    pub first: Duration,
    /// The longest wait that the server did not ask for; each is half as long again as the one
    /// before. 30 s by default. What the server asks for is kept up to the `retry_after_cap` of the
    /// client's policy.
    pub longest: Duration,
    /// How long in all, an hour by default. An outage in between, such as 503 or a connection that
    /// is refused, is waited out up to here, whatever the client's policy says: a look is a poll and
    /// no retry. In a download [`patience`](DownloadOptions::patience) bounds it as well.
    ///
    /// A look that is under way at the deadline is dropped, a second later at most. A request for a
    /// download is not, since it may have been applied: it ends within the client's
    /// [`total_timeout`](atlas_transport::ClientBuilder::total_timeout).
    pub deadline: Duration,
}

impl Default for WaitPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            deadline: Duration::from_secs(3600),
        }
    }
}

impl WaitPolicy {
    /// Sets the first wait.
    #[must_use]
    pub fn first(mut self, wait: Duration) -> Self {
        self.first = wait;
        self
    }

    /// Sets the longest wait that the server did not ask for.
    #[must_use]
    pub fn longest(mut self, wait: Duration) -> Self {
        self.longest = wait;
        self
    }

    /// Sets how long is waited in all.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }
}

/// How to keep a folder up to date.
///
/// ```
/// use atlas_backup::{DownloadOptions, Keep, PullOptions};
///
/// let options = PullOptions::default()
///     .keep(Keep::days(30).weekly(8))
///     .keep_at_least(7)
///     .download(DownloadOptions::default().connections(8));
/// assert_eq!(options.keep, Some(Keep::days(30).weekly(8)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullOptions {
    /// Which snapshots are kept; all by default.
    pub keep: Option<Keep>,
    /// How many of the newest are kept whatever the rules say; 3 by default, and 1 at least. It has no
    /// effect where [`Keep::last`] is the only rule.
    pub keep_at_least: usize,
    /// Whether every file is read to the end and compared with its manifest; by default only those
    /// are whose length, time or inode have changed.
    pub verify: bool,
    /// Whether nothing is done: Atlas is asked for lists only, nothing in the folder changes, no file
    /// is read to the end, and what would be done is told.
    pub dry_run: bool,
    /// How to download. Its `replace` has no effect here.
    pub download: DownloadOptions,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            keep: None,
            keep_at_least: 3,
            verify: false,
            dry_run: false,
            download: DownloadOptions::default(),
        }
    }
}

impl PullOptions {
    /// Sets which snapshots are kept; `None` keeps all.
    #[must_use]
    pub fn keep(mut self, keep: impl Into<Option<Keep>>) -> Self {
        self.keep = keep.into();
        self
    }

    /// Sets how many of the newest are kept whatever the rules say.
    #[must_use]
    pub fn keep_at_least(mut self, snapshots: usize) -> Self {
        self.keep_at_least = snapshots;
        self
    }

    /// Sets whether every file is read to the end and compared with its manifest.
    #[must_use]
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Sets whether nothing is done, and what would be done is told.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets how to download.
    #[must_use]
    pub fn download(mut self, options: DownloadOptions) -> Self {
        self.download = options;
        self
    }
}
