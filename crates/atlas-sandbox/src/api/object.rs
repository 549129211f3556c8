//! The fields of an object, by its schema and its content.

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, PoisonError, RwLock};

use atlas_catalog::{Additional, Kind, Schema};
use serde_json::{Map, Value};

use crate::api::samples;
use crate::behaviour::masks::is_password;

/// The possible fields of an object, given its content.
pub(crate) struct Object<'a> {
    parts: Vec<&'a Schema>,
    /// The discriminator fields that choose the schemas, each with its value if known.
    pub(crate) discriminators: Vec<(&'a str, Option<&'a str>)>,
}

impl<'a> Object<'a> {
    /// The fields of a schema, with those of the members that discriminators choose. For a union
    /// without a discriminator, the member with the most of the given fields counts.
    pub(crate) fn of(schema: &'a Schema, given: &Map<String, Value>) -> Self {
        let mut object = Self {
            parts: Vec::new(),
            discriminators: Vec::new(),
        };
        object.take(schema, given);
        object
    }

    fn take(&mut self, schema: &'a Schema, given: &Map<String, Value>) {
        for part in schema.parts() {
            if self.parts.iter().any(|known| std::ptr::eq(*known, part)) {
                continue;
            }
            self.parts.push(part);
            if let Some(discriminator) = &part.discriminator {
                let name = discriminator.property_name.as_str();
                let value = given.get(name).and_then(Value::as_str);
                let chosen = value.and_then(|value| discriminator.mapping.get(value));
                let first = samples::preferred(discriminator.mapping.keys().map(String::as_str));
                self.discriminators.push((name, first));
                if let Some(chosen) = chosen {
                    self.take(chosen.get(), given);
                } else if discriminator.mapping.is_empty() {
                    self.take_member(part, given);
                }
            } else {
                self.take_member(part, given);
            }
        }
    }

    /// Adds the best matching member of a union.
    fn take_member(&mut self, part: &'a Schema, given: &Map<String, Value>) {
        let members = if part.one_of.is_empty() {
            &part.any_of
        } else {
            &part.one_of
        };
        let fits = |member: &Schema| {
            let has = |name: &&String| member.parts().any(|it| it.properties.contains_key(*name));
            let in_choices = |name: &&String| {
                let of_field = member.parts().find_map(|it| it.properties.get(*name));
                of_field.is_none_or(|field| {
                    let choices = field.choices();
                    choices.is_empty() || given.get(*name).is_some_and(|it| choices.contains(&it))
                })
            };
            let known = given.keys().filter(has).count();
            let wrong = given.keys().filter(|name| !in_choices(name)).count();
            (std::cmp::Reverse(wrong), known)
        };
        let mut best: Option<&Schema> = None;
        for member in members.iter().map(Schema::resolve) {
            let objects = member.kind.is_none_or(|kind| kind == Kind::Object);
            if objects && best.is_none_or(|best| fits(member) > fits(best)) {
                best = Some(member);
            }
        }
        if let Some(best) = best {
            self.take(best, given);
        }
    }

    /// The schema of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&'a Schema> {
        // The part that was chosen last is the most specific.
        let mut parts = self.parts.iter().rev();
        parts.find_map(|part| part.properties.get(name))
    }

    pub(crate) fn names(&self) -> BTreeSet<&'a str> {
        let parts = self.parts.iter();
        parts
            .flat_map(|part| part.properties.keys().map(String::as_str))
            .collect()
    }

    pub(crate) fn requires(&self, name: &str) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| part.required.iter().any(|required| required == name))
    }

    /// Whether fields of any name are allowed.
    pub(crate) fn is_open(&self) -> bool {
        let additional = |part: &&Schema| {
            matches!(
                part.additional_properties,
                Some(Additional::Any(true) | Additional::Schema(_))
            )
        };
        self.parts.iter().any(additional) || self.names().is_empty()
    }

    pub(crate) fn is_discriminator(&self, name: &str) -> bool {
        self.discriminators.iter().any(|(known, _)| *known == name)
    }
}

/// The fields of an object, by name.
pub(crate) struct Table {
    pub(crate) fields: Vec<Field>,
    /// Whether fields of any name are allowed.
    pub(crate) is_open: bool,
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) schema: &'static Schema,
    pub(crate) required: bool,
    /// Whether only requests have the field.
    pub(crate) hidden: bool,
    /// Whether the field is a secret from the client, which responses show masked.
    pub(crate) masked: bool,
}

impl Table {
    /// The fields of a schema if they do not depend on the object's content. Computed once.
    pub(crate) fn of(schema: &'static Schema) -> Option<&'static Self> {
        /// Keyed by the address of a schema; schemas are static.
        type Known = RwLock<HashMap<usize, Option<&'static Table>>>;
        static KNOWN: LazyLock<Known> = LazyLock::new(RwLock::default);
        let schema = schema.resolve();
        let address = std::ptr::from_ref(schema).addr();
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = known.get(&address) {
            return *table;
        }
        drop(known);
        let varies = |part: &Schema| {
            part.discriminator.is_some() || !part.one_of.is_empty() || !part.any_of.is_empty()
        };
        let table: Option<&'static Self> = if schema.parts().any(varies) {
            None
        } else {
            // Bounded by the number of schemas, which are static as well.
            Some(Box::leak(Box::new(Self::by(&Object::of(
                schema,
                &Map::new(),
            )))))
        };
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        *known.entry(address).or_insert(table)
    }

    fn by(object: &Object<'static>) -> Self {
        let fields = object.names().into_iter().filter_map(|name| {
            let schema = object.field(name)?;
            Some(Field {
                name,
                schema,
                required: object.requires(name),
                hidden: schema.write_only || schema.resolve().write_only,
                masked: is_password(schema) && !(schema.read_only || schema.resolve().read_only),
            })
        });
        Self {
            fields: fields.collect(),
            is_open: object.is_open(),
        }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        let found = self.fields.binary_search_by(|field| field.name.cmp(name));
        found.ok().and_then(|place| self.fields.get(place))
    }
}

/// The fields of an object whose schema depends on its content. A missing discriminator is added to
/// it.
pub(crate) fn varying(schema: &'static Schema, given: &mut Map<String, Value>) -> Table {
    let mut object = Object::of(schema, given);
    // A discriminator may choose a schema with a further discriminator.
    for _ in 0..4 {
        let missing = object.discriminators.iter().find_map(|(name, value)| {
            let value = value.filter(|_| !given.contains_key(*name))?;
            Some(((*name).to_owned(), value.to_owned()))
        });
        let Some((name, value)) = missing else { break };
        given.insert(name, value.into());
        object = Object::of(schema, given);
    }
    Table::by(&object)
}
