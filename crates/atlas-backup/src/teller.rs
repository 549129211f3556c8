//! Events from other tasks and threads, reported by the task that polls the call.

use std::future::Future;
use std::path::Path;
use std::pin::pin;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::progress::{Event, Progress};

/// Sends events from any task or thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Teller(Option<UnboundedSender<Event>>);

/// Receives the events, for the caller to show.
pub(crate) struct Told(UnboundedReceiver<Event>);

impl Teller {
    pub(crate) fn new() -> (Self, Told) {
        let (sender, told) = unbounded_channel();
        (Self(Some(sender)), Told(told))
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Some(sender) = &self.0 {
            let _ = sender.send(event);
        }
    }

    /// Returns a function that reports how much of a file was read, and its length.
    pub(crate) fn checking<'a>(&'a self, path: &'a Path) -> impl Fn(u64, u64) + 'a {
        |read, length| {
            self.tell(Event::Checking {
                path: path.to_owned(),
                read,
                length,
            });
        }
    }
}

impl Told {
    /// Runs some work, and reports events meanwhile.
    pub(crate) async fn tell<T>(
        mut self,
        progress: Progress<'_>,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        let done = loop {
            tokio::select! {
                biased;
                Some(event) = self.0.recv() => progress.tell(event),
                done = &mut work => break done,
            }
        };
        // Events that another thread sent just before the work was done.
        while let Ok(event) = self.0.try_recv() {
            progress.tell(event);
        }
        done
    }
}
