//! The MongoDB Atlas Administration API v2 as data: all 546 operations, looked up by name or path,
//! with requests built and bodies checked by their schemas.
//!
//! ```
//! use atlas_catalog::{Operation, route};
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // By current or former id, or by tag and short id.
//! let operation = Operation::find("createGroupFlexCluster").ok_or("unknown operation")?;
//! assert_eq!(Operation::find("listProjects"), Operation::find("listGroups"));
//! assert_eq!(Operation::find("flexClusters.createFlexCluster"), Some(operation));
//! assert_eq!(operation.roles(), ["Project Owner"]);
//!
//! // A request for any HTTP client.
//! let body = json!({"name": "Flex0", "providerSettings": {"backingProviderName": "AWS"}});
//! let request = operation
//!     .request()
//!     .parameter("groupId", "32b6e34b3d91647abb20e7b8")
//!     .json(body.clone());
//! assert_eq!(request.build()?.method(), "POST");
//!
//! // Check the body against the schema of the version.
//! let violations = request.check_body()?;
//! assert_eq!(
//!     violations[0].to_string(),
//!     "$.providerSettings.regionName: required field is missing",
//! );
//!
//! // For a server: find the operation of a request.
//! let path = "/api/atlas/v2/groups/32b6e34b3d91647abb20e7b8/flexClusters";
//! assert_eq!(route(&http::Method::POST, path).map(|found| found.operation), Some(operation));
//! # Ok(())
//! # }
//! ```
//!
//! # Source
//!
//! `fixtures/api/facts.json` in the repository: identifiers, paths, parameters, patterns, versions,
//! roles and schemas of the published description, packed into 172 KiB by `atlas-codegen`. The
//! index is read in place, so there is no work at start-up. Details are in blocks that are inflated
//! on first use of an operation or schema in them, and stay in memory. [`FACTS_DATE`] is the date
//! of the description.
//!
//! # Versions
//!
//! Atlas responds with the newest version that is not newer than the requested date, and
//! [`Operation::version`] finds it. `preview` is a separate version, requested by that name.
//!
//! # Checks
//!
//! [`Operation::check_parameters`], [`Operation::check_request`] and [`Operation::check_response`]
//! list every [`Violation`], each with a JSON path and a [`ViolationKind`]. They are strict: real
//! responses have undocumented values and fields, so a client should report them and continue.
//! Atlas ignores read-only and unknown fields in requests ([`ViolationKind::is_tolerated`]).
//!
//! - A value of a union without a discriminator must match one member.
//! - A pattern is enforced only if `fixtures/api/overrides.json` enables it.
//! - `email` and `uri` are not checked, since recorded responses have other texts in such fields.
//! - An object without documented fields may contain any JSON.
//! - Undocumented values in recorded responses are allowed in responses, not in requests.
//!
//! # Not supported
//!
//! Schemas of error bodies, and descriptions other than the embedded one.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod check;
mod data;
mod details;
mod facts_date;
mod operation;
mod overrides;
mod request;
mod role;
mod route;
mod schema;
mod suggest;
mod violation;

pub use bytes;
pub use details::{Body, Parameter, Place, Preview, Until, Version, Watch};
pub use facts_date::FACTS_DATE;
pub use http;
pub use operation::{Operation, Tag};
pub use request::{RequestBuilder, RequestError};
pub use role::Role;
pub use route::{Route, methods, route};
pub use schema::{Additional, Answers, Discriminator, Kind, Schema, SchemaRef};
pub use suggest::closest;
pub use violation::{Violation, ViolationKind};

/// Tests the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
