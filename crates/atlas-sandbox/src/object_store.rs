//! The object store that snapshot links lead to: Range, ETag, and links that end.

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    RANGE,
};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use md5::{Digest, Md5};

use crate::reply::set;
use crate::world::{Sandbox, hex};

/// What the path of every link begins with.
pub(crate) const PREFIX: &str = "/sandbox-store/";

impl Sandbox {
    /// Serves the file behind a signed link.
    pub(crate) fn store(&self, now: Timestamp, request: &Request<Bytes>) -> Response<Bytes> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return xml(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");
        }
        if request.headers().contains_key(AUTHORIZATION) {
            // The real stores refuse a second kind of authentication beside the signature.
            return xml(StatusCode::BAD_REQUEST, "InvalidArgument");
        }
        let signature = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("signature="));
        let link = signature.and_then(|signature| self.links.get(signature));
        let Some(link) = link.filter(|link| now < link.expires) else {
            return xml(StatusCode::FORBIDDEN, "AccessDenied");
        };
        let mut response = serve(request, &link.file);
        if request.method() == Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        response
    }
}

/// Serves a file or one range of it (RFC 9110 section 14).
fn serve(request: &Request<Bytes>, file: &Bytes) -> Response<Bytes> {
    let etag = format!("\"{}\"", hex(&Md5::digest(file)));
    let header = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok()
    };
    let unchanged = header(IF_RANGE).is_none_or(|tag| tag == etag);
    let length = file.len();
    let mut response = match header(RANGE)
        .filter(|_| unchanged)
        .map(|range| one_range(range, length))
    {
        None | Some(Asked::Whole) => Response::new(file.clone()),
        Some(Asked::Nothing) => {
            let mut response = xml(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
            set(
                &mut response,
                CONTENT_RANGE.as_str(),
                &format!("bytes */{length}"),
            );
            return response;
        }
        Some(Asked::Part(first, last)) => {
            let mut response = Response::new(file.slice(first..=last));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{length}");
            set(&mut response, CONTENT_RANGE.as_str(), &range);
            response
        }
    };
    let length = response.body().len().to_string();
    set(&mut response, CONTENT_LENGTH.as_str(), &length);
    set(&mut response, CONTENT_TYPE.as_str(), "application/gzip");
    set(&mut response, ACCEPT_RANGES.as_str(), "bytes");
    set(&mut response, ETAG.as_str(), &etag);
    response
}

enum Asked {
    Whole,
    Part(usize, usize),
    Nothing,
}

/// Reads `Range`. One that cannot be parsed, or that asks for several parts, gets the whole file.
fn one_range(text: &str, length: usize) -> Asked {
    let Ok(parsed) = http_range_header::parse_range_header(text) else {
        return Asked::Whole;
    };
    match parsed.validate(length as u64) {
        Ok(ranges) => match ranges.as_slice() {
            [range] => match (
                usize::try_from(*range.start()),
                usize::try_from(*range.end()),
            ) {
                (Ok(first), Ok(last)) => Asked::Part(first, last),
                _ => Asked::Whole,
            },
            _ => Asked::Whole,
        },
        Err(_) => Asked::Nothing,
    }
}

/// An error as object stores word it.
fn xml(status: StatusCode, code: &str) -> Response<Bytes> {
    let body =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>\n");
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    set(
        &mut response,
        CONTENT_LENGTH.as_str(),
        &body.len().to_string(),
    );
    set(&mut response, CONTENT_TYPE.as_str(), "application/xml");
    *response.body_mut() = body.into();
    response
}
