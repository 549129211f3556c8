//! Error messages: one line, each cause once, and direct access to their properties.

use std::sync::Arc;
use std::time::Duration;

use atlas_backup::{Awaited, Error, Fault, Keep};
use atlas_transport::{Attempts, Error as CallError, ErrorKind};
use http::StatusCode;

fn call(kind: ErrorKind) -> CallError {
    CallError::new(kind, Attempts::default())
}

fn unreachable() -> ErrorKind {
    ErrorKind::Connect {
        host: "store.example".to_owned(),
        source: std::io::Error::other("refused by a test").into(),
    }
}

fn link(status: u16) -> ErrorKind {
    ErrorKind::Link {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: Some(Duration::from_secs(7)),
    }
}

fn file(path: &str) -> Error {
    Error::File {
        path: path.into(),
        doing: "cannot be read",
        source: std::io::Error::other("a disk of a test"),
    }
}

fn deadline(last: Option<ErrorKind>) -> Error {
    Error::Deadline {
        awaited: Awaited::Job("32b6e34b3d91647abb20e7b8".parse().unwrap()),
        limit: Duration::from_secs(60),
        last: last.map(|kind| Box::new(call(kind))),
    }
}

/// An error that repeats its cause.
#[derive(Debug)]
struct Quoting(std::fmt::Error);

impl std::fmt::Display for Quoting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "it says: {}", self.0)
    }
}

impl std::error::Error for Quoting {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn quoting() -> Error {
    Error::File {
        path: "s.tgz".into(),
        doing: "cannot be read",
        source: std::io::Error::other(Quoting(std::fmt::Error)),
    }
}

#[test]
fn debug_reads_like_the_chain_of_display_with_each_message_once() {
    let no_token = || ErrorKind::NoToken(Arc::new(call(unreachable())));
    for error in [
        Error::Call(call(unreachable())),
        Error::Call(call(no_token())),
        deadline(Some(unreachable())),
        deadline(Some(no_token())),
        deadline(None),
        file("s.tgz"),
        quoting(),
        Error::Changed,
        Error::from(Fault::NotGzip),
    ] {
        let debug = format!("{error:?}");
        assert!(debug.starts_with(&error.to_string()), "{debug}");
        for cause in error.causes() {
            assert_eq!(debug.matches(&cause.to_string()).count(), 1, "{debug}");
        }
        for text in ["no connection to store.example", "a test"] {
            assert!(debug.matches(text).count() <= 1, "{debug}");
        }
        assert!(!debug.contains('{') && !debug.contains('\n'), "{debug}");
    }
    let error = deadline(Some(no_token()));
    assert!(
        format!("{error:?}").ends_with("refused by a test"),
        "{error:?}"
    );
    let boxed: Box<dyn std::error::Error> = error.into();
    assert!(format!("{boxed:?}").starts_with("the restore job 32b6e34b3d91647abb20e7b8 was not"));
}

#[test]
fn the_content_of_a_name_moves_no_cursor_and_breaks_no_line() {
    let error = file("a\n\u{1b}[2J\u{202e}\"b'\\.tgz");
    let odd_cause = Error::File {
        path: "\"b'\\.tgz".into(),
        doing: "cannot be read",
        source: std::io::Error::other("odd\n\u{1b}[2J"),
    };
    let odd_cause = format!("{odd_cause:?}");
    for text in [error.to_string(), format!("{error:?}"), odd_cause] {
        let is_odd = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!text.contains(is_odd), "{text:?}");
        assert!(text.contains("\"b'\\.tgz"), "{text:?}");
    }
}

#[test]
fn other_errors_read_the_same_in_both_ways() {
    let fault = Fault::Checksum("md5");
    assert_eq!(format!("{fault:?}"), fault.to_string());
    let keep = "x".parse::<Keep>().unwrap_err();
    assert_eq!(format!("{keep:?}"), keep.to_string());
}

#[test]
fn status_wait_and_transience_are_direct_methods() {
    let malformed = || ErrorKind::Malformed {
        source: "odd".into(),
    };
    let length = |received| Error::Length {
        received,
        expected: 5,
    };
    for (error, status, passes) in [
        (Error::Call(call(link(503))), Some(503), true),
        (Error::Call(call(link(404))), Some(404), false),
        (Error::Call(call(link(407))), Some(407), false),
        (Error::Call(call(unreachable())), None, true),
        (Error::Call(call(malformed())), None, false),
        (deadline(Some(link(429))), Some(429), true),
        (deadline(None), None, true),
        // A broken connection, and a store that sends a different length.
        (length(4), None, true),
        (length(6), None, false),
        (file("s.tgz"), None, false),
        (Error::from(Fault::Gzip), None, false),
        (Error::Changed, None, true),
    ] {
        assert_eq!(error.status().map(|it| it.as_u16()), status, "{error:?}");
        assert_eq!(error.is_transient(), passes, "{error:?}");
        let asked = status.map(|_| Duration::from_secs(7));
        assert_eq!(error.retry_after(), asked, "{error:?}");
    }
}
