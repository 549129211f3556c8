//! The background tasks of dropped uploads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use crate::error::Error;

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Aborted,
    /// A lease was released.
    Released,
    Stored {
        url: String,
    },
}

/// The results of the uploads of dropped downloads.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Settled {
    /// The number of aborted uploads. Azure removes the parts of such an upload itself, after a
    /// week; nothing is left in the other stores.
    pub aborted: usize,
    /// The URLs of objects whose completion was in progress and has succeeded.
    pub stored: Vec<String>,
    /// Uploads that could not be aborted, and objects that could not be completed.
    pub failed: Vec<Error>,
}

/// The tasks of dropped uploads, and the manifests of incomplete objects.
#[derive(Debug, Default)]
pub(super) struct Cleanup {
    tasks: Mutex<Vec<JoinHandle<Result<Ended, Error>>>>,
    /// The URLs of manifests whose object is being completed.
    incomplete: Mutex<Vec<String>>,
}

/// From this number on, finished tasks are forgotten.
const KEPT: usize = 64;

impl Cleanup {
    pub(super) fn add(&self, task: JoinHandle<Result<Ended, Error>>) {
        let mut tasks = lock(&self.tasks);
        if tasks.len() >= KEPT {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(task);
    }

    /// Records a manifest as incomplete until the returned value is dropped.
    pub(super) fn completing(self: &Arc<Self>, manifest: String) -> Completing {
        let mut incomplete = lock(&self.incomplete);
        incomplete.push(manifest.clone());
        Completing {
            cleanup: self.clone(),
            manifest,
        }
    }

    pub(super) fn incomplete(&self) -> Vec<String> {
        lock(&self.incomplete).clone()
    }

    /// Waits for all tasks.
    pub(super) async fn settle(&self) -> Settled {
        let mut settled = Settled::default();
        loop {
            let task = lock(&self.tasks).pop();
            let Some(task) = task else {
                return settled;
            };
            match task.await {
                Ok(Ok(Ended::Aborted)) => settled.aborted += 1,
                Ok(Ok(Ended::Stored { url })) => settled.stored.push(url),
                Ok(Err(error)) => settled.failed.push(error),
                // The runtime is shutting down, or a lease was released.
                Err(_) | Ok(Ok(Ended::Released)) => {}
            }
        }
    }
}

/// A manifest whose object is being completed.
#[derive(Debug)]
pub(super) struct Completing {
    cleanup: Arc<Cleanup>,
    manifest: String,
}

impl Drop for Completing {
    fn drop(&mut self) {
        let mut incomplete = lock(&self.cleanup.incomplete);
        if let Some(index) = incomplete.iter().position(|it| *it == self.manifest) {
            incomplete.swap_remove(index);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
