//! The shared state of the spans of one file: its parts, their memory, and the error.

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

/// Keeps the memory of a part reserved, and ends the download if the part is not accepted.
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

/// The shared state of the spans of one file.
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) memory: Arc<Semaphore>,
    /// Memory is granted to the earliest part first.
    pub(super) turn: tokio::sync::Mutex<()>,
    error: Mutex<Option<Error>>,
    /// The defect that the check has found.
    broken: Broken,
}

#[derive(Default)]
pub(super) struct State {
    /// The first part that no span covers yet.
    pub(super) next: usize,
    pub(super) received: u64,
    /// Parts of dropped spans.
    pub(super) returned: BTreeMap<usize, Filling>,
    /// `None` once all parts were passed on.
    pub(super) complete: Option<UnboundedSender<Part>>,
}

/// A part that is being filled.
pub(super) struct Filling {
    room: OwnedSemaphorePermit,
    pub(super) gathered: Gathered,
}

impl Shared {
    /// `memory` bytes are available; complete parts are sent to `complete`.
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

    /// Fails once the check has found a defect: the rest need not be downloaded.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.broken.get() {
            Some(fault) => Err(fault.clone().into()),
            None => Ok(()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Ends the download and wakes spans that wait for memory.
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

/// The error of a download whose output accepts no more parts.
pub(super) fn given_up() -> Error {
    let error = io::Error::other("the output accepts no more parts");
    Error::file(Path::new("the download"), "cannot be written", error)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
