//! Generates values from the schemas of the facts.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::facts::{FACTS, OVERRIDES};
use crate::path::{Path, Step};
use crate::texts::text;

/// The fields of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fields {
    Required,
    Some,
    All,
}

/// A value with facts about its nodes.
pub(crate) struct Instance {
    pub(crate) value: Value,
    pub(crate) nodes: Vec<Node>,
    /// The number of forms of the union that has the most.
    pub(crate) forms: usize,
}

/// A node within a value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) path: Path,
    /// The schema and field of the node.
    pub(crate) place: String,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// The start of the outermost union without a discriminator that contains the node.
    pub(crate) union: Option<Path>,
}

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Id,
    Integer,
    Number,
    Boolean,
    List,
    Map,
    Object,
    /// Any JSON.
    Any,
    /// The field that selects the form of a union.
    Tag,
}

pub(crate) struct Maker {
    fields: Fields,
    /// The fields that this direction lacks: `readOnly` or `writeOnly`.
    without: &'static str,
    random: Rng,
    seed: usize,
    picks: usize,
    path: Path,
    union: Option<Path>,
    required: bool,
    /// The named schemas that are being generated.
    open: Vec<String>,
    nodes: Vec<Node>,
    forms: usize,
}

/// Generates a value of a schema at `place`.
pub(crate) fn instance(
    schema: &Value,
    place: &str,
    fields: Fields,
    without: &'static str,
    seed: usize,
) -> Instance {
    let mut maker = Maker {
        fields,
        without,
        random: Rng::with_seed(seed as u64),
        seed,
        picks: 0,
        path: Path::default(),
        union: None,
        required: false,
        open: Vec::new(),
        nodes: Vec::new(),
        forms: 1,
    };
    let value = maker.value(schema, place);
    Instance {
        value,
        nodes: maker.nodes,
        forms: maker.forms,
    }
}

/// The schemas of an object's fields, with their places.
type Parts = Vec<(Value, String)>;

fn parts_of(schema: &Value, place: &str, parts: &mut Parts) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        match part["$ref"].as_str() {
            Some(name) => parts_of(named(name), name, parts),
            None => parts_of(part, place, parts),
        }
    }
    let part = (schema.clone(), place.to_owned());
    if !parts.contains(&part) {
        parts.push(part);
    }
}

fn says_something(schema: &Value) -> bool {
    let mut says = schema.as_object().unwrap().iter();
    says.any(|(key, value)| key != "description" && !(key == "type" && value == "object"))
}

/// Whether the overrides state that responses violate this keyword.
fn is_relaxed(place: &str, keyword: &str) -> bool {
    let relaxed = OVERRIDES["values"][place]["relax"].as_array();
    relaxed.is_some_and(|relaxed| relaxed.iter().any(|one| one == keyword))
}

/// Whether a string is an id: by its pattern, or by an override of its field.
fn is_id(schema: &Value, place: &str) -> bool {
    let field = place.rsplit('.').next().unwrap();
    let row = [place, field]
        .into_iter()
        .find_map(|key| OVERRIDES["types"][key]["type"].as_str());
    let pattern = schema["pattern"] == "^([a-f0-9]{24})$" && schema["format"].is_null();
    row.map_or(pattern, |row| row.ends_with("Id"))
}

fn named(name: &str) -> &'static Value {
    &FACTS["schemas"][name]
}

impl Maker {
    /// Selects every form in turn, as the seed grows.
    fn pick(&mut self, count: usize) -> usize {
        self.forms = self.forms.max(count);
        self.picks += 1;
        (self.seed + self.picks) % count
    }

    fn node(&mut self, place: &str, kind: Kind) {
        self.nodes.push(Node {
            path: self.path.clone(),
            place: place.to_owned(),
            kind,
            required: self.required,
            union: self.union.clone(),
        });
    }

    fn value(&mut self, schema: &Value, place: &str) -> Value {
        let alone = schema["allOf"].as_array().filter(|parts| parts.len() == 1);
        let alone = alone.filter(|_| schema["properties"].is_null());
        let reference = schema["$ref"].as_str();
        if let Some(name) = reference.or_else(|| alone?[0]["$ref"].as_str()) {
            self.open.push(name.to_owned());
            let fields = self.fields;
            if self.open.iter().filter(|open| *open == name).count() > 1 {
                self.fields = Fields::Required;
            }
            let value = self.value(named(name), name);
            self.fields = fields;
            self.open.pop();
            return value;
        }
        for key in ["oneOf", "anyOf"] {
            if let (Some(members), Value::Null) = (schema[key].as_array(), &schema["discriminator"])
            {
                let member = &members[self.pick(members.len())];
                let union = self.union.clone();
                if self.union.is_none() {
                    self.union = Some(self.path.clone());
                }
                let value = self.value(member, place);
                self.union = union;
                return value;
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            let value = &values[self.random.usize(..values.len())];
            self.node(
                place,
                if value.is_string() {
                    Kind::Text
                } else {
                    Kind::Integer
                },
            );
            return value.clone();
        }
        match schema["type"].as_str() {
            Some("string") => {
                let id = is_id(schema, place);
                self.node(place, if id { Kind::Id } else { Kind::Text });
                if id {
                    return "32b6e34b3d91647abb20e7b8".into();
                }
                text(schema, &mut self.random).into()
            }
            Some("boolean") => {
                self.node(place, Kind::Boolean);
                self.random.bool().into()
            }
            Some("integer") => {
                self.node(place, Kind::Integer);
                self.number(schema)
            }
            Some("number") => {
                self.node(place, Kind::Number);
                self.number(schema)
            }
            Some("array") => self.list(schema, place),
            _ => self.object(schema, place),
        }
    }

    fn list(&mut self, schema: &Value, place: &str) -> Value {
        self.node(place, Kind::List);
        let outer = std::mem::take(&mut self.required);
        let least = schema["minItems"].as_u64().unwrap_or(0);
        let most = schema["maxItems"].as_u64().unwrap_or(2).max(least);
        let wanted = if self.fields == Fields::Required {
            0
        } else {
            2
        };
        let mut items = Vec::new();
        for index in 0..wanted.clamp(least, most) {
            self.path
                .0
                .push(Step::Element(usize::try_from(index).unwrap()));
            let known = self.nodes.len();
            let item = self.value(&schema["items"], &format!("{place}[]"));
            self.path.0.pop();
            if schema["uniqueItems"] == true && items.contains(&item) {
                self.nodes.truncate(known);
                break;
            }
            items.push(item);
        }
        self.required = outer;
        items.into()
    }

    fn object(&mut self, schema: &Value, place: &str) -> Value {
        let mut fields = Map::new();
        let empty = schema["properties"].as_object().is_none_or(Map::is_empty)
            && schema["allOf"].is_null()
            && schema["discriminator"].is_null();
        if empty {
            let further = &schema["additionalProperties"];
            let inner = further.as_object().filter(|inner| !inner.is_empty());
            if inner
                .is_none_or(|inner| inner.len() == 1 && inner.get("type") == Some(&"object".into()))
            {
                self.node(place, Kind::Any);
                if further != false {
                    fields.insert("any".to_owned(), json!({ "a": [1, {}] }));
                }
                return fields.into();
            }
            self.node(place, Kind::Map);
            let most = schema["maxProperties"].as_u64().unwrap_or(2);
            for name in ["one", "two"]
                .into_iter()
                .take(usize::try_from(most).unwrap())
            {
                self.path.0.push(Step::Field(name.to_owned()));
                let required = std::mem::take(&mut self.required);
                let value = self.value(further, &format!("{place}{{}}"));
                self.required = required;
                self.path.0.pop();
                fields.insert(name.to_owned(), value);
            }
            return fields.into();
        }
        self.node(place, Kind::Object);
        let mut parts = Vec::new();
        parts_of(schema, place, &mut parts);
        let tag = self.choose(schema, &mut parts);
        self.fill(&parts, &mut fields);
        if let Some((place, name, value)) = tag {
            fields.insert(name.clone(), value.into());
            let path = self.path.field(&name);
            self.nodes.retain(|node| !node.path.starts_with(&path));
            self.path = path;
            self.node(&place, Kind::Tag);
            self.path.0.pop();
        }
        fields.into()
    }

    /// Selects a form by the discriminator of a schema; returns the discriminator's field.
    fn choose(&mut self, schema: &Value, parts: &mut Parts) -> Option<(String, String, String)> {
        let discriminator = &schema["discriminator"];
        let mapping = discriminator["mapping"].as_object()?;
        let (value, name) = mapping.iter().nth(self.pick(mapping.len()))?;
        let name = name.as_str()?;
        parts_of(named(name), name, parts);
        let tag = discriminator["propertyName"].as_str()?;
        Some((name.to_owned(), tag.to_owned(), value.clone()))
    }

    fn fill(&mut self, parts: &Parts, fields: &mut Map<String, Value>) {
        let required = |name: &str| {
            let lists = parts
                .iter()
                .filter_map(|(part, _)| part["required"].as_array());
            lists.flatten().any(|one| one == name)
        };
        for (part, place) in parts {
            for (name, field) in part["properties"].as_object().into_iter().flatten() {
                let place = format!("{place}.{name}");
                if field[self.without] == true && !is_relaxed(&place, self.without) {
                    continue;
                }
                let wanted = match self.fields {
                    Fields::Required => false,
                    Fields::Some => self.random.bool(),
                    Fields::All => true,
                };
                if !wanted && !required(name) && !fields.contains_key(name) {
                    continue;
                }
                let path = self.path.field(name);
                // If a field is declared again, the last declaration applies, unless it is empty.
                if fields.contains_key(name) {
                    if !says_something(field) {
                        continue;
                    }
                    self.nodes.retain(|node| !node.path.starts_with(&path));
                }
                self.path = path;
                let outer = std::mem::replace(&mut self.required, required(name));
                let value = self.value(field, &place);
                self.required = outer;
                self.path.0.pop();
                fields.insert(name.clone(), value);
            }
        }
    }

    fn number(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_f64().unwrap_or(0.0);
        let most = schema["maximum"].as_f64().unwrap_or(least + 100.0);
        let number = least + ((most - least).min(100.0) * self.random.f64()).ceil();
        #[allow(clippy::cast_possible_truncation, reason = "the bounds are small")]
        let whole = number.min(most) as i64;
        whole.into()
    }
}
