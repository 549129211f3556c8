//! The details of an operation: parameters, versions, and what to watch.

use serde::Deserialize;

use crate::schema::Schema;

/// Whether an operation takes a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Body {
    /// It takes none.
    None,
    /// It may be left out.
    Optional,
    /// It must be there.
    Required,
}

/// What the index does not have.
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
    /// Where it stands.
    #[serde(rename = "in")]
    pub place: Place,
    /// Whether it must be given; those in the path always must.
    #[serde(default)]
    pub required: bool,
    /// Whether the documentation advises against it.
    #[serde(default)]
    pub deprecated: bool,
    /// What its value must be like.
    pub schema: Schema,
}

impl Parameter {
    /// Whether it may be given more than once (`a=1&a=2`).
    pub fn is_repeated(&self) -> bool {
        self.schema.resolve().items.is_some()
    }
}

/// Where a parameter stands in a request.
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
    /// What is documented of a preview; such a version is called `preview`.
    pub preview: Option<Preview>,
    /// From which date on Atlas may not answer it any more, as `YYYY-MM-DD`.
    pub sunset: Option<String>,
    /// The request body by format; `json` is the only one today.
    #[serde(default)]
    request: Formats,
    responses: std::collections::BTreeMap<String, Formats>,
}

/// What is documented of a preview.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Preview {
    /// The feature that it belongs to.
    pub name: Option<String>,
}

/// A schema by format; `None` where the content has none.
type Formats = std::collections::BTreeMap<String, Option<Schema>>;

impl Version {
    /// Whether it is a preview, which can change at any time.
    pub fn is_preview(&self) -> bool {
        self.name == "preview"
    }

    /// The schema of the request body.
    pub fn request_schema(&self) -> Option<&Schema> {
        self.request.get("json")?.as_ref()
    }

    /// The documented statuses of success.
    pub fn statuses(&self) -> impl Iterator<Item = u16> {
        self.responses
            .keys()
            .filter_map(|status| status.parse().ok())
    }

    /// The formats that an answer may have: `json`, `gzip`, `csv`.
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

    /// The schema of an answer with a documented status and a format; of another status of
    /// success, the one that any documented one has.
    pub fn schema_of(&self, status: u16, format: &str) -> Option<&Schema> {
        match self.responses.get(&status.to_string()) {
            Some(formats) => formats.get(format)?.as_ref(),
            None => self.response_schema(format),
        }
    }

    /// The schema of a successful answer in a format, whatever its status.
    pub fn response_schema(&self, format: &str) -> Option<&Schema> {
        self.responses
            .values()
            .find_map(|formats| formats.get(format)?.as_ref())
    }

    /// Whether a documented status of success comes without content.
    pub fn is_bare(&self, status: u16) -> bool {
        self.responses
            .get(&status.to_string())
            .is_some_and(|formats| formats.values().all(Option::is_none))
    }
}

/// What to poll until a change is complete.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Watch {
    /// The id of the operation to poll.
    pub get: String,
    /// The version to poll it in.
    pub version: String,
    /// Its parameters: `input:NAME` is a parameter of the call, `body:PATH` a field of its answer.
    pub params: std::collections::BTreeMap<String, String>,
    /// What ends the wait well.
    pub until: Until,
    /// The values of the same field that end it badly.
    #[serde(default)]
    pub fail: Vec<String>,
}

/// What ends a wait.
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
