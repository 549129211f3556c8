//! Checks of parameters: their names, number and values.

use serde_json::{Number, Value};

use super::scalar::{choice, is_among, number_violations, text_violations};
use crate::details::{Parameter, Place};
use crate::operation::Operation;
use crate::schema::{Kind, Schema};
use crate::suggest;
use crate::violation::{Violation, ViolationKind};

impl Operation {
    /// Checks parameters by name and value; a repeated parameter appears several times.
    ///
    /// The names are those of the wire. An undocumented parameter is a violation of kind
    /// [`UnknownField`](ViolationKind::UnknownField), with the closest names.
    pub fn check_parameters<'a, I>(self, given: I) -> Vec<Violation>
    where
        I: IntoIterator<Item = (&'a str, &'a str)>,
    {
        let mut violations = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (name, text) in given {
            let Some(parameter) = self.parameter(name) else {
                violations.push(self.unknown(name));
                continue;
            };
            if seen.contains(&name) && !parameter.is_repeated() {
                let violation = Violation::new(
                    name,
                    ViolationKind::Bound,
                    "one value, since it is not an array",
                );
                violations.push(violation);
                continue;
            }
            seen.push(name);
            violations.extend(value(parameter, text));
        }
        for parameter in self.parameters() {
            let name = parameter.name.as_str();
            if parameter.required && !seen.contains(&name) {
                let expected = "required parameter is missing";
                violations.push(Violation::new(name, ViolationKind::Required, expected));
            } else if let Some(most) = parameter.schema.resolve().max_items {
                let count = seen.iter().filter(|one| **one == name).count() as u64;
                if count > most {
                    let expected = format!("at most {most} values");
                    violations.push(Violation::new(name, ViolationKind::Bound, expected));
                }
            }
        }
        violations
    }

    fn unknown(self, name: &str) -> Violation {
        let names = self.parameters().iter().map(|one| one.name.as_str());
        let expected = match suggest::closest(name, names).as_slice() {
            [] => "unknown parameter".to_owned(),
            close => format!("unknown parameter; did you mean {}?", close.join(" or ")),
        };
        Violation::new(
            suggest::printable(name),
            ViolationKind::UnknownField,
            expected,
        )
    }
}

/// Lists the violations of one value.
fn value(parameter: &Parameter, text: &str) -> Vec<Violation> {
    let name = parameter.name.as_str();
    let schema = parameter.schema.resolve();
    let schema = schema.items.as_deref().map_or(schema, Schema::resolve);
    let one = |kind, expected: String| {
        let violation = Violation::new(name, kind, expected);
        if schema.is_secret() {
            violation
        } else {
            violation.found_text(text)
        }
    };
    if parameter.place == Place::Path && matches!(text, "" | "." | "..") {
        return vec![one(ViolationKind::Bound, "a path segment".to_owned())];
    }
    if parameter.place == Place::Header && http::HeaderValue::from_str(text).is_err() {
        return vec![one(ViolationKind::Format, "a header value".to_owned())];
    }
    let parsed = match schema.kind {
        Some(Kind::Integer) => text.parse::<i64>().ok().map(Value::from),
        Some(Kind::Number) => number(text).map(Value::Number),
        Some(Kind::Boolean) => text.parse().ok().map(Value::Bool),
        _ => Some(Value::String(text.to_owned())),
    };
    let Some(parsed) = parsed else {
        let expected = schema.kind.map_or("another value", Kind::noun);
        return vec![one(ViolationKind::Type, expected.to_owned())];
    };
    let choices: Vec<Value> = schema.choices().into_iter().cloned().collect();
    if !choices.is_empty() && !is_among(&choices, &parsed) {
        return vec![one(ViolationKind::Enum, choice(&choices, Some(text)))];
    }
    let found = match &parsed {
        Value::String(text) => text_violations(schema, text),
        Value::Number(number) => number_violations(schema, number),
        _ => Vec::new(),
    };
    found
        .into_iter()
        .map(|(kind, expected)| one(kind, expected))
        .collect()
}

/// Parses a number as in JSON, without surrounding spaces.
fn number(text: &str) -> Option<Number> {
    let plain = !text.contains(char::is_whitespace);
    plain.then(|| serde_json::from_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reported(place: &str, schema: &Value, text: &str) -> Vec<String> {
        let parameter = json!({"name": "p", "in": place, "schema": schema});
        let parameter: Parameter = serde_json::from_value(parameter).unwrap();
        let found = value(&parameter, text);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_text_is_parsed_as_the_documented_type() {
        let rows: [(Value, &str, &[&str]); 14] = [
            (json!({}), "x", &[]),
            (json!({"type": "integer"}), "-3", &[]),
            (
                json!({"type": "integer"}),
                "3.5",
                &["p: expected an integer, found \"3.5\""],
            ),
            (json!({"type": "number"}), "3.5", &[]),
            (json!({"type": "number", "enum": [3]}), "3.0", &[]),
            (
                json!({"type": "number"}),
                " 3",
                &["p: expected a number, found \" 3\""],
            ),
            (json!({"type": "boolean"}), "false", &[]),
            (
                json!({"type": "boolean"}),
                "0",
                &["p: expected true or false, found \"0\""],
            ),
            (
                json!({"type": "integer", "maximum": 5}),
                "6",
                &["p: expected at most 5, found \"6\""],
            ),
            (
                json!({"type": "string", "maxLength": 1}),
                "ab",
                &["p: expected at most 1 character, found \"ab\""],
            ),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                "c",
                &["p: expected one of a, b, found \"c\""],
            ),
            (json!({"type": "string", "enum": ["a", "b"]}), "b", &[]),
            (
                json!({"type": "array", "items": {"type": "integer"}}),
                "x",
                &["p: expected an integer, found \"x\""],
            ),
            (
                json!({"type": "integer", "format": "password"}),
                "x",
                &["p: expected an integer"],
            ),
        ];
        for (schema, text, expected) in rows {
            assert_eq!(
                reported("query", &schema, text),
                expected,
                "{schema} {text}"
            );
        }
    }

    #[test]
    fn a_text_that_is_invalid_in_its_place_is_a_violation() {
        let schema = json!({"type": "string"});
        for text in ["", ".", ".."] {
            let expected = format!("p: expected a path segment, found {text:?}");
            assert_eq!(reported("path", &schema, text), [expected]);
            assert!(reported("query", &schema, text).is_empty());
            assert!(reported("header", &schema, text).is_empty());
        }
        let expected = "p: expected a header value, found \"a\\nb\"";
        assert_eq!(reported("header", &schema, "a\nb"), [expected]);
        assert!(reported("query", &schema, "a\nb").is_empty());
        assert!(reported("path", &schema, "a\nb").is_empty());
    }
}
