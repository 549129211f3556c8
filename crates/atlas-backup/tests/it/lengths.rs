//! Lengths and ranges in a store's headers: an error or the right file, and no panic.

use atlas_backup::Error;
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};

use crate::store::backups;
use crate::stores::{add_larger, file, right};
use crate::{folder, names, quietly};

/// Nothing may be allocated or reserved for a length in a header.
#[tokio::test(start_paused = true)]
async fn an_implausible_length_is_refused_before_anything_is_allocated() {
    for length in ["288230376151711744", "18446744073709551615"] {
        let server = SandboxServer::start().await.unwrap();
        let given = file(&server);
        let backups = backups(&server, move |_, headers| {
            let mut answer = right(&given, headers);
            answer.headers.retain(|(name, _)| *name != "content-length");
            for (name, value) in &mut answer.headers {
                if *name == "content-range" {
                    *value = format!("bytes 0-8388607/{length}");
                }
            }
            answer
        });
        let folder = folder();
        let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
        assert!(matches!(error, Error::TooLong { .. }), "{error:?}");
        assert!(error.to_string().contains(length), "{error}");
        assert_eq!(names(&folder), Vec::<String>::new());
    }
}

/// A store may send any headers with its parts: an error, or the right file.
#[tokio::test(start_paused = true)]
async fn no_content_range_or_length_makes_a_download_panic() {
    let numbers = [
        "0",
        "1",
        "8388607",
        "9223372036854775807",
        "18446744073709551615",
    ];
    for last in numbers {
        for length in numbers.into_iter().chain(["*", "99999999999999999999"]) {
            for announced in [None, Some("0"), Some("18446744073709551615")] {
                let server = SandboxServer::start().await.unwrap();
                let given = file(&server);
                let right_file = given.clone();
                let backups = backups(&server, move |number, headers| {
                    let mut answer = right(&given, headers);
                    if number > 1 {
                        return answer;
                    }
                    for (name, value) in &mut answer.headers {
                        if *name == "content-range" {
                            *value = format!("bytes 0-{last}/{length}");
                        }
                    }
                    answer.headers.retain(|(name, _)| *name != "content-length");
                    if let Some(announced) = announced {
                        let announced = announced.to_owned();
                        answer.headers.push(("content-length", announced));
                    }
                    answer
                });
                let folder = folder();
                if let Ok(saved) = quietly(&backups, FLEX_CLUSTER, &folder).await {
                    assert!(std::fs::read(&saved[0].path).unwrap() == right_file);
                }
            }
        }
    }
}

/// The server does not support ranges: the file is restarted, and finally requested as a whole.
#[tokio::test(start_paused = true)]
async fn a_store_with_malformed_parts_sends_the_file_in_the_end() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, given) = (asked.clone(), file.clone());
    let backups = backups(&server, move |_, headers| {
        let range = headers
            .get("range")
            .map(|it| it.to_str().unwrap().to_owned());
        let is_later = range.as_ref().is_some_and(|it| !it.starts_with("bytes=0-"));
        seen.lock().unwrap().push(range);
        let mut answer = right(&given, headers);
        if is_later {
            for (name, value) in &mut answer.headers {
                if *name == "content-range" {
                    *value = "bytes 7-9/10".to_owned();
                }
            }
        }
        answer
    });
    let folder = folder();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    assert!(std::fs::read(&saved[0].path).unwrap() == file);
    let asked = asked.lock().unwrap().clone();
    let first = asked
        .iter()
        .flatten()
        .filter(|it| it.starts_with("bytes=0-"));
    assert_eq!(first.count(), 2, "{asked:?}");
    assert_eq!(asked.last(), Some(&None), "the last time as a whole");
}
