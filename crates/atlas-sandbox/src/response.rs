//! Answers on the wire: a resource or an error as a response, in the form that was asked for.

use atlas_model::cloud_backups::{DiskBackupCollectionResponse, DiskBackupDatabaseResponse};
use atlas_model::clusters::OrgGroup;
use atlas_model::flex_clusters::FlexClusterDescription;
use atlas_model::flex_snapshots::FlexBackupSnapshot;
use atlas_model::shared::{FlexBackupRestoreJob, Project, TenantRestore};
use atlas_model::shared_tier_snapshots::BackupTenantSnapshot;
use atlas_model::{ApiError, CallOptions, Empty, Page, envelope};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::operations::Served;
use crate::shown::{ShownCluster, ShownRestoreJob, ShownShardedSnapshot, ShownSnapshot};

/// What an operation can be answered with.
pub(crate) trait Answer {
    /// Whether it is a list, which takes an envelope's status into its own object.
    const LIST: bool = false;

    /// Writes it as a body, compact or, if `pretty`, indented.
    fn write(&self, pretty: bool) -> Result<Vec<u8>, serde_json::Error>;
}

impl Answer for Empty {
    fn write(&self, _: bool) -> Result<Vec<u8>, serde_json::Error> {
        Ok(Vec::new())
    }
}

impl<T: Serialize> Answer for Page<T> {
    const LIST: bool = true;

    fn write(&self, pretty: bool) -> Result<Vec<u8>, serde_json::Error> {
        json(self, pretty)
    }
}

macro_rules! resources {
    ($($type:ty),* $(,)?) => {$(
        impl Answer for $type {
            fn write(&self, pretty: bool) -> Result<Vec<u8>, serde_json::Error> {
                json(self, pretty)
            }
        }
    )*};
}

resources!(
    BackupTenantSnapshot,
    DiskBackupCollectionResponse,
    DiskBackupDatabaseResponse,
    FlexBackupRestoreJob,
    FlexBackupSnapshot,
    FlexClusterDescription,
    OrgGroup,
    Project,
    ShownCluster,
    ShownRestoreJob,
    ShownShardedSnapshot,
    ShownSnapshot,
    TenantRestore,
);

/// The response of an operation, in the version and form that `options` ask for.
///
/// # Errors
/// The answer has no JSON form.
pub(crate) fn success<O: Served>(
    value: &O::Answer,
    options: &CallOptions,
) -> Result<Response<Bytes>, serde_json::Error> {
    let meta = O::FACTS.meta;
    let mut body = value.write(options.pretty)?;
    if body.is_empty() && options.envelope {
        body.extend_from_slice(b"{}");
    }
    let asked = options.version.unwrap_or(meta.newest().version);
    let answered = meta.answered(asked).unwrap_or(meta.oldest()).version;
    let media_type = format!("{};charset=utf-8", answered.json());
    let list = O::Answer::LIST;
    Ok(respond(O::FACTS.success, &media_type, list, body, options))
}

/// The response with an error, in the form that `options` ask for.
///
/// Errors carry no version, so the media type is plain `application/json`.
pub(crate) fn failure(error: &ApiError, options: &CallOptions) -> Response<Bytes> {
    let status = error.status().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json(error, options.pretty).unwrap_or_default();
    respond(status, "application/json", false, body, options)
}

fn json<T: Serialize>(value: &T, pretty: bool) -> Result<Vec<u8>, serde_json::Error> {
    if pretty {
        serde_json::to_vec_pretty(value)
    } else {
        serde_json::to_vec(value)
    }
}

/// Puts a body into a response, and into an envelope where one is asked for.
fn respond(
    status: StatusCode,
    media_type: &str,
    list: bool,
    mut body: Vec<u8>,
    options: &CallOptions,
) -> Response<Bytes> {
    if options.envelope {
        body = envelope::wrap(status, list, options.pretty, &body);
    }
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    if body.is_empty() {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, body.len().into());
    if let Ok(media_type) = media_type.parse() {
        headers.insert(CONTENT_TYPE, media_type);
    }
    *response.body_mut() = body.into();
    response
}
