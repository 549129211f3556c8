//! What the MongoDB Atlas Administration API v2 says, without saying it to anyone.
//!
//! Types, patterns, operations, envelope, versions and errors, sans-IO: no socket, no clock, no
//! runtime. An operation is a value; [`OperationExt`] turns it into an [`http::Request`] and reads
//! it back, and does the same for the [`http::Response`]. Any HTTP stack can carry them, at
//! either end.
//!
//! ```
//! use atlas_model::{
//!     CallOptions, ClusterName, DeploymentItemName, DownloadTenantSnapshot, OperationExt,
//!     ProjectId, SnapshotId, TenantRestoreRequest,
//! };
//!
//! let project = ProjectId::parse("32b6e34b3d91647abb20e7b8")?;
//! let snapshot = SnapshotId::parse("32b6e34b3d91647abb20e7b9")?;
//! let cluster = ClusterName::parse("Cluster0")?;
//! let target = DeploymentItemName::parse("Cluster0")?;
//! let operation =
//!     DownloadTenantSnapshot::new(project, cluster, TenantRestoreRequest::new(snapshot, target));
//!
//! let options = CallOptions::default();
//! let request = operation.to_request(&options)?;
//! assert_eq!(request.method(), "POST");
//!
//! // … carry the request to Atlas, then read what came back:
//! let response = http::Response::new(r#"{"status": "PENDING", "unheard": 1}"#.into());
//! let answer = DownloadTenantSnapshot::from_response(response, &options)?;
//! assert_eq!(answer.value.status.unwrap().as_str(), "PENDING");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Strict out, lenient in
//!
//! A [`ClusterName`] or a [`ProjectId`] exists only if it fits its documented pattern, so an
//! invalid request cannot be built. A response is read as it comes: a text outside its pattern is
//! kept as [`Seen::Odd`], an enum value nobody documented as `Other`, an unknown field in
//! [`Answer::body`]. [`Payload::deviations`] lists what strays, for whoever wants to be strict.
//!
//! # Not supported
//!
//! Operations beyond those in [`OPERATIONS`], and the API's `preview` and `upcoming` versions.

#![forbid(unsafe_code)]

pub mod api_error;
mod asked;
pub mod envelope;
pub mod operation;

mod answer;
mod call_options;
mod cause;
mod clusters;
mod declare;
mod erased;
mod flex;
mod id;
mod link;
mod name;
mod open_enum;
mod page;
mod paging;
mod pattern;
mod projects;
mod request;
mod request_error;
mod resource;
mod response_error;
mod restore_jobs;
mod seen;
mod snapshots;
mod tenant;
mod timestamp;
mod version;

pub use answer::{Answer, AnswerMeta, Body, RateLimit};
pub use api_error::{ApiError, Throttle};
pub use asked::AskedOperation;
pub use atlas_pattern::UNICODE_VERSION;
pub use call_options::CallOptions;
pub use cause::Cause;
pub use clusters::*;
pub use erased::{Erased, ErasedError, OPERATIONS, Route, route};
pub use flex::*;
pub use id::{ClusterId, OrgId, PolicyItemId, ProjectId, RestoreJobId, SnapshotId};
pub use link::{Link, SnapshotUrl};
pub use name::{ClusterName, CollectionName, DatabaseName, DeploymentItemName, ProjectName};
pub use operation::{Operation, OperationExt, OperationMeta, read_answer};
pub use page::{ItemsPerPage, NumberError, Page, PageNumber, Paged};
pub use paging::{NextPage, Paging, PagingError};
pub use pattern::{PatternError, PatternFault, Patterned};
pub use projects::*;
pub use request::{Chosen, RequestReader, RequestWriter};
pub use request_error::{BuildError, RequestError};
pub use resource::{Checked, Deviation, Empty, Payload};
pub use response_error::{ApiFailure, ResponseError, Unreadable};
pub use restore_jobs::*;
pub use seen::Seen;
pub use snapshots::*;
pub use tenant::*;
pub use timestamp::{RetryAfter, Timestamp, TimestampError, http_date};
pub use version::{ApiVersion, Format, MediaTypeError, VersionError, VersionedMediaType};
