//! Stores that misbehave: either the right file, or a clear error and no file.

use atlas_backup::{Error, Event, Fault, verify};
use atlas_sandbox::{FLEX_CLUSTER, SandboxServer};
use http::HeaderMap;

use crate::store::{Answer, End, backups};
use crate::{folder, growing, latest, name, names, project, quietly};

const TAG: &str = "\"tag\"";

/// The file that the store should send.
pub(crate) fn file(server: &SandboxServer) -> Vec<u8> {
    server.with(|sandbox| {
        let cluster = name(FLEX_CLUSTER);
        let newest = *sandbox.snapshots(project(), &cluster).last().unwrap();
        sandbox
            .snapshot_file(project(), &cluster, newest)
            .unwrap()
            .to_vec()
    })
}

/// Adds a snapshot of 20 MiB, which is the newest.
pub(crate) fn add_larger(server: &SandboxServer) {
    server.with(|sandbox| {
        let snapshot = "32b6e34b3d91647abb20e7aa".parse().unwrap();
        let taken = "2026-02-01T00:00:00Z".parse().unwrap();
        sandbox.add_snapshot_at(project(), &name(FLEX_CLUSTER), snapshot, 20 << 20, taken);
    });
}

/// The first and last byte of a requested range.
fn asked(headers: &HeaderMap) -> Option<(usize, usize)> {
    let range = headers.get("range")?.to_str().unwrap();
    let (first, last) = range
        .strip_prefix("bytes=")
        .unwrap()
        .split_once('-')
        .unwrap();
    Some((first.parse().unwrap(), last.parse().unwrap()))
}

fn whole(file: &[u8]) -> Answer {
    Answer {
        status: 200,
        headers: vec![
            ("etag", TAG.to_owned()),
            ("content-length", file.len().to_string()),
        ],
        body: file.to_vec(),
        end: End::Whole,
    }
}

/// The response of a correct store.
pub(crate) fn right(file: &[u8], headers: &HeaderMap) -> Answer {
    let Some((first, last)) = asked(headers) else {
        return whole(file);
    };
    if headers.get("if-range").is_some_and(|tag| tag != TAG) {
        return whole(file);
    }
    let last = last.min(file.len() - 1);
    let mut answer = whole(&file[first..=last]);
    answer.status = 206;
    answer.headers.push((
        "content-range",
        format!("bytes {first}-{last}/{}", file.len()),
    ));
    answer
}

pub(crate) fn refused(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", "application/xml".to_owned())],
        body: body.as_bytes().to_vec(),
        end: End::Whole,
    }
}

type Change = fn(usize, &mut Answer);

/// Every misbehavior after which the right file is downloaded.
#[tokio::test(start_paused = true)]
async fn transient_and_optional_failures_end_with_the_right_file() {
    let cases: Vec<(&str, Change)> = vec![
        ("nothing", |_, _| {}),
        ("a weak tag", |_, answer| {
            answer.headers[0].1 = "W/\"tag\"".to_owned();
        }),
        ("no tag", |_, answer| {
            answer.headers.remove(0);
        }),
        ("no length", |_, answer| {
            answer.headers.retain(|(name, _)| *name != "content-length");
        }),
        ("an unknown total", |_, answer| {
            for (name, value) in &mut answer.headers {
                if *name == "content-range" {
                    let (range, _) = value.split_once('/').unwrap();
                    *value = format!("{range}/*");
                }
            }
        }),
        ("breaks twice", |number, answer| {
            if number <= 2 {
                answer.body.truncate(answer.body.len() / 2);
                answer.end = End::Break;
            }
        }),
        ("hangs once", |number, answer| {
            if number == 1 {
                answer.body.truncate(100_000);
                answer.end = End::Hang;
            }
        }),
        ("is busy twice", |number, answer| {
            if number <= 2 {
                *answer = refused(503, "<Error><Code>SlowDown</Code></Error>");
            }
        }),
        ("a wrong range once", |number, answer| {
            if number == 1 {
                for (name, value) in &mut answer.headers {
                    if *name == "content-range" {
                        *value = "bytes 7-9/10".to_owned();
                    }
                }
            }
        }),
        ("a short response without a length", |number, answer| {
            if number == 1 {
                answer.headers.retain(|(name, _)| *name != "content-length");
                answer.body.truncate(1000);
            }
        }),
        ("an expired link once", |number, answer| {
            if number == 1 {
                *answer = refused(403, "<Error><Code>ExpiredToken</Code></Error>");
            }
        }),
        (
            "an expired link in the words of Google",
            |number, answer| {
                if number == 1 {
                    *answer = refused(400, "<Error><Code>ExpiredToken</Code></Error>");
                }
            },
        ),
    ];
    for (what, change) in cases {
        let server = SandboxServer::start().await.unwrap();
        let file = file(&server);
        let folder = folder();
        let given = file.clone();
        let backups = backups(&server, move |number, headers| {
            let mut answer = right(&given, headers);
            change(number, &mut answer);
            answer
        });
        let saved = latest(&backups, FLEX_CLUSTER, &folder, growing()).await;
        let saved = saved.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(std::fs::read(&saved[0].path).unwrap() == file, "{what}");
        assert!(verify(&saved[0].path).is_ok(), "{what}");
        assert_eq!(names(&folder), ["s.tgz", "s.tgz.json"], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_without_ranges_sends_the_file_in_one_stream() {
    let server = SandboxServer::start().await.unwrap();
    add_larger(&server);
    let file = file(&server);
    let given = file.clone();
    let backups = backups(&server, move |number, _| {
        let mut answer = whole(&given);
        if number == 1 {
            answer.body.truncate(given.len() / 2);
            answer.end = End::Break;
        }
        answer
    });
    let folder = folder();
    let (mut growing, mut again) = (growing(), 0);
    let progress = |event| {
        again += u32::from(event == Event::StartedOver);
        growing(event);
    };
    let saved = latest(&backups, FLEX_CLUSTER, &folder, progress).await;
    assert!(std::fs::read(&saved.unwrap()[0].path).unwrap() == file);
    assert_eq!(again, 1, "the stream broke once");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_returns_416_for_any_range_is_asked_for_the_whole_file() {
    let server = SandboxServer::start().await.unwrap();
    let file = file(&server);
    let given = file.clone();
    let backups = backups(&server, move |_, headers| match asked(headers) {
        Some(_) => refused(416, ""),
        None => whole(&given),
    });
    let folder = folder();
    let saved = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap();
    assert!(std::fs::read(&saved[0].path).unwrap() == file);
}

/// The misbehavior, how it is produced, and the expected error.
type Broken = (
    &'static str,
    Box<dyn Fn(&mut Answer) + Send>,
    fn(&Error) -> bool,
);

/// Every misbehavior that must fail.
#[allow(clippy::too_many_lines, reason = "a table of cases")]
#[tokio::test(start_paused = true)]
async fn a_file_that_is_not_the_snapshot_never_gets_its_name() {
    let sum = |name: &'static str, value: &'static str| {
        move |answer: &mut Answer| answer.headers.push((name, value.to_owned()))
    };
    let cases: Vec<Broken> = vec![
        (
            "a page",
            Box::new(|answer| *answer = whole(b"<html>expired</html>")),
            |error| {
                matches!(
                    error,
                    Error::Unsound {
                        fault: Fault::NotGzip
                    }
                )
            },
        ),
        (
            "nothing",
            Box::new(|answer| *answer = whole(b"")),
            |error| {
                matches!(
                    error,
                    Error::Unsound {
                        fault: Fault::NotGzip
                    }
                )
            },
        ),
        (
            "half a file that is announced as whole",
            Box::new(|answer| {
                let half = answer.body.len() / 2;
                *answer = whole(&answer.body[..half]);
            }),
            |error| matches!(error, Error::Unsound { fault: Fault::Gzip }),
        ),
        (
            "gzip without a tar",
            Box::new(|answer| {
                // An empty gzip stream.
                let empty = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";
                *answer = whole(empty);
            }),
            |error| matches!(error, Error::Unsound { fault: Fault::Tar }),
        ),
        (
            "another md5",
            Box::new(sum("x-goog-hash", "md5=JfnnlDI7RTiF9RgfGyTQuw==")),
            |error| {
                matches!(
                    error,
                    Error::Unsound {
                        fault: Fault::Checksum("md5")
                    }
                )
            },
        ),
        (
            "another crc32c",
            Box::new(sum("x-amz-checksum-crc32c", "4waSgw==")),
            |error| {
                matches!(
                    error,
                    Error::Unsound {
                        fault: Fault::Checksum("crc32c")
                    }
                )
            },
        ),
        (
            "another sha-256",
            Box::new(sum(
                "repr-digest",
                "sha-256=:FeKw08M4keu8j8n7Gdx4hJmzb67cL5kOiFZLc+g2dSs=:",
            )),
            |error| {
                matches!(
                    error,
                    Error::Unsound {
                        fault: Fault::Checksum("sha256")
                    }
                )
            },
        ),
        (
            "a link that is always expired",
            Box::new(|answer| *answer = refused(403, "<Error><Code>AccessDenied</Code></Error>")),
            |error| {
                matches!(
                    error,
                    Error::LinksRefused { code: Some(code), .. } if code == "AccessDenied"
                )
            },
        ),
        (
            "a store that is down",
            Box::new(|answer| *answer = refused(500, "")),
            |error| matches!(error, Error::Call(_)),
        ),
        (
            "a file that is gone",
            Box::new(|answer| *answer = refused(404, "")),
            |error| matches!(error, Error::Call(_)),
        ),
        (
            "more than requested, without a length",
            Box::new(|answer| {
                answer.headers.retain(|(name, _)| *name != "content-length");
                answer.body.extend_from_slice(b"more");
            }),
            |error| matches!(error, Error::Length { received, expected } if received > expected),
        ),
        (
            "a redirect",
            Box::new(|answer| *answer = refused(302, "")),
            |error| matches!(error, Error::Call(_)),
        ),
        (
            "a connection that always breaks at once",
            Box::new(|answer| {
                answer.body.clear();
                answer.end = End::Break;
            }),
            |error| matches!(error, Error::Call(_)),
        ),
    ];
    for (what, change, fits) in cases {
        let server = SandboxServer::start().await.unwrap();
        let file = file(&server);
        let backups = backups(&server, move |_, headers| {
            let mut answer = right(&file, headers);
            change(&mut answer);
            answer
        });
        let folder = folder();
        let error = quietly(&backups, FLEX_CLUSTER, &folder).await.unwrap_err();
        assert!(fits(&error), "{what}: {error:?}");
        let names = names(&folder);
        assert!(!names.contains(&"s.tgz".to_owned()), "{what}: {names:?}");
        assert!(
            !format!("{error} {error:?}").contains("signature"),
            "{what}"
        );
    }
}
