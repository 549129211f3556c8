//! A multipart upload: parts in parallel and in any order; aborted when it is dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{MultipartId, PutPayload};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use super::cleanup::{Cleanup, Ended};
use super::connection::{Connection, Failed};
use super::failure::StoreFailure;
use super::url::usage;
use crate::error::Error;
use crate::fetch::Part;

/// The smallest part, except for the last; S3 requires at least 5 MiB.
const PART: u64 = 8 << 20;
/// The maximum number of parts in S3 and Google Cloud Storage.
const PARTS: u64 = 10_000;
/// The longest object that all stores support.
const LONGEST: u64 = 5 << 40;
/// The destination of an upload.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) connection: Connection,
    pub(super) cleanup: Arc<Cleanup>,
    pub(super) key: Path,
    /// The object's URL, for errors.
    pub(super) url: String,
}

/// An upload in progress. Dropping it aborts it in the background.
pub(super) struct Upload {
    place: Place,
    state: State,
    parts: Parts,
}

/// The parts that are in the store.
pub(super) type Parts = Arc<Mutex<BTreeMap<usize, String>>>;

enum State {
    Creating(JoinHandle<Result<MultipartId, Failed>>),
    Open(Open),
    /// It is being completed or aborted by a separate task.
    Ending(JoinHandle<Result<Ended, Error>>),
    Closed,
}

struct Open {
    id: MultipartId,
    sending: JoinSet<()>,
}

/// An upload whose parts are all in the store.
pub(super) struct Uploaded {
    pub(super) place: Place,
    pub(super) id: MultipartId,
    pub(super) parts: Vec<PartId>,
}

/// The length of the part at `index`, such that the parts suffice for the announced length, or
/// otherwise for the longest object.
pub(super) fn part_size(announced: Option<u64>, index: usize) -> u64 {
    const MEBIBYTE: u64 = 1 << 20;
    match announced {
        Some(length) => length.div_ceil(PARTS).next_multiple_of(MEBIBYTE).max(PART),
        // Small for a small object, since a part is held in memory.
        None => match index {
            0..1000 => PART,
            1000..2000 => 64 * MEBIBYTE,
            _ => 648 * MEBIBYTE,
        },
    }
}

impl Upload {
    /// Starts an upload, of the announced length if there is one.
    pub(super) async fn start(place: Place, announced: Option<u64>) -> Result<Self, Error> {
        if let Some(length) = announced.filter(|length| *length > LONGEST) {
            return Err(usage(format!(
                "cannot store {length} bytes at {}: an object holds 5 TiB at most; download to a \
                 file",
                place.url
            )));
        }
        let creator = place.clone();
        let creating =
            tokio::spawn(async move { creator.connection.create_upload(&creator.key).await });
        let mut upload = Self {
            place,
            state: State::Creating(creating),
            parts: Parts::default(),
        };
        // If this is dropped while it waits, only the task knows the upload.
        let State::Creating(creating) = &mut upload.state else {
            return Err(upload.lost());
        };
        let created = creating.await;
        upload.state = State::Closed;
        let created = created.map_err(|_| upload.lost())?;
        let id = created.map_err(|failed| upload.place.failed("start an upload to", failed))?;
        upload.state = State::Open(Open::new(id));
        Ok(upload)
    }

    /// Resumes an upload that another run started.
    pub(super) fn resume(place: Place, id: MultipartId, parts: BTreeMap<usize, String>) -> Self {
        Self {
            place,
            state: State::Open(Open::new(id)),
            parts: Arc::new(Mutex::new(parts)),
        }
    }

    /// Its id in the store; `None` once it is being completed or aborted.
    pub(super) fn id(&self) -> Option<&MultipartId> {
        match &self.state {
            State::Open(open) => Some(&open.id),
            _ => None,
        }
    }

    /// Sends a part, unless it is in the store; `stored` is called when it is.
    pub(super) fn put(
        &mut self,
        part: Part,
        stored: impl FnOnce(usize, &str) + Send + 'static,
    ) -> Result<(), Error> {
        if part.index as u64 >= PARTS {
            return Err(usage(format!(
                "cannot store all bytes at {}: they do not fit into {PARTS} parts; download to a \
                 file",
                self.place.url
            )));
        }
        let State::Open(open) = &mut self.state else {
            return Err(self.lost());
        };
        if lock(&self.parts).contains_key(&part.index) {
            return Ok(());
        }
        let (id, place, parts) = (open.id.clone(), self.place.clone(), self.parts.clone());
        open.sending.spawn(async move {
            let Part { index, bytes, hold } = part;
            let payload: PutPayload = bytes.into_iter().collect();
            let connection = &place.connection;
            match connection.put_part(&place.key, &id, index, payload).await {
                Ok(part) => {
                    stored(index, &part.content_id);
                    lock(&parts).insert(index, part.content_id);
                }
                Err(failed) => hold.fail(place.failed("upload a part to", failed)),
            }
        });
        Ok(())
    }

    /// Waits for all parts.
    pub(super) async fn finish(&mut self) -> Result<(), Error> {
        loop {
            let State::Open(open) = &mut self.state else {
                return Err(self.lost());
            };
            match open.sending.join_next().await {
                Some(Ok(())) => {}
                Some(Err(_)) => return Err(self.lost()),
                None => return Ok(()),
            }
        }
    }

    /// Completes the object, even if this future is dropped.
    pub(super) async fn commit<F>(mut self, commit: impl FnOnce(Uploaded) -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<Ended, Error>> + Send + 'static,
    {
        let State::Open(open) = std::mem::replace(&mut self.state, State::Closed) else {
            return Err(self.lost());
        };
        let parts = std::mem::take(&mut *lock(&self.parts));
        let uploaded = Uploaded {
            place: self.place.clone(),
            id: open.id,
            parts: parts
                .into_values()
                .map(|content_id| PartId { content_id })
                .collect(),
        };
        let ended = self.run(commit(uploaded)).await?;
        ended.map(drop)
    }

    /// Runs a task that continues if this future is dropped.
    async fn run(
        &mut self,
        task: impl Future<Output = Result<Ended, Error>> + Send + 'static,
    ) -> Result<Result<Ended, Error>, Error> {
        self.state = State::Ending(tokio::spawn(task));
        let State::Ending(ending) = &mut self.state else {
            return Err(self.lost());
        };
        let ended = ending.await;
        self.state = State::Closed;
        ended.map_err(|_| self.lost())
    }

    /// Leaves the upload to another run.
    pub(super) fn leave(mut self) {
        // Requests in progress end with their tasks.
        self.state = State::Closed;
    }

    /// Aborts an upload that another one replaces.
    pub(super) async fn give_up(mut self) -> Result<(), Error> {
        let State::Open(open) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        let place = self.place.clone();
        self.run(abort(place, open)).await?.map(drop)
    }

    /// Aborts an upload that failed; reports if it stays in the store.
    pub(super) async fn abort(mut self, error: Error) -> Error {
        let State::Open(open) = std::mem::replace(&mut self.state, State::Closed) else {
            return error;
        };
        let place = self.place.clone();
        match self.run(abort(place, open)).await {
            Ok(Err(left)) => left.left_after(error),
            _ => error,
        }
    }

    fn lost(&self) -> Error {
        self.place.lost()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        let place = self.place.clone();
        let cleanup = place.cleanup.clone();
        let Ok(runtime) = Handle::try_current() else {
            if !matches!(state, State::Closed) {
                tracing::warn!(url = %place.url, "the upload stays open: it was dropped outside of a runtime");
            }
            return;
        };
        match state {
            State::Creating(creating) => cleanup.add(runtime.spawn(async move {
                let Ok(Ok(id)) = creating.await else {
                    return Ok(Ended::Aborted);
                };
                abort(place, Open::new(id)).await
            })),
            State::Open(open) => cleanup.add(runtime.spawn(abort(place, open))),
            State::Ending(ending) => cleanup.add(ending),
            State::Closed => {}
        }
    }
}

impl Open {
    fn new(id: MultipartId) -> Self {
        Self {
            id,
            sending: JoinSet::new(),
        }
    }
}

/// Aborts an upload: first its requests, since a part that arrives later would stay.
async fn abort(place: Place, mut open: Open) -> Result<Ended, Error> {
    open.sending.shutdown().await;
    place.abort(&open.id).await
}

impl Place {
    pub(super) async fn abort(&self, id: &MultipartId) -> Result<Ended, Error> {
        let aborted = self.connection.abort(&self.key, id).await;
        aborted
            .map(|()| Ended::Aborted)
            .map_err(|failed| Error::LeftInStore {
                url: self.url.clone(),
                what: "an open multipart upload",
                source: failed.failure,
                after: None,
            })
    }

    pub(super) fn lost(&self) -> Error {
        let failure = StoreFailure::says("the upload ended early");
        self.error("upload to", "try again", failure)
    }

    pub(super) fn failed(&self, doing: &'static str, failed: Failed) -> Error {
        if failed.failure.is_of_setting() {
            return usage(failed.failure.to_string());
        }
        let hint = self.connection.hint(&failed.failure);
        self.error(doing, hint, failed.failure)
    }

    pub(super) fn error(
        &self,
        doing: &'static str,
        hint: &'static str,
        source: StoreFailure,
    ) -> Error {
        Error::Store {
            url: self.url.clone(),
            doing,
            hint,
            source,
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_parts_hold_every_length_and_none_is_too_small_or_too_large() {
        for length in [0, 1, PART, 78 << 30, (78 << 30) + 1, 1 << 40, LONGEST] {
            let size = part_size(Some(length), 0);
            assert!(length.div_ceil(size) <= PARTS, "{length}");
            assert!((5 << 20..=5 << 30).contains(&size), "{length}: {size}");
            assert!(size <= 525 << 20, "{length}: {size} in memory");
        }
        let unannounced: u64 = (0..10_000).map(|index| part_size(None, index)).sum();
        assert!(unannounced >= LONGEST, "{unannounced}");
    }
}
