//! Which errors can pass by themselves: each variant once, at least.

use std::collections::HashSet;
use std::mem::discriminant;
use std::time::Duration;

use atlas_transport::{Attempts, ErrorKind};
use http::StatusCode;

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
            job,
            limit,
            last: None,
        },
        Error::Deadline {
            job,
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
        Error::Lost {
            path: "s".into(),
            source: Box::new(file()),
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

/// How many variants there are.
const VARIANTS: usize = 27 + 3 * cfg!(feature = "object-store") as usize;

#[test]
fn what_may_pass_by_itself_is_transient_and_no_refusal_is() {
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
