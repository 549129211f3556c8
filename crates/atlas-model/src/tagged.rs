//! Unions: objects with a field that names their type.

use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::json::Json;
use crate::lenient;

/// An object kept as text, with the value of the field that names its type.
///
/// serde's own tagged enums lose the position of an error, so one invalid field would lose the
/// whole object.
pub(crate) struct Tagged {
    object: Box<RawValue>,
    tag: String,
}

impl Tagged {
    /// Reads an object; its tag is empty if it has none.
    pub(crate) fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
        field: &'static str,
    ) -> Result<Self, D::Error> {
        let object = Box::<RawValue>::deserialize(deserializer)?;
        if !object.get().starts_with('{') {
            let found = lenient::kind(object.get());
            let message = format!("{found}, expected an object");
            return Err(de::Error::custom(lenient::of_whole(object.get(), &message)));
        }
        let tag = tag(object.get(), field);
        Ok(Self { object, tag })
    }

    /// Returns the value of the field that names the type.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// Returns the object as received.
    #[allow(clippy::unnecessary_wraps, reason = "same signature as `into_type`")]
    pub(crate) fn into_json<E: de::Error>(self) -> Result<Json, E> {
        Ok(self.object.into())
    }

    /// Reads the object as this type.
    pub(crate) fn into_type<T: DeserializeOwned, E: de::Error>(self) -> Result<T, E> {
        serde_json::from_slice(self.object.get().as_bytes())
            .map_err(|error| E::custom(lenient::within(self.object.get(), &error)))
    }
}

fn tag(object: &str, field: &str) -> String {
    let members = lenient::members(object).unwrap_or_default();
    let member = members.into_iter().find(|(key, _)| key == field);
    member
        .and_then(|(_, text)| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
