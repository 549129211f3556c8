//! Generates structs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::case::snake;
use super::plan::{Item, Plan};
use super::schema::{Field, Shape};
use super::types::Type;

/// Names of methods that every type has.
const METHODS: [&str; 6] = ["clone", "default", "eq", "fmt", "from", "new"];

impl Plan {
    /// Returns the Rust text of a type.
    pub(super) fn text(&self, kind: &Type) -> String {
        match kind {
            Type::Bool => "bool".to_owned(),
            Type::Int => "i64".to_owned(),
            Type::Float => "f64".to_owned(),
            Type::Text => "CompactString".to_owned(),
            Type::Secret => "Secret".to_owned(),
            Type::Timestamp => "Timestamp".to_owned(),
            Type::Id(name) => name.clone(),
            Type::Json => "Json".to_owned(),
            Type::Core(name) => (*name).to_owned(),
            Type::Enum(key) | Type::Named(key) => self.name(key).to_owned(),
            Type::List(item) => format!("Vec<{}>", self.text(item)),
            Type::Map(value) => format!("BTreeMap<String, {}>", self.text(value)),
            Type::Page(item) => format!("Page<{}>", self.text(item)),
        }
    }

    /// The argument type of a constructor or setter, and the expression that converts it.
    pub(super) fn argument(&self, kind: &Type, name: &str) -> (String, String) {
        let is_union = |key: &String| matches!(*self.schemas.shape(key), Shape::Union(_));
        match kind {
            Type::Text | Type::Secret | Type::Json | Type::Timestamp | Type::Enum(_) => {
                let text = self.text(kind);
                (format!("impl Into<{text}>"), format!("{name}.into()"))
            }
            Type::Named(key) if is_union(key) => {
                let text = self.text(kind);
                (format!("impl Into<{text}>"), format!("{name}.into()"))
            }
            _ => (self.text(kind), name.to_owned()),
        }
    }

    /// Generates the type of this Rust name, with its impls.
    pub(super) fn item(&self, name: &str, condition: Option<&str>) -> Result<String, String> {
        let item = &self.items[name];
        let key = &item.keys[0];
        if !self.schemas.values_at(key).is_empty() {
            return Ok(self.write_enum(name, item, condition));
        }
        match &*self.schemas.shape(key) {
            Shape::Struct(fields) => {
                distinct(key, fields.iter().map(|field| field.wire.as_str()))?;
                Ok(self.write_struct(name, key, item, fields, condition))
            }
            Shape::Union(union) => self.write_union(name, key, union, condition),
            _ => Err(format!("{key} is not a struct, a union or an enum")),
        }
    }

    fn write_struct(
        &self,
        name: &str,
        key: &str,
        item: &Item,
        fields: &[Field],
        condition: Option<&str>,
    ) -> String {
        let gate = gate(condition);
        let tag = self.fixed_field(key, fields);
        let mut out = format!(
            "/// The schema `{key}`.\n{}{gate}#[derive(Debug, Clone, Default, PartialEq)]\n\
             #[non_exhaustive]\npub struct {name} {{\n",
            alias(key, name),
        );
        let (mut names, mut read, mut write) = (String::new(), String::new(), String::new());
        for (number, field) in fields.iter().enumerate() {
            let (rust, wire) = (rust_name(&field.wire), &field.wire);
            let text = self.text(&field.kind);
            let text = if self.holds_itself(key, &field.kind) {
                format!("Box<{text}>")
            } else {
                text
            };
            let doc = field_doc(field);
            let _ = writeln!(out, "{doc}pub {rust}: Option<{text}>,");
            let _ = write!(names, "{wire:?}, ");
            let _ = writeln!(
                read,
                "{number} => object::read(&mut self.{rust}, {wire:?}, map),"
            );
            let _ = writeln!(
                write,
                "object::write(&mut map, {wire:?}, self.{rust}.as_ref())?;"
            );
        }
        let _ = write!(
            out,
            "}}\n\n\
             {gate}impl Object for {name} {{\nconst FIELDS: &'static [&'static str] = &[{names}];\n\n\
             fn set<'de, A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {{\n\
             match field {{\n{read}_ => Ok(()),\n}}\n}}\n}}\n\n\
             {gate}impl<'de> Deserialize<'de> for {name} {{\n\
             fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {{\n\
             object::deserialize(deserializer)\n}}\n}}\n\n\
             {gate}impl Serialize for {name} {{\n\
             fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {{\n\
             let mut map = serializer.serialize_map(None)?;\n{write}map.end()\n}}\n}}\n\n"
        );
        if !item.sent_by.is_empty() {
            out.push_str(&self.builder(name, key, item, fields, tag.as_ref(), &gate));
        }
        out
    }

    /// Generates the constructor and the setters of a struct that is sent.
    fn builder(
        &self,
        name: &str,
        key: &str,
        item: &Item,
        fields: &[Field],
        tag: Option<&(String, String)>,
        gate: &str,
    ) -> String {
        // Required fields are required to create a resource, not to change it.
        let patch = item.sent_by.iter().all(|method| method == "PATCH");
        let is_tag = |field: &Field| tag.is_some_and(|(wire, _)| *wire == field.wire);
        let required: Vec<&Field> = fields
            .iter()
            .filter(|field| field.required && !field.read_only && !patch && !is_tag(field))
            .collect();
        let mut out = format!("{gate}impl {name} {{\n");
        let mut arguments = Vec::new();
        let mut set = Vec::new();
        for field in &required {
            let rust = rust_name(&field.wire);
            let (kind, value) = self.taken(key, field, &rust);
            arguments.push(format!("{rust}: {kind}"));
            set.push(if value == rust {
                format!("{rust}: Some({rust})")
            } else {
                format!("{rust}: Some({value})")
            });
        }
        if let Some((wire, value)) = tag {
            set.push(format!("{}: Some({value})", rust_name(wire)));
        }
        let names: Vec<String> = required
            .iter()
            .map(|field| format!("`{}`", field.wire))
            .collect();
        let doc = match names.as_slice() {
            [] if tag.is_some() => "Creates a value.".to_owned(),
            [] => "Creates a value with all fields unset.".to_owned(),
            names => format!(
                "Creates a value with its required fields: {}.",
                names.join(", ")
            ),
        };
        let doc = match tag {
            Some((wire, _)) => format!("{doc} Sets `{wire}`, which selects its type."),
            None => doc,
        };
        let many = if required.len() > 7 {
            "#[allow(clippy::too_many_arguments, reason = \"they are required\")]\n"
        } else {
            ""
        };
        let body = if set.is_empty() {
            "Self::default()".to_owned()
        } else if set.len() == fields.len() {
            format!("Self {{ {} }}", set.join(", "))
        } else {
            format!("Self {{ {}, ..Self::default() }}", set.join(", "))
        };
        let _ = write!(
            out,
            "/// {doc}\n{many}pub fn new({}) -> Self {{ {body} }}\n\n",
            arguments.join(", ")
        );
        for field in fields {
            if is_tag(field) || field.read_only {
                continue;
            }
            let rust = rust_name(&field.wire);
            let (kind, value) = self.taken(key, field, &rust);
            let _ = write!(
                out,
                "/// Sets `{wire}`.\n#[must_use]\npub fn {method}(mut self, {rust}: {kind}) -> Self {{\n\
                 self.{rust} = Some({value});\nself\n}}\n\n",
                wire = field.wire,
                method = method_name(&rust),
            );
        }
        out.push_str("}\n\n");
        out
    }

    /// Returns the argument type of a field's setter, and the expression that it stores.
    fn taken(&self, key: &str, field: &Field, rust: &str) -> (String, String) {
        if let Some(strict) = field.strict {
            return (strict.to_owned(), format!("{rust}.into()"));
        }
        let (kind, value) = self.argument(&field.kind, rust);
        if self.holds_itself(key, &field.kind) {
            return (kind, format!("Box::new({value})"));
        }
        (kind, value)
    }

    /// Returns the field that selects the variant of a union for this struct, with its value, if it
    /// can have only one.
    fn fixed_field(&self, key: &str, fields: &[Field]) -> Option<(String, String)> {
        let parent = self.parents.get(key)?;
        let shape = self.schemas.shape(parent);
        let Shape::Union(union) = &*shape else {
            return None;
        };
        let (_, values) = union.arms.iter().find(|(arm, _)| arm == key)?;
        let [value] = values.as_slice() else {
            return None;
        };
        let field = fields.iter().find(|field| field.wire == union.tag)?;
        let value = match &field.kind {
            Type::Enum(place) => {
                let name = self.name(place);
                let known = self.enum_values(name);
                let variant = known.into_iter().find(|(text, _)| text == value);
                match variant {
                    Some((_, variant)) => format!("{name}::{variant}"),
                    None => format!("{name}::from({value:?})"),
                }
            }
            Type::Text => format!("{value:?}.into()"),
            _ => return None,
        };
        Some((union.tag.clone(), value))
    }

    /// Whether a field of this type, in the schema `key`, may contain such a schema again.
    fn holds_itself(&self, key: &str, kind: &Type) -> bool {
        let mut stack: Vec<String> = kind.held().map(str::to_owned).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = stack.pop() {
            if name == key {
                return true;
            }
            if !seen.insert(name.clone()) {
                continue;
            }
            match &*self.schemas.shape(&name) {
                Shape::Struct(fields) => {
                    let held = fields.iter().filter_map(|field| field.kind.held());
                    stack.extend(held.map(str::to_owned));
                }
                Shape::Union(union) => {
                    stack.extend(union.arms.iter().map(|(arm, _)| arm.clone()));
                }
                _ => {}
            }
        }
        false
    }
}

pub(super) fn gate(condition: Option<&str>) -> String {
    condition
        .map(|condition| format!("#[cfg({condition})]\n"))
        .unwrap_or_default()
}

/// Refuses names of the wire that cannot all become Rust names.
pub(super) fn distinct<'a>(
    owner: &str,
    wires: impl Iterator<Item = &'a str>,
) -> Result<(), String> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for wire in wires {
        let rust = rust_name(wire);
        if !rust.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(format!(
                "{wire:?} of {owner} has no letters for a Rust name"
            ));
        }
        if let Some(other) = seen.insert(rust, wire) {
            return Err(format!(
                "{other:?} and {wire:?} of {owner} would have the same name"
            ));
        }
    }
    Ok(())
}

/// The schema's own name as a search alias.
pub(super) fn alias(key: &str, name: &str) -> String {
    if key == name || key.contains(['.', ' ']) {
        String::new()
    } else {
        format!("#[doc(alias = {key:?})]\n")
    }
}

/// Returns the Rust name of a field: Rust has project where the wire has group.
pub(super) fn rust_name(wire: &str) -> String {
    match wire {
        "groupId" => "project_id".to_owned(),
        "groupName" => "project_name".to_owned(),
        "targetGroupId" => "target_project_id".to_owned(),
        "pageNum" => "page_number".to_owned(),
        _ => snake(wire),
    }
}

/// Returns the name of a setter: that of its field, if it is free.
pub(super) fn method_name(rust: &str) -> String {
    if METHODS.contains(&rust) {
        format!("{rust}_value")
    } else {
        rust.to_owned()
    }
}

fn field_doc(field: &Field) -> String {
    let schema = &field.schema;
    let mut facts = vec![format!("`{}`", field.wire)];
    if field.read_only {
        facts.push("read-only".to_owned());
    } else if field.required {
        facts.push("required".to_owned());
    }
    if schema["deprecated"] == true {
        facts.push("deprecated".to_owned());
    }
    facts.extend(bounds(schema));
    if let Some(default) = plain(&schema["default"]) {
        facts.push(format!("by default `{default}`"));
    }
    format!("/// {}.\n", facts.join(", "))
}

/// Describes the bounds of a schema.
pub(super) fn bounds(schema: &Value) -> Vec<String> {
    let number = |key: &str| {
        let value = &schema[key];
        value.as_i64().map(|number| number.to_string()).or_else(|| {
            let number = value.as_f64()?;
            Some(format!("{number}"))
        })
    };
    let range = |low: &str, high: &str, what: &str| match (number(low), number(high)) {
        (Some(low), Some(high)) if low == high => Some(format!("{low}{what}")),
        (Some(low), Some(high)) => Some(format!("{low} to {high}{what}")),
        (Some(low), None) => Some(format!("at least {low}{what}")),
        (None, Some(high)) => Some(format!("at most {high}{what}")),
        (None, None) => None,
    };
    let mut found = Vec::new();
    found.extend(range("minimum", "maximum", ""));
    found.extend(range("minLength", "maxLength", " characters"));
    found.extend(range("minItems", "maxItems", " items"));
    found
}

/// Returns a default as text, if it is a simple value.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::String(text) if text.is_empty() || text.contains(['`', '\n']) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
