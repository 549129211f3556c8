//! Converts schemas into Rust types.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::types::Type;

/// The pattern of ids.
const ID_PATTERN: &str = "^([a-f0-9]{24})$";

/// The schemas of the facts, and the schemas inside others, by their places.
#[derive(Debug)]
pub(super) struct Schemas {
    named: BTreeMap<String, Value>,
    /// The types that overrides assign to fields, by `Schema.field` or `field`.
    pub(super) types: BTreeMap<String, String>,
    /// The values of the enums found so far, by place.
    pub(super) enums: RefCell<BTreeMap<String, Vec<String>>>,
    shapes: RefCell<BTreeMap<String, Rc<Shape>>>,
}

/// The Rust form of a schema.
#[derive(Debug)]
pub(super) enum Shape {
    Struct(Vec<Field>),
    Union(Union),
    Enum(Vec<String>),
    /// One page of a list of these.
    Page(Type),
    /// No separate type.
    Alias(Type),
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) wire: String,
    pub(super) kind: Type,
    pub(super) required: bool,
    pub(super) read_only: bool,
    /// The type that a constructor and a setter accept instead, which is then converted to text.
    pub(super) strict: Option<&'static str>,
    /// The schema, for the documentation.
    pub(super) schema: Value,
}

/// Several schemas, selected by the value of one field.
#[derive(Debug)]
pub(super) struct Union {
    pub(super) tag: String,
    /// The schema of each variant, with the values that select it.
    pub(super) arms: Vec<(String, Vec<String>)>,
}

impl Schemas {
    pub(super) fn new(facts: &Value, overrides: &Value) -> Self {
        let entries = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let types = entries(&overrides["types"])
            .into_iter()
            .filter_map(|(name, row)| Some((name, row["type"].as_str()?.to_owned())))
            .collect();
        let mut schemas = Self {
            named: entries(&facts["schemas"]).into_iter().collect(),
            types,
            enums: RefCell::default(),
            shapes: RefCell::default(),
        };
        schemas.name_inner();
        schemas
    }

    /// Returns the schema with this name or place.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.named.get(name).unwrap_or(&Value::Null)
    }

    /// Names each object and union inside a schema by its place.
    fn name_inner(&mut self) {
        let names: Vec<String> = self.named.keys().cloned().collect();
        for name in names {
            let mut schema = self.named[&name].clone();
            self.name_inside(&mut schema, &name);
            self.named.insert(name, schema);
        }
    }

    fn name_inside(&mut self, schema: &mut Value, place: &str) {
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for (field, inner) in properties {
                self.name_value(inner, &format!("{place}.{field}"));
            }
        }
        let parts = schema.get_mut("allOf").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            self.name_inside(part, place);
        }
    }

    fn name_value(&mut self, schema: &mut Value, place: &str) {
        for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
            if let Some(inner) = schema.get_mut(key).filter(|inner| inner.is_object()) {
                return self.name_value(inner, &format!("{place}{mark}"));
            }
        }
        let properties = schema["properties"].as_object();
        let union = ["oneOf", "anyOf"]
            .iter()
            .find_map(|key| schema[key].as_array())
            .is_some_and(|arms| arms.iter().any(|arm| !self.is_enum(arm)));
        if union || properties.is_some_and(|properties| !properties.is_empty()) {
            let mut inner = schema.take();
            self.name_inside(&mut inner, place);
            self.named.insert(place.to_owned(), inner);
            *schema = serde_json::json!({ "$ref": place });
        }
    }

    /// Returns the Rust form of the schema with this name.
    pub(super) fn shape(&self, name: &str) -> Rc<Shape> {
        if let Some(known) = self.shapes.borrow().get(name) {
            return Rc::clone(known);
        }
        let shape = Rc::new(self.read(name));
        self.shapes
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&shape));
        shape
    }

    fn read(&self, name: &str) -> Shape {
        let schema = self.get(name);
        if let Some(values) = self.enum_values(schema) {
            return Shape::Enum(values);
        }
        if let Some(union) = union(schema) {
            return Shape::Union(union);
        }
        let fields = self.fields(name);
        if fields.is_empty() {
            let schema = match schema {
                Value::Object(_) => schema.clone(),
                _ => Value::Null,
            };
            return Shape::Alias(self.kind(&schema, name, None));
        }
        page(&fields).map_or_else(|| Shape::Struct(fields), Shape::Page)
    }

    /// Returns the type of a schema at `place`.
    pub(super) fn kind(&self, schema: &Value, place: &str, field: Option<&str>) -> Type {
        let text = |key: &str| schema[key].as_str();
        if let Some(name) = reference(schema) {
            return self.reference(name);
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice)
            && let Some(name) = reference(only)
            && schema["properties"].is_null()
        {
            return self.reference(name);
        }
        // A row is about strings; that of a list's elements ends in [].
        if let Some(chosen) = self.chosen(place, field)
            && (text("type") == Some("string") || chosen == Type::Json)
        {
            return chosen;
        }
        if let Some(values) = self.enum_values(schema) {
            self.enums.borrow_mut().insert(place.to_owned(), values);
            return Type::Enum(place.to_owned());
        }
        match text("type") {
            Some("boolean") => Type::Bool,
            Some("integer") => Type::Int,
            Some("number") => Type::Float,
            Some("string") => match (text("format"), text("pattern")) {
                (Some("password"), _) => Type::Secret,
                (Some("date-time"), _) => Type::Timestamp,
                (_, Some(ID_PATTERN)) => Type::Id("ObjectId".to_owned()),
                _ => Type::Text,
            },
            Some("array") => {
                let field = field.map(|field| format!("{field}[]"));
                let items = self.kind(&schema["items"], &format!("{place}[]"), field.as_deref());
                Type::List(Box::new(items))
            }
            Some("object") => match &schema["additionalProperties"] {
                Value::Object(values) if says_something(values) => {
                    let inner = &schema["additionalProperties"];
                    let field = field.map(|field| format!("{field}{{}}"));
                    let inner = self.kind(inner, &format!("{place}{{}}"), field.as_deref());
                    Type::Map(Box::new(inner))
                }
                _ => Type::Json,
            },
            _ => Type::Json,
        }
    }

    /// Returns the type that overrides assign to the field at `place`.
    fn chosen(&self, place: &str, field: Option<&str>) -> Option<Type> {
        let name = self
            .types
            .get(place)
            .or_else(|| self.types.get(field?))?
            .as_str();
        Some(match name {
            "Secret" => Type::Secret,
            "Json" => Type::Json,
            "SnapshotUrl" => Type::Core("SnapshotUrl"),
            "ClusterName" | "DeploymentItemName" => return None,
            id => Type::Id(id.to_owned()),
        })
    }

    fn reference(&self, name: &str) -> Type {
        if matches!(name, "Link" | "Link_Atlas") {
            return Type::Core("Link");
        }
        match self.shape_kind(name) {
            Kind::Enum => Type::Enum(name.to_owned()),
            Kind::Named => Type::Named(name.to_owned()),
            Kind::Other => match &*self.shape(name) {
                Shape::Page(item) => Type::Page(Box::new(item.clone())),
                Shape::Alias(kind) => kind.clone(),
                _ => Type::Named(name.to_owned()),
            },
        }
    }

    /// Returns the kind of type of a schema, without visiting its fields: a schema may contain
    /// itself.
    fn shape_kind(&self, name: &str) -> Kind {
        let schema = self.get(name);
        if self.enum_values(schema).is_some() {
            return Kind::Enum;
        }
        if union(schema).is_some() {
            return Kind::Named;
        }
        let empty = schema["properties"].as_object().is_none_or(Map::is_empty)
            && schema["allOf"].is_null()
            && schema["oneOf"].is_null()
            && schema["anyOf"].is_null();
        let paged = schema["properties"]["results"].is_object();
        if empty || paged {
            Kind::Other
        } else {
            Kind::Named
        }
    }

    /// Returns the values of an enum, or of a union that consists only of enums.
    pub(super) fn enum_values(&self, schema: &Value) -> Option<Vec<String>> {
        if schema["enum"].is_array() {
            let mut seen = BTreeSet::new();
            // Undocumented values of responses come after the documented ones.
            let answered = schema["answers"]["values"].as_array();
            let texts = schema["enum"].as_array()?.iter();
            let texts = texts.chain(answered.into_iter().flatten());
            let values: Vec<String> = texts.filter_map(Value::as_str).map(str::to_owned).collect();
            let values: Vec<String> = values
                .into_iter()
                .filter(|value| seen.insert(value.clone()))
                .collect();
            return (!values.is_empty()).then_some(values);
        }
        let arms = ["oneOf", "anyOf"]
            .iter()
            .find_map(|key| schema[key].as_array())?;
        let mut values: Vec<String> = Vec::new();
        for arm in arms {
            let arm = reference(arm).map_or(arm, |name| self.get(name));
            for value in self.enum_values(arm)? {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        (!values.is_empty()).then_some(values)
    }

    fn is_enum(&self, schema: &Value) -> bool {
        let schema = reference(schema).map_or(schema, |name| self.get(name));
        self.enum_values(schema).is_some()
    }
}

enum Kind {
    Enum,
    Named,
    Other,
}

/// Whether a schema specifies more than the type object.
pub(super) fn says_something(schema: &Map<String, Value>) -> bool {
    schema
        .iter()
        .any(|(key, value)| !(key == "type" && value == "object") && key != "description")
}

fn union(schema: &Value) -> Option<Union> {
    let discriminator = &schema["discriminator"];
    let mut arms: Vec<(String, Vec<String>)> = Vec::new();
    for (value, name) in discriminator["mapping"].as_object()? {
        let name = name.as_str()?;
        match arms.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.clone()),
            None => arms.push((name.to_owned(), vec![value.clone()])),
        }
    }
    Some(Union {
        tag: discriminator["propertyName"].as_str()?.to_owned(),
        arms,
    })
}

/// Returns the items, if the fields are those of one page of a list.
fn page(fields: &[Field]) -> Option<Type> {
    let known = ["links", "results", "totalCount"];
    if fields.iter().any(|field| !known.contains(&&*field.wire)) {
        return None;
    }
    let results = fields.iter().find(|field| field.wire == "results")?;
    match &results.kind {
        Type::List(item) => Some((**item).clone()),
        _ => None,
    }
}

pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()
}
