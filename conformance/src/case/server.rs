//! Cases for servers: requests, with what the answers must be.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::once;

/// Requests to a server, one after the other, with time in between.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The world it begins with, a seed of the sandbox; the first world if it is left out.
    pub world: Option<Value>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A request to a server, in a world of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerCase {
    /// The world, as in [`Flow`].
    pub world: Option<Value>,
    /// The request.
    pub request: ServerRequest,
    /// What the answer must be.
    pub expect: Predicates,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds that pass first.
    #[serde(default)]
    pub advance: u32,
    /// The request, if there is one.
    pub request: Option<ServerRequest>,
    /// How often it is made; each answer must be so. `${turn}` is the number of the repetition.
    #[serde(default = "once")]
    pub repeat: u32,
    /// It is made until an answer has this status, `repeat` times at most; the last one counts.
    pub until: Option<u16>,
    /// It is made until a value has gone through all of these, `repeat` times at most; the last
    /// answer counts.
    pub through: Option<Through>,
    /// Seconds that pass before each repetition.
    #[serde(default)]
    pub every: u32,
    /// What its answer must be.
    #[serde(default)]
    pub expect: Predicates,
    /// What is kept of the answer for later steps: a variable's name, and a pointer into the body.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// What the server lacks if nothing is there to save, such as `an invoice`, or if a step that
    /// saves nothing does not get what it expects. The case is then not judged.
    pub need: Option<String>,
}

impl Step {
    /// A step of one request.
    pub(crate) fn of(request: ServerRequest, expect: Predicates) -> Self {
        Self {
            advance: 0,
            request: Some(request),
            repeat: once(),
            until: None,
            through: None,
            every: 0,
            expect,
            save: BTreeMap::new(),
            need: None,
        }
    }
}

/// The values that a place in the answers goes through as time passes, such as the states of a
/// cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Through {
    /// A pointer into the body. An answer that has nothing there counts as its status.
    pub at: String,
    /// The values in their order, each for one answer or more. One that ends with a question mark
    /// may be left out.
    pub values: Vec<String>,
}

/// A request. `${name}` in any text of it stands for a variable.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServerRequest {
    /// The operation whose method and path it has.
    pub operation: Option<String>,
    /// The operation's parameters of the path, before percent-encoding.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The method, where it is not the operation's.
    pub method: Option<String>,
    /// The raw target, or a whole URL, where it is not the operation's.
    pub target: Option<String>,
    /// What follows the question mark, raw.
    pub query: Option<String>,
    /// Headers. A null takes away one that is there by itself.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body as JSON.
    pub json: Option<Value>,
    /// The body is the operation's example.
    #[serde(default)]
    pub example: bool,
    /// The body as text.
    pub body: Option<String>,
    /// A body of so many bytes.
    pub generated: Option<usize>,
    /// The whole request, each character one byte, in place of all else.
    pub raw: Option<String>,
    /// Who asks: `owner` (by default), `reader`, or `nobody`.
    pub login: Option<String>,
    /// How they prove it: `bearer` (by default), `digest` or `oauth`.
    pub auth: Option<String>,
}

/// What an answer must be. What is not named may be anything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Predicates {
    /// The status, one of these.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Headers: a text is the value, true must be there, null must not.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// Headers whose values fit a regular expression.
    #[serde(default)]
    pub header_matches: BTreeMap<String, String>,
    /// Values in the body, by JSON pointer.
    #[serde(default)]
    pub json: BTreeMap<String, Predicate>,
    /// The body is an error with the documented fields and this code; `*` for any.
    pub error: Option<String>,
    /// The error has exactly these parameters, each a text; null for any.
    pub parameters: Option<Vec<Option<String>>>,
    /// The error's detail repeats each of its parameters.
    #[serde(default)]
    pub repeats: bool,
    /// The body is what the operation answers, without a deviation from the documented schema.
    #[serde(default)]
    pub conforms: bool,
    /// The body is not empty: an object has a documented field, a list has a result.
    #[serde(default)]
    pub filled: bool,
    /// The answer holds what the body of this step wrote, counted from 1, except write-only fields.
    pub reads_back: Option<usize>,
    /// Texts that the body must not hold.
    #[serde(default)]
    pub body_without: Vec<String>,
    /// Texts that the body must hold.
    #[serde(default)]
    pub body_with: Vec<String>,
    /// How many bytes the body has.
    pub body_length: Option<u64>,
}

/// What a value must be.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predicate {
    /// This.
    Equals(Value),
    /// Anything but this.
    Not(Value),
    /// `string`, `integer`, `boolean`, `array`, `object`, `null`, `present` or `absent`.
    Is(String),
    /// A text that fits a regular expression.
    Matches(String),
    /// A text that holds each of these.
    Contains(Vec<String>),
    /// An object that has each of these fields.
    Fields(Vec<String>),
    /// A time so many seconds after another one.
    After {
        /// The pointer to the other one.
        of: String,
        /// The seconds.
        seconds: u32,
    },
    /// An array with so many items.
    Length(usize),
    /// One of these.
    OneOf(Vec<Value>),
    /// Links with these relations and no others, in any order, each with an absolute `href`.
    Rels(Vec<String>),
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equals(value) => write!(f, "{value}"),
            Self::Not(value) => write!(f, "anything but {value}"),
            Self::Is(kind) => f.write_str(kind),
            Self::Matches(pattern) => write!(f, "a match of {pattern}"),
            Self::Contains(texts) => write!(f, "a text with {}", Value::from(texts.as_slice())),
            Self::Fields(names) => write!(f, "an object with {}", names.join(", ")),
            Self::After { of, seconds } => write!(f, "the time {seconds} s after {of}"),
            Self::Length(length) => write!(f, "an array of {length} items"),
            Self::OneOf(values) => write!(f, "one of {}", Value::from(values.as_slice())),
            Self::Rels(rels) => write!(f, "absolute links with the relations {}", rels.join(", ")),
        }
    }
}
