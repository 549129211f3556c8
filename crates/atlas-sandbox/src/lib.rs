//! An Atlas to develop against, without an account.
//!
//! [`Sandbox`] is a small world that answers requests: no socket, no clock, no file.
//! [`SandboxServer`] puts it behind a free port of this machine. All 546 operations are answered:
//! routed, authenticated, checked and shaped by [`atlas_catalog`], from a store of resources that can be
//! created, read, listed, changed and deleted.
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
//! The organization ([`ORG`]) has a user, its owner, and is connected to a federation. API keys and
//! service accounts that a client makes can log in, with their roles in their organization or project
//! only, until they are deleted or their secret expires.
//!
//! Time is passed in, and things take theirs: a cluster is `CREATING` and then `IDLE`, a snapshot
//! queued, in progress and completed, a deleted cluster `DELETING` and then gone
//! ([`Sandbox::set_provisioning_time`]). Snapshot files of any size are made as they are read.
//!
//! # How far to rely on it
//!
//! Each operation has a [`Fidelity`], which each answer tells in the header `X-Sandbox-Fidelity`:
//! [`Recorded`](Fidelity::Recorded) behaves as recorded answers of Atlas do,
//! [`Documented`](Fidelity::Documented) as is documented, and [`Generic`](Fidelity::Generic) is answered
//! by the engine alone. `docs/fidelity.md` in the repository lists all of them.
//! [`Sandbox::set_min_fidelity`] answers 501 to what is below, so that no test passes on behaviour
//! that was never checked.
//!
//! ```
//! use atlas_sandbox::Fidelity;
//!
//! assert_eq!(Fidelity::of("createGroupCluster"), Some(Fidelity::Recorded));
//! assert!(Fidelity::Generic < Fidelity::Documented);
//! ```
//!
//! # Set over HTTP
//!
//! A served sandbox can be set and looked at by tests in any language. A body is
//! `application/json`, at most 1 MiB, or 16 MiB for a world:
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /sandbox/world` | shows the world as a [seed](Sandbox::from_seed) that makes it again, with counters and the status of jobs |
//! | `PUT /sandbox/world` | begins anew with the [seed](Sandbox::from_seed) in the body, or with the first world if it is empty |
//! | `POST /sandbox/reset` | back to what the server was started with: world, faults and clock, and an empty journal |
//! | `DELETE /sandbox/faults` | no faults any more |
//! | `GET /sandbox/faults` | lists the rules of the fault plan, each with how many requests it `matched` and how many `hits` it had |
//! | `PUT /sandbox/faults` | replaces the [fault plan](FaultPlan) |
//! | `GET /sandbox/clock` | tells the time, and whether the clock is stopped |
//! | `PUT /sandbox/clock` | sets the clock, stops it or lets it go on: `{"now": "2026-05-04T09:42:00Z", "stopped": true}`, either or both |
//! | `POST /sandbox/clock` | moves the clock on: `{"advanceSeconds": 60}` |
//! | `GET /sandbox/requests` | the [journal](Journal): the last requests, filtered by [the query](Journal::find) |
//! | `DELETE /sandbox/requests` | forgets them |
//! | `GET /sandbox/schemas/NAME` | the JSON Schema of `world`, `faults`, `clock` or `requests` |
//! | `GET /sandbox/health` | `{"status": "ok", "version": …}`, for anybody |
//!
//! A refused request is answered with an error body and changes nothing. So is a larger body, of any
//! request, with 413. A world that is put keeps the settings that the server was started with, but for
//! those that its seed sets.
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
//! Error codes, statuses and fields that were never recorded follow the documentation where it says
//! them, and are choices of its own where it does not. A path with a trailing slash is that without it.
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

mod api;
mod auth;
mod backups;
mod behaviour;
mod body;
mod checksum;
mod clock;
mod control;
mod faults;
mod find;
mod gate;
mod grants;
mod gzip;
mod handed_out;
mod handle;
mod jobs;
mod journal;
mod login;
mod object_store;
mod page;
mod rate_limit;
mod reply;
mod secret_names;
mod seed;
mod server;
mod service;
mod settings;
mod snapshot_file;
mod store;
mod time;
#[cfg(feature = "tls")]
mod tls;
mod token_endpoint;
mod world;

pub use api::fidelity::{Fidelity, FidelityError};
pub use body::Body;
pub use faults::{FaultPlan, FaultPlanError};
pub use journal::{Journal, JournalQueryError, RecordedRequest};
pub use login::{Login, OWNER, READER};
pub use seed::SeedError;
pub use server::{SandboxBuilder, SandboxServer};
pub use service::Answered;
pub use world::{
    CLUSTER, ClusterKind, DEDICATED_CLUSTER, FLEX_CLUSTER, ORG, PROJECT, SHARDED_CLUSTER, SNAPSHOT,
    Sandbox,
};

/// The README's program, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
