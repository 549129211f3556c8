//! Judges clients and servers of the MongoDB Atlas Administration API, in any language.
//!
//! What a client or server must do stands as data in `fixtures/`, and is embedded: cases for clients
//! (a call, a scripted server, what must be seen), for servers (a request, predicates on the
//! answer), flows with time in between, patterns, and downloads. Whether a testee is right is
//! decided by the cases, by the facts of the API in `atlas-catalog`, and by nothing of the client or
//! the sandbox of this workspace. Each case says what it stands on in its `source`: an RFC, the
//! published facts, recorded answers, or a choice of this project, which fails no testee of others.
//!
//! A client is a process that speaks JSON lines ([`Testee`]), a server a base URL
//! ([`ServerTestee`]). Each case gives a [`Judgement`], and [`report`] makes a matrix, `JUnit` XML
//! and JSON lines of them, and of those of a server its fidelity score: the share of the recorded
//! facts that hold. The formats stand in `fixtures/README.md`, the use in `docs/guide.md`.
//!
//! ```
//! use atlas_conformance::{Level, all_cases};
//!
//! let cases = all_cases()?;
//! let case = cases.iter().find(|case| case.id == "digest/atlas-challenge");
//! assert!(case.is_some_and(|case| case.level == Level::Must));
//! # Ok::<(), atlas_conformance::FixtureError>(())
//! ```
//!
//! # Features
//!
//! - `client`: [`ReferenceClient`], the client of this workspace as a testee.
//! - `sandbox`: [`sandbox`], the sandbox of this workspace as a testee.
//!
//! Both are on by default. Without them, nothing of the judged code is compiled in.

#![forbid(unsafe_code)]

mod archive;
mod archive_server;
mod case;
mod client_run;
mod conforms;
mod course;
mod difference;
mod digest;
mod download_run;
mod error_body;
mod expand;
mod expected;
mod fixtures;
mod judge;
mod message;
mod pattern_flow;
mod predicate;
mod raw_client;
mod read_back;
mod recorded_values;
#[cfg(feature = "client")]
mod reference;
pub mod report;
mod same;
#[cfg(feature = "sandbox")]
mod sandbox;
mod scripted;
mod server_run;
mod server_testee;
mod suite;
mod target;
mod testee;
mod transcript;
mod variables;
mod verdict;
mod wire;

pub use case::{
    AnswerFault, Call, Case, ClientCase, Credentials, DownloadCase, DownloadFault, Expectation,
    FaultAction, FileAfter, Flow, Kind, Level, Outcome, PatternCase, Place, Predicate, Predicates,
    QueryValue, RawBody, ScriptedAnswer, SeenRequest, ServerCase, ServerRequest, Step, Through,
};
pub use client_run::judge_client;
pub use difference::Difference;
pub use digest::DigestAnswer;
pub use expected::{ExpectedFailures, Standing};
pub use fixtures::{
    CommandLine, DocumentedResponse, FixtureError, OperationFixture, ParameterFixture,
    PatternFixture, operation, pattern,
};
pub use judge::{Observation, judge};
pub use message::{CallMessage, DownloadMessage, Hello, PROTOCOL, Reply, Request, Run};
#[cfg(feature = "client")]
pub use reference::ReferenceClient;
#[cfg(feature = "sandbox")]
pub use sandbox::sandbox;
pub use scripted::ScriptedServer;
pub use server_run::judge_server;
pub use server_testee::{Control, ServerTestee, Unreachable};
pub use suite::{ClientRun, all_cases, cases_in, judge_servers, shell_word};
pub use testee::{Testee, TesteeError};
pub use variables::Variables;
pub use verdict::{Judgement, NO_OPERATION, Verdict};
pub use wire::WireRequest;

/// The program of this crate's README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct CrateReadme;

#[cfg(all(doctest, feature = "client", feature = "sandbox"))]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "client", feature = "sandbox"))]
#[doc = include_str!("../../docs/guide.md")]
struct Guide;

#[cfg(doctest)]
#[doc = include_str!("../../docs/client-authors.md")]
struct ClientAuthors;
