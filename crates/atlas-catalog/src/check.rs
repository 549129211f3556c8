//! Checks of parameters, request bodies and responses against the facts.

pub(crate) mod format;
mod object;
mod parameters;
mod scalar;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::details::{Body, Version};
use crate::operation::Operation;
use crate::schema::{Kind, Schema};
use crate::violation::{Violation, ViolationKind};

/// The maximum number of violations that are listed.
const MOST: usize = 100;
/// The maximum depth of a value that is checked.
const DEEPEST: usize = 128;

/// The direction of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Response,
}

impl Operation {
    /// Checks a request body against the schema of a version; `None` is no body.
    ///
    /// Required fields that are not read-only must be present, except at the top level of a
    /// `PATCH`, which changes only the fields it contains. Read-only and unknown fields are listed
    /// although Atlas ignores them; see [`ViolationKind::is_tolerated`].
    ///
    /// Lists at most 100 violations, in the order of the fields' names.
    pub fn check_request(self, version: &Version, body: Option<&Value>) -> Vec<Violation> {
        let Some(body) = body else {
            return match self.body() {
                Body::Required => {
                    let what = "required request body is missing";
                    vec![Violation::new("$", ViolationKind::Required, what)]
                }
                Body::Optional | Body::None => Vec::new(),
            };
        };
        if self.body() == Body::None {
            let what = "the operation does not accept a request body";
            return vec![Violation::new("$", ViolationKind::UnknownField, what)];
        }
        let Some(schema) = version.request_schema() else {
            return Vec::new();
        };
        let mut checker = Checker::new(Direction::Request);
        checker.partial = self.method() == http::Method::PATCH;
        checker.value(schema, body, false);
        checker.violations
    }

    /// Checks the JSON body of a successful response against the schema of a version, strictly: an
    /// undocumented value is a violation, although clients must accept it.
    ///
    /// An undocumented status of success is not a violation, since recorded responses of 15
    /// operations have one. Responses of other statuses have no documented schema and no
    /// violations.
    ///
    /// Lists at most 100 violations, in the order of the fields' names.
    pub fn check_response(self, version: &Version, status: u16, body: &Value) -> Vec<Violation> {
        if !(200..300).contains(&status) {
            return Vec::new();
        }
        let Some(schema) = version.schema_of(status, "json") else {
            return Vec::new();
        };
        let mut checker = Checker::new(Direction::Response);
        checker.value(schema, body, false);
        checker.violations
    }
}

/// The state of a check.
struct Checker {
    direction: Direction,
    /// Whether required fields may be absent from the object at the top.
    partial: bool,
    path: String,
    depth: usize,
    /// Whether no discriminator value matched, so that unknown fields are not violations.
    open: bool,
    violations: Vec<Violation>,
}

impl Checker {
    fn new(direction: Direction) -> Self {
        Self {
            direction,
            partial: false,
            path: "$".to_owned(),
            depth: 0,
            open: false,
            violations: Vec::new(),
        }
    }

    /// A checker at the same path whose violations may be discarded.
    fn trial(&self) -> Self {
        Self {
            direction: self.direction,
            partial: self.partial,
            path: self.path.clone(),
            depth: self.depth + 1,
            open: false,
            violations: Vec::new(),
        }
    }

    /// Adds a violation, with the value unless it is secret.
    fn note(&mut self, kind: ViolationKind, expected: String, value: &Value, secret: bool) {
        let violation = Violation::new(&self.path, kind, expected);
        let violation = if secret {
            violation
        } else {
            violation.found(value)
        };
        self.push(violation);
    }

    fn push(&mut self, violation: Violation) {
        if self.violations.len() < MOST {
            self.violations.push(violation);
        }
    }

    /// Runs a check one level further down the path.
    fn below(&mut self, step: &str, check: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        self.depth += 1;
        check(self);
        self.depth -= 1;
        self.path.truncate(length);
    }

    fn field(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.chars().all(plain) && !name.is_empty() {
            self.below(&format!(".{name}"), check);
        } else {
            self.below(&format!("[{name:?}]"), check);
        }
    }

    /// Checks a value; `secret` means that it must not be shown.
    fn value(&mut self, given: &Schema, value: &Value, secret: bool) {
        let schema = given.resolve();
        let secret = secret || schema.is_secret();
        if self.depth > DEEPEST {
            let expected = format!("at most {DEEPEST} levels");
            self.push(Violation::new(&self.path, ViolationKind::Bound, expected));
            return;
        }
        if value.is_null() && (given.nullable || schema.nullable) {
            return;
        }
        let answers = [given, schema]
            .into_iter()
            .find_map(|one| one.answers.as_ref());
        let answers = answers.filter(|_| self.direction == Direction::Response);
        if answers.is_some_and(|answers| answers.values.contains(value)) || schema.is_free_form() {
            return;
        }
        let members = if schema.one_of.is_empty() {
            &schema.any_of
        } else {
            &schema.one_of
        };
        if !members.is_empty() && schema.discriminator.is_none() {
            self.union(schema, members, value, secret);
            return;
        }
        let is_object = !schema.properties.is_empty()
            || !schema.all_of.is_empty()
            || schema.discriminator.is_some();
        let kind = schema.kind.or(is_object.then_some(Kind::Object));
        let fits = match (kind, value) {
            (None, _)
            | (Some(Kind::String), Value::String(_))
            | (Some(Kind::Number), Value::Number(_))
            | (Some(Kind::Boolean), Value::Bool(_))
            | (Some(Kind::Array), Value::Array(_))
            | (Some(Kind::Object), Value::Object(_)) => true,
            (Some(Kind::Integer), Value::Number(number)) => scalar::is_integer(number),
            _ => false,
        };
        if !fits {
            let expected = kind.map_or("another type", Kind::noun).to_owned();
            self.note(ViolationKind::Type, expected, value, secret);
            return;
        }
        if !schema.values.is_empty() && !scalar::is_among(&schema.values, value) {
            let expected = scalar::choice(&schema.values, value.as_str());
            self.note(ViolationKind::Enum, expected, value, secret);
            return;
        }
        match value {
            _ if answers.is_some_and(|answers| answers.relaxed) => {}
            Value::String(text) => self.text(schema, text, value, secret),
            Value::Number(number) => self.number(schema, number, value, secret),
            Value::Array(items) => self.array(schema, items, value, secret),
            Value::Object(fields) => self.object(&[schema], fields, secret),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Checks a union without a discriminator: the value must match one member.
    fn union(&mut self, schema: &Schema, members: &[Schema], value: &Value, secret: bool) {
        // A member that has every field is the intended one, even if a value is wrong.
        let mut best: Option<((usize, usize), Vec<Violation>)> = None;
        for member in members {
            let mut trial = self.trial();
            trial.value(member, value, secret);
            let open = usize::from(trial.open);
            let found = trial.violations;
            let count = |counts: fn(ViolationKind) -> bool| {
                found
                    .iter()
                    .filter(|violation| counts(violation.kind()))
                    .count()
            };
            let unknown = count(|kind| kind == ViolationKind::UnknownField);
            let rank = (unknown + open, count(|kind| !kind.is_tolerated()));
            if best.as_ref().is_none_or(|(least, _)| rank < *least) {
                best = Some((rank, found));
            }
        }
        let Some(((_, wrong), found)) = best else {
            return;
        };
        if wrong == 0 {
            for violation in found {
                self.push(violation);
            }
            // Keywords next to the members apply to all members.
            if let (Value::Object(fields), false) = (value, schema.required.is_empty()) {
                self.required(&[schema], fields);
            }
            return;
        }
        let values: Vec<Value> = schema.choices().into_iter().cloned().collect();
        if !values.is_empty() {
            let expected = scalar::choice(&values, value.as_str());
            self.note(ViolationKind::Union, expected, value, secret);
            return;
        }
        let closest = found.iter().find(|one| !one.kind().is_tolerated());
        let closest = closest.map(ToString::to_string).unwrap_or_default();
        let expected = format!(
            "one of {} documented forms (closest: {closest})",
            members.len()
        );
        self.note(ViolationKind::Union, expected, value, secret);
    }

    fn array(&mut self, schema: &Schema, items: &[Value], value: &Value, secret: bool) {
        self.array_itself(schema, items, value, secret);
        if let Some(schema) = schema.items.as_deref() {
            self.elements(&[schema], items, secret);
        }
    }

    /// Checks an array without its elements.
    fn array_itself(&mut self, schema: &Schema, items: &[Value], value: &Value, secret: bool) {
        let count = items.len() as u64;
        if let Some(least) = schema.min_items.filter(|least| count < *least) {
            let expected = format!("at least {}", elements(least));
            self.note(ViolationKind::Bound, expected, value, secret);
        }
        if let Some(most) = schema.max_items.filter(|most| count > *most) {
            let expected = format!("at most {}", elements(most));
            self.note(ViolationKind::Bound, expected, value, secret);
        }
        if schema.unique_items && !scalar::differ(items) {
            let expected = "unique elements".to_owned();
            self.note(ViolationKind::Bound, expected, value, secret);
        }
    }

    /// Checks elements against all of several schemas.
    fn elements(&mut self, schemas: &[&Schema], items: &[Value], secret: bool) {
        let partial = std::mem::take(&mut self.partial);
        for (number, item) in items.iter().enumerate() {
            if self.violations.len() >= MOST {
                break;
            }
            self.below(&format!("[{number}]"), |checker| {
                checker.each(schemas, item, secret);
            });
        }
        self.partial = partial;
    }
}

fn elements(count: u64) -> String {
    format!("{count} element{}", if count == 1 { "" } else { "s" })
}
