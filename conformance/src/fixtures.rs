//! The fixtures: those that are embedded, and cases from a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::case::Case;

/// The operation whose page the cases begin with: its parameters and body stand where a case gives
/// none.
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
    /// The version the page asks for.
    pub version_asked: String,
    /// The version Atlas answers with.
    pub version_answered: String,
    /// The parameters of path and query.
    pub parameters: Vec<ParameterFixture>,
    /// The headers that the page fixes, lower-case names.
    pub request_headers: BTreeMap<String, String>,
    /// The documented request body.
    pub request: serde_json::Value,
    /// The request body as it must stand on the wire: no white space, keys in documented order.
    pub wire_body: String,
    /// The documented answers, by status.
    pub responses: Vec<DocumentedResponse>,
    /// The documented command lines, by the kind of authentication.
    pub commands: BTreeMap<String, CommandLine>,
}

/// A documented parameter.
#[derive(Debug, Clone, Deserialize)]
pub struct ParameterFixture {
    /// The API's name for it.
    pub name: String,
    /// `path` or `query`.
    #[serde(rename = "in")]
    pub place: String,
    /// A value for it, where the documentation gives none.
    pub example: Option<String>,
}

/// A documented answer.
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

/// A documented pattern with texts inside and outside of it.
#[derive(Debug, Clone, Deserialize)]
pub struct PatternFixture {
    /// The pattern.
    pub pattern: String,
    /// Texts inside.
    pub accept: Vec<String>,
    /// Texts outside.
    pub refuse: Vec<String>,
}

/// A fixture that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("invalid fixture {name}; compare it with the format in fixtures/README.md")]
    Invalid {
        /// Its name, below `fixtures` where it is embedded.
        name: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// There is no such fixture.
    #[error("unknown fixture {name:?}")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A case with a matrix cannot be expanded.
    #[error("invalid case {case}: {problem}")]
    Case {
        /// The id.
        case: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl OperationFixture {
    /// The path with the parameters' examples in place, as it stands on the request line.
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for parameter in &self.parameters {
            if let Some(example) = &parameter.example {
                target = target.replace(&format!("{{{}}}", parameter.name), example);
            }
        }
        target
    }

    /// The example for a parameter of the path.
    pub fn example(&self, parameter: &str) -> Option<&str> {
        let documented = self
            .parameters
            .iter()
            .find(|known| known.name == parameter)?;
        documented.example.as_deref()
    }

    /// The `Content-Type` of the documented answer with this status: errors name no version.
    pub fn media_type(&self, status: u16) -> String {
        if status == 200 {
            let version = &self.version_answered;
            format!("application/vnd.atlas.{version}+json;charset=utf-8")
        } else {
            "application/json".to_owned()
        }
    }
}

/// The documented page of an operation.
///
/// # Errors
/// [`FixtureError`]: there is no page of this operation.
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

/// The texts of one pattern.
///
/// # Errors
/// [`FixtureError`]: there is no such pattern.
pub fn pattern(field: &str) -> Result<PatternFixture, FixtureError> {
    embedded(&format!("patterns/{field}.json"))
}

/// All embedded cases, as they are written.
pub(crate) fn embedded_cases() -> Result<Vec<Case>, FixtureError> {
    let mut cases = Vec::new();
    for name in EMBEDDED.keys().filter(|name| name.starts_with("cases/")) {
        cases.extend(embedded::<Vec<Case>>(name)?);
    }
    Ok(cases)
}

/// The cases of every JSON file below a folder, as they are written. Links to folders are not
/// followed.
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

/// An embedded fixture by its path below `fixtures`.
pub(crate) fn embedded<T: DeserializeOwned>(name: &str) -> Result<T, FixtureError> {
    let text = EMBEDDED.get(name).ok_or_else(|| FixtureError::Unknown {
        name: name.to_owned(),
    })?;
    serde_json::from_str(text.get()).map_err(|source| FixtureError::Invalid {
        name: name.to_owned(),
        source,
    })
}

/// The example of an operation's bodies, if it has one.
pub(crate) fn example(operation: &str) -> Option<&'static Example> {
    EXAMPLES.get(operation)
}

/// Example bodies of an operation.
#[derive(Debug, Deserialize)]
pub(crate) struct Example {
    /// The version that they are valid in.
    pub(crate) version: String,
    /// A request body, if the operation takes one.
    pub(crate) request: Option<Value>,
    /// The status of the answer.
    pub(crate) status: u16,
    /// The body of the answer, if it has one.
    pub(crate) response: Option<Value>,
    /// The format of the answer, where it is not JSON.
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

/// What the judge needs of `fixtures`, packed by `atlas-conformance-generator`: JSON by path.
static EMBEDDED: LazyLock<BTreeMap<String, Box<RawValue>>> = LazyLock::new(|| {
    let packed = include_bytes!("fixtures.bin");
    let inflated = miniz_oxide::inflate::decompress_to_vec(packed);
    serde_json::from_slice(&inflated.unwrap_or_default()).unwrap_or_default()
});
