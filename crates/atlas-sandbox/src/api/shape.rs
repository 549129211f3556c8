//! Shapes a resource by a schema: removes fields that only requests have, and generates the fields
//! of the server deterministically.

use atlas_catalog::{Kind, Schema};
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use crate::api::object::{Field, Table, varying};
use crate::api::samples;
use crate::behaviour::masks::mask;
use crate::time::later;
use crate::world::hex;

/// The maximum depth of a generated response.
const DEEPEST: usize = 10;

/// The maximum depth at which optional fields of objects are generated.
const PLAIN_DEPTH: usize = 3;

/// Generates the representation of one resource.
pub(crate) struct Shaper<'a> {
    /// The seed of the generated ids: the resource's key.
    pub(crate) seed: &'a str,
    pub(crate) created: Timestamp,
    /// The parameters of the path, which the resource repeats under the same names.
    pub(crate) path: &'a [(&'static str, String)],
    /// The organization of the project in the path.
    pub(crate) org: &'a str,
    /// The link of the resource to itself.
    pub(crate) href: &'a str,
    /// Whether the resource was just created: only then are its secrets shown.
    pub(crate) is_new: bool,
    /// Whether the resource has no stored content, so that optional fields are generated too.
    pub(crate) is_made_up: bool,
}

impl Shaper<'_> {
    /// Shapes a value by a schema.
    pub(crate) fn shape(&self, schema: &'static Schema, mut value: Value) -> Value {
        self.given(schema, &mut value, &At::TOP, 0);
        value
    }

    fn given(&self, schema: &'static Schema, value: &mut Value, at: &At<'_>, depth: usize) {
        match value {
            Value::Array(items) => {
                let Some(of_items) = schema.resolve().items.as_deref() else {
                    return;
                };
                for (index, item) in items.iter_mut().enumerate() {
                    self.given(of_items, item, &at.item(index), depth + 1);
                }
            }
            Value::Object(fields) => self.object(schema, fields, at, depth),
            _ => {}
        }
    }

    fn object(
        &self,
        schema: &'static Schema,
        given: &mut Map<String, Value>,
        at: &At<'_>,
        depth: usize,
    ) {
        match Table::of(schema) {
            Some(table) => self.fill(table, given, at, depth),
            None => self.fill(&varying(schema, given), given, at, depth),
        }
    }

    /// Removes the fields that responses do not have, and adds the missing ones.
    fn fill(&self, table: &Table, given: &mut Map<String, Value>, at: &At<'_>, depth: usize) {
        given.retain(|name, _| match table.field(name) {
            Some(field) => !field.hidden,
            None => table.is_open,
        });
        for field in &table.fields {
            if field.hidden {
                continue;
            }
            let (name, of_field) = (field.name, field.schema);
            let inner = at.field(name);
            if let Some(value) = given.get_mut(name) {
                self.given(of_field, value, &inner, depth + 1);
                if let (true, Value::String(secret)) = (field.masked, value) {
                    *secret = mask(secret);
                }
            } else if self.wants(field, depth)
                && let Some(value) = self.made(of_field, name, &inner, depth + 1)
            {
                given.insert(name.to_owned(), value);
            }
        }
        if !table.is_open && depth == 0 && given.keys().all(|name| name == "links") {
            self.show_something(table, given);
        }
    }

    /// Adds the first field of an object that would be empty.
    fn show_something(&self, table: &Table, shaped: &mut Map<String, Value>) {
        let shown = table
            .fields
            .iter()
            .filter(|it| !it.hidden && it.name != "links");
        for field in shown {
            let at = At::TOP;
            if let Some(value) = self.made(field.schema, field.name, &at.field(field.name), 1) {
                shaped.insert(field.name.to_owned(), value);
                return;
            }
        }
    }

    /// Whether a missing field is generated.
    fn wants(&self, field: &Field, depth: usize) -> bool {
        let resolved = field.schema.resolve();
        let default = field.schema.default.is_some() || resolved.default.is_some();
        let read_only = field.schema.read_only || resolved.read_only;
        let shown = read_only || (self.is_made_up && is_plain(field.schema));
        let made = || shown && depth == 0 && !is_exceptional(field.name, self.is_new);
        depth < DEEPEST && (field.required || default || made())
    }

    /// Generates an object: its required fields, or otherwise its plain fields.
    fn made_object(&self, schema: &'static Schema, at: &At<'_>, depth: usize) -> Value {
        let mut made = Map::new();
        self.object(schema, &mut made, at, depth);
        if made.is_empty() && depth <= PLAIN_DEPTH {
            let mut nothing = Map::new();
            let varying = varying(schema, &mut nothing);
            for field in &varying.fields {
                let hidden = field.hidden || field.schema.deprecated;
                if is_plain(field.schema) && !hidden && !is_exceptional(field.name, self.is_new) {
                    let inner = at.field(field.name);
                    let value = self.made(field.schema, field.name, &inner, depth + 1);
                    made.extend(value.map(|value| (field.name.to_owned(), value)));
                }
            }
        }
        Value::Object(made)
    }

    /// Generates a value for a missing field.
    fn made(&self, field: &'static Schema, name: &str, at: &At<'_>, depth: usize) -> Option<Value> {
        let schema = field.resolve();
        if let Some(default) = field.default.as_ref().or(schema.default.as_ref()) {
            return Some(default.clone());
        }
        if name == "links" {
            let own = json!([{"href": self.href, "rel": "self"}]);
            return Some(if depth <= 1 { own } else { json!([]) });
        }
        let choices = field.choices();
        if !choices.is_empty() {
            let texts = choices.iter().filter_map(|choice| choice.as_str());
            return match samples::preferred(texts) {
                Some(text) => Some(text.into()),
                None => choices.first().map(|choice| (*choice).clone()),
            };
        }
        let members = if schema.one_of.is_empty() {
            &schema.any_of
        } else {
            &schema.one_of
        };
        let is_object = !schema.properties.is_empty()
            || !schema.all_of.is_empty()
            || schema.discriminator.is_some();
        match schema.kind.or(is_object.then_some(Kind::Object)) {
            Some(Kind::String) => Some(self.text(schema, name, at).into()),
            Some(Kind::Integer) => Some(samples::number(schema).into()),
            Some(Kind::Number) => Some(json!(samples::number_of(schema))),
            Some(Kind::Boolean) => Some(false.into()),
            Some(Kind::Array) => {
                let count = schema.min_items.unwrap_or(0).min(4);
                let items = schema.items.as_deref()?;
                let made = (0..count).filter_map(|index| {
                    self.made(
                        items,
                        name,
                        &at.item(usize::try_from(index).unwrap_or(0)),
                        depth,
                    )
                });
                Some(made.collect())
            }
            Some(Kind::Object) if depth <= DEEPEST => Some(self.made_object(schema, at, depth)),
            Some(Kind::Object) => Some(json!({})),
            None => match members.first() {
                Some(member) => self.made(member, name, at, depth),
                None => Some(json!({})),
            },
        }
    }

    fn text(&self, schema: &Schema, name: &str, at: &At<'_>) -> String {
        match schema.format.as_deref() {
            Some("date-time") => return self.moment(name).to_string(),
            Some("date") => return self.moment(name).strftime("%Y-%m-%d").to_string(),
            None if name.ends_with("At") || name.ends_with("Date") => {
                return self.moment(name).to_string();
            }
            _ => {}
        }
        if let Some((_, value)) = self.path.iter().find(|(known, _)| *known == name) {
            return value.clone();
        }
        if name == "orgId" {
            return self.org.to_owned();
        }
        if matches!(name, "projectId" | "groupId")
            && let Some((_, value)) = self.path.iter().find(|(known, _)| *known == "groupId")
        {
            return value.clone();
        }
        let digits = hex(&Md5::digest(format!("{}{at}", self.seed)));
        samples::text(schema, name, &digits)
    }

    /// Generates a complete response.
    pub(crate) fn made_up(&self, schema: &'static Schema) -> Value {
        self.made(schema, "", &At::TOP, 0).unwrap_or_default()
    }

    fn moment(&self, name: &str) -> Timestamp {
        let name = name.to_ascii_lowercase();
        if name.contains("expir") || name.contains("end") {
            later(self.created, SignedDuration::from_hours(24 * 365))
        } else {
            self.created
        }
    }
}

/// Whether a field is neither an object nor an array.
fn is_plain(field: &Schema) -> bool {
    let kind = field.resolve().kind;
    !matches!(kind, None | Some(Kind::Array | Kind::Object))
}

/// Whether a field describes a failure, a remark or an end, or is a secret that was already shown.
fn is_exceptional(name: &str, is_new: bool) -> bool {
    let lower = name.to_ascii_lowercase();
    let secret = matches!(lower.as_str(), "secret" | "secretkey" | "privatekey");
    let remark = matches!(
        lower.as_str(),
        "comment" | "description" | "message" | "note"
    );
    (secret && !is_new) || remark || EXCEPTIONS.iter().any(|part| lower.contains(part))
}

/// Parts of the names of fields that a resource at rest does not have.
const EXCEPTIONS: [&str; 7] = [
    "acknowledg",
    "cancel",
    "completed",
    "deprecat",
    "error",
    "fail",
    "lastused",
];

/// The deterministic id of 24 hexadecimal digits for a seed.
pub(crate) fn made_id(seed: &str) -> String {
    let mut digits = hex(&Md5::digest(seed));
    digits.truncate(24);
    digits
}
/// The position of a value in a response, from which its generated values derive.
struct At<'a> {
    above: Option<&'a At<'a>>,
    step: Step<'a>,
}

enum Step<'a> {
    Top,
    Field(&'a str),
    Item(usize),
}

impl<'a> At<'a> {
    const TOP: At<'static> = At {
        above: None,
        step: Step::Top,
    };

    fn field(&'a self, name: &'a str) -> At<'a> {
        At {
            above: Some(self),
            step: Step::Field(name),
        }
    }

    fn item(&'a self, index: usize) -> At<'a> {
        At {
            above: Some(self),
            step: Step::Item(index),
        }
    }
}

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(above) = self.above {
            above.fmt(f)?;
        }
        match self.step {
            Step::Top => Ok(()),
            Step::Field(name) => write!(f, "/{name}"),
            Step::Item(index) => write!(f, "/{index}"),
        }
    }
}
