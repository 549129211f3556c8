//! Checking the objects of a folder by reading them to their ends.

use std::path::Path;

use atlas_model::SnapshotId;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::connection::Streamed;
use super::objects::Objects;
use crate::checksums::Checksums;
use crate::error::{Error, Scope};
use crate::fault::Fault;
use crate::fetch::Chunks;
use crate::folder::{Damage, State};
use crate::inspect::{Inspection, TOLD};
use crate::manifest::Manifest;
use crate::progress::{Event, Progress, Reporter, silent};

/// How many chunks may wait for the check.
const WAITING: usize = 16;

impl Objects {
    /// Reads the objects of snapshots to their ends, unless they are known to be unchanged since
    /// they were found sound. Returns the damaged ones, and those that could not be read, which may
    /// be sound anyway.
    ///
    /// # Errors
    /// An outage of the store, which would affect the other objects too.
    pub(super) async fn check(
        &mut self,
        snapshots: impl Fn(SnapshotId) -> bool,
        all: bool,
        progress: Progress<'_>,
    ) -> Result<(Vec<Damage>, Vec<(SnapshotId, Error)>), Error> {
        let files = self.held.files().filter(|(_, file)| {
            let is_unread = file.state == State::Unchanged || all && file.state == State::Read;
            is_unread && self.held.is_own(&file.manifest) && snapshots(file.manifest.snapshot)
        });
        let files: Vec<_> = files
            .map(|(path, file)| (path.clone(), file.manifest.clone()))
            .collect();
        let (mut damaged, mut unread) = (Vec::new(), Vec::new());
        for (path, manifest) in files {
            let name = path.to_string_lossy().into_owned();
            let opened = match self.open(&name).await {
                Err(error) if error.scope() == Scope::All => return Err(error),
                opened => opened,
            };
            let verified = match opened {
                Ok(stream) => self.verify(stream, &name, &manifest, progress).await,
                Err(error) => Err(error),
            };
            let state = match verified {
                Ok(()) => State::Read,
                Err(error @ Error::Unsound { .. }) => {
                    damaged.push(Damage {
                        snapshot: manifest.snapshot,
                        taken: manifest.taken(),
                        path: self.url_of(&name).into(),
                        error,
                    });
                    State::Damaged
                }
                Err(error) => {
                    unread.push((manifest.snapshot, error));
                    continue;
                }
            };
            if let Some(file) = self.held.file_mut(&path) {
                file.state = state;
            }
        }
        Ok((damaged, unread))
    }

    async fn open(&self, name: &str) -> Result<Streamed, Error> {
        let opened = self.connection.stream(&self.key(name)?).await;
        let (_, stream) = opened.map_err(|failed| self.failed("read", name, failed))?;
        Ok(stream)
    }

    /// Compares an object with its manifest, byte for byte.
    async fn verify(
        &self,
        mut stream: Streamed,
        name: &str,
        manifest: &Manifest,
        progress: Progress<'_>,
    ) -> Result<(), Error> {
        let mut announced = Checksums::default();
        announced
            .0
            .insert("sha256".to_owned(), manifest.sha256.clone());
        let failed = |failed| self.failed("read", name, failed);
        let (sender, chunks) = mpsc::channel(WAITING);
        let url = self.url_of(name);
        let inspection = Inspection::read(Path::new(&url), Chunks::new(chunks), &announced)?;
        let tell = |read| {
            progress.tell(Event::Checking {
                path: url.clone().into(),
                read,
                length: manifest.bytes,
            });
        };
        tell(0);
        let (mut read, mut told) = (0_u64, 0_u64);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(failed)?;
            read = read.saturating_add(chunk.len() as u64);
            let _ = sender.send(chunk).await;
            if read.saturating_sub(told) >= TOLD {
                told = read;
                tell(read);
            }
        }
        drop(sender);
        let quiet: Progress<'_> = &Reporter::new(silent);
        let found = inspection.finish(None, quiet).await?;
        if found.bytes == manifest.bytes {
            if told < found.bytes {
                tell(found.bytes);
            }
            return Ok(());
        }
        Err(Fault::Length {
            found: found.bytes,
            expected: manifest.bytes,
        }
        .into())
    }
}
