//! Judges clients and servers of the MongoDB Atlas Administration API, in any language.
//!
//! The requirements are data in `fixtures/`, embedded in this crate: cases for clients (a call, a
//! scripted server, the expected requests and outcome), cases for servers (a request, predicates on
//! the response), flows of several requests over time, patterns, and downloads. Verdicts depend on
//! the cases and on the facts of the API in `atlas-catalog`, never on code of this workspace's
//! client or sandbox. Each case names its `source`: an RFC, the published facts, recorded
//! responses, or a choice of this project. A testee never fails for such a choice.
//!
//! A client is a process that reads and writes JSON lines ([`Testee`]), a server is a base URL
//! ([`ServerTestee`]). Each case results in a [`Judgement`]. [`report`] turns judgements into a
//! matrix, `JUnit` XML and JSON lines, and those of a server into its fidelity score: the share of
//! the recorded facts that hold. `fixtures/README.md` describes the formats, `docs/client-authors.md` the
//! use.
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
//! Both are on by default. Without them, no judged code is compiled in.

#![cfg_attr(docsrs, feature(doc_cfg))]
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
mod environment;
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
mod secrets;
mod server_run;
mod server_testee;
mod suite;
mod target;
mod testee;
mod transcript;
mod variables;
mod verdict;
mod wire;
mod worker;

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
pub use message::{ABILITIES, CallMessage, DownloadMessage, Hello, PROTOCOL, Reply, Request, Run};
#[cfg(feature = "client")]
pub use reference::ReferenceClient;
#[cfg(feature = "sandbox")]
pub use sandbox::sandbox;
pub use scripted::ScriptedServer;
pub use server_run::judge_server;
pub use server_testee::{Control, ServerTestee, ServerTesteeError, Unreachable};
pub use suite::{ClientRun, all_cases, cases_in, judge_servers, shell_word, shown_command};
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
