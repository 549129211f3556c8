//! Collects the fields of an object: its own, those it inherits, and those of the members of a union.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::schema::{Field, Schemas, reference, says_something};
use super::types::Type;

impl Schemas {
    /// The fields of an object with those it inherits, in the order of their names.
    ///
    /// A union without a discriminator has the fields of all its members.
    pub(super) fn fields(&self, name: &str) -> Vec<Field> {
        let mut found = BTreeMap::new();
        self.collect(name, self.get(name), &mut found, false);
        found.into_values().collect()
    }

    fn collect(
        &self,
        place: &str,
        schema: &Value,
        found: &mut BTreeMap<String, Field>,
        arms: bool,
    ) {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            match reference(part) {
                Some(base) => self.collect(base, self.get(base), found, false),
                None => self.collect(place, part, found, false),
            }
        }
        let discriminator = !schema["discriminator"].is_null();
        if !discriminator || arms {
            self.collect_members(schema, found);
        }
        let required = strings(&schema["required"]);
        for (wire, property) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{place}.{wire}");
            let kind = self.kind(property, &at, Some(wire));
            let merged = match found.get(wire) {
                Some(known) if known.kind != kind => Self::merged(known, property, kind),
                _ => kind,
            };
            let known_required = found.get(wire).is_some_and(|known| known.required);
            found.insert(
                wire.clone(),
                Field {
                    wire: wire.clone(),
                    strict: self.strict(&at, wire, property, &merged),
                    kind: merged,
                    required: known_required || required.contains(wire.as_str()),
                    read_only: property["readOnly"] == true,
                    schema: property.clone(),
                },
            );
        }
        for field in found.values_mut() {
            field.required |= required.contains(field.wire.as_str());
        }
    }

    /// Adds the fields of the members of a union; fields of different types get a type that holds
    /// both.
    fn collect_members(&self, schema: &Value, found: &mut BTreeMap<String, Field>) {
        let mapped = schema["discriminator"]["mapping"].as_object();
        let mut members: BTreeSet<&str> = mapped
            .into_iter()
            .flat_map(Map::values)
            .filter_map(Value::as_str)
            .collect();
        let listed = ["oneOf", "anyOf"]
            .iter()
            .filter_map(|key| schema[key].as_array())
            .flatten();
        members.extend(listed.filter_map(reference));
        for member in members {
            let mut fields = BTreeMap::new();
            self.collect(member, self.get(member), &mut fields, true);
            for (wire, mut field) in fields {
                field.required = false;
                match found.get_mut(&wire) {
                    Some(known) if known.kind != field.kind => {
                        known.kind = mixed(&known.kind, &field.kind);
                        known.strict = None;
                    }
                    Some(known) => known.read_only |= field.read_only,
                    None => {
                        found.insert(wire, field);
                    }
                }
            }
        }
    }

    /// The type of a field that a schema inherits and declares again: the later declaration, unless
    /// it is less specific.
    fn merged(known: &Field, property: &Value, kind: Type) -> Type {
        let says = property.as_object().is_some_and(says_something);
        if says { kind } else { known.kind.clone() }
    }

    fn strict(
        &self,
        place: &str,
        wire: &str,
        property: &Value,
        kind: &Type,
    ) -> Option<&'static str> {
        if *kind != Type::Text {
            return None;
        }
        let chosen = self.types.get(place).or_else(|| self.types.get(wire));
        match (chosen.map(String::as_str), property["pattern"].as_str()) {
            (Some("DeploymentItemName"), _) => Some("DeploymentItemName"),
            (Some("Text"), _) => None,
            (_, Some("^[a-zA-Z0-9][a-zA-Z0-9-]*$")) => Some("ClusterName"),
            _ => None,
        }
    }
}

/// Returns a type that holds values of both types.
fn mixed(a: &Type, b: &Type) -> Type {
    let text = |kind: &Type| {
        matches!(
            kind,
            Type::Text | Type::Enum(_) | Type::Timestamp | Type::Id(_)
        )
    };
    match (a, b) {
        (Type::Secret, other) | (other, Type::Secret) if text(other) => Type::Secret,
        (a, b) if text(a) && text(b) => Type::Text,
        (Type::Int | Type::Float, Type::Int | Type::Float) => Type::Float,
        (Type::List(a), Type::List(b)) => Type::List(Box::new(mixed(a, b))),
        (a, b) if a == b => a.clone(),
        _ => Type::Json,
    }
}

fn strings(value: &Value) -> BTreeSet<&str> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}
