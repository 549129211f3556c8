//! What a store merely says of lengths and ranges: an error, or the right file, and no panic.

use atlas_backup::Error;
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};

use crate::store::backups;
use crate::stores::{add_larger, file, right};
use crate::{folder, names, quietly};

/// Nothing may be allocated or reserved for what a header merely says.
#[tokio::test(start_paused = true)]
async fn a_length_that_no_snapshot_has_is_refused_before_anything_is_made_for_it() {
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

/// A store may say anything of the parts it gives: an error, or the right file.
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

/// What cannot pass by itself is asked for once: the same answer would come again.
#[tokio::test(start_paused = true)]
async fn a_part_that_is_malformed_is_final_and_resumed_by_the_next_run() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, given) = (asked.clone(), file.clone());
    let backups = backups(&server, move |number, headers| {
        seen.lock().unwrap().push(headers["range"].clone());
        let mut answer = right(&given, headers);
        if number == 2 {
            for (name, value) in &mut answer.headers {
                if *name == "content-range" {
                    *value = "bytes 7-9/10".to_owned();
                }
            }
        }
        answer
    });
    let folder = folder();
    let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
    assert!(!error.is_transient(), "{error:?}");
    assert!(format!("{error:?}").contains("malformed"), "{error:?}");
    let ranges = asked.lock().unwrap().clone();
    let distinct: std::collections::HashSet<_> = ranges.iter().collect();
    assert_eq!(distinct.len(), ranges.len(), "{ranges:?}");
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    assert!(std::fs::read(&saved[0].path).unwrap() == file);
}
