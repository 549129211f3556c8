//! Checks of objects: their fields, composition and discriminators.

use serde_json::{Map, Value};

use super::{Checker, Direction};
use crate::schema::{Additional, Schema};
use crate::violation::{Violation, ViolationKind};

/// The schemas of an object's fields, and whether other fields are unknown.
struct Parts<'a> {
    schemas: Vec<&'a Schema>,
    /// Whether no discriminator value matched, so that further fields cannot be checked.
    open: bool,
    /// The fields of discriminators that matched. Their values are documented by the discriminator,
    /// even if the schema of the field does not list them.
    tags: Vec<&'a str>,
}

impl Checker {
    /// Checks an object against all of several schemas.
    pub(super) fn object(
        &mut self,
        schemas: &[&Schema],
        fields: &Map<String, Value>,
        secret: bool,
    ) {
        let parts = self.parts(schemas, fields);
        let partial = std::mem::take(&mut self.partial);
        if !partial {
            self.required(&parts.schemas, fields);
        }
        for schema in schemas {
            self.count(schema, fields);
        }
        let free = parts.open
            || parts
                .schemas
                .iter()
                .all(|part| part.properties.is_empty() && part.additional_properties.is_none());
        for (name, value) in fields {
            let known: Vec<&Schema> = parts
                .schemas
                .iter()
                .filter_map(|part| part.properties.get(name))
                .collect();
            let mut further = parts.schemas.iter();
            let further = further.find_map(|part| part.additional_properties.as_ref());
            self.field(name, |checker| match further {
                _ if !known.is_empty() => {
                    let chosen = parts.tags.contains(&name.as_str());
                    checker.known_field(&known, value, secret, chosen);
                }
                Some(Additional::Schema(schema)) => checker.value(schema, value, secret),
                Some(Additional::Any(true)) => {}
                None if free => {}
                _ => checker.unknown_field(),
            });
        }
        self.partial = partial;
    }

    /// Checks a field that one or several parts have; it must match each of them, unless a
    /// discriminator matched its value.
    fn known_field(&mut self, schemas: &[&Schema], value: &Value, secret: bool, chosen: bool) {
        let secret = secret || schemas.iter().any(|schema| schema.is_secret());
        match self.direction {
            // Atlas ignores its content too.
            Direction::Request if schemas.iter().any(|schema| schema.read_only) => {
                let expected = "read-only field";
                self.push(Violation::new(
                    &self.path,
                    ViolationKind::ReadOnly,
                    expected,
                ));
            }
            Direction::Response if schemas.iter().any(|schema| schema.write_only) => {
                let expected = "write-only field";
                self.push(Violation::new(
                    &self.path,
                    ViolationKind::WriteOnly,
                    expected,
                ));
            }
            _ if chosen => {}
            _ => self.each(schemas, value, secret),
        }
    }

    /// Checks a value against all of several schemas: a field of one of them is not unknown.
    pub(super) fn each(&mut self, schemas: &[&Schema], value: &Value, secret: bool) {
        let schemas = if contradict(schemas) {
            &schemas[schemas.len() - 1..]
        } else {
            schemas
        };
        if let [schema] = schemas {
            return self.value(schema, value, secret);
        }
        let resolved: Vec<&Schema> = schemas.iter().map(|schema| schema.resolve()).collect();
        if let Value::Object(fields) = value
            && resolved.iter().all(|schema| schema.is_plain_object())
        {
            return self.object(&resolved, fields, secret);
        }
        let elements: Vec<&Schema> = resolved
            .iter()
            .filter(|schema| schema.answers.is_none())
            .filter_map(|schema| schema.items.as_deref())
            .collect();
        if let Value::Array(items) = value
            && elements.len() == resolved.len()
        {
            let mut trial = self.trial();
            for schema in resolved {
                trial.array_itself(schema, items, value, secret);
            }
            for violation in trial.violations {
                if !self.violations.contains(&violation) {
                    self.push(violation);
                }
            }
            return self.elements(&elements, items, secret);
        }
        let trials = schemas.iter().map(|schema| {
            let mut trial = self.trial();
            trial.value(schema, value, secret);
            trial.violations
        });
        let trials: Vec<Vec<Violation>> = trials.collect();
        let mut reported: Vec<&Violation> = Vec::new();
        for violation in trials.iter().flatten() {
            let unknown = violation.kind() == ViolationKind::UnknownField;
            let everywhere = || trials.iter().all(|trial| trial.contains(violation));
            if !reported.contains(&violation) && (!unknown || everywhere()) {
                reported.push(violation);
            }
        }
        for violation in reported {
            self.push(violation.clone());
        }
    }

    fn unknown_field(&mut self) {
        let expected = "unknown field";
        self.push(Violation::new(
            &self.path,
            ViolationKind::UnknownField,
            expected,
        ));
    }

    /// Adds a violation for each required field that is absent.
    pub(super) fn required(&mut self, parts: &[&Schema], fields: &Map<String, Value>) {
        let mut required: Vec<&str> = parts
            .iter()
            .flat_map(|part| part.required.iter().map(String::as_str))
            .collect();
        required.sort_unstable();
        required.dedup();
        for name in required {
            if fields.contains_key(name) {
                continue;
            }
            let mut schemas = parts.iter().filter_map(|part| part.properties.get(name));
            let elsewhere = schemas.any(|schema| match self.direction {
                Direction::Request => schema.read_only,
                Direction::Response => schema.write_only,
            });
            if !elsewhere {
                self.field(name, |checker| {
                    let expected = "required field is missing";
                    checker.push(Violation::new(
                        &checker.path,
                        ViolationKind::Required,
                        expected,
                    ));
                });
            }
        }
    }

    fn count(&mut self, schema: &Schema, fields: &Map<String, Value>) {
        let count = fields.len() as u64;
        let (least, most) = (schema.min_properties, schema.max_properties);
        let expected = match (least, most) {
            (Some(1), _) if count < 1 => "at least 1 field".to_owned(),
            (Some(least), _) if count < least => format!("at least {least} fields"),
            (_, Some(most)) if count > most => format!("at most {most} fields"),
            _ => return,
        };
        self.push(Violation::new(&self.path, ViolationKind::Bound, expected));
    }

    /// Collects the schemas of an object: its own, and those that discriminators select.
    fn parts<'a>(&mut self, schemas: &[&'a Schema], fields: &Map<String, Value>) -> Parts<'a> {
        let mut parts = Parts {
            schemas: Vec::new(),
            open: false,
            tags: Vec::new(),
        };
        let mut chosen: Vec<&Schema> = schemas.iter().rev().copied().collect();
        while let Some(schema) = chosen.pop() {
            for part in schema.parts() {
                if !parts.schemas.iter().any(|known| std::ptr::eq(*known, part)) {
                    parts.schemas.push(part);
                }
            }
            let Some(discriminator) = &schema.discriminator else {
                continue;
            };
            let name = &discriminator.property_name;
            let value = fields.get(name).and_then(Value::as_str);
            let next = value.and_then(|value| discriminator.mapping.get(value));
            let Some(next) = next else {
                parts.open = true;
                self.open = true;
                self.unchosen(schema, name, fields.get(name));
                continue;
            };
            parts.tags.push(name);
            let next = next.get();
            if !parts.schemas.iter().any(|known| std::ptr::eq(*known, next)) {
                chosen.push(next);
            }
        }
        parts
    }

    /// Adds a violation for a discriminator without a match, unless the checks of its field report
    /// one.
    fn unchosen(&mut self, schema: &Schema, name: &str, value: Option<&Value>) {
        if value.is_none() && self.direction == Direction::Request {
            let parts: Vec<&Schema> = schema.parts().collect();
            let mut fields = parts.iter().filter_map(|part| part.properties.get(name));
            let checked_elsewhere = parts
                .iter()
                .any(|part| part.required.iter().any(|one| one == name));
            if !checked_elsewhere && !fields.any(|field| field.read_only) {
                self.field(name, |checker| {
                    let expected = "required field is missing";
                    checker.push(Violation::new(
                        &checker.path,
                        ViolationKind::Required,
                        expected,
                    ));
                });
            }
            return;
        }
        let (Some(Value::String(value)), Some(discriminator)) = (value, &schema.discriminator)
        else {
            return;
        };
        let mut fields = schema.parts().filter_map(|part| part.properties.get(name));
        let checked_elsewhere = fields.any(|field| !field.resolve().values.is_empty());
        if checked_elsewhere || discriminator.mapping.is_empty() {
            return;
        }
        let known = discriminator.mapping.keys().cloned().map(Value::String);
        let known: Vec<Value> = known.collect();
        let expected = super::scalar::choice(&known, Some(value));
        self.field(name, |checker| {
            let violation = Violation::new(&checker.path, ViolationKind::Union, expected);
            checker.push(violation.found_text(value));
        });
    }
}

/// Whether the last of several schemas documents other values than an earlier one. The last one
/// takes precedence: it is the closest to the type that a discriminator selected.
fn contradict(schemas: &[&Schema]) -> bool {
    let Some((last, before)) = schemas.split_last() else {
        return false;
    };
    let last = last.choices();
    let has_more = |a: &[&Value], b: &[&Value]| a.iter().any(|value| !b.contains(value));
    let mut choices = before.iter().map(|schema| schema.choices());
    choices.any(|choices| has_more(&choices, &last) && has_more(&last, &choices))
}
