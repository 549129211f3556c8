//! Downloads that cannot continue as they started, and still get the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use atlas_backup::{Error, Fault};
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};
use http::HeaderMap;

use crate::store::{End, backups};
use crate::stores::{add_larger, file, refused, right};
use crate::{folder, names, quietly};

#[tokio::test(start_paused = true)]
async fn a_file_whose_tag_always_changes_is_downloaded_as_one_stream() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let expected = file(&server);
    let file = expected.clone();
    let backups = backups(&server, move |number, headers| {
        let mut answer = right(&file, headers);
        answer.headers[0].1 = format!("\"{number}\"");
        answer
    });
    let folder = folder();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    assert!(std::fs::read(&saved[0].path).unwrap() == expected);
}

/// The file in the store is shorter than the one that was started.
#[tokio::test(start_paused = true)]
async fn a_file_that_was_replaced_by_a_shorter_one_after_a_kill_is_restarted() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let (longer, is_shorter) = ([&file[..], &vec![0; 9 << 20]].concat(), Arc::default());
    let (given, shorter): (_, Arc<AtomicBool>) = (file.clone(), Arc::clone(&is_shorter));
    let backups = backups(&server, move |_, headers| {
        if shorter.load(Ordering::SeqCst) {
            if headers
                .get("range")
                .is_some_and(|it| it.to_str().unwrap() > "bytes=20")
            {
                return refused(416, "");
            }
            return right(&given, headers);
        }
        let mut answer = right(&longer, headers);
        if headers.get("if-range").is_some() {
            (answer.body, answer.end) = (answer.body[..1 << 20].to_vec(), End::Hang);
        }
        answer
    });
    let folder = folder();
    let seconds = Duration::from_secs(5);
    let killed = tokio::time::timeout(seconds, quietly(&backups, FLEX_CLUSTER, &folder)).await;
    assert!(killed.is_err() && names(&folder).contains(&"s.tgz.part.json".to_owned()));
    is_shorter.store(true, Ordering::SeqCst);
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    assert!(std::fs::read(&saved[0].path).unwrap() == file);
}

/// nginx with `etag off`, and stores that weaken their tags.
#[tokio::test(start_paused = true)]
async fn a_file_without_a_strong_tag_is_resumed_by_its_last_modified_date() {
    const MOMENT: &str = "Wed, 21 Oct 2026 07:28:00 GMT";
    for tag in [None, Some("W/\"tag\"")] {
        let server = SandboxServer::start().await.unwrap();
        add_larger(&server);
        let file = file(&server);
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (given, seen) = (file.clone(), asked.clone());
        let backups = backups(&server, move |number, headers| {
            let mut answer = right(&given, &without(headers, "if-range"));
            answer.headers.remove(0);
            answer.headers.push(("last-modified", MOMENT.to_owned()));
            answer
                .headers
                .extend(tag.map(|tag| ("etag", tag.to_owned())));
            seen.lock().unwrap().push(headers.get("if-range").cloned());
            if number % 2 == 1 {
                answer.body.truncate(6 << 20);
                answer.end = End::Break;
            }
            answer
        });
        let folder = folder();
        let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
        assert!(std::fs::read(&saved[0].path).unwrap() == file);
        let asked = asked.lock().unwrap();
        assert!(
            asked[1..].iter().all(|it| it.as_ref().unwrap() == MOMENT),
            "{asked:?}"
        );
    }
}

fn without(headers: &HeaderMap, name: &str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.remove(name);
    headers
}

/// Ranges of a file that is not a snapshot.
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_a_snapshot_is_not_downloaded_to_its_end() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let fetched = Arc::new(AtomicUsize::new(0));
    let (garbage, given) = (vec![7; 400 << 20], fetched.clone());
    let backups = backups(&server, move |_, headers| {
        let answer = right(&garbage, headers);
        given.fetch_add(answer.body.len(), Ordering::SeqCst);
        answer
    });
    let folder = folder();
    let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
    let is_reported = matches!(
        error,
        Error::Unsound {
            fault: Fault::NotGzip
        }
    );
    assert!(is_reported, "{error:?}");
    let fetched = fetched.load(Ordering::SeqCst) >> 20;
    assert!(fetched < 200, "{fetched} MiB");
    assert_eq!(names(&folder), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_sends_a_byte_and_disconnects_is_final_once_patience_is_spent() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let backups = backups(&server, move |_, headers| {
        let mut answer = right(&file, headers);
        (answer.body, answer.end) = (answer.body[..1].to_vec(), End::Break);
        answer
    });
    let begun = tokio::time::Instant::now();
    let error = quietly(&backups, FLEX_CLUSTER, &folder())
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let minutes = begun.elapsed().as_secs() / 60;
    assert!((15..18).contains(&minutes), "{minutes}");
}
