//! Which errors are transient: each variant at least once.

use std::collections::HashSet;
use std::mem::discriminant;
use std::time::Duration;

use atlas_transport::{Attempts, ErrorKind, Phase};
use http::StatusCode;

use super::judged::Scope;
use super::*;
use crate::fault::Fault;

const ID: &str = "32b6e34b3d91647abb20e7b8";

fn call(status: u16) -> atlas_transport::Error {
    let kind = ErrorKind::Link {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after: None,
    };
    atlas_transport::Error::new(kind, Attempts::default())
}

fn file() -> Error {
    let source = io::ErrorKind::PermissionDenied.into();
    Error::file("s.tgz".as_ref(), "cannot be read", source)
}

fn later() -> Vec<Error> {
    let (job, limit) = (None, Duration::from_secs(60));
    vec![
        Error::Busy { path: "s".into() },
        Error::Call(call(429)),
        Error::Call(call(503)),
        Error::Changed,
        Error::Deadline {
            awaited: Awaited::Download,
            limit,
            last: None,
        },
        Error::Deadline {
            awaited: Awaited::Job(ID.parse().unwrap()),
            limit,
            last: Some(Box::new(call(503))),
        },
        Error::Length {
            received: 1,
            expected: 2,
        },
        Error::MissingLinks {
            job,
            found: 1,
            expected: 2,
            limit,
        },
        Error::TooSlow {
            bytes_per_second: 1,
            window: limit,
        },
    ]
}

fn refused() -> Vec<Error> {
    let (id, job) = (ID.parse().unwrap(), ID.parse().unwrap());
    let text = || "x".to_owned();
    vec![
        Error::Call(call(404)),
        Error::Call(call(503).into_outcome_unknown()),
        Accepted::Restore.unreadable(None),
        Accepted::Download.unreadable(Some(call(503).into())),
        Error::EqualLinks { job: None },
        Error::EqualShards {
            one: text(),
            other: text(),
        },
        Error::Exists { path: "s".into() },
        file(),
        Error::Foreign { path: "s".into() },
        Error::Gone { path: "s".into() },
        Error::JobEnded {
            job: None,
            how: JobEnd::Failed,
        },
        Error::Length {
            received: 2,
            expected: 1,
        },
        Error::LinksRefused {
            status: StatusCode::FORBIDDEN,
            code: None,
        },
        Error::Lost {
            path: "s".into(),
            defect: text(),
        },
        Error::Mismatch {
            what: "cluster",
            expected: text(),
            found: text(),
        },
        Error::NoJob {
            cluster: text(),
            job,
            source: Box::new(call(404)),
        },
        Error::NoLink { job: None },
        Error::NoSnapshot {
            cluster: text(),
            wanted: text(),
        },
        Error::NotADownload { job },
        Error::SeveralFiles { files: 2 },
        Error::SnapshotFailed {
            cluster: text(),
            snapshot: id,
        },
        Error::TooLong { announced: 1 },
        Error::TooMany {
            what: "jobs",
            limit: 1,
        },
        Error::Unreadable,
        Error::UnreadableLinks { job },
        Fault::Gzip.into(),
        Error::Usage { what: text() },
    ]
}

#[cfg(feature = "object-store")]
fn of_store(status: u16, after: Option<Error>) -> [Error; 3] {
    let status = StatusCode::from_u16(status).unwrap();
    let source = || crate::StoreFailure::refused("store.example", status, b"");
    let url = || "s3://bucket/s.tgz".to_owned();
    let (doing, hint, what) = ("write", "try again", "an upload");
    [
        Error::Store {
            url: url(),
            doing,
            hint,
            source: source(),
        },
        Error::CannotCheck {
            url: url(),
            source: source(),
        },
        Error::LeftInStore {
            url: url(),
            what,
            source: source(),
            after: after.map(Box::new),
        },
    ]
}

/// The number of variants.
const VARIANTS: usize = 30 + 3 * cfg!(feature = "object-store") as usize;

#[test]
fn only_failures_that_time_can_solve_are_transient() {
    #[allow(unused_mut, reason = "stores are a feature")]
    let (mut later, mut refused) = (later(), refused());
    #[cfg(feature = "object-store")]
    {
        later.extend(of_store(503, None));
        let [conflict, _, left] = of_store(409, Some(Error::Changed));
        later.extend([conflict, left]);
        refused.extend(of_store(403, None));
        let [_, _, left] = of_store(503, Some(file()));
        refused.push(left);
    }
    let all = later.iter().chain(&refused);
    let variants: HashSet<_> = all.map(discriminant).collect();
    assert_eq!(variants.len(), VARIANTS);
    for error in &later {
        assert!(error.is_transient(), "{error}");
    }
    for error in &refused {
        assert!(!error.is_transient(), "{error}");
    }
}

#[test]
fn an_outage_is_of_all_snapshots_and_anything_else_of_one() {
    let deadline = |last: Option<atlas_transport::Error>| Error::Deadline {
        awaited: Awaited::Download,
        limit: Duration::from_secs(60),
        last: last.map(Box::new),
    };
    let timeout = |phase| {
        let limit = Duration::from_secs(60);
        atlas_transport::Error::from(ErrorKind::Timeout { phase, limit })
    };
    let unreachable = || {
        let source = io::Error::from(io::ErrorKind::ConnectionRefused).into();
        let host = "atlas.example".to_owned();
        atlas_transport::Error::from(ErrorKind::Connect { host, source })
    };
    let broken = || {
        let source = io::Error::from(io::ErrorKind::ConnectionReset).into();
        atlas_transport::Error::from(ErrorKind::Interrupted { source })
    };
    for error in [
        Error::Call(call(408)),
        Error::Call(call(429)),
        Error::Call(call(503)),
        Error::Call(timeout(Phase::Head)),
        Error::Call(unreachable()),
        deadline(Some(call(503))),
        deadline(Some(unreachable())),
    ] {
        assert_eq!(error.scope(), Scope::All, "{error:?}");
    }
    for error in [
        Error::Call(call(500)),
        Error::Call(call(502)),
        Error::Call(call(504)),
        Error::Call(timeout(Phase::Body)),
        Error::Call(broken()),
    ] {
        assert_eq!(error.scope(), Scope::Doubtful, "{error:?}");
    }
    let later = later().into_iter().filter(|error| match error {
        Error::Call(_) | Error::TooSlow { .. } => false,
        Error::Deadline { last, .. } => last.is_none(),
        _ => true,
    });
    for error in later.chain(refused()) {
        assert_eq!(error.scope(), Scope::One, "{error:?}");
    }
    // Two doubtful failures in a row concern all.
    let mut is_doubtful = false;
    assert!(!Scope::Doubtful.is_of_all(&mut is_doubtful));
    assert!(!Scope::One.is_of_all(&mut is_doubtful));
    assert!(!Scope::Doubtful.is_of_all(&mut is_doubtful));
    assert!(Scope::Doubtful.is_of_all(&mut is_doubtful));
}
