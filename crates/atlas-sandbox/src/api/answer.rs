//! The result of an operation before it is written in the requested format.

use atlas_model::Link;
use bytes::Bytes;
use http::StatusCode;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::api::call::{Call, Target};

/// The result of an operation.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status; `None` is the recorded or documented one.
    pub(crate) status: Option<StatusCode>,
    pub(crate) content: Content,
    /// Whether missing required fields are added and fields outside the schema are removed.
    pub(crate) shaped: bool,
    /// The path of the created resource, below `/api/atlas/v2`.
    pub(crate) location: Option<String>,
}

/// The content of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    None,
    /// One resource.
    One(Value),
    /// A complete list, before paging.
    List(Vec<Value>),
    /// A body that is not JSON of the schema.
    Bytes(Bytes),
}

impl Answer {
    fn new(content: Content) -> Self {
        Self {
            status: None,
            content,
            shaped: true,
            location: None,
        }
    }

    /// No body.
    pub(crate) fn empty() -> Self {
        Self::new(Content::None)
    }

    /// The body `{}`, which Atlas returns for some deletions.
    pub(crate) fn braces() -> Self {
        Self::exactly(json!({}))
    }

    /// A resource, shaped by the schema of the requested version.
    pub(crate) fn one(value: impl Into<Value>) -> Self {
        Self::new(Content::One(value.into()))
    }

    /// A list of resources, each shaped by the schema of the requested version. It is paged if the
    /// operation returns pages.
    pub(crate) fn list(values: Vec<Value>) -> Self {
        Self::new(Content::List(values))
    }

    /// A resource or a list that is returned unchanged.
    pub(crate) fn exactly(value: impl Into<Value>) -> Self {
        Self::one(value).unshaped()
    }

    /// A file or a text.
    pub(crate) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::new(Content::Bytes(bytes.into()))
    }

    /// Returns the content unchanged.
    pub(crate) fn unshaped(mut self) -> Self {
        self.shaped = false;
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a `Location` header for the resource.
    pub(crate) fn located(mut self, path: String) -> Self {
        self.location = Some(path);
        self
    }
}

/// The requested page of a list, as a response body.
pub(crate) fn page(call: &Call<'_>, items: Vec<Value>) -> Map<String, Value> {
    let total = items.len();
    let number = |name: &str| call.query(name).and_then(|text| text.parse::<usize>().ok());
    let paged = call.operation.parameter("pageNum").is_some();
    let size = number("itemsPerPage").unwrap_or(DEFAULT_SIZE).max(1);
    let page = number("pageNum").unwrap_or(1).max(1);
    let mut answer = Map::new();
    let mut links = Vec::new();
    let on_page: Vec<Value> = if paged {
        let before = (page - 1).saturating_mul(size);
        let link = |rel, number| page_link(call.target, rel, number, size);
        links.push(link("self", page));
        if page > 1 {
            let last = total.div_ceil(size).max(1);
            links.push(link("previous", last.min(page - 1)));
        }
        if before.saturating_add(size) < total {
            links.push(link("next", page + 1));
        }
        items.into_iter().skip(before).take(size).collect()
    } else {
        links.push(own_link(call.target));
        items
    };
    answer.insert("links".to_owned(), Value::Array(links));
    answer.insert("results".to_owned(), Value::Array(on_page));
    if call.query("includeCount") != Some("false") {
        answer.insert("totalCount".to_owned(), total.into());
    }
    answer
}

/// The number of items of a page unless the request sets it.
const DEFAULT_SIZE: usize = 100;

/// A link to the page of this number; the other query parameters are those of the request.
fn page_link(target: Target<'_>, rel: &str, number: usize, size: usize) -> Value {
    let others = target.query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        !pair.is_empty() && name != "pageNum" && name != "itemsPerPage"
    });
    let own = [format!("pageNum={number}"), format!("itemsPerPage={size}")];
    let pairs: Vec<&str> = others.chain(own.iter().map(String::as_str)).collect();
    let Target { base, path, .. } = target;
    link(&format!("{base}{path}?{}", pairs.join("&")), rel)
}

/// A link to the URL of the request.
fn own_link(target: Target<'_>) -> Value {
    let Target { base, path, query } = target;
    let mark = if query.is_empty() { "" } else { "?" };
    link(&format!("{base}{path}{mark}{query}"), "self")
}

/// A resource with the link to itself, for an answer that is not shaped.
pub(crate) fn linked(call: &Call<'_>, key: &str, mut body: Value) -> Value {
    body["links"] = own_links(call, key);
    body
}

/// A link in the form that Atlas uses.
fn link(href: &str, rel: &str) -> Value {
    serde_json::to_value(Link::new(&url(href), rel)).unwrap_or_default()
}

/// The URL with the characters escaped that a request can contain although no URL has them.
pub(crate) fn url(text: &str) -> String {
    utf8_percent_encode(text, OUTSIDE_A_URL).to_string()
}

/// The characters that no part of a URL has (RFC 3986 section 2).
const OUTSIDE_A_URL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The links of a resource: one to itself, made from its key.
pub(crate) fn own_links(call: &Call<'_>, key: &str) -> Value {
    json!([link(&call.target.resource(key), "self")])
}

/// The links of an answer: one to the URL of the request, without its query.
pub(crate) fn links_to_request(call: &Call<'_>) -> Value {
    let Target { base, path, .. } = call.target;
    json!([link(&format!("{base}{path}"), "self")])
}
