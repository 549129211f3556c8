//! The data in `fixtures/`, loaded, for whoever replays it.
//!
//! `cargo test -p atlas-conformance` replays it twice: at the client, with a scripted server that
//! answers as documented and compares what came over the wire; and at the sandbox, with requests
//! as documented. The format stands in `fixtures/README.md`.
//!
//! ```
//! let operation = atlas_conformance::operation("downloadGroupClusterBackupTenant")?;
//! assert_eq!(operation.method, "POST");
//! assert_eq!(operation.responses.len(), 7);
//! # Ok::<(), atlas_conformance::FixtureError>(())
//! ```

#![forbid(unsafe_code)]

mod case;
mod digest;
mod fixture;
pub mod fuzzed;
mod judge;
mod matrix;
mod scripted;

pub use case::{
    Answer, Call, Case, ClientCase, Credentials, Expectation, Fault, Level, Outcome, RawBody,
    SeenRequest, cases,
};
pub use digest::DigestAnswer;
pub use fixture::{
    CommandLine, DocumentedResponse, FixtureError, OperationFixture, ParameterFixture,
    PatternFixture, operation, pattern, replayed,
};
pub use judge::{Conduct, judge};
pub use matrix::{Auth, Form, Matrix};
pub use scripted::{ScriptedServer, WireRequest};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
