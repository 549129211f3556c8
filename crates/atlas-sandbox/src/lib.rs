//! A local MongoDB Atlas to develop and test against, without an account.
//!
//! [`Sandbox`] is an in-memory world that responds to requests, without socket, clock and files.
//! [`SandboxServer`] serves it on a free port of 127.0.0.1. All 546 operations of the
//! Administration API v2 respond: requests are routed, authenticated, checked and shaped by
//! [`atlas_catalog`], and resources can be created, read, listed, changed and deleted.
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
//! # The default world
//!
//! One project ([`PROJECT`]) with a cluster of each kind: a shared-tier cluster ([`CLUSTER`], with
//! the snapshot [`SNAPSHOT`]), a Flex cluster ([`FLEX_CLUSTER`]), a dedicated replica set
//! ([`DEDICATED_CLUSTER`]) and a sharded cluster ([`SHARDED_CLUSTER`]); and two logins: [`OWNER`]
//! has all permissions, [`READER`] is read-only. [`Sandbox::add_cluster`] and
//! [`Sandbox::add_snapshot`] add more.
//!
//! The organization ([`ORG`]) has one user, its owner, and is connected to a federation. Created
//! API keys and service accounts can log in, with roles limited to their organization or project,
//! until they are deleted or their secret expires.
//!
//! The time is an argument, and changes take time: a cluster is `CREATING` and then `IDLE`, a
//! snapshot is queued, in progress and completed, and a deleted cluster is `DELETING` and then gone
//! ([`Sandbox::set_provisioning_time`]). Snapshot files of any size are generated while they are
//! read.
//!
//! # Fidelity
//!
//! Each operation has a [`Fidelity`], which each response contains in the header
//! `X-Sandbox-Fidelity`: [`Recorded`](Fidelity::Recorded) behaves as recorded responses of Atlas
//! do, [`Documented`](Fidelity::Documented) follows the documentation, and
//! [`Generic`](Fidelity::Generic) is served by the engine alone. `docs/fidelity.md` in the
//! repository lists all operations. With [`Sandbox::set_min_fidelity`], operations below a fidelity
//! return 501, so that no test passes on unchecked behaviour.
//!
//! ```
//! use atlas_sandbox::Fidelity;
//!
//! assert_eq!(Fidelity::of("createGroupCluster"), Some(Fidelity::Recorded));
//! assert!(Fidelity::Generic < Fidelity::Documented);
//! ```
//!
//! # Control endpoints
//!
//! Tests in any language can set and inspect a server over HTTP. A body is `application/json`, at
//! most 1 MiB, or 16 MiB for a world:
//!
//! | request | effect |
//! | --- | --- |
//! | `GET /sandbox/world` | returns the world as a [seed](Sandbox::from_seed), with counters and the status of jobs |
//! | `PUT /sandbox/world` | replaces the world with the [seed](Sandbox::from_seed) in the body, or with the default world if the body is empty |
//! | `POST /sandbox/reset` | restores world, faults and clock of the server's start, and clears the journal |
//! | `DELETE /sandbox/faults` | removes all faults |
//! | `GET /sandbox/faults` | returns the rules of the fault plan, each with the number of requests that it `matched`, and of its `hits` |
//! | `PUT /sandbox/faults` | replaces the [fault plan](FaultPlan) |
//! | `GET /sandbox/clock` | returns the time, and whether the clock is stopped |
//! | `PUT /sandbox/clock` | sets, stops or resumes the clock: `{"now": "2026-05-04T09:42:00Z", "stopped": true}`, either or both |
//! | `POST /sandbox/clock` | advances the clock: `{"advanceSeconds": 60}` |
//! | `GET /sandbox/requests` | returns the last requests in the [journal](Journal), filtered by [the query](Journal::find) |
//! | `DELETE /sandbox/requests` | clears the journal |
//! | `GET /sandbox/schemas/NAME` | returns the JSON Schema of `world`, `faults`, `clock` or `requests` |
//! | `GET /sandbox/health` | returns `{"status": "ok", "version": …}`, without any check of the sender |
//!
//! A refused request gets an error body and changes nothing. A body above the limit is refused with
//! 413, on any path. A new world keeps the settings of the server's start, except those in its
//! seed.
//!
//! No login is needed, but web pages are kept out. On loopback, the `Host` of a control request
//! must be `localhost`, a loopback address or the bound address, with the server's port. On any
//! other address, requests need the [control token](SandboxBuilder::control_token), as
//! `Authorization: Bearer TOKEN`. A request with an `Origin`, or with a `Sec-Fetch-Site` of another
//! site, gets 403 on every address. The page at `/` is available under `localhost`, an IP address
//! or a name without dots.
//!
//! # Differences from Atlas
//!
//! Atlas no longer responds to `downloadGroupClusterBackupTenant` since its sunset. The sandbox
//! does, with the `Deprecation` and `Sunset` headers, unless [`Sandbox::enforce_sunset`] is set;
//! then it returns 410, which is its own choice. The token endpoint has Atlas's limit of ten
//! requests per minute, but the body of its 429 is that of the other rate limits.
//!
//! Error codes, statuses and fields that were never recorded follow the documentation where it
//! states them; otherwise they are the sandbox's own. A trailing slash of a path is ignored.
//!
//! The credentials are public: do not expose the sandbox to a network that others use.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![allow(
    clippy::unnecessary_wraps,
    reason = "every handler of an operation may refuse it"
)]
#![allow(
    clippy::result_large_err,
    reason = "an error response is a regular result"
)]

mod api;
mod auth;
mod backups;
mod behaviour;
mod body;
mod checksum;
mod clock;
mod control;
mod expiring_map;
mod faults;
mod find;
mod gate;
mod grants;
mod gzip;
mod handle;
mod jobs;
mod journal;
mod json_error;
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
