//! Judges clients and servers of the MongoDB Atlas Administration API, in any language.
//!
//! What they owe stands as data in `fixtures/`: cases for clients (a call, a scripted server, what
//! must be seen), for servers (a request, predicates on the answer), flows with time in between,
//! patterns, and downloads. A client is a process that speaks JSON lines ([`Testee`]), a server a
//! base URL ([`ServerTestee`]); each case gives a [`Judgement`], and [`report`] makes a table, `JUnit`
//! XML and JSON lines of them. The formats stand in `fixtures/README.md`, the use in
//! `docs/guide.md`.
//!
//! `cargo test -p atlas-conformance` puts every case to the client and the sandbox of this
//! workspace, one test a case, and has both commit faults on purpose that some case must catch.
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
mod same;
mod scripted;
mod server_run;
mod speak;
mod suite;
mod target;
mod testee;
mod variables;
mod verdict;
mod wire;

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
pub use sabotage::{
    ANOTHER_STYLE, CLIENT_SABOTAGES, NO_SABOTAGE, SERVER_SABOTAGES, SabotagedServer,
};
pub use scripted::ScriptedServer;
pub use server_run::{ServerTestee, judge_server};
pub use suite::{all_cases, judge_alone, judge_clients, judge_servers, sandbox};
pub use testee::{Testee, TesteeError};
pub use variables::Variables;
pub use verdict::{Judgement, Verdict};
pub use wire::WireRequest;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/guide.md")]
struct Guide;
