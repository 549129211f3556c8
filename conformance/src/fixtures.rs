//! Reads fixtures: the embedded ones, and cases from a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::case::Case;

/// The operation with a documented page. Cases use its parameters and body by default.
pub(crate) const DOCUMENTED: &str = "downloadGroupClusterBackupTenant";

/// One operation as documented.
#[derive(Debug, Clone)]
pub struct OperationFixture {
    /// The API's id.
    pub id: String,
    /// The method.
    pub method: String,
    /// The path, with `{name}` for each parameter.
    pub path: String,
    /// The version that the page requests.
    pub version_asked: String,
    /// The version of the response.
    pub version_answered: String,
    /// The parameters of path and query.
    pub parameters: Vec<ParameterFixture>,
    /// The request headers of the page, with lowercase names.
    pub request_headers: BTreeMap<String, String>,
    /// The documented request body.
    pub request: serde_json::Value,
    /// The request body as sent: no white space, keys in documented order.
    pub wire_body: String,
    /// The documented responses.
    pub responses: Vec<DocumentedResponse>,
    /// The documented command lines, by the kind of authentication.
    pub commands: BTreeMap<String, CommandLine>,
}

/// A documented parameter.
#[derive(Debug, Clone, Deserialize)]
pub struct ParameterFixture {
    /// The name in the API.
    pub name: String,
    /// `path` or `query`.
    #[serde(rename = "in")]
    pub place: String,
    /// An example value, if the documentation has none.
    pub example: Option<String>,
}

/// A documented response.
#[derive(Debug, Clone)]
pub struct DocumentedResponse {
    /// The status.
    pub status: u16,
    /// The body: the resource, or an error.
    pub body: serde_json::Value,
}

/// A documented command line, with its placeholders.
#[derive(Debug, Clone, Deserialize)]
pub struct CommandLine {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// A documented pattern with matching and non-matching texts.
#[derive(Debug, Clone, Deserialize)]
pub struct PatternFixture {
    /// The pattern.
    pub pattern: String,
    /// Matching texts.
    pub accept: Vec<String>,
    /// Non-matching texts.
    pub refuse: Vec<String>,
}

/// An error while reading fixtures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file does not have the expected format.
    #[error("invalid fixture {name}; see the format in fixtures/README.md")]
    Invalid {
        /// The path, relative to `fixtures` if it is embedded.
        name: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// No fixture has this name.
    #[error("unknown fixture {name:?}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A list of expected failures is invalid.
    #[error("invalid expected failures in {}: case {case:?}: {problem}", path.display())]
    Expected {
        /// The path.
        path: PathBuf,
        /// The id.
        case: String,
        /// The problem.
        problem: String,
    },
    /// A case with a matrix cannot be expanded.
    #[error("invalid case {case}: {problem}")]
    Case {
        /// The id.
        case: String,
        /// The problem.
        problem: String,
    },
}

impl OperationFixture {
    /// Returns the request target: the path with the example of each parameter.
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for parameter in &self.parameters {
            if let Some(example) = &parameter.example {
                target = target.replace(&format!("{{{}}}", parameter.name), example);
            }
        }
        target
    }

    /// Returns the example of a path parameter.
    pub fn example(&self, parameter: &str) -> Option<&str> {
        let documented = self
            .parameters
            .iter()
            .find(|known| known.name == parameter)?;
        documented.example.as_deref()
    }

    /// Returns the `Content-Type` of the documented response with this status. Errors name no
    /// version.
    pub fn media_type(&self, status: u16) -> String {
        if status == 200 {
            let version = &self.version_answered;
            format!("application/vnd.atlas.{version}+json;charset=utf-8")
        } else {
            "application/json".to_owned()
        }
    }
}

/// Returns the documented page of an operation.
///
/// # Errors
/// Returns a [`FixtureError`] if there is no page of this operation.
pub fn operation(id: &str) -> Result<OperationFixture, FixtureError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Facts {
        method: String,
        path: String,
        version_asked: String,
        version_answered: String,
        parameters: Vec<ParameterFixture>,
        request_headers: BTreeMap<String, String>,
        statuses: Vec<u16>,
    }
    let facts: Facts = embedded(&format!("{id}/operation.json"))?;
    let mut responses = Vec::with_capacity(facts.statuses.len());
    for status in facts.statuses {
        let body = embedded(&format!("{id}/responses/{status}.json"))?;
        responses.push(DocumentedResponse { status, body });
    }
    let mut commands = BTreeMap::new();
    for auth in ["bearer", "digest"] {
        let command = embedded(&format!("{id}/commands/{auth}.json"))?;
        commands.insert(auth.to_owned(), command);
    }
    let request: Value = embedded(&format!("{id}/request.json"))?;
    Ok(OperationFixture {
        id: id.to_owned(),
        method: facts.method,
        path: facts.path,
        version_asked: facts.version_asked,
        version_answered: facts.version_answered,
        parameters: facts.parameters,
        request_headers: facts.request_headers,
        wire_body: request.to_string(),
        request,
        responses,
        commands,
    })
}

/// Returns a pattern and its texts.
///
/// # Errors
/// Returns a [`FixtureError`] if this field has no pattern.
pub fn pattern(field: &str) -> Result<PatternFixture, FixtureError> {
    embedded(&format!("patterns/{field}.json"))
}

/// Returns all embedded cases, not expanded.
pub(crate) fn embedded_cases() -> Result<Vec<Case>, FixtureError> {
    let mut cases = Vec::new();
    for name in EMBEDDED.keys().filter(|name| name.starts_with("cases/")) {
        cases.extend(embedded::<Vec<Case>>(name)?);
    }
    Ok(cases)
}

/// Returns the cases of every JSON file below a folder, not expanded. Symbolic links to folders are
/// not followed.
pub(crate) fn cases_below(folder: &Path) -> Result<Vec<Case>, FixtureError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| FixtureError::Io { path, source }
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let entry = entry.map_err(failed(folder))?;
        let kind = entry.file_type().map_err(failed(folder))?;
        entries.push((entry.path(), kind));
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut cases = Vec::new();
    for (path, kind) in entries {
        if kind.is_dir() {
            cases.extend(cases_below(&path)?);
        } else if path.extension().is_some_and(|it| it == "json") && path.is_file() {
            cases.extend(read::<Vec<Case>>(&path)?);
        }
    }
    Ok(cases)
}

/// Reads a JSON file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FixtureError> {
    let text = std::fs::read(path).map_err(|source| FixtureError::Io {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|source| FixtureError::Invalid {
        name: path.display().to_string(),
        source,
    })
}

/// Returns an embedded fixture by its path relative to `fixtures`.
pub(crate) fn embedded<T: DeserializeOwned>(name: &str) -> Result<T, FixtureError> {
    let text = EMBEDDED.get(name).ok_or_else(|| FixtureError::Unknown {
        name: name.to_owned(),
    })?;
    serde_json::from_str(text.get()).map_err(|source| FixtureError::Invalid {
        name: name.to_owned(),
        source,
    })
}

/// Returns the example bodies of an operation.
pub(crate) fn example(operation: &str) -> Option<&'static Example> {
    EXAMPLES.get(operation)
}

/// Example bodies of an operation.
#[derive(Debug, Deserialize)]
pub(crate) struct Example {
    /// The version of the bodies.
    pub(crate) version: String,
    /// The request body, if any.
    pub(crate) request: Option<Value>,
    /// The status of the response.
    pub(crate) status: u16,
    /// The response body, if any.
    pub(crate) response: Option<Value>,
    /// The format of the response, if it is not JSON.
    pub(crate) format: Option<String>,
}

static EXAMPLES: LazyLock<BTreeMap<String, Example>> = LazyLock::new(|| {
    let files = EMBEDDED
        .iter()
        .filter(|(name, _)| name.starts_with("examples/"));
    let files = files.filter_map(|(_, text)| serde_json::from_str(text.get()).ok());
    files
        .flat_map(|file: BTreeMap<String, Example>| file)
        .collect()
});

/// The fixtures of the judge as JSON by path, packed by `atlas-conformance-generator`.
static EMBEDDED: LazyLock<BTreeMap<String, Box<RawValue>>> = LazyLock::new(|| {
    let packed = include_bytes!("fixtures.bin");
    let inflated = miniz_oxide::inflate::decompress_to_vec(packed);
    serde_json::from_slice(&inflated.unwrap_or_default()).unwrap_or_default()
});
