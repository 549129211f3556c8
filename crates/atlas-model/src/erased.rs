//! All operations as rows of one table, for routing, help and the conformance suite.

use bytes::Bytes;
use http::Method;

use crate::answer::Answer;
use crate::call_options::CallOptions;
use crate::operation::{Operation, OperationExt, OperationMeta};
use crate::request::RequestReader;
use crate::request_error::{BuildError, RequestError};
use crate::resource::{Deviation, Payload};
use crate::response_error::ResponseError;
use crate::{clusters, flex, projects, restore_jobs, snapshots, tenant};

/// Every operation of this crate.
pub static OPERATIONS: &[Erased] = &[
    Erased::of::<tenant::DownloadTenantSnapshot>(),
    Erased::of::<tenant::CreateTenantRestore>(),
    Erased::of::<tenant::ListTenantRestores>(),
    Erased::of::<tenant::GetTenantRestore>(),
    Erased::of::<tenant::ListTenantSnapshots>(),
    Erased::of::<tenant::GetTenantSnapshot>(),
    Erased::of::<clusters::ListAllClusters>(),
    Erased::of::<projects::ListProjects>(),
    Erased::of::<projects::GetProject>(),
    Erased::of::<clusters::ListClusters>(),
    Erased::of::<clusters::GetCluster>(),
    Erased::of::<restore_jobs::ListRestoreJobs>(),
    Erased::of::<restore_jobs::CreateRestoreJob>(),
    Erased::of::<restore_jobs::CancelRestoreJob>(),
    Erased::of::<restore_jobs::GetRestoreJob>(),
    Erased::of::<snapshots::ListSnapshots>(),
    Erased::of::<snapshots::TakeSnapshot>(),
    Erased::of::<snapshots::DeleteSnapshot>(),
    Erased::of::<snapshots::GetSnapshot>(),
    Erased::of::<snapshots::UpdateSnapshotRetention>(),
    Erased::of::<snapshots::ListSnapshotDatabases>(),
    Erased::of::<snapshots::GetSnapshotDatabase>(),
    Erased::of::<snapshots::ListSnapshotCollections>(),
    Erased::of::<snapshots::GetSnapshotCollection>(),
    Erased::of::<snapshots::DeleteShardedSnapshot>(),
    Erased::of::<snapshots::GetShardedSnapshot>(),
    Erased::of::<snapshots::ListShardedSnapshots>(),
    Erased::of::<flex::ListFlexClusters>(),
    Erased::of::<flex::CreateFlexCluster>(),
    Erased::of::<flex::DeleteFlexCluster>(),
    Erased::of::<flex::GetFlexCluster>(),
    Erased::of::<flex::UpdateFlexCluster>(),
    Erased::of::<flex::DownloadFlexSnapshot>(),
    Erased::of::<flex::ListFlexRestoreJobs>(),
    Erased::of::<flex::CreateFlexRestoreJob>(),
    Erased::of::<flex::GetFlexRestoreJob>(),
    Erased::of::<flex::ListFlexSnapshots>(),
    Erased::of::<flex::GetFlexSnapshot>(),
    Erased::of::<flex::UpgradeFlexCluster>(),
];

/// An operation without its type.
#[derive(Debug)]
#[non_exhaustive]
pub struct Erased {
    /// The facts about it.
    pub meta: &'static OperationMeta,
    request: fn(&RequestReader<'_>, &CallOptions) -> Result<http::Request<Bytes>, ErasedError>,
    response: fn(http::Response<Bytes>, &CallOptions) -> ErasedAnswer,
}

/// An answer checked against its operation's type: where it strays, and the body as it came.
type ErasedAnswer = Result<Answer<Vec<Deviation>>, ResponseError>;

/// Named values that make no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErasedError {
    /// A value is missing or not as documented.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The request could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Erased {
    const fn of<O: Operation>() -> Self {
        Self {
            meta: O::META,
            request: |reader, options| Ok(O::decode(reader)?.to_request(options)?),
            response: |response, options| {
                let Answer { value, meta, body } = O::from_response(response, options)?;
                Ok(Answer {
                    value: value.deviations(),
                    meta,
                    body,
                })
            },
        }
    }

    /// Builds a request from named values, as strictly as the operation's own type does.
    ///
    /// # Errors
    /// [`ErasedError`] names the parameter or field at fault.
    pub fn request(
        &self,
        reader: &RequestReader<'_>,
        options: &CallOptions,
    ) -> Result<http::Request<Bytes>, ErasedError> {
        (self.request)(reader, options)
    }

    /// Reads a response; the answer's value lists where it strays from the documentation.
    ///
    /// # Errors
    /// As [`OperationExt::from_response`].
    pub fn response(
        &self,
        response: http::Response<Bytes>,
        options: &CallOptions,
    ) -> Result<Answer<Vec<Deviation>>, ResponseError> {
        (self.response)(response, options)
    }
}

/// Where a request line leads.
#[derive(Debug)]
pub enum Route {
    /// To an operation.
    Operation(&'static Erased),
    /// To a path that has other methods, for `Allow`.
    OtherMethods(Vec<&'static Method>),
    /// Nowhere.
    Unknown,
}

/// Finds the operation of a request line.
///
/// ```
/// use atlas_model::{Route, route};
///
/// assert!(matches!(route(&http::Method::GET, "/api/atlas/v2/nowhere"), Route::Unknown));
/// ```
pub fn route(method: &Method, path: &str) -> Route {
    let matching = OPERATIONS.iter().filter_map(|operation| {
        let captures = operation.meta.captures(path)?;
        Some((captures.len(), operation))
    });
    let matching: Vec<_> = matching.collect();
    // A path whose segments are spelled out goes before one with a parameter in their place.
    let Some(fewest) = matching.iter().map(|(captures, _)| *captures).min() else {
        return Route::Unknown;
    };
    let mut others = Vec::new();
    for (captures, operation) in matching {
        if captures != fewest {
            continue;
        }
        if operation.meta.method == *method {
            return Route::Operation(operation);
        }
        others.push(&operation.meta.method);
    }
    Route::OtherMethods(others)
}
