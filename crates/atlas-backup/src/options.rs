//! Settings of downloads, waits and pulls.

use std::time::Duration;

use crate::retention::Keep;

/// Settings of a download.
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
/// The [`RetryPolicy`](atlas_transport::retry::RetryPolicy) of the client decides how often a
/// failed request is sent again: for downloads of a file and its parts, for uploads, and for
/// requests to Atlas:
///
/// | setting | meaning here |
/// | --- | --- |
/// | `max_attempts` of 1 | each failure is final; the next run resumes the file |
/// | `max_attempts` above 1 | the number of attempts in a row without a byte of progress; more are made as long as `patience` lasts |
/// | | also how often a file that changes in the store is restarted, at most three times, the last time as one stream |
/// | `base_delay`, `max_delay` | the bounds of each wait, which is random and at least 50 ms |
/// | `retry_after_cap` | the longest wait that a server can request |
///
/// Only [transient](atlas_transport::Error::is_transient) failures are retried, whatever the policy
/// says. Polls of a job do not count as retries: after a transient failure the next poll follows,
/// as long as `patience` lasts and up to [`WaitPolicy::deadline`]. When a link has expired, a new
/// one is requested: `max_attempts` times, at most three times without a byte of progress, and once
/// if the store refuses the link with 400, 401, 404 or 410.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The maximum number of connections, where the store allows more than one; 4 by default.
    /// Values outside 1 to 128 are clamped.
    pub connections: usize,
    /// Whether an existing file of that name is replaced; `false` by default.
    pub replace: bool,
    /// How long to wait for the job.
    pub wait: WaitPolicy,
    /// How long an outage of Atlas or of a store may last without a byte of progress, if the
    /// client's policy has more than one attempt; 15 minutes by default. Zero leaves only the
    /// attempts of the policy. It also bounds an outage during the wait for a job, for any policy,
    /// from the first failed poll after the last successful one.
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
    /// Sets the maximum number of connections; clamped to 1 to 128.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// Sets whether an existing file of that name is replaced.
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

/// How long to wait for a job or a snapshot, and how often to poll it.
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
    /// The longest wait between two polls; each wait is half as long again as the one before. 30 s
    /// by default. A longer wait that the server requests is kept, up to the `retry_after_cap` of
    /// the client's policy.
    pub longest: Duration,
    /// The total time limit; an hour by default. An outage in between, such as 503 or a refused
    /// connection, is waited out up to this limit, whatever the client's policy says: a poll is not
    /// a retry. In a download, [`patience`](DownloadOptions::patience) bounds an outage as well.
    ///
    /// A poll that is in progress at the deadline is dropped, at most a second later. A request for
    /// a download is not dropped, since it may have been applied: it ends within the client's
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

    /// Sets the longest wait between two polls.
    #[must_use]
    pub fn longest(mut self, wait: Duration) -> Self {
        self.longest = wait;
        self
    }

    /// Sets the total time limit.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }
}

/// Settings of a pull.
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
    /// The retention rules; all snapshots are kept by default.
    pub keep: Option<Keep>,
    /// The number of newest snapshots that are always kept; 3 by default, at least 1. It has no
    /// effect if [`Keep::last`] is the only rule.
    pub keep_at_least: usize,
    /// Whether every file is read to the end and compared with its manifest. By default, only files
    /// whose length, time or inode have changed are.
    pub verify: bool,
    /// Whether to only report what would be done: only lists are requested from Atlas, nothing in
    /// the folder changes, and no file is read to the end.
    pub dry_run: bool,
    /// The settings of each download. `replace` has no effect here.
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
    /// Sets the retention rules; `None` keeps all snapshots.
    #[must_use]
    pub fn keep(mut self, keep: impl Into<Option<Keep>>) -> Self {
        self.keep = keep.into();
        self
    }

    /// Sets the number of newest snapshots that are always kept.
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

    /// Sets whether to only report what would be done.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Sets the settings of each download.
    #[must_use]
    pub fn download(mut self, options: DownloadOptions) -> Self {
        self.download = options;
        self
    }
}
