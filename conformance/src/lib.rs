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
mod client_run;
mod digest;
mod download_run;
mod expand;
mod fixture;
pub mod fuzzed;
mod judge;
mod ledger;
mod matrix;
mod message;
mod ours;
mod predicate;
pub mod report;
mod sabotage;
mod scripted;
mod server_run;
mod speak;
mod suite;
mod target;
mod testee;
mod variables;
mod verdict;

pub use case::{
    Answer, Call, Case, ClientCase, Credentials, DownloadCase, Expectation, Fault, FileAfter, Flow,
    Kind, Level, Outcome, PatternCase, Predicate, Predicates, RawBody, SeenRequest, ServerCase,
    ServerRequest, Step, areas, cases,
};
pub use client_run::judge_client;
pub use digest::DigestAnswer;
pub use fixture::{
    CommandLine, DocumentedResponse, FixtureError, OperationFixture, ParameterFixture,
    PatternFixture, operation, pattern, replayed,
};
pub use judge::{Conduct, judge};
pub use ledger::{Ledger, Standing};
pub use matrix::{Auth, Form, Matrix};
pub use message::{CallMessage, DownloadMessage, Hello, PROTOCOL, Request, Run};
pub use ours::Ours;
pub use sabotage::{CLIENT_SABOTAGES, NO_SABOTAGE, SERVER_SABOTAGES, SabotagedServer};
pub use scripted::{ScriptedServer, WireRequest};
pub use server_run::{ServerTestee, judge_server};
pub use suite::{all_cases, judge_alone, judge_clients, judge_servers, sandbox};
pub use testee::{Testee, TesteeError};
pub use variables::Variables;
pub use verdict::{Judgement, Verdict};

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
