//! Detects repeated fields in a JSON text, of which `serde_json`'s values keep only the last.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value in which no object repeats a field.
pub(crate) struct WithoutRepeats;

impl<'de> Deserialize<'de> for WithoutRepeats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = WithoutRepeats;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<WithoutRepeats, A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            fields.next_value::<WithoutRepeats>()?;
            if seen.contains(&name) {
                return Err(A::Error::custom(format_args!("duplicate field {name:?}")));
            }
            seen.insert(name);
        }
        Ok(WithoutRepeats)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<WithoutRepeats, A::Error> {
        while items.next_element::<WithoutRepeats>()?.is_some() {}
        Ok(WithoutRepeats)
    }

    fn visit_bool<E>(self, _: bool) -> Result<WithoutRepeats, E> {
        Ok(WithoutRepeats)
    }

    fn visit_i64<E>(self, _: i64) -> Result<WithoutRepeats, E> {
        Ok(WithoutRepeats)
    }

    fn visit_u64<E>(self, _: u64) -> Result<WithoutRepeats, E> {
        Ok(WithoutRepeats)
    }

    fn visit_f64<E>(self, _: f64) -> Result<WithoutRepeats, E> {
        Ok(WithoutRepeats)
    }

    fn visit_str<E>(self, _: &str) -> Result<WithoutRepeats, E> {
        Ok(WithoutRepeats)
    }

    fn visit_unit<E>(self) -> Result<WithoutRepeats, E> {
        Ok(WithoutRepeats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_field_of_an_object_is_found_at_any_depth() {
        let read = |text: &str| serde_json::from_str::<WithoutRepeats>(text).err();
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"[{"b":{"a":null,"c":true,"a":[]}}]"#,
            r#"{"a":"x","\u0061":-1.5}"#,
        ] {
            let error = read(text).expect(text).to_string();
            assert!(error.contains(r#"duplicate field "a""#), "{error}");
        }
        for text in [r#"{"a":{"a":[{"a":1},{"a":2}]},"b":"a"}"#, "3", "null"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
