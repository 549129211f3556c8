//! Prints results: as text for people, as JSON, or as the values that a path selects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::failure::Failure;
use crate::json;
use crate::print::print;

/// The maximum number of brackets of an expression: its parser recurses into each.
const MOST_NESTED: usize = 64;

/// The format of a result.
#[derive(Debug, Clone)]
pub(crate) enum Output {
    /// Text for people.
    Plain,
    /// JSON.
    Json,
    /// The values that a path selects, one per line.
    Path(Selection),
    /// A format of the API other than JSON, unchanged.
    Format(String),
}

/// A path, and whether it has selected anything.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// The path as it was written.
    expression: String,
    path: JsonPath,
    /// Whether it has selected anything yet.
    has_found: Arc<AtomicBool>,
}

impl Output {
    /// Parses the value of `--output` where the API may have other formats.
    pub(crate) fn parse_of_api(text: &str) -> Result<Self, String> {
        match text {
            "gzip" | "csv" => Ok(Self::Format(text.to_owned())),
            text => Self::parse(text),
        }
    }

    /// Parses the value of `--output`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "plaintext" => return Ok(Self::Plain),
            "json" => return Ok(Self::Json),
            _ => {}
        }
        if text == "go-template" || text.starts_with("go-template") {
            return Err(
                "Go templates are not supported; use json-path=EXPR, or json and jq".to_owned(),
            );
        }
        let Some(expression) = text.strip_prefix("json-path=") else {
            return Err("expected plaintext, json or json-path=EXPR".to_owned());
        };
        let nested = expression
            .bytes()
            .filter(|byte| b"([{!".contains(byte))
            .count();
        if nested > MOST_NESTED {
            return Err(format!("expected at most {MOST_NESTED} brackets"));
        }
        if !expression.starts_with('$') {
            return Err("expected an expression that starts with $, such as $.id".to_owned());
        }
        match JsonPath::parse(expression) {
            Ok(path) => Ok(Self::Path(Selection {
                expression: expression.to_owned(),
                path,
                has_found: Arc::default(),
            })),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Prints a document of Atlas: JSON with all its fields in their order, or the text that `plain`
    /// returns.
    pub(crate) fn document(
        &self,
        body: &[u8],
        plain: impl FnOnce(&Value) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        if let Self::Json = self {
            let text = json::pretty(body).map_err(|error| not_json(&error))?;
            return print(text.as_bytes());
        }
        let value = read(body)?;
        match self {
            Self::Path(selection) => print(selection.of(&value)?.as_bytes()),
            _ => print(plain(&value)?.as_bytes()),
        }
    }

    /// Prints a document of this program.
    pub(crate) fn value(
        &self,
        value: &impl Serialize,
        plain: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if let Self::Plain = self {
            return print(plain().as_bytes());
        }
        let body = serde_json::to_vec(value)
            .map_err(|error| Failure::Answer(format!("cannot show the result as JSON: {error}")))?;
        self.document(&body, |_| Ok(String::new()))
    }

    /// Returns one line of several: compact JSON, or the values that a path selects, which may be none.
    /// `Err` means that the caller is to print a line for people.
    pub(crate) fn line(&self, value: &Value) -> Result<Option<String>, ForPeople> {
        match self {
            Self::Plain | Self::Format(_) => Err(ForPeople),
            Self::Json => Ok(Some(value.to_string())),
            Self::Path(selection) => Ok(selection.find(value)),
        }
    }

    /// Checks, after the last of several lines, that the path selected something in one of them.
    pub(crate) fn check_lines(&self) -> Result<(), Failure> {
        match self {
            Self::Path(selection) if !selection.has_found.load(Ordering::Relaxed) => {
                Err(selection.nothing())
            }
            _ => Ok(()),
        }
    }

    /// Whether it is text for people.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}

/// Reads JSON that Atlas sent.
pub(crate) fn read(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> Failure {
    Failure::Answer(format!("the response is not JSON: {error}"))
}

/// The line is to be printed as text for people.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForPeople;

impl Selection {
    /// The selected values, one per line: strings without quotes, anything else as JSON.
    pub(crate) fn of(&self, value: &Value) -> Result<String, Failure> {
        self.find(value).ok_or_else(|| self.nothing())
    }

    fn nothing(&self) -> Failure {
        let expression = &self.expression;
        Failure::Answer(format!("the response has no value at {expression}"))
    }

    fn find(&self, value: &Value) -> Option<String> {
        let found: Vec<String> = self
            .path
            .query(value)
            .all()
            .into_iter()
            .map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        self.has_found.store(true, Ordering::Relaxed);
        Some(found.join("\n"))
    }
}
