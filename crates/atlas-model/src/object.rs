//! Reads and writes the objects of the generated modules.
//!
//! Compiles to less code than serde's derive: each type adds only its list of fields. Arrays are
//! not accepted as objects. The search for a key starts after the previous one, since Atlas writes
//! keys in field order.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize};

/// A struct whose fields are all optional.
pub(crate) trait Object: Default {
    /// The JSON names of the fields.
    const FIELDS: &'static [&'static str];

    /// Reads the value of the field with this number, using [`read`].
    fn set<'de, A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error>;
}

/// Reads an object. Unknown fields are ignored, and `null` is an absent field.
pub(crate) fn deserialize<'de, T: Object, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Fields<T>(PhantomData<T>);

    impl<'de, T: Object> Visitor<'de> for Fields<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let mut object = T::default();
            let mut next = 0;
            while let Some(field) = map.next_key_seed(Key {
                fields: T::FIELDS,
                next,
            })? {
                match field {
                    Some(field) => {
                        next = field + 1;
                        object.set(field, &mut map)?;
                    }
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(object)
        }
    }

    deserializer.deserialize_map(Fields(PhantomData))
}

/// Reads the value of a field.
#[inline]
pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut A,
) -> Result<(), A::Error> {
    if field.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *field = map.next_value()?;
    Ok(())
}

/// Writes a field, if it has a value.
#[inline]
pub(crate) fn write<T: Serialize, M: SerializeMap>(
    map: &mut M,
    name: &'static str,
    value: Option<&T>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(name, value),
        None => Ok(()),
    }
}

/// A key, as the number of the field with that name.
struct Key {
    fields: &'static [&'static str],
    next: usize,
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Option<usize>, E> {
        let (before, after) = self.fields.split_at(self.next.min(self.fields.len()));
        let after = after.iter().position(|field| *field == name);
        Ok(match after {
            Some(index) => Some(before.len() + index),
            None => before.iter().position(|field| *field == name),
        })
    }
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}
