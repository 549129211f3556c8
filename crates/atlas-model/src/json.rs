//! JSON without a documented shape.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// JSON without a documented shape, kept as the received text.
///
/// The order of keys and every digit of a number are preserved: in a pipeline of streams,
/// `{"$sort": {"b": 1, "a": -1}}` sorts differently if the keys are swapped. `Debug` does not show
/// the text, since it may contain secrets.
///
/// ```
/// use atlas_model::Json;
///
/// let sort = Json::parse(r#"{"$sort": {"b": 1, "a": -1}}"#)?;
/// assert_eq!(sort.as_str(), r#"{"$sort": {"b": 1, "a": -1}}"#);
/// assert_eq!(sort.value()["$sort"]["b"], 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Parses a text as JSON.
    ///
    /// # Errors
    /// The text is not JSON.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Returns the value. Keys are in alphabetical order, and numbers beyond 64 bits are rounded.
    ///
    /// A value that `serde_json` cannot represent, such as `1e400`, is `null`.
    pub fn value(&self) -> Value {
        self.read().unwrap_or_default()
    }

    /// Deserializes it as a type.
    ///
    /// # Errors
    /// The JSON does not match the type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        let raw = serde_json::value::to_raw_value(&value);
        Self(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }
}

impl From<Box<RawValue>> for Json {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

impl Default for Json {
    /// Returns `null`.
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl PartialEq for Json {
    /// Whether both texts are the same.
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Json {}

impl Hash for Json {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl FromStr for Json {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        Self::parse(text)
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json([{} bytes hidden])", self.as_str().len())
    }
}
