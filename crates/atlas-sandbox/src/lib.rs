//! An Atlas to develop against, without an account.
//!
//! [`Sandbox`] is a small world that answers requests: no socket, no clock, no file.
//! [`SandboxServer`] puts it behind a free port of this machine. The operations and most resources
//! are those of [`atlas_model`], the same that a client uses.
//!
//! ```
//! use atlas_sandbox::Sandbox;
//! use http::{Request, StatusCode};
//!
//! let mut sandbox = Sandbox::new();
//! let path = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/clusters/Cluster0\
//!     /backup/tenant/download";
//! let body = r#"{"snapshotId": "32b6e34b3d91647abb20e7b8", "targetDeploymentItemName": "any"}"#;
//! let request = Request::post(path)
//!     .header("authorization", format!("Bearer {}", atlas_sandbox::OWNER.access_token))
//!     .header("accept", "application/vnd.atlas.2025-02-19+json")
//!     .header("content-type", "application/json")
//!     .body(body.into())?;
//! let now = "2026-01-02T03:04:05Z".parse()?;
//! let response = sandbox.handle(now, request);
//! assert_eq!(response.status(), StatusCode::OK);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The first world
//!
//! One project ([`PROJECT`]) with a cluster of each kind: of the shared tier ([`CLUSTER`], with the
//! snapshot [`SNAPSHOT`]), Flex ([`FLEX_CLUSTER`]), a dedicated replica set
//! ([`DEDICATED_CLUSTER`]) and a sharded one ([`SHARDED_CLUSTER`]); and two logins: [`OWNER`] may
//! do everything, [`READER`] only look. More can be added with [`Sandbox::add_cluster`] and
//! [`Sandbox::add_snapshot`].
//!
//! Every operation of the backup family is answered. Restore jobs move from `PENDING` to
//! `COMPLETED` with the time that is passed in, and snapshot files of any size are made as they
//! are read.
//!
//! # Set over HTTP
//!
//! A served sandbox can be set and looked at by tests in any language. A body is
//! `application/json`, at most 1 MiB:
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /sandbox/world` | tells the time, the counters, and every project, cluster and job |
//! | `PUT /sandbox/world` | begins anew with the [seed](Sandbox::from_seed) in the body, or with the first world if it is empty |
//! | `GET /sandbox/faults` | lists the rules of the fault plan, each with how many requests it `matched` and how many `hits` it had |
//! | `PUT /sandbox/faults` | replaces the [fault plan](FaultPlan) |
//! | `POST /sandbox/clock` | moves the clock: `{"advanceSeconds": 60}` |
//!
//! A refused request is answered with an error body and changes nothing.
//!
//! No login is needed, but web pages are kept out. On loopback, the `Host` of a control request must
//! be `localhost`, a loopback address or the bound address, with the server's port. On any other
//! address, requests need the [control token](SandboxBuilder::control_token), as
//! `Authorization: Bearer TOKEN`. A request with an `Origin`, or with a `Sec-Fetch-Site` of another
//! site, is answered 403 everywhere. The page on `/` is shown under `localhost`, an IP address or a
//! name without dots.
//!
//! # What it takes the liberty to do
//!
//! Atlas answers `downloadGroupClusterBackupTenant` no more since its sunset. The sandbox does,
//! with the `Deprecation` and `Sunset` headers, unless [`Sandbox::enforce_sunset`] is set; it then
//! answers 410, which is a choice of its own. So is the body of the 429 that ends ten requests to the
//! token endpoint within a minute: the limit is Atlas's, the body is that of its other limits.
//!
//! The secrets here are public. Nothing of it belongs into a network.

#![forbid(unsafe_code)]
#![allow(
    clippy::unnecessary_wraps,
    reason = "everybody who answers an operation may refuse it"
)]
#![allow(
    clippy::result_large_err,
    reason = "a refusal is an answer, not an exception"
)]

mod auth;
mod body;
mod checksum;
mod clusters;
mod control;
mod databases;
mod dedicated;
mod faults;
mod find;
mod flex;
mod gate;
mod handed_out;
mod handle;
mod jobs;
mod lenient;
mod lists;
mod login;
mod object_store;
mod operations;
mod page;
mod rate_limit;
mod reply;
mod request;
mod request_error;
mod response;
mod seed;
mod server;
mod service;
mod settings;
mod shown;
mod snapshot_file;
mod tenant;
#[cfg(feature = "tls")]
mod tls;
mod token_endpoint;
mod world;

pub use body::Body;
pub use faults::{FaultPlan, FaultPlanError};
pub use login::{Login, OWNER, READER};
pub use seed::SeedError;
pub use server::{SandboxBuilder, SandboxServer};
pub use service::Answered;
pub use world::{
    CLUSTER, ClusterKind, DEDICATED_CLUSTER, FLEX_CLUSTER, PROJECT, SHARDED_CLUSTER, SNAPSHOT,
    Sandbox,
};
