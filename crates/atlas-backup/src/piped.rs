//! Downloading a snapshot to a writer, such as standard output, in order and without repetition.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use atlas_model::{ClusterName, ProjectId};
use bytes::Bytes;

use crate::asking::Asking;
use crate::backups::Backups;
use crate::error::Error;
use crate::fetch::{DownloadJob, Output, Part, Window, workers};
use crate::journal::Head;
use crate::manifest::Manifest;
use crate::one_file::OneFile;
use crate::options::DownloadOptions;
use crate::progress::{Event, Progress, Reporter};
use crate::retries::Retries;
use crate::snapshot::Pick;

/// The length of a part: each connection has one in memory, and two more wait for the writer.
const PART: u64 = 4 << 20;
/// The maximum number of parts in memory.
const PARTS: usize = 32;

impl Backups {
    /// Downloads a snapshot with a single file to a writer, and returns its manifest.
    ///
    /// The bytes are written in order, as soon as they are received; the check runs at the same
    /// time. **Whether the snapshot is sound is known only at the end**: the reader at the other
    /// end of a pipe must not trust it before this call has succeeded. After a failure of the link
    /// or the connection the download is resumed. A file that changes in the store ends it, as does
    /// the end of the process.
    ///
    /// Uses 4 MiB of memory for each connection and 8 MiB more, at most 128 MiB.
    /// [`replace`](DownloadOptions::replace) has no effect.
    ///
    /// # Errors
    /// [`Error::SeveralFiles`] for a sharded cluster, before anything is written; [`Error::File`]
    /// if the writer fails; any other [`Error`]. After an error, the written bytes are useless.
    pub async fn download_to_writer(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        writer: impl Write + Send + 'static,
        options: &DownloadOptions,
        progress: impl FnMut(Event) + Send,
    ) -> Result<Manifest, Error> {
        let progress = &Reporter::new(progress);
        let (retries, told) = Retries::watched(self.client(), options.patience);
        let to = Destination {
            writer,
            options,
            retries: &retries,
            progress,
        };
        let piping = self.pipe(project, cluster, pick, to);
        told.tell(progress, Box::pin(piping)).await
    }

    async fn pipe(
        &self,
        project: ProjectId,
        cluster: &ClusterName,
        pick: &Pick,
        to: Destination<'_, impl Write + Send + 'static>,
    ) -> Result<Manifest, Error> {
        let Destination {
            writer,
            options,
            retries,
            progress,
        } = to;
        let place = retries.run(|| self.place(project, cluster)).await?;
        let picked = retries.run(|| self.picked(&place, pick)).await?;
        let snapshot = picked.snapshot;
        if snapshot.shards > 1 {
            let files = snapshot.shards;
            return Err(Error::SeveralFiles { files });
        }
        let asking = Asking::new(
            self.client(),
            &place,
            &snapshot,
            &options.wait,
            retries,
            progress,
        )
        .existing(picked.job);
        let job = asking.ready().await?;
        let [link] = &*job.links else {
            let files = job.links.len();
            return Err(Error::SeveralFiles { files });
        };
        let connections = workers(options.connections);
        let output = Arc::new(Piped {
            writer: Arc::new(Mutex::new(writer)),
            parts: (connections + 2).min(PARTS),
            is_begun: AtomicBool::new(false),
        });
        let links = asking.links(0);
        let mut download = DownloadJob::new(self, connections, retries, links, progress);
        let mut window = Window::new(output.clone(), NAME.to_owned(), progress);
        let found = download.run(link.url.clone(), &mut window).await?;
        drop(window);
        let flushed = output.with_writer(Write::flush).await;
        flushed.map_err(unwritable)?;
        let file = OneFile::new(&place, &snapshot, None, &job);
        Ok(file.manifest(found.bytes, found.sha256))
    }
}

/// The destination of a snapshot, and how it is written.
struct Destination<'a, W> {
    writer: W,
    options: &'a DownloadOptions,
    retries: &'a Retries,
    progress: Progress<'a>,
}

/// The name of the writer in errors.
const NAME: &str = "the output";

fn unwritable(error: io::Error) -> Error {
    Error::file(Path::new(NAME), "cannot be written", error)
}

/// A writer as the output of a download.
struct Piped<W> {
    writer: Arc<Mutex<W>>,
    parts: usize,
    is_begun: AtomicBool,
}

impl<W: Write + Send + 'static> Piped<W> {
    /// Runs blocking work on a thread for it.
    async fn with_writer(
        &self,
        work: impl FnOnce(&mut W) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let writer = self.writer.clone();
        let done = tokio::task::spawn_blocking(move || {
            work(&mut writer.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await?
    }
}

impl<W: Write + Send + 'static> Output for Piped<W> {
    fn part_size(&self, _: Option<u64>, _: usize) -> u64 {
        PART
    }

    fn memory(&self) -> u32 {
        u32::try_from(self.parts as u64 * PART).unwrap_or(u32::MAX)
    }

    async fn resume(&self) -> Result<Option<Head>, Error> {
        Ok(None)
    }

    async fn begin(&self, _: Option<&Head>, _: Option<u64>) -> Result<(), Error> {
        Ok(())
    }

    fn put(&self, _: Part) -> Result<(), Error> {
        Ok(())
    }

    async fn next(&self, bytes: &Bytes) -> Result<(), Error> {
        self.is_begun.store(true, Ordering::SeqCst);
        let bytes = bytes.clone();
        let written = self.with_writer(move |writer| writer.write_all(&bytes));
        written.await.map_err(unwritable)
    }

    fn can_restart(&self) -> bool {
        !self.is_begun.load(Ordering::SeqCst)
    }

    async fn settle(&self) -> Result<(), Error> {
        Ok(())
    }
}
