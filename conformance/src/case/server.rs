//! Cases for servers: requests and the predicates on their responses.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use super::once;

/// A sequence of requests to a server, with time in between.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The initial world, a seed of the sandbox; by default the default world.
    pub world: Option<Value>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A single request to a server, in a fresh world.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerCase {
    /// The world, as in [`Flow`].
    pub world: Option<Value>,
    /// The request.
    pub request: ServerRequest,
    /// The predicates on the response.
    pub expect: Predicates,
}

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds by which the clock is advanced first.
    #[serde(default)]
    pub advance: u32,
    /// The request, if any.
    pub request: Option<ServerRequest>,
    /// How often the request is sent; each response must satisfy the predicates. `${turn}` is the
    /// number of the repetition.
    #[serde(default = "once")]
    pub repeat: u32,
    /// Repeats the request until a response has this status, `repeat` times at most; only the last
    /// response is judged.
    pub until: Option<u16>,
    /// Repeats the request until a value has taken all of these, `repeat` times at most; only the
    /// last response is judged.
    pub through: Option<Through>,
    /// Seconds by which the clock is advanced before each repetition.
    #[serde(default)]
    pub every: u32,
    /// The predicates on the response.
    #[serde(default)]
    pub expect: Predicates,
    /// Values to save for later steps: the name of a variable, and a JSON pointer into the body.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// The resource that the server lacks, such as `an invoice`, if there is no value to save, or
    /// if a step without `save` fails its predicates. The case is then not judged.
    pub need: Option<String>,
}

impl Step {
    /// Returns a step with one request.
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

/// The successive values of a field as time passes, such as the states of a cluster.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Through {
    /// A JSON pointer into the body. If the field is absent, the status of the response is the
    /// value.
    pub at: String,
    /// The values in order, each in one or more responses. A value that ends with a question mark
    /// is optional.
    pub values: Vec<String>,
}

/// A request. `${name}` in any text is replaced by a variable.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServerRequest {
    /// The operation that determines method and path.
    pub operation: Option<String>,
    /// The operation's path parameters, before percent-encoding.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The method, if it is not the operation's.
    pub method: Option<String>,
    /// The raw target or a complete URL, if it is not the operation's.
    pub target: Option<String>,
    /// The raw query, without the question mark.
    pub query: Option<String>,
    /// Headers. A null removes a default one.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body as JSON.
    pub json: Option<Value>,
    /// Sends the operation's example as the body.
    #[serde(default)]
    pub example: bool,
    /// The body as text.
    pub body: Option<String>,
    /// The size of a generated body, in bytes.
    pub generated: Option<usize>,
    /// The raw bytes of the whole request, one per character, instead of all other fields.
    pub raw: Option<String>,
    /// The login that sends the request: `owner` (the default), `reader`, or `nobody` for no credentials.
    pub login: Option<String>,
    /// The authentication: `bearer` (by default), `digest` or `oauth`.
    pub auth: Option<String>,
}

/// The predicates on a response. Absent ones match anything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Predicates {
    /// The accepted statuses.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Headers: a text is the value, true means present, null absent.
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    /// Headers whose values match a regular expression.
    #[serde(default)]
    pub header_matches: BTreeMap<String, String>,
    /// Values in the body, by JSON pointer.
    #[serde(default)]
    pub json: BTreeMap<String, Predicate>,
    /// The body is an error with the documented fields and this code; `*` for any code.
    pub error: Option<String>,
    /// The error has exactly these text parameters; null for any text.
    pub parameters: Option<Vec<Option<String>>>,
    /// The error's detail contains each of its parameters.
    #[serde(default)]
    pub repeats: bool,
    /// The body does not violate the documented schema of the operation.
    #[serde(default)]
    pub conforms: bool,
    /// The body is not empty: an object has a documented field, a list has a result.
    #[serde(default)]
    pub filled: bool,
    /// The response contains the values written by the body of this step, counted from 1, except
    /// write-only fields.
    pub reads_back: Option<usize>,
    /// Texts that the body must not contain.
    #[serde(default)]
    pub body_without: Vec<String>,
    /// Texts that the body must contain.
    #[serde(default)]
    pub body_with: Vec<String>,
    /// The length of the body, in bytes.
    pub body_length: Option<u64>,
}

/// The requirement on a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predicate {
    /// Equal to this.
    Equals(Value),
    /// Not equal to this.
    Not(Value),
    /// `string`, `integer`, `boolean`, `array`, `object`, `null`, `present` or `absent`.
    Is(String),
    /// A text that matches a regular expression.
    Matches(String),
    /// A text that contains each of these.
    Contains(Vec<String>),
    /// An object that has each of these fields.
    Fields(Vec<String>),
    /// A time this many seconds after another one.
    After {
        /// The JSON pointer to the other time.
        of: String,
        /// The seconds.
        seconds: u32,
    },
    /// An array of this length.
    Length(usize),
    /// One of these.
    OneOf(Vec<Value>),
    /// Links with exactly these relations, in any order, each with an absolute `href`.
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
