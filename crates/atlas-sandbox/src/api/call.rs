//! One call: an operation and the values of its request.

use atlas_catalog::{Operation, Version};
use atlas_model::{ApiError, CallOptions};
use http::Uri;
use jiff::Timestamp;
use serde_json::Value;
use std::str::FromStr;

use crate::api::plan::{Plan, Segment};
use crate::api::refuse;
use crate::store;

/// A request after it was parsed and checked.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// The time of the request, in whole seconds: Atlas returns no fractions.
    pub(crate) now: Timestamp,
    pub(crate) operation: Operation,
    pub(crate) plan: &'static Plan,
    /// The requested version.
    pub(crate) version: &'static Version,
    pub(crate) options: CallOptions,
    /// `json`, `gzip` or `csv`.
    pub(crate) format: &'static str,
    /// The parameters of the path, decoded.
    pub(crate) path: Vec<(&'static str, String)>,
    /// The parameters of the query, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The body, without fields that are read-only or not documented.
    pub(crate) body: Value,
    /// The requested URL, for links.
    pub(crate) target: Target<'a>,
    /// The number of the calling login; 0 if the operation needs no login.
    pub(crate) account: u64,
    /// The name of the calling login, as responses show it.
    pub(crate) login: String,
}

/// The requested URL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) base: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
}

impl<'a> Target<'a> {
    pub(crate) fn new(base: &'a str, uri: &'a Uri) -> Self {
        Self {
            base,
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
        }
    }

    /// The URL of the resource with this key.
    pub(crate) fn resource(&self, key: &str) -> String {
        format!("{}/api/atlas/v2{key}", self.base)
    }
}

impl Call<'_> {
    /// A parameter of the path; empty if the path has no parameter of that name.
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A query parameter; the last one if it is repeated.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter is `true`.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }

    /// Parses a parameter of the path.
    ///
    /// # Errors
    /// 400 if the value is invalid.
    pub(crate) fn id<T: FromStr>(&self, name: &str) -> Result<T, ApiError> {
        let text = self.path(name);
        text.parse().map_err(|_| refuse::missing("resource", text))
    }

    /// A string field of the body.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name)?.as_str()
    }

    /// The key of the first segments of the path: for `/groups/ID/clusters`, `key(2)` is the key of
    /// the project.
    pub(crate) fn key(&self, segments: usize) -> String {
        let segments = self.plan.segments.iter().take(segments);
        store::key(segments.map(|segment| match segment {
            Segment::Parameter(name) => self.path(name),
            Segment::Literal(text) => text.as_str(),
        }))
    }

    /// The key of the whole path, without a trailing `:verb`.
    pub(crate) fn whole_key(&self) -> String {
        self.key(usize::MAX)
    }

    /// The key of the path without its last segment.
    pub(crate) fn parent_key(&self) -> String {
        self.key(self.plan.segments.len().saturating_sub(1))
    }
}

/// The number of segments before those of the resource: `/api/atlas/v2`.
pub(crate) const FIRST_SEGMENT: usize = 4;
