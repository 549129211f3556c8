//! One request in, one response out.

use atlas_catalog::Operation;
use atlas_model::api_error::code;
use atlas_model::{ApiError, CallOptions, http_date};
use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::body::Body;
use crate::lenient;
use crate::lists::Target;
use crate::login::Role;
use crate::object_store;
use crate::operations::{self, Facts, Route, Served, route};
use crate::rate_limit::Level;
use crate::reply;
use crate::request::{RequestReader, call_options};
use crate::response;
use crate::world::Sandbox;

/// One call, before its operation is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// When it came, in whole seconds: Atlas prints no fractions.
    pub(crate) now: Timestamp,
    pub(crate) role: Role,
    pub(crate) options: CallOptions,
    /// What was asked, for the links of a list.
    pub(crate) target: Target<'a>,
}

impl Call<'_> {
    /// Refuses a login that has none of the documented roles of an operation, nor one that
    /// includes one.
    fn allows(&self, operation: &str) -> Result<(), ApiError> {
        let documented = Operation::find(operation).map_or(&[][..], Operation::roles);
        let held = match self.role {
            Role::ProjectOwner => return Ok(()),
            Role::ProjectReadOnly => atlas_catalog::Role("Project Read Only"),
        };
        if documented.is_empty() || documented.iter().any(|role| held.includes(role)) {
            return Ok(());
        }
        let detail = format!("This login lacks the role {}.", documented.join(" or "));
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "USER_UNAUTHORIZED",
            detail,
        ))
    }

    /// Refuses a login that may only read.
    pub(crate) fn owner(&self) -> Result<(), ApiError> {
        if self.role == Role::ProjectOwner {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "USER_UNAUTHORIZED",
            "This login lacks the role Project Owner.",
        ))
    }
}

impl Sandbox {
    /// Answers one request at a point in time, a file in memory included.
    ///
    /// The order of refusals: unknown path (404) or method (405), authentication (401), `Accept`
    /// (406), `Content-Type` (415), parameters and body (400), role (403), existence (404), state
    /// (409). A refusal has an error body as Atlas documents it, but for 405, which has none.
    ///
    /// Fields that a request body does not have, read-only ones among them, are ignored.
    pub fn handle(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Bytes> {
        self.respond(now, request).map(Body::into_bytes)
    }

    /// Answers as [`handle`](Sandbox::handle) does, with a file that is made as it is read.
    #[allow(clippy::needless_pass_by_value, reason = "a request is answered once")]
    pub fn respond(&mut self, now: Timestamp, request: Request<Bytes>) -> Response<Body> {
        self.requests += 1;
        let path = request.uri().path();
        let response = match (request.method(), path) {
            (&Method::POST, "/api/oauth/token") => self.token(now, &request),
            (&Method::POST, "/api/oauth/revoke") => self.revoke(&request),
            (_, "/api/oauth/token" | "/api/oauth/revoke") => {
                reply::other_methods(&[&Method::POST], &CallOptions::default())
            }
            (&Method::GET, "/") => self.page(now),
            (_, "/") => reply::other_methods(&[&Method::GET], &CallOptions::default()),
            _ if path.starts_with(object_store::PREFIX) => return self.store(now, &request),
            _ => self.api(now, &request),
        };
        // By the sandbox's own clock, which may be ahead of this machine's.
        let mut response = response.map(Body::from);
        reply::set(&mut response, DATE.as_str(), &http_date(now));
        response
    }

    fn api(&mut self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        let query = request.uri().query().unwrap_or_default();
        let options = call_options(query).unwrap_or_default();
        match route(request.method(), request.uri().path()) {
            Route::Operation(operation) => {
                let mut options = options;
                let mut level = None;
                let answer = self.operation(now, request, operation, &mut options, &mut level);
                let mut response = answer.unwrap_or_else(|refusal| refusal);
                reply::finish(&mut response, operation.meta, &options, level);
                response
            }
            Route::OtherMethods(_) | Route::Unknown if is_documented(request) => reply::error(
                &ApiError::new(
                    StatusCode::NOT_IMPLEMENTED,
                    "NOT_EMULATED",
                    "Atlas has this operation, and this sandbox does not emulate it.",
                ),
                &options,
            ),
            Route::OtherMethods(methods) => reply::allow_only(&methods),
            Route::Unknown => reply::error(
                &ApiError::new(
                    StatusCode::NOT_FOUND,
                    code::RESOURCE_NOT_FOUND,
                    "No operation has this path.",
                ),
                &options,
            ),
        }
    }

    /// Has an operation answered; notes the options and the rate limit that the answer shows.
    fn operation(
        &mut self,
        now: Timestamp,
        request: &Request<Bytes>,
        operation: &Facts,
        options: &mut CallOptions,
        level: &mut Option<Level>,
    ) -> Result<Response<Bytes>, Response<Bytes>> {
        let role = self.authenticate(now, request, options)?;
        match self.take_token(now, role, operation.meta) {
            Ok(taken) => *level = Some(taken),
            Err((error, wait, empty)) => {
                *level = Some(empty);
                let mut refusal = reply::error(&error, options);
                reply::set(&mut refusal, RETRY_AFTER.as_str(), &wait.to_string());
                return Err(refusal);
            }
        }
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
        if let Ok((_, read)) = RequestReader::from_http(operation, request) {
            *options = read;
        }
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let base = self.base_url.clone();
        let call = Call {
            now,
            role,
            options: *options,
            target: Target::new(&base, request.uri()),
        };
        self.dispatch(call, request, operation)
    }

    /// Hands a call to the one who answers its operation.
    fn dispatch(
        &mut self,
        call: Call<'_>,
        request: &Request<Bytes>,
        operation: &Facts,
    ) -> Result<Response<Bytes>, Response<Bytes>> {
        macro_rules! answered_by {
            ($( $operation:ident => $method:ident, )*) => {
                match operation.meta.id {
                    $( id if id == operations::$operation::FACTS.meta.id => {
                        answer(call, request, |asked: &operations::$operation| {
                            call.allows(id)?;
                            self.$method(call, asked)
                        })
                    } )*
                    _ => Err(not_implemented(&call.options)),
                }
            };
        }
        answered_by! {
            DownloadTenantSnapshot => download_tenant_snapshot,
            CreateTenantRestore => create_tenant_restore,
            ListTenantRestores => list_tenant_restores,
            GetTenantRestore => get_tenant_restore,
            ListTenantSnapshots => list_tenant_snapshots,
            GetTenantSnapshot => get_tenant_snapshot,
            ListAllClusters => list_all_clusters,
            ListProjects => list_projects,
            GetProject => get_project,
            ListClusters => list_clusters,
            GetCluster => get_cluster,
            ListRestoreJobs => list_restore_jobs,
            CreateRestoreJob => create_restore_job,
            CancelRestoreJob => cancel_restore_job,
            GetRestoreJob => get_restore_job,
            ListSnapshots => list_snapshots,
            TakeSnapshot => take_snapshot,
            DeleteSnapshot => delete_snapshot,
            GetSnapshot => get_snapshot,
            UpdateSnapshotRetention => update_snapshot_retention,
            ListSnapshotDatabases => list_snapshot_databases,
            GetSnapshotDatabase => get_snapshot_database,
            ListSnapshotCollections => list_snapshot_collections,
            GetSnapshotCollection => get_snapshot_collection,
            DeleteShardedSnapshot => delete_sharded_snapshot,
            GetShardedSnapshot => get_sharded_snapshot,
            ListShardedSnapshots => list_sharded_snapshots,
            ListFlexClusters => list_flex_clusters,
            CreateFlexCluster => create_flex_cluster,
            DeleteFlexCluster => delete_flex_cluster,
            GetFlexCluster => get_flex_cluster,
            UpdateFlexCluster => update_flex_cluster,
            DownloadFlexSnapshot => download_flex_snapshot,
            ListFlexRestoreJobs => list_flex_restore_jobs,
            CreateFlexRestoreJob => create_flex_restore_job,
            GetFlexRestoreJob => get_flex_restore_job,
            ListFlexSnapshots => list_flex_snapshots,
            GetFlexSnapshot => get_flex_snapshot,
            UpgradeFlexCluster => upgrade_flex_cluster,
        }
    }
}

/// Reads an operation from a request, has it done, and writes the answer.
fn answer<O: Served>(
    call: Call<'_>,
    request: &Request<Bytes>,
    work: impl FnOnce(&O) -> Result<O::Answer, ApiError>,
) -> Result<Response<Bytes>, Response<Bytes>> {
    let refuse = |error: &ApiError| reply::error(error, &call.options);
    let (asked, options, ignored) =
        lenient::read::<O>(request).map_err(|error| refuse(&error.to_api_error()))?;
    for field in &ignored.0 {
        tracing::warn!(
            operation = O::FACTS.meta.id,
            ?field,
            "ignored a field of the body"
        );
    }
    let value = work(&asked).map_err(|error| {
        let mut refusal = refuse(&error);
        lenient::note(&mut refusal, ignored.clone());
        refusal
    })?;
    let response = response::success::<O>(&value, &options).map(|mut response| {
        lenient::note(&mut response, ignored);
        response
    });
    response.map_err(|_| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let id = O::FACTS.meta.id;
        let detail = format!("the body of {id} cannot be written as JSON");
        refuse(&ApiError::new(status, code::UNEXPECTED_ERROR, detail))
    })
}

fn not_implemented(options: &CallOptions) -> Response<Bytes> {
    let error = ApiError::new(
        StatusCode::NOT_IMPLEMENTED,
        code::UNEXPECTED_ERROR,
        "This sandbox does not answer that operation.",
    );
    reply::error(&error, options)
}

fn is_over(operation: &Facts, now: Timestamp) -> bool {
    let sunset = operation.meta.sunset();
    sunset.is_some_and(|sunset| reply::midnight(sunset) <= now)
}

/// Whether Atlas has an operation for a request.
fn is_documented(request: &Request<Bytes>) -> bool {
    atlas_catalog::route(request.method(), request.uri().path()).is_some()
}
