//! What uploads that were dropped leave to be done.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

use crate::error::Error;

/// How an upload ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    Aborted,
    Stored { url: String },
}

/// What became of the uploads whose download was dropped.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Settled {
    /// How many uploads were aborted. Azure removes the parts of such an upload by itself, after a
    /// week; nothing is left in the other stores.
    pub aborted: usize,
    /// The URLs of objects that were being completed, and now are.
    pub stored: Vec<String>,
    /// Uploads that could not be aborted, and objects that could not be completed.
    pub failed: Vec<Error>,
}

/// The tasks of uploads that were dropped.
#[derive(Debug, Default)]
pub(super) struct Cleanup(Mutex<Vec<JoinHandle<Result<Ended, Error>>>>);

/// From this many on, the results of those that ended are forgotten.
const KEPT: usize = 64;

impl Cleanup {
    pub(super) fn add(&self, task: JoinHandle<Result<Ended, Error>>) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() >= KEPT {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(task);
    }

    /// Waits for all tasks.
    pub(super) async fn settle(&self) -> Settled {
        let mut settled = Settled::default();
        loop {
            let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(task) = task else {
                return settled;
            };
            match task.await {
                Ok(Ok(Ended::Aborted)) => settled.aborted += 1,
                Ok(Ok(Ended::Stored { url })) => settled.stored.push(url),
                Ok(Err(error)) => settled.failed.push(error),
                // The runtime ends.
                Err(_) => {}
            }
        }
    }
}
