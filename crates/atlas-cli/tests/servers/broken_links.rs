//! Links with a broken host or a broken connection to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::atlas::{Atlas, assert_not_named, assert_sound, folder, run};
use crate::file_host::{Answer, End, FileHost, right};

const SIZE: u64 = 20 << 20;

/// Changes the correct response to the n-th request.
type Poison = fn(usize, &mut Answer);

/// Whether a response does not start at the first byte of the file.
fn is_inner(answer: &Answer) -> bool {
    let mut headers = answer.headers.iter();
    headers.any(|(name, value)| *name == "content-range" && !value.starts_with("bytes 0-"))
}

/// Faults that are transient or harmless.
const HEALED: &[(&str, Poison)] = &[
    ("latency", |_, answer| {
        answer.delay = Duration::from_millis(1500);
    }),
    ("a reset before the first byte", |number, answer| {
        if number <= 2 {
            answer.end = End::Reset(0);
        }
    }),
    ("resets at some byte", |number, answer| match number {
        1 => answer.end = End::Reset(1),
        2..=4 => answer.end = End::Reset(1_000_000),
        _ => {}
    }),
    ("a clean close too early", |number, answer| {
        if number <= 3 {
            answer.end = End::Closed(700_000);
        }
    }),
    ("a close before the first byte", |number, answer| {
        if number == 1 {
            answer.end = End::Closed(0);
        }
    }),
    ("a connection that is never answered", |number, answer| {
        if number <= 2 {
            answer.end = End::Silent;
        }
    }),
    ("a body that stops coming", |number, answer| {
        if number == 2 {
            answer.end = End::Hangs(500_000);
        }
    }),
    ("a body below the minimum rate", |number, answer| {
        if number == 1 {
            // Each of four connections may receive a quarter of 10 KiB per second.
            answer.end = End::Drips(2000);
        }
    }),
    ("200 for a range in the middle, once", |number, answer| {
        if number == 2 {
            answer.status = 200;
            answer.headers.retain(|(name, _)| *name != "content-range");
        }
    }),
];

/// Faults with which a download cannot succeed.
const UNSOUND: &[(&str, Poison)] = &[
    ("a corrupt byte in the middle", |_, answer| {
        let middle = answer.body.len() / 2;
        answer.body[middle] ^= 1;
    }),
    (
        "one corrupt byte in one of the responses",
        |number, answer| {
            if number == 2 {
                answer.body[1000] ^= 0x80;
            }
        },
    ),
    ("bytes that come twice", |_, answer| {
        let length = answer.body.len();
        let twice = answer.body[..1000].to_vec();
        answer.body.splice(0..0, twice);
        answer.body.truncate(length);
    }),
    ("bytes that come twice, and are counted", |_, answer| {
        let twice = answer.body[..1000].to_vec();
        answer.body.splice(0..0, twice);
        answer.set("content-length", answer.body.len().to_string());
    }),
    ("bytes that are left out", |_, answer| {
        answer.body.drain(500..600);
        answer.body.extend([0; 100]);
    }),
];

/// Faults with which a download may succeed or fail. A response with another range currently ends with
/// 5, although the next one may be correct.
const EITHER: &[(&str, Poison)] = &[
    (
        "another range than the requested one, once",
        |number, answer| {
            if number == 2 {
                answer.set("content-range", "bytes 7-9/10".to_owned());
            }
        },
    ),
    (
        "the beginning in place of any range in the middle",
        |_, answer| {
            if is_inner(answer) {
                answer.status = 200;
                answer.headers.retain(|(name, _)| *name != "content-range");
            }
        },
    ),
    ("another range than was asked for", |_, answer| {
        if is_inner(answer) {
            answer.set("content-range", format!("bytes 0-9/{SIZE}"));
        }
    }),
    ("a wrong length in each response", |number, answer| {
        answer.set("content-range", format!("bytes 0-9/{}", 10 + number));
    }),
];

#[derive(Clone, Copy)]
enum Ends {
    Well,
    Unsound,
    Either,
}

/// Downloads from a host with a fault, and again without the fault.
fn download(what: &str, ends: Ends, poison: Poison) {
    let file: Arc<[u8]> = Atlas::new(&[SIZE]).file(0).into();
    let is_poisoned = Arc::new(AtomicBool::new(true));
    let (given, asked) = (file.clone(), is_poisoned.clone());
    let host = FileHost::start(move |number, request| {
        let mut answer = right(&given, request);
        if asked.load(Ordering::Relaxed) {
            poison(number, &mut answer);
        }
        answer
    });
    let atlas = Atlas::with_links_to(&[SIZE], &host.authority);
    let folder = folder();
    let begun = Instant::now();
    let output = run(&mut atlas.download(folder.path(), "s.tgz"));
    println!("{what}: {:?}", begun.elapsed());
    let fails = match ends {
        Ends::Well => false,
        Ends::Unsound => true,
        Ends::Either => !output.status.success(),
    };
    if !fails {
        assert_sound(what, &output, folder.path(), &file);
        return;
    }
    let code = output.status.code().filter(|code| *code == 5);
    let code = code.filter(|_| matches!(ends, Ends::Either)).unwrap_or(7);
    assert_not_named(what, &output, folder.path(), code);
    is_poisoned.store(false, Ordering::Relaxed);
    let output = run(&mut atlas.download(folder.path(), "s.tgz"));
    assert_sound(&format!("after {what}"), &output, folder.path(), &file);
}

/// Runs all cases concurrently, since they mostly wait.
fn download_each(cases: &[(&str, Poison)], ends: Ends) {
    std::thread::scope(|scope| {
        for (what, poison) in cases {
            let named = std::thread::Builder::new().name((*what).to_owned());
            let begun = named.spawn_scoped(scope, move || download(what, ends, *poison));
            begun.unwrap();
        }
    });
}

#[test]
fn a_download_survives_a_transient_fault() {
    download_each(HEALED, Ends::Well);
}

#[test]
fn wrong_bytes_never_get_the_name_of_the_snapshot_and_the_next_run_is_correct() {
    download_each(UNSOUND, Ends::Unsound);
}

#[test]
fn a_wrong_response_is_worked_around_or_refused() {
    download_each(EITHER, Ends::Either);
}
