//! One request in, one response out.

use atlas_model::api_error::code;
use atlas_model::{
    ApiError, CallOptions, DeliveryType, DownloadTenantSnapshot, Erased, Link, Operation,
    OperationExt, RestoreStatus, Route, SnapshotUrl, TenantRestore, route,
};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::object_store;
use crate::reply;
use crate::world::{Role, Sandbox};

/// How long a snapshot link works.
const LINK_LIFETIME: SignedDuration = SignedDuration::from_hours(4);

impl Sandbox {
    /// Answers one request at a point in time.
    ///
    /// The order of refusals: unknown path (404) or method (405), authentication (401), `Accept`
    /// (406), `Content-Type` (415), parameters and body (400), role (403), existence (404), state
    /// (409). Every refusal is an error body as Atlas documents it.
    #[allow(clippy::needless_pass_by_value, reason = "a request is answered once")]
    pub fn handle(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Bytes> {
        self.requests += 1;
        let path = request.uri().path();
        match (request.method(), path) {
            (&Method::POST, "/api/oauth/token") => self.token(now, &request),
            (&Method::POST, "/api/oauth/revoke") => self.revoke(&request),
            _ if path.starts_with(object_store::PREFIX) => self.store(now, &request),
            _ => self.api(now, &request),
        }
    }

    fn api(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let options = CallOptions::from_query(query).unwrap_or_default();
        match route(request.method(), request.uri().path()) {
            Route::Operation(operation) => {
                let answer = self.operation(now, request, operation, &options);
                let mut response = answer.unwrap_or_else(|refusal| refusal);
                reply::finish(&mut response, operation.meta, self.requests);
                response
            }
            Route::OtherMethods(methods) => reply::other_methods(&methods, &options),
            Route::Unknown => reply::error(
                &ApiError::new(
                    StatusCode::NOT_FOUND,
                    code::RESOURCE_NOT_FOUND,
                    "No operation of this sandbox has that path.",
                ),
                &options,
            ),
        }
    }

    fn operation(
        &mut self,
        now: Timestamp,
        request: &Request<Bytes>,
        operation: &Erased,
        options: &CallOptions,
    ) -> Result<Response<Bytes>, Response<Bytes>> {
        let role = self.authenticate(now, request, options)?;
        if let Some(forced) = self.forced.pop_front() {
            return Err(reply::error(&forced, options));
        }
        if self.enforce_sunset && is_over(operation, now) {
            let mut detail = format!("{} is answered no more", operation.meta.id);
            if let Some(successor) = operation.meta.successor {
                detail.push_str("; use ");
                detail.push_str(successor);
            }
            let error = ApiError::new(StatusCode::GONE, code::UNEXPECTED_ERROR, detail);
            return Err(reply::error(&error, options));
        }
        if operation.meta.id == DownloadTenantSnapshot::META.id {
            return answer(request, options, |asked| {
                self.download_tenant_snapshot(now, role, asked)
            });
        }
        Err(reply::error(
            &ApiError::new(
                StatusCode::NOT_IMPLEMENTED,
                code::UNEXPECTED_ERROR,
                "This sandbox does not answer that operation.",
            ),
            options,
        ))
    }

    fn download_tenant_snapshot(
        &mut self,
        now: Timestamp,
        role: Role,
        asked: &DownloadTenantSnapshot,
    ) -> Result<TenantRestore, ApiError> {
        if role != Role::ProjectOwner {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "USER_UNAUTHORIZED",
                "This login lacks the role Project Owner.",
            ));
        }
        let snapshot_id = asked.request.snapshot_id;
        let clusters = self
            .projects
            .get_mut(&asked.project)
            .ok_or_else(|| missing(code::GROUP_NOT_FOUND, "project", asked.project))?;
        let cluster = clusters
            .get_mut(&asked.cluster)
            .ok_or_else(|| missing(code::CLUSTER_NOT_FOUND, "cluster", &asked.cluster))?;
        let snapshot = cluster
            .snapshots
            .get(&snapshot_id)
            .ok_or_else(|| missing(code::RESOURCE_NOT_FOUND, "snapshot", snapshot_id))?;
        let (finished, file) = (snapshot.finished, snapshot.file.clone());
        let pause = self.download_pause;
        if cluster
            .last_download
            .is_some_and(|last| now.duration_since(last) < pause)
        {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                code::CANNOT_DOWNLOAD_SNAPSHOT_CONCURRENTLY,
                "Another download of this cluster's snapshots is under way.",
            ));
        }
        cluster.last_download = Some(now);
        // Atlas prints whole seconds.
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);

        let expires = now.checked_add(LINK_LIFETIME).unwrap_or(Timestamp::MAX);
        let signature = self.new_link(now, expires, file);
        let base = &self.base_url;
        let url = format!(
            "{base}{}{snapshot_id}.tgz?signature={signature}",
            object_store::PREFIX
        );
        let self_link = format!(
            "{base}/api/atlas/v2/groups/{}/clusters/{}/backup/tenant",
            asked.project, asked.cluster
        );

        let mut restore = TenantRestore::default();
        restore.cluster_name = Some(asked.cluster.clone().into());
        restore.delivery_type = Some(DeliveryType::Download);
        restore.expiration_date = Some(expires.into());
        restore.links = Some(vec![Link::new(&self_link, "self")]);
        restore.project_id = Some(asked.project.into());
        restore.restore_scheduled_date = Some(now.into());
        restore.restore_finished_date = Some(now.into());
        restore.snapshot_finished_date = Some(finished.into());
        restore.snapshot_id = Some(snapshot_id.into());
        restore.snapshot_url = Some(SnapshotUrl::new(&url));
        restore.status = Some(RestoreStatus::Completed);
        restore.target_deployment_item_name =
            Some(asked.request.target_deployment_item_name.clone().into());
        restore.target_project_id = asked.request.target_project_id.map(Into::into);
        restore.id = Some(self.new_job().into());
        Ok(restore)
    }
}

/// Reads an operation from a request, has it done, and writes the answer.
fn answer<O: Operation>(
    request: &Request<Bytes>,
    options: &CallOptions,
    work: impl FnOnce(&O) -> Result<O::Response, ApiError>,
) -> Result<Response<Bytes>, Response<Bytes>> {
    let (asked, options) =
        O::from_request(request).map_err(|error| reply::error(&error.to_api_error(), options))?;
    let value = work(&asked).map_err(|error| reply::error(&error, &options))?;
    O::to_response(&value, &options).map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let error = ApiError::new(status, code::UNEXPECTED_ERROR, error.to_string());
        reply::error(&error, &options)
    })
}

fn is_over(operation: &Erased, now: Timestamp) -> bool {
    let sunset = operation.meta.sunset();
    sunset.is_some_and(|sunset| reply::midnight(sunset) <= now)
}

fn missing(code: &str, what: &str, name: impl std::fmt::Display) -> ApiError {
    let name = name.to_string();
    ApiError::new(
        StatusCode::NOT_FOUND,
        code,
        format!("There is no {what} {name}."),
    )
    .with_parameters(vec![name.into()])
}
