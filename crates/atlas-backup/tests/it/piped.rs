//! Downloads to a writer.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use atlas_backup::{Backups, DownloadOptions, Error, Event, Manifest, Pick};
use atlas_sandbox::{FLEX_CLUSTER, SHARDED_CLUSTER, SandboxServer};
use http::HeaderMap;

use crate::store::{Answer, End, backups};
use crate::stores::{add_larger, file, refused, right};
use crate::{growing, name, project};

/// The written bytes; fails after `limit` bytes.
#[derive(Clone)]
struct Sink {
    written: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap();
        if written.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sink(limit: usize) -> Sink {
    Sink {
        written: Arc::default(),
        limit,
    }
}

async fn pipe(
    backups: &Backups,
    cluster: &str,
    sink: &Sink,
    tell: impl FnMut(Event) + Send,
) -> Result<Manifest, Error> {
    let (cluster, options) = (name(cluster), DownloadOptions::default());
    let writer = sink.clone();
    backups
        .download_to_writer(project(), &cluster, &Pick::Latest, writer, &options, tell)
        .await
}

type Script = fn(&[u8], usize, &HeaderMap) -> Answer;

#[tokio::test(start_paused = true)]
async fn each_byte_is_written_once_and_in_order_whatever_the_store_does() {
    let scripts: [(&str, Script); 5] = [
        ("all well", |file, _, headers| right(file, headers)),
        ("breaks", |file, number, headers| {
            let mut answer = right(file, headers);
            if number % 3 != 0 {
                answer.body.truncate(1 << 20);
                answer.end = End::Break;
            }
            answer
        }),
        ("links end", |file, number, headers| match number {
            3 | 5 => refused(403, ""),
            _ => right(file, headers),
        }),
        ("no ranges", |file, _, _| right(file, &HeaderMap::new())),
        ("no ranges, breaks", |file, number, _| {
            let mut answer = right(file, &HeaderMap::new());
            if number < 5 {
                answer.body.truncate(number * (4 << 20));
                answer.end = End::Break;
            }
            answer
        }),
    ];
    for (what, script) in scripts {
        let server = SandboxServer::start().await.unwrap();
        add_larger(&server);
        let file = file(&server);
        let given = file.clone();
        let backups = backups(&server, move |number, headers| {
            script(&given, number, headers)
        });
        let sink = sink(usize::MAX);
        let manifest = pipe(&backups, FLEX_CLUSTER, &sink, growing()).await;
        let manifest = manifest.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(manifest.bytes, file.len() as u64, "{what}");
        assert!(*sink.written.lock().unwrap() == file, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_after_its_first_bytes_ends_the_download() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let backups = backups(&server, move |number, headers| {
        let mut answer = right(&file, headers);
        if number > 5 {
            answer.headers[0].1 = "\"other\"".to_owned();
        } else if number > 1 {
            answer.body.truncate(answer.body.len() / 2);
            answer.end = End::Break;
        }
        answer
    });
    let error = pipe(&backups, FLEX_CLUSTER, &sink(usize::MAX), |_| ()).await;
    assert!(matches!(error, Err(Error::Changed)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_closed_reader_ends_the_download_and_a_sharded_snapshot_is_refused() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let backups = backups(&server, move |_, headers| right(&file, headers));
    let error = pipe(&backups, FLEX_CLUSTER, &sink(5 << 20), |_| ()).await;
    assert!(matches!(error, Err(Error::File { .. })), "{error:?}");
    let sharded = sink(usize::MAX);
    let error = pipe(&backups, SHARDED_CLUSTER, &sharded, |_| ()).await;
    assert!(
        matches!(error, Err(Error::SeveralFiles { files: 2 })),
        "{error:?}"
    );
    assert_eq!(sharded.written.lock().unwrap().len(), 0);
}
