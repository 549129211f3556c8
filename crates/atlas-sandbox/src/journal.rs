//! The journal: the last requests of a server, for assertions in tests.

mod filter;
mod record;
mod redact;
mod urls;
mod users;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode};
use jiff::Timestamp;

use crate::faults::Matched;
use record::Draft;

pub(crate) use filter::Filter;
pub use filter::JournalQueryError;
pub use record::RecordedRequest;

/// The path of a request without secrets, as the journal shows it.
pub(crate) fn shown_path(path: &str) -> String {
    urls::target(path)
}

/// The last requests of a [`SandboxServer`](crate::SandboxServer).
///
/// Control requests and requests for the page are not recorded. The journal keeps 1,000 requests by
/// default ([`SandboxBuilder::journal`](crate::SandboxBuilder::journal)) and at most 16 MiB; the
/// oldest are dropped first. Of each request it keeps 8 KiB of the target, 8 KiB of headers and a
/// body of at most 64 KiB.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use atlas_sandbox::SandboxServer;
///
/// let server = SandboxServer::start().await?;
/// let journal = server.journal();
/// assert!(journal.find("operation=createGroupFlexCluster&status=201")?.is_empty());
/// assert_eq!(
///     journal.find("operation=getGroups").unwrap_err().to_string(),
///     "invalid operation: no such operation \"getGroups\"; did you mean \"getGroup\"?",
/// );
/// # Ok(())
/// # }
/// ```
pub struct Journal {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    requests: VecDeque<RecordedRequest>,
    /// The memory used by the requests.
    bytes: usize,
    /// The number of requests since the start.
    last: u64,
    /// The number of requests since the last reset.
    recorded: u64,
    /// The number of resets.
    resets: u64,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.min(MAX_REQUESTS),
            state: Mutex::default(),
        }
    }

    /// Returns the kept requests, the oldest first, in the order of their responses.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.iter().cloned().collect()
    }

    /// Returns the kept requests that match a query of `GET /sandbox/requests`, the oldest first.
    ///
    /// The query is form-encoded; a request must match all parts: `operation` (an id, a former id
    /// or `tag.shortId`), `method`, `status` (a number, or `none` if a fault or the client ended
    /// the request without one), `path` (a prefix), `since` (only requests with a higher number)
    /// and `limit` (the maximum number of requests, the newest).
    ///
    /// # Errors
    /// [`JournalQueryError`] if a part is unknown, repeated or can match nothing.
    pub fn find(&self, query: &str) -> Result<Vec<RecordedRequest>, JournalQueryError> {
        Ok(self.matching(&Filter::parse(query)?))
    }

    pub(crate) fn matching(&self, filter: &Filter) -> Vec<RecordedRequest> {
        // Filtering takes long, so it runs without the lock.
        let mut requests = self.requests();
        requests.retain(|request| filter.fits(request));
        let surplus = requests.len().saturating_sub(filter.limit());
        requests.drain(..surplus);
        requests
    }

    /// The newest requests, the oldest of them first.
    pub(crate) fn latest(&self, count: usize) -> Vec<RecordedRequest> {
        let state = self.state();
        let before = state.requests.len().saturating_sub(count);
        state.requests.iter().skip(before).cloned().collect()
    }

    /// Returns the number of requests since the start or the last [`clear`](Self::clear), including
    /// those that are no longer kept.
    pub fn recorded(&self) -> u64 {
        self.state().recorded
    }

    /// Returns the number of the last request; 0 before the first.
    pub fn last(&self) -> u64 {
        self.state().last
    }

    /// Removes all requests. Their numbers are not reused.
    pub fn clear(&self) {
        let mut state = self.state();
        state.requests = VecDeque::new();
        state.bytes = 0;
        state.recorded = 0;
        state.resets += 1;
    }

    /// Starts recording a request, which is recorded when it is [finished](Recording::finish) or
    /// dropped. The body is `None` if it was not read.
    pub(crate) fn begin<B>(
        self: &Arc<Self>,
        at: Timestamp,
        request: &Request<B>,
        body: Option<&Bytes>,
    ) -> Recording {
        let draft = (self.capacity > 0).then(|| Draft::new(at, request, body));
        Recording {
            resets: self.state().resets,
            journal: self.clone(),
            draft,
            fault: None,
            ended: false,
        }
    }

    /// Records a request, unless the journal was reset after it began.
    fn push(&self, resets: u64, draft: Option<Draft>, end: End<'_>) {
        let mut state = self.state();
        if state.resets != resets {
            return;
        }
        state.last += 1;
        state.recorded += 1;
        let Some(draft) = draft else {
            return;
        };
        let request = draft.finish(state.last, end);
        state.bytes += request.memory();
        state.requests.push_back(request);
        while state.requests.len() > self.capacity || state.bytes > MAX_BYTES {
            let Some(oldest) = state.requests.pop_front() else {
                break;
            };
            state.bytes = state.bytes.saturating_sub(oldest.memory());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Journal")
            .field("capacity", &self.capacity)
            .field("kept", &state.requests.len())
            .field("recorded", &state.recorded)
            .finish_non_exhaustive()
    }
}

/// The end of a request.
struct End<'a> {
    /// `None` if there was no response.
    status: Option<StatusCode>,
    fault: Option<Matched>,
    ignored_fields: &'a [String],
}

/// A request in progress. If it is dropped early, it has no status: its client disconnected.
pub(crate) struct Recording {
    journal: Arc<Journal>,
    /// The number of resets when the request began.
    resets: u64,
    draft: Option<Draft>,
    fault: Option<Matched>,
    ended: bool,
}

impl Recording {
    /// Sets the rule of the fault plan that acts on it.
    pub(crate) fn with_fault(mut self, fault: Option<&Matched>) -> Self {
        self.fault = fault.cloned();
        self
    }

    /// Records the request with the status of its response, or as ended by a fault.
    pub(crate) fn finish(mut self, status: Option<StatusCode>, ignored_fields: &[String]) {
        self.end(status, ignored_fields);
    }

    fn end(&mut self, status: Option<StatusCode>, ignored_fields: &[String]) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let end = End {
            status,
            fault: self.fault.take(),
            ignored_fields,
        };
        self.journal.push(self.resets, self.draft.take(), end);
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.end(None, &[]);
    }
}

/// The maximum number of requests of a journal.
pub(crate) const MAX_REQUESTS: usize = 100_000;
/// The default number of requests of a journal.
pub(crate) const DEFAULT_REQUESTS: usize = 1000;
/// The maximum memory for the requests of a journal.
const MAX_BYTES: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_began_before_a_reset_is_not_recorded_after_it() {
        let journal = Arc::new(Journal::new(10));
        let request = Request::get("/api/atlas/v2/groups").body(()).unwrap();
        let begin = || journal.begin(Timestamp::UNIX_EPOCH, &request, None);
        let (early, dropped) = (begin(), begin());
        journal.clear();
        begin().finish(Some(StatusCode::OK), &[]);
        early.finish(Some(StatusCode::OK), &[]);
        drop(dropped);
        assert_eq!(journal.requests().len(), 1);
    }
}
