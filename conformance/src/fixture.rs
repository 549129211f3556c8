//! Reading `fixtures/`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

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
#[derive(Debug)]
pub struct FixtureError {
    path: PathBuf,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl FixtureError {
    pub(crate) fn new(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            path: path.to_owned(),
            source: Box::new(source),
        }
    }
}

impl FixtureError {
    pub(crate) fn of_case(area: &str, problem: &str) -> Self {
        let path = root().join(format!("cases/{area}.json"));
        Self::new(&path, std::io::Error::other(problem.to_owned()))
    }
}

impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fixture {} cannot be read", self.path.display())
    }
}

impl std::error::Error for FixtureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
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

/// Reads the fixtures of one operation.
///
/// # Errors
/// [`FixtureError`] names the file.
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
    let folder = root().join(id);
    let facts: Facts = read(&folder.join("operation.json"))?;
    let mut responses = Vec::with_capacity(facts.statuses.len());
    for status in facts.statuses {
        let body = read(&folder.join(format!("responses/{status}.json")))?;
        responses.push(DocumentedResponse { status, body });
    }
    let mut commands = BTreeMap::new();
    for auth in ["bearer", "digest"] {
        let command = read(&folder.join(format!("commands/{auth}.json")))?;
        commands.insert(auth.to_owned(), command);
    }
    Ok(OperationFixture {
        id: id.to_owned(),
        method: facts.method,
        path: facts.path,
        version_asked: facts.version_asked,
        version_answered: facts.version_answered,
        parameters: facts.parameters,
        request_headers: facts.request_headers,
        request: read(&folder.join("request.json"))?,
        wire_body: compact(&text(&folder.join("request.json"))?),
        responses,
        commands,
    })
}

/// The operations whose documented page stands in the fixtures whole.
///
/// # Errors
/// [`FixtureError`] if the list of operations cannot be read.
pub fn replayed() -> Result<Vec<String>, FixtureError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Listed {
        operation_id: String,
    }
    let root = root();
    let listed: Vec<Listed> = read(&root.join("operations.json"))?;
    let ids = listed.into_iter().map(|listed| listed.operation_id);
    Ok(ids.filter(|id| root.join(id).is_dir()).collect())
}

/// Reads the cases of one pattern.
///
/// # Errors
/// [`FixtureError`] names the file.
pub fn pattern(field: &str) -> Result<PatternFixture, FixtureError> {
    read(&root().join(format!("patterns/{field}.json")))
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FixtureError> {
    serde_json::from_str(&text(path)?).map_err(|source| FixtureError::new(path, source))
}

fn text(path: &Path) -> Result<String, FixtureError> {
    std::fs::read_to_string(path).map_err(|source| FixtureError::new(path, source))
}

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    json.chars()
        .filter(|&character| {
            let keep = in_text || !character.is_ascii_whitespace();
            if character == '"' && !escaped {
                in_text = !in_text;
            }
            escaped = in_text && character == '\\' && !escaped;
            keep
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_the_white_space_between_tokens_goes() {
        let json = "{ \"a b\" : \"\\\" c\\\\\" ,\n\t\"d\":[ 1, 2 ] }";
        let expected = "{\"a b\":\"\\\" c\\\\\",\"d\":[1,2]}";
        assert_eq!(compact(json), expected);
    }
}
