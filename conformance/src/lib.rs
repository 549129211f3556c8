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

mod fixture;
mod matrix;

pub use fixture::{
    CommandLine, DocumentedResponse, FixtureError, OperationFixture, ParameterFixture,
    PatternFixture, operation, pattern,
};
pub use matrix::{Auth, Form, Matrix};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
