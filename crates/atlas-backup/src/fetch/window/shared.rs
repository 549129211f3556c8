//! What the spans of one file share: its parts, the room for them, and why it failed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;
use crate::gathered::Gathered;
use crate::inspect::Broken;

/// A part that is complete.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "object-store"),
    allow(dead_code, reason = "a writer takes its bytes in order")
)]
pub(crate) struct Part {
    pub(crate) index: usize,
    pub(crate) bytes: Vec<Bytes>,
    pub(crate) hold: Hold,
}

/// Keeps the room of a part, and ends the download if the part cannot be taken.
#[derive(Clone)]
#[cfg_attr(
    not(feature = "object-store"),
    allow(dead_code, reason = "a writer needs no more than the room")
)]
pub(crate) struct Hold {
    _room: Arc<OwnedSemaphorePermit>,
    shared: Arc<Shared>,
}

#[cfg(feature = "object-store")]
impl Hold {
    /// Ends the download.
    pub(crate) fn fail(&self, error: Error) {
        self.shared.fail(error);
    }
}

/// What the spans of one file share.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) memory: Arc<Semaphore>,
    /// Room is given to the earliest part first.
    pub(super) turn: tokio::sync::Mutex<()>,
    error: Mutex<Option<Error>>,
    /// What the check has found wrong.
    broken: Broken,
}

#[derive(Default)]
pub(super) struct State {
    /// The first part that no span has taken.
    pub(super) next: usize,
    pub(super) received: u64,
    /// Parts whose span was dropped.
    pub(super) returned: BTreeMap<usize, Filling>,
    /// `None` once all parts were handed over.
    pub(super) complete: Option<UnboundedSender<Part>>,
}

/// A part that is being filled.
pub(super) struct Filling {
    room: OwnedSemaphorePermit,
    pub(super) gathered: Gathered,
}

impl Shared {
    /// Room for so many bytes; parts that are complete go to `complete`.
    pub(super) fn new(memory: u32, complete: UnboundedSender<Part>, broken: Broken) -> Self {
        Self {
            state: Mutex::new(State {
                complete: Some(complete),
                ..State::default()
            }),
            memory: Arc::new(Semaphore::new(memory as usize)),
            turn: tokio::sync::Mutex::default(),
            error: Mutex::default(),
            broken,
        }
    }

    /// Fails once the check has found something wrong: the rest need not come.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.broken.get() {
            Some(fault) => Err(fault.clone().into()),
            None => Ok(()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Ends the download and wakes the spans that wait for room.
    pub(super) fn fail(&self, error: Error) {
        lock(&self.error).get_or_insert(error);
        self.memory.close();
    }

    pub(super) fn failed(&self) -> Error {
        let error = lock(&self.error).take();
        error.unwrap_or_else(given_up)
    }

    pub(super) async fn room(&self, size: u64, memory: u32) -> Result<OwnedSemaphorePermit, Error> {
        let size = u32::try_from(size).unwrap_or(u32::MAX).clamp(1, memory);
        let room = self.memory.clone().acquire_many_owned(size);
        room.await.map_err(|_| self.failed())
    }
}

impl Filling {
    pub(super) fn new(room: OwnedSemaphorePermit) -> Self {
        Self {
            room,
            gathered: Gathered::default(),
        }
    }

    pub(super) fn complete(mut self, index: usize, shared: &Arc<Shared>) -> Part {
        Part {
            index,
            bytes: self.gathered.take(),
            hold: Hold {
                _room: Arc::new(self.room),
                shared: shared.clone(),
            },
        }
    }
}

/// The error of a download whose output no longer takes parts.
pub(super) fn given_up() -> Error {
    let error = io::Error::other("its parts are not taken any more");
    Error::file(Path::new("the download"), "cannot be written", error)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
