//! Calls operations by their types, built from the values of a call.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use atlas_catalog::Operation as Documented;
use atlas_model::{
    AnswerMeta, CallOptions, DeploymentItemName, Operation, OperationExt, Patterned, ResponseError,
};
use bytes::Bytes;
use http::{Request, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::message::CallMessage;

/// A type-erased operation.
pub(super) struct Typed {
    /// The API's id.
    pub(super) id: &'static str,
    /// Builds the request of a call as strictly as the operation's type does; the error names the
    /// invalid value.
    pub(super) request: fn(&CallMessage, &CallOptions) -> Result<Request<Bytes>, String>,
    /// Reads a response.
    pub(super) response: fn(Response<Bytes>, &CallOptions) -> Result<Read, ResponseError>,
}

/// A parsed response.
pub(super) struct Read {
    /// Its status and headers.
    pub(super) meta: AnswerMeta,
}

/// An operation that can be built from a call.
pub(super) trait FromCall: Operation<Response: Debug + 'static> + Sized {
    /// Reads the parameters and the body; the error names the invalid one.
    fn from_call(call: &CallMessage) -> Result<Self, String>;
}

/// Returns the operation with this id.
pub(super) fn find(id: &str) -> Option<&'static Typed> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}

impl Typed {
    const fn of<O: FromCall>() -> Self {
        Self {
            id: O::META.id,
            request: |call, options| {
                let operation = O::from_call(call)?;
                let request = operation.to_request(options);
                request.map_err(|error| error.to_string())
            },
            response: |response, options| {
                let answer = O::from_response(response, options)?;
                Ok(Read { meta: answer.meta })
            },
        }
    }
}

/// Declares the operations: how each argument of `new` is read, and whether pages are requested by
/// number.
macro_rules! operations {
    ($(
        $tag:ident :: $name:ident ( $( $read:ident $( $parameter:literal )? ),* ) $( $paged:ident )?;
    )*) => {
        $(
            impl FromCall for atlas_model::$tag::$name {
                fn from_call(call: &CallMessage) -> Result<Self, String> {
                    let operation = Self::new($( call.$read($( $parameter )?)? ),*);
                    $( let operation = operations!(@$paged operation, call); )?
                    Ok(operation)
                }
            }
        )*

        /// The operations that are called by type.
        pub(super) static OPERATIONS: &[Typed] = &[
            $( Typed::of::<atlas_model::$tag::$name>() ),*
        ];
    };
    (@paged $operation:ident, $call:ident) => {{
        let mut operation = $operation;
        operation.include_count = $call.chosen("includeCount")?;
        operation.items_per_page = $call.chosen("itemsPerPage")?;
        operation.page_number = $call.chosen("pageNum")?;
        operation
    }};
}

operations! {
    clusters::GetCluster(path "groupId", path "clusterName");
    clusters::ListClusterDetails() paged;
    clusters::ListClusters(path "groupId") paged;
    cloud_backups::CancelBackupRestoreJob(path "groupId", path "clusterName", path "restoreJobId");
    cloud_backups::CreateBackupRestoreJob(path "groupId", path "clusterName", body);
    cloud_backups::DeleteBackupShardedCluster(path "groupId", path "clusterName", path "snapshotId");
    cloud_backups::DeleteClusterBackupSnapshot(path "groupId", path "clusterName", path "snapshotId");
    cloud_backups::GetBackupRestoreJob(path "groupId", path "clusterName", path "restoreJobId");
    cloud_backups::GetBackupShardedCluster(path "groupId", path "clusterName", path "snapshotId");
    cloud_backups::GetBackupSnapshotDatabase(
        path "groupId", path "clusterName", path "snapshotId", text "databaseName"
    );
    cloud_backups::GetClusterBackupSnapshot(path "groupId", path "clusterName", path "snapshotId");
    cloud_backups::GetSnapshotDatabaseCollection(
        path "groupId", path "clusterName", path "snapshotId",
        text "databaseName", text "collectionName"
    );
    cloud_backups::ListBackupRestoreJobs(path "groupId", path "clusterName") paged;
    cloud_backups::ListBackupShardedClusters(path "groupId", path "clusterName");
    cloud_backups::ListBackupSnapshotDatabases(
        path "groupId", path "clusterName", path "snapshotId"
    ) paged;
    cloud_backups::ListBackupSnapshots(path "groupId", path "clusterName") paged;
    cloud_backups::ListSnapshotDatabaseCollections(
        path "groupId", path "clusterName", path "snapshotId", text "databaseName"
    ) paged;
    cloud_backups::TakeSnapshots(path "groupId", path "clusterName", body);
    cloud_backups::UpdateBackupSnapshot(path "groupId", path "clusterName", path "snapshotId", body);
    flex_clusters::CreateFlexCluster(path "groupId", body);
    flex_clusters::DeleteFlexCluster(path "groupId", path "name");
    flex_clusters::GetFlexCluster(path "groupId", path "name");
    flex_clusters::ListFlexClusters(path "groupId") paged;
    flex_clusters::TenantUpgrade(path "groupId", body);
    flex_clusters::UpdateFlexCluster(path "groupId", path "name", body);
    flex_restore_jobs::CreateFlexRestoreJob(path "groupId", path "name", body);
    flex_restore_jobs::GetFlexRestoreJob(path "groupId", path "name", path "restoreJobId");
    flex_restore_jobs::ListFlexRestoreJobs(path "groupId", path "name") paged;
    flex_snapshots::DownloadFlexBackup(path "groupId", path "name", body);
    flex_snapshots::GetFlexBackupSnapshot(path "groupId", path "name", path "snapshotId");
    flex_snapshots::ListFlexBackupSnapshots(path "groupId", path "name") paged;
    projects::GetGroup(path "groupId");
    projects::ListGroups() paged;
    shared_tier_restore_jobs::CreateBackupTenantRestore(path "groupId", path "clusterName", body);
    shared_tier_restore_jobs::GetBackupTenantRestore(
        path "groupId", path "clusterName", path "restoreId"
    );
    shared_tier_restore_jobs::ListBackupTenantRestores(path "groupId", path "clusterName");
    shared_tier_snapshots::DownloadClusterBackupTenant(path "groupId", path "clusterName", body);
    shared_tier_snapshots::GetBackupTenantSnapshot(
        path "groupId", path "clusterName", path "snapshotId"
    );
    shared_tier_snapshots::ListClusterBackupSnapshots(path "groupId", path "clusterName");
}

impl CallMessage {
    /// Returns a path parameter with a pattern.
    fn path<T: Patterned>(&self, name: &'static str) -> Result<T, String> {
        let text = self.text(name)?;
        T::parse_field(name, text).map_err(|error| error.to_string())
    }

    /// Returns a path parameter that may be any text.
    fn text(&self, name: &str) -> Result<&str, String> {
        let text = self.parameters.get(name);
        text.map(String::as_str)
            .ok_or_else(|| format!("missing path parameter {name}"))
    }

    /// Returns an optional query parameter.
    fn chosen<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, String> {
        let text = self.query.get(name).and_then(|it| it.all().first());
        let text = text.map(|text| text.parse());
        text.transpose()
            .map_err(|error| format!("invalid query parameter {name}: {error}"))
    }

    /// Returns the body. Its type is lenient, since responses use it as well: the strict checks of
    /// its setters are made here.
    fn body<T: DeserializeOwned>(&self) -> Result<T, String> {
        let Some(body) = &self.body else {
            return Err("missing body".to_owned());
        };
        if let Some(name) = body.get("targetDeploymentItemName") {
            DeploymentItemName::deserialize(name).map_err(|error| error.to_string())?;
        }
        let operation = Documented::find(&self.operation);
        if let Some((operation, version)) = operation.and_then(|it| Some((it, it.version(None)?)))
            && let Some(wrong) = operation.check_request(version, Some(body)).first()
        {
            return Err(wrong.to_string());
        }
        T::deserialize(body).map_err(|error| error.to_string())
    }
}
