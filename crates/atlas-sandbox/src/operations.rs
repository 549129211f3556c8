//! The operations that are answered: how each is read from a request, and which one a request asks.

mod bodies;
mod clusters;
mod dedicated;
mod flex;
mod tenant;
mod upgrade;

use atlas_model::OperationMeta;
use http::{Method, StatusCode};

use crate::request::RequestReader;
use crate::request_error::RequestError;
use crate::response::Answer;

pub(crate) use bodies::TenantRestoreRequest;
pub(crate) use clusters::{GetCluster, GetProject, ListAllClusters, ListClusters, ListProjects};
pub(crate) use dedicated::{
    CancelRestoreJob, CreateRestoreJob, DeleteShardedSnapshot, DeleteSnapshot, GetRestoreJob,
    GetShardedSnapshot, GetSnapshot, GetSnapshotCollection, GetSnapshotDatabase, ListRestoreJobs,
    ListShardedSnapshots, ListSnapshotCollections, ListSnapshotDatabases, ListSnapshots,
    TakeSnapshot, UpdateSnapshotRetention,
};
pub(crate) use flex::{
    CreateFlexCluster, CreateFlexRestoreJob, DeleteFlexCluster, DownloadFlexSnapshot,
    GetFlexCluster, GetFlexRestoreJob, GetFlexSnapshot, ListFlexClusters, ListFlexRestoreJobs,
    ListFlexSnapshots, UpdateFlexCluster, UpgradeFlexCluster,
};
pub(crate) use tenant::{
    CreateTenantRestore, DownloadTenantSnapshot, GetTenantRestore, GetTenantSnapshot,
    ListTenantRestores, ListTenantSnapshots,
};

/// What has to be known about an operation to read and answer it.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) meta: &'static OperationMeta,
    /// The status of a success.
    pub(crate) success: StatusCode,
    /// Whether it requires a JSON body.
    pub(crate) body: bool,
    /// Whether its query has parameters other than `envelope` and `pretty`.
    pub(crate) query: bool,
}

/// An operation that is answered.
pub(crate) trait Served: Sized {
    const FACTS: &'static Facts;

    /// What answers it.
    type Answer: Answer;

    /// Reads it from a request, strictly.
    ///
    /// # Errors
    /// [`RequestError`] names the parameter or field at fault.
    fn read(request: &RequestReader<'_>) -> Result<Self, RequestError>;
}

/// Declares operations that are answered, each by the operation of the model that has its facts.
///
/// `path`, `query`, `unheeded` and `body` may be left out. What is `unheeded` must be right, but
/// changes nothing.
macro_rules! served {
    ($(
        $name:ident: $operation:ty => $success:ident $answer:ty {
            $( path { $( $parameter:ident: $parameter_type:ty = $wire:literal, )* } )?
            $( query { $( $query:ident: $query_type:ty = $query_wire:literal, )* } )?
            $( unheeded { $( $place:ident $unheeded:literal: $unheeded_type:ty, )* } )?
            $( body $body:ident: $body_type:ty, )?
        }
    )*) => {$(
        #[derive(Debug)]
        pub(crate) struct $name {
            $( $( pub(crate) $parameter: $parameter_type, )* )?
            $( $( pub(crate) $query: Option<$query_type>, )* )?
            $( pub(crate) $body: $body_type, )?
        }

        impl $crate::operations::Served for $name {
            const FACTS: &'static $crate::operations::Facts = &$crate::operations::Facts {
                meta: <$operation as atlas_model::Operation>::META,
                success: http::StatusCode::$success,
                body: !<[&str]>::is_empty(&[$( stringify!($body) )?]),
                query: !<[&str]>::is_empty(&[$( $( $query_wire ),* )?]),
            };

            type Answer = $answer;

            fn read(
                request: &$crate::request::RequestReader<'_>,
            ) -> Result<Self, $crate::request_error::RequestError> {
                $( $( let $parameter = request.path($wire)?; )* )?
                $( $( let $query = request.query($query_wire)?; )* )?
                $( $( request.$place::<$unheeded_type>($unheeded)?; )* )?
                $( let $body = request.body()?; )?
                Ok(Self {
                    $( $( $parameter, )* )?
                    $( $( $query, )* )?
                    $( $body, )?
                })
            }
        }
    )*};
}

use served;

/// Every operation that is answered.
pub(crate) static SERVED: &[&Facts] = &[
    DownloadTenantSnapshot::FACTS,
    CreateTenantRestore::FACTS,
    ListTenantRestores::FACTS,
    GetTenantRestore::FACTS,
    ListTenantSnapshots::FACTS,
    GetTenantSnapshot::FACTS,
    ListAllClusters::FACTS,
    ListProjects::FACTS,
    GetProject::FACTS,
    ListClusters::FACTS,
    GetCluster::FACTS,
    ListRestoreJobs::FACTS,
    CreateRestoreJob::FACTS,
    CancelRestoreJob::FACTS,
    GetRestoreJob::FACTS,
    ListSnapshots::FACTS,
    TakeSnapshot::FACTS,
    DeleteSnapshot::FACTS,
    GetSnapshot::FACTS,
    UpdateSnapshotRetention::FACTS,
    ListSnapshotDatabases::FACTS,
    GetSnapshotDatabase::FACTS,
    ListSnapshotCollections::FACTS,
    GetSnapshotCollection::FACTS,
    DeleteShardedSnapshot::FACTS,
    GetShardedSnapshot::FACTS,
    ListShardedSnapshots::FACTS,
    ListFlexClusters::FACTS,
    CreateFlexCluster::FACTS,
    DeleteFlexCluster::FACTS,
    GetFlexCluster::FACTS,
    UpdateFlexCluster::FACTS,
    DownloadFlexSnapshot::FACTS,
    ListFlexRestoreJobs::FACTS,
    CreateFlexRestoreJob::FACTS,
    GetFlexRestoreJob::FACTS,
    ListFlexSnapshots::FACTS,
    GetFlexSnapshot::FACTS,
    UpgradeFlexCluster::FACTS,
];

/// Where a request line leads.
#[derive(Debug)]
pub(crate) enum Route {
    /// To an operation.
    Operation(&'static Facts),
    /// To a path that has other methods, for `Allow`.
    OtherMethods(Vec<&'static Method>),
    /// Nowhere.
    Unknown,
}

/// Finds the operation of a request line.
pub(crate) fn route(method: &Method, path: &str) -> Route {
    let matching = SERVED.iter().filter_map(|facts| {
        let captures = facts.meta.captures(path)?;
        Some((captures.len(), *facts))
    });
    let matching: Vec<_> = matching.collect();
    // A path whose segments are spelled out goes before one with a parameter in their place.
    let Some(fewest) = matching.iter().map(|(captures, _)| *captures).min() else {
        return Route::Unknown;
    };
    let mut others = Vec::new();
    for (captures, facts) in matching {
        if captures != fewest {
            continue;
        }
        if facts.meta.method == *method {
            return Route::Operation(facts);
        }
        others.push(&facts.meta.method);
    }
    Route::OtherMethods(others)
}
