//! The details of an operation: parameters, versions, and polling.

use serde::Deserialize;

use crate::schema::Schema;

/// Whether an operation accepts a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// It does not accept one.
    None,
    /// It accepts one.
    Optional,
    /// It requires one.
    Required,
}

/// The facts that are not in the index.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<String>,
    pub(crate) errors: Vec<u16>,
    pub(crate) versions: Vec<Version>,
    pub(crate) watch: Option<Watch>,
}

/// A parameter of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name on the wire.
    pub name: String,
    /// Its place in the request.
    #[serde(rename = "in")]
    pub place: Place,
    /// Whether it is required; those in the path always are.
    #[serde(default)]
    pub required: bool,
    /// Whether it is deprecated.
    #[serde(default)]
    pub deprecated: bool,
    /// The schema of its value.
    pub schema: Schema,
}

impl Parameter {
    /// Whether it may be given more than once (`a=1&a=2`).
    pub fn is_repeated(&self) -> bool {
        self.schema.resolve().items.is_some()
    }
}

/// The place of a parameter in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header of its name.
    Header,
}

/// One version of an operation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Version {
    /// The date, as `YYYY-MM-DD`, or `preview`.
    #[serde(rename = "version")]
    pub name: String,
    /// The documentation of a preview; such a version is named `preview`.
    pub preview: Option<Preview>,
    /// The sunset date, as `YYYY-MM-DD`.
    pub sunset: Option<String>,
    /// The request body by format; `json` is the only one today.
    #[serde(default)]
    request: Formats,
    responses: std::collections::BTreeMap<String, Formats>,
}

/// The documentation of a preview.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Preview {
    /// The feature that it belongs to.
    pub name: Option<String>,
}

/// A schema by format; `None` if the content has no schema.
type Formats = std::collections::BTreeMap<String, Option<Schema>>;

impl Version {
    /// Whether it is a preview, which can change at any time.
    pub fn is_preview(&self) -> bool {
        self.name == "preview"
    }

    /// Returns the schema of the request body.
    pub fn request_schema(&self) -> Option<&Schema> {
        self.request.get("json")?.as_ref()
    }

    /// Returns the documented statuses of success.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses
            .keys()
            .filter_map(|status| status.parse().ok())
    }

    /// Returns the formats of its responses: `json`, `gzip`, `csv`.
    pub fn formats(&self) -> impl Iterator<Item = &str> {
        let mut formats: Vec<&str> = self
            .responses
            .values()
            .flat_map(|formats| formats.keys().map(String::as_str))
            .collect();
        formats.sort_unstable();
        formats.dedup();
        formats.into_iter()
    }

    /// Returns the schema of a response with this status and format; for an undocumented status of
    /// success, that of any documented one.
    pub fn schema_of(&self, status: u16, format: &str) -> Option<&Schema> {
        match self.responses.get(&status.to_string()) {
            Some(formats) => formats.get(format)?.as_ref(),
            None => self.response_schema(format),
        }
    }

    /// Returns the schema of a successful response in a format, for any status.
    pub fn response_schema(&self, format: &str) -> Option<&Schema> {
        self.responses
            .values()
            .find_map(|formats| formats.get(format)?.as_ref())
    }

    /// Whether a documented status of success has no content.
    pub fn is_bare(&self, status: u16) -> bool {
        self.responses
            .get(&status.to_string())
            .is_some_and(|formats| formats.values().all(Option::is_none))
    }
}

/// The request to poll until a change is complete.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Watch {
    /// The id of the operation to poll.
    pub get: String,
    /// The version to poll it in.
    pub version: String,
    /// Its parameters: `input:NAME` is a parameter of the call, `body:PATH` a field of its
    /// response.
    pub params: std::collections::BTreeMap<String, String>,
    /// The condition of success.
    pub until: Until,
    /// The values of the same field that mean failure.
    #[serde(default)]
    pub fail: Vec<String>,
}

/// The condition that ends the polling.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Until {
    /// A status, such as 404 after a deletion.
    pub status: Option<u16>,
    /// The JSON path of a field.
    pub path: Option<String>,
    /// The values of the field that end the wait.
    #[serde(default)]
    pub values: Vec<String>,
}
