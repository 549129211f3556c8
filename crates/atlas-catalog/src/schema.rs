//! What a value is to be like, as the documentation has it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};

/// What a value is to be like.
///
/// The keywords of OpenAPI 3.0 that the description uses. A schema that only refers to another one
/// has [`reference`](Schema::reference) set; [`resolve`](Schema::resolve) follows it.
#[derive(Debug, Clone, Default, Deserialize)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "the keywords are what they are"
)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Schema {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The schema that stands in its place.
    #[serde(rename = "$ref")]
    pub reference: Option<SchemaRef>,
    /// The JSON type; any if it is absent.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// Narrows the type, such as `date-time` or `int32`.
    pub format: Option<String>,
    /// The documented pattern of a text. Whether it is enforced, is for `atlas-pattern` to say.
    pub pattern: Option<String>,
    /// The documented values.
    #[serde(rename = "enum")]
    pub values: Vec<Value>,
    /// What answers have beyond the documentation, if anything was recorded.
    pub answers: Option<Answers>,
    /// The value that stands in for an absent one.
    pub default: Option<Value>,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Whether only answers have it.
    pub read_only: bool,
    /// Whether only requests have it.
    pub write_only: bool,
    /// Whether the documentation advises against it.
    pub deprecated: bool,
    /// The fields of an object.
    pub properties: BTreeMap<String, Schema>,
    /// The fields that must be there.
    pub required: Vec<String>,
    /// What further fields of an object are like.
    pub additional_properties: Option<Additional>,
    /// What the elements of an array are like.
    pub items: Option<Box<Schema>>,
    /// Schemas that a value fits together.
    pub all_of: Vec<Schema>,
    /// Schemas of which a value fits one.
    pub one_of: Vec<Schema>,
    /// Schemas of which a value fits at least one.
    pub any_of: Vec<Schema>,
    /// The field that tells which schema an object has.
    pub discriminator: Option<Discriminator>,
    /// The least number.
    pub minimum: Option<Number>,
    /// The greatest number.
    pub maximum: Option<Number>,
    /// Whether the least number itself is excluded.
    pub exclusive_minimum: bool,
    /// Whether the greatest number itself is excluded.
    pub exclusive_maximum: bool,
    /// The fewest characters of a text.
    pub min_length: Option<u64>,
    /// The most characters of a text.
    pub max_length: Option<u64>,
    /// The fewest elements of an array.
    pub min_items: Option<u64>,
    /// The most elements of an array.
    pub max_items: Option<u64>,
    /// Whether the elements of an array must differ.
    pub unique_items: bool,
    /// The fewest fields of an object.
    pub min_properties: Option<u64>,
    /// The most fields of an object.
    pub max_properties: Option<u64>,
}

impl Schema {
    /// The schema itself, or the one it refers to.
    pub fn resolve(&self) -> &Self {
        let mut schema = self;
        // Longer chains do not occur; a circle ends here.
        for _ in 0..8 {
            match schema.reference {
                Some(reference) => schema = reference.schema(),
                None => break,
            }
        }
        schema
    }

    /// The schemas whose fields an object of this one has: itself and all it is composed of. What a
    /// discriminator chooses is not among them.
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

    /// All documented values: its own, or those of every member of a union of enums. Empty if other
    /// values are allowed as well.
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

    /// What a text must be like, in words, if it has a pattern that is enforced.
    pub fn expected(&self) -> Option<&'static str> {
        let pattern = atlas_pattern::Pattern::find(self.pattern.as_deref()?)?;
        Some(pattern.expected())
    }

    /// Whether it is an object without documented fields, which holds any JSON.
    pub(crate) fn is_free_form(&self) -> bool {
        self.kind == Some(Kind::Object)
            && self.properties.is_empty()
            && self.additional_properties.is_none()
            && self.all_of.is_empty()
            && self.one_of.is_empty()
            && self.any_of.is_empty()
            && self.discriminator.is_none()
    }

    /// Whether it is an object whose fields are documented, and no union of several.
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

    /// Whether it may be secret: a password, or a text without values or pattern that only requests
    /// have.
    pub fn is_secret(&self) -> bool {
        let free_text =
            self.kind == Some(Kind::String) && self.values.is_empty() && self.pattern.is_none();
        self.format.as_deref() == Some("password") || self.write_only && free_text
    }
}

/// A schema with a name, by its number in the embedded facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub struct SchemaRef(pub(crate) u16);

impl SchemaRef {
    /// The schema.
    pub fn get(self) -> &'static Schema {
        self.schema()
    }
}

/// What answers have beyond the documentation, as recorded.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Answers {
    /// Values that are not documented.
    pub values: Vec<Value>,
    /// Whether they go beyond the documented pattern, format or bounds.
    pub relaxed: bool,
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text.
    String,
    /// A number without a fraction.
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
    /// Its name, with an article.
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

/// What the fields of an object are like that have no schema by name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Additional {
    /// Anything, or nothing at all.
    Any(bool),
    /// Each like this.
    Schema(Box<Schema>),
}

/// The field that tells which schema an object has.
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
