//! Schemas: the documented form of a value.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};

/// The schema of a value.
///
/// Has the keywords of OpenAPI 3.0 that the description uses. A schema that only refers to another
/// one has [`reference`](Schema::reference) set; [`resolve`](Schema::resolve) follows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "the keywords are those of OpenAPI"
)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Schema {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The schema to use instead.
    #[serde(rename = "$ref")]
    pub reference: Option<SchemaRef>,
    /// The JSON type; `None` allows any.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// Narrows the type, such as `date-time` or `int32`.
    pub format: Option<String>,
    /// The documented pattern of a string; `atlas-pattern` decides whether it is enforced.
    pub pattern: Option<String>,
    /// The documented values.
    #[serde(rename = "enum")]
    pub values: Vec<Value>,
    /// Undocumented values in recorded responses.
    pub answers: Option<Answers>,
    /// The default value.
    pub default: Option<Value>,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Whether it exists only in responses.
    pub read_only: bool,
    /// Whether it exists only in requests.
    pub write_only: bool,
    /// Whether it is deprecated.
    pub deprecated: bool,
    /// The fields of an object.
    pub properties: BTreeMap<String, Schema>,
    /// The required fields.
    pub required: Vec<String>,
    /// The schema of other fields of an object.
    pub additional_properties: Option<Additional>,
    /// The schema of the elements of an array.
    pub items: Option<Box<Schema>>,
    /// Schemas that a value must match together.
    pub all_of: Vec<Schema>,
    /// Schemas of which a value must match one.
    pub one_of: Vec<Schema>,
    /// Schemas of which a value must match at least one.
    pub any_of: Vec<Schema>,
    /// The field that selects the schema of an object.
    pub discriminator: Option<Discriminator>,
    /// The minimum of a number.
    pub minimum: Option<Number>,
    /// The maximum of a number.
    pub maximum: Option<Number>,
    /// Whether the minimum itself is excluded.
    pub exclusive_minimum: bool,
    /// Whether the maximum itself is excluded.
    pub exclusive_maximum: bool,
    /// The minimum number of characters.
    pub min_length: Option<u64>,
    /// The maximum number of characters.
    pub max_length: Option<u64>,
    /// The minimum number of elements of an array.
    pub min_items: Option<u64>,
    /// The maximum number of elements of an array.
    pub max_items: Option<u64>,
    /// Whether the elements of an array must be unique.
    pub unique_items: bool,
    /// The minimum number of fields of an object.
    pub min_properties: Option<u64>,
    /// The maximum number of fields of an object.
    pub max_properties: Option<u64>,
}

impl Schema {
    /// Returns the schema itself, or the one it refers to.
    pub fn resolve(&self) -> &Self {
        let mut schema = self;
        // Longer chains do not occur; this ends a cycle.
        for _ in 0..8 {
            match schema.reference {
                Some(reference) => schema = reference.schema(),
                None => break,
            }
        }
        schema
    }

    /// Returns the schemas whose fields an object of this one has: itself and all it is composed
    /// of, without those selected by a discriminator.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        let mut parts = vec![self.resolve()];
        let mut next = 0;
        while let Some(part) = parts.get(next).copied() {
            next += 1;
            for more in &part.all_of {
                let more = more.resolve();
                if !parts.iter().any(|known| std::ptr::eq(*known, more)) {
                    parts.push(more);
                }
            }
        }
        parts.into_iter()
    }

    /// Returns all documented values: its own, or those of every member of a union of enums. Empty
    /// if other values are allowed too.
    pub fn choices(&self) -> Vec<&Value> {
        let schema = self.resolve();
        let members = if schema.one_of.is_empty() {
            &schema.any_of
        } else {
            &schema.one_of
        };
        if members.is_empty() {
            return schema.values.iter().collect();
        }
        let of_members: Vec<Vec<&Value>> = members.iter().map(Self::choices).collect();
        if of_members.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        of_members.concat()
    }

    /// Returns the description of its enforced pattern, if it has one.
    pub fn expected(&self) -> Option<&'static str> {
        let pattern = atlas_pattern::Pattern::find(self.pattern.as_deref()?)?;
        Some(pattern.expected())
    }

    /// Whether it is an object without documented fields, which may contain any JSON.
    pub(crate) fn is_free_form(&self) -> bool {
        self.kind == Some(Kind::Object)
            && self.properties.is_empty()
            && self.additional_properties.is_none()
            && self.all_of.is_empty()
            && self.one_of.is_empty()
            && self.any_of.is_empty()
            && self.discriminator.is_none()
    }

    /// Whether it is an object with documented fields, and not a union.
    pub(crate) fn is_plain_object(&self) -> bool {
        let fields = !self.properties.is_empty()
            || !self.all_of.is_empty()
            || self.additional_properties.is_some()
            || self.discriminator.is_some();
        let union = !self.one_of.is_empty() || !self.any_of.is_empty();
        fields
            && self.kind.is_none_or(|kind| kind == Kind::Object)
            && self.answers.is_none()
            && (!union || self.discriminator.is_some())
    }

    /// Whether it may be secret: a password, or a string without documented values or pattern that
    /// exists only in requests.
    pub fn is_secret(&self) -> bool {
        let free_text =
            self.kind == Some(Kind::String) && self.values.is_empty() && self.pattern.is_none();
        self.format.as_deref() == Some("password") || self.write_only && free_text
    }
}

/// A named schema, by its number in the embedded facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub struct SchemaRef(pub(crate) u16);

impl SchemaRef {
    /// Returns the schema.
    pub fn get(self) -> &'static Schema {
        self.schema()
    }
}

/// Undocumented values in recorded responses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Answers {
    /// The undocumented values.
    pub values: Vec<Value>,
    /// Whether responses violate the documented pattern, format or bounds.
    pub relaxed: bool,
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A string.
    String,
    /// An integer.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// Returns its name, with an article.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// The schema of the fields of an object that are not documented by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Additional {
    /// Anything, or no such fields.
    Any(bool),
    /// Each has this schema.
    Schema(Box<Schema>),
}

/// The field that selects the schema of an object.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Discriminator {
    /// The field.
    pub property_name: String,
    /// The schema for each value.
    #[serde(default)]
    pub mapping: BTreeMap<String, SchemaRef>,
}
