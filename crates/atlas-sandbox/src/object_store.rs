//! The object store of snapshot links: ranges, `ETag`s and expiry.

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, RANGE,
};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::body::Body;
use crate::reply::set;
use crate::snapshot_file::SnapshotFile;
use crate::world::Sandbox;

/// The prefix of the path of every link.
pub(crate) const PREFIX: &str = "/sandbox-store/";

impl Sandbox {
    /// Serves the file of a signed link.
    pub(crate) fn store_file(
        &mut self,
        now: Timestamp,
        request: &Request<Bytes>,
    ) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = xml(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
            set(&mut response, ALLOW.as_str(), "GET, HEAD");
            return response;
        }
        if request.headers().contains_key(AUTHORIZATION) {
            // Real stores refuse a second kind of authentication in addition to the signature.
            return xml(StatusCode::BAD_REQUEST, "InvalidArgument");
        }
        let signature = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("signature="));
        let Some(file) = signature.and_then(|signature| self.links.get(now, signature)) else {
            return xml(StatusCode::FORBIDDEN, "AccessDenied");
        };
        let mut response = serve(request, file).map(|body| body.counted(self.served.clone()));
        if request.method() == Method::HEAD {
            *response.body_mut() = Bytes::new().into();
        }
        response
    }
}

/// Serves a file or a single range of it (RFC 9110 section 14).
fn serve(request: &Request<Bytes>, file: &SnapshotFile) -> Response<Body> {
    let header = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok()
    };
    let unchanged = header(IF_RANGE).is_none_or(|tag| tag == file.etag());
    let length = file.length();
    let mut response = match header(RANGE)
        .filter(|_| unchanged)
        .map(|range| one_range(range, length))
    {
        None | Some(Asked::Whole) => Response::new(Body::file(file, 0, length)),
        Some(Asked::Nothing) => {
            let mut response = xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
            let range = format!("bytes */{length}");
            set(&mut response, CONTENT_RANGE.as_str(), &range);
            return response;
        }
        Some(Asked::Part(first, last)) => {
            let mut response = Response::new(Body::file(file, first, last + 1));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{length}");
            set(&mut response, CONTENT_RANGE.as_str(), &range);
            response
        }
    };
    let length = response.body().length().to_string();
    set(&mut response, CONTENT_LENGTH.as_str(), &length);
    set(&mut response, CONTENT_TYPE.as_str(), "application/gzip");
    set(&mut response, ACCEPT_RANGES.as_str(), "bytes");
    set(&mut response, ETAG.as_str(), file.etag());
    response
}

enum Asked {
    Whole,
    Part(u64, u64),
    Nothing,
}

/// Parses `Range`. If it is invalid or has several ranges, the whole file is served.
fn one_range(text: &str, length: u64) -> Asked {
    let Ok(parsed) = http_range_header::parse_range_header(text) else {
        return Asked::Whole;
    };
    match parsed.validate(length) {
        Ok(ranges) => match ranges.as_slice() {
            [range] => Asked::Part(*range.start(), *range.end()),
            _ => Asked::Whole,
        },
        Err(_) => Asked::Nothing,
    }
}

/// An error in the format of object stores.
fn xml(status: StatusCode, code: &str) -> Response<Body> {
    let body =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>\n");
    let mut response = Response::new(Bytes::new().into());
    *response.status_mut() = status;
    let length = body.len().to_string();
    set(&mut response, CONTENT_LENGTH.as_str(), &length);
    set(&mut response, CONTENT_TYPE.as_str(), "application/xml");
    *response.body_mut() = Bytes::from(body).into();
    response
}
