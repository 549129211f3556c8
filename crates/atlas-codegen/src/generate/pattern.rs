//! Generates `crates/atlas-pattern/src/table.rs` from the patterns in `overrides.json`.

mod automaton;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use automaton::Automaton;
use parse::Parsed;

/// An override or a pattern that prevents generating the table.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// `patterns` is not a list of objects with the documented fields.
    #[error("expected {expected}")]
    Shape {
        /// The place in `overrides.json`, which the message leaves out.
        place: String,
        /// The expected form.
        expected: &'static str,
    },
    /// A pattern of the facts has no row.
    #[error(
        "no row for pattern {pattern:?}: add one that states whether the pattern is enforced and why"
    )]
    Missing {
        /// The pattern.
        pattern: String,
    },
    /// A row is about a pattern that is not in the facts.
    #[error("pattern {pattern:?} is not in the facts: remove its row")]
    Unknown {
        /// The pattern.
        pattern: String,
    },
    /// Two rows are about the same pattern.
    #[error("pattern {pattern:?} has two rows: remove one")]
    Duplicate {
        /// The pattern.
        pattern: String,
    },
    /// An enforced pattern is outside the subset that can be compiled.
    #[error(
        "pattern {pattern:?} cannot be compiled: {problem} at character {position}; \
         set \"enforced\": false or extend the subset"
    )]
    Unsupported {
        /// The pattern.
        pattern: String,
        /// The unsupported part.
        problem: &'static str,
        /// Its position; the first character is 1.
        position: usize,
    },
    /// An enforced pattern needs more states than the limit.
    #[error("pattern {pattern:?} needs more than {limit} states: set \"enforced\": false")]
    TooLarge {
        /// The pattern.
        pattern: String,
        /// The maximum number of states.
        limit: usize,
    },
}

impl Error {
    /// Returns the place in `overrides.json`.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Shape { place, .. } => place,
            _ => "patterns",
        }
    }
}

/// Writes the text of `crates/atlas-pattern/src/table.rs`.
///
/// # Errors
/// [`Error`] if the patterns of the facts and the rows of the overrides differ, if a row is
/// malformed, or if an enforced pattern is outside the subset that can be compiled.
pub(crate) fn generate(facts: &Value, overrides: &Value) -> Result<String, Error> {
    let rows = rows(overrides)?;
    let patterns = patterns(facts);
    for pattern in &patterns {
        if !rows.contains_key(pattern) {
            return Err(Error::Missing {
                pattern: (*pattern).to_owned(),
            });
        }
    }
    for &pattern in rows.keys() {
        if !patterns.contains(pattern) {
            return Err(Error::Unknown {
                pattern: pattern.to_owned(),
            });
        }
    }

    let mut entries = String::new();
    let mut tables = Tables::default();
    for (pattern, expected) in rows {
        let Some(expected) = expected else { continue };
        let matcher = match by_hand(pattern) {
            Some(function) => format!("Matcher::Function({function})"),
            None => match parse::parse(pattern)? {
                Parsed::Characters(characters) => tables.characters(&characters.rust()),
                Parsed::Regular(node) => tables.automaton(&Automaton::compile(pattern, &node)?),
            },
        };
        let _ = write!(
            entries,
            "    Entry {{\n        source: {pattern:?},\n        expected: {expected:?},\n        \
             matcher: {matcher},\n    }},\n"
        );
    }
    Ok(format!(
        "{HEADER}\n{}/// Every enforced pattern, ordered by source.\n\
         pub(crate) static TABLE: &[Entry] = &[\n{entries}];\n{}",
        tables.imports(),
        tables.text
    ))
}

/// Reads the rows: each pattern, with its description if it is enforced.
fn rows(overrides: &Value) -> Result<BTreeMap<&str, Option<&str>>, Error> {
    let shape = |place: String, expected| Error::Shape { place, expected };
    let list = overrides
        .get("patterns")
        .and_then(Value::as_array)
        .ok_or_else(|| shape("patterns".to_owned(), "a list of patterns"))?;
    let mut rows = BTreeMap::new();
    for (index, row) in list.iter().enumerate() {
        let place = |member: &str| format!("patterns[{index}]{member}");
        let line = |member: &str| {
            row.get(member)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty() && !text.contains(char::is_control))
        };
        let members = row
            .as_object()
            .ok_or_else(|| shape(place(""), "an object"))?;
        if let Some(member) = members
            .keys()
            .find(|member| !["enforced", "expected", "pattern", "reason"].contains(&&***member))
        {
            return Err(shape(
                place(&format!(".{member}")),
                "only pattern, enforced, reason and expected",
            ));
        }
        let pattern = row
            .get("pattern")
            .and_then(Value::as_str)
            .ok_or_else(|| shape(place(".pattern"), "a string"))?;
        line("reason").ok_or_else(|| shape(place(".reason"), "one line"))?;
        let enforced = row
            .get("enforced")
            .and_then(Value::as_bool)
            .ok_or_else(|| shape(place(".enforced"), "true or false"))?;
        let expected = if enforced {
            Some(line("expected").ok_or_else(|| {
                shape(
                    place(".expected"),
                    "one line, since the pattern is enforced",
                )
            })?)
        } else if row.get("expected").is_some() {
            return Err(shape(
                place(".expected"),
                "nothing, since the pattern is not enforced",
            ));
        } else {
            None
        };
        if rows.insert(pattern, expected).is_some() {
            return Err(Error::Duplicate {
                pattern: pattern.to_owned(),
            });
        }
    }
    Ok(rows)
}

/// Returns the distinct patterns of the facts.
pub(crate) fn patterns(facts: &Value) -> BTreeSet<&str> {
    let mut patterns = Vec::new();
    collect(facts, &mut patterns);
    patterns.into_iter().collect()
}

/// Collects the pattern of every schema. A property named `pattern` holds an object.
fn collect<'a>(value: &'a Value, patterns: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(pattern) = members.get("pattern").and_then(Value::as_str) {
                patterns.push(pattern);
            }
            for member in members.values() {
                collect(member, patterns);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, patterns);
            }
        }
        _ => {}
    }
}

/// Returns the function of `atlas-pattern` that matches this pattern, if there is a faster one.
fn by_hand(pattern: &str) -> Option<&'static str> {
    match pattern {
        "^([a-f0-9]{24})$" => Some("crate::id::is_match"),
        "^[a-zA-Z0-9][a-zA-Z0-9-]*$" => Some("crate::cluster_name::is_match"),
        _ => None,
    }
}

/// The statics that the entries refer to, without duplicates.
#[derive(Default)]
struct Tables {
    text: String,
    names: BTreeMap<String, String>,
}

impl Tables {
    /// Writes an automaton's statics, and returns the matcher that refers to them.
    fn automaton(&mut self, automaton: &Automaton) -> String {
        let classes = numbers(&automaton.classes);
        let classes = self.add("CLASSES", &format!("&[u8; 128] = &[{classes}]"));
        let next = self.add("NEXT", &format!("&[u16] = &[{}]", numbers(&automaton.next)));
        format!(
            "Matcher::Table(Dfa {{\n            classes: {classes},\n            \
             next: {next},\n            start: {},\n            accepting: {},\n        }})",
            automaton.start, automaton.accepting
        )
    }

    /// Writes the static of a class of characters, and returns the matcher that refers to it.
    fn characters(&mut self, call: &str) -> String {
        let name = self.add("CHARACTERS", &format!("Characters = {call}"));
        format!("Matcher::Characters(&{name})")
    }

    /// Writes a static, and returns its name.
    fn add(&mut self, kind: &str, value: &str) -> String {
        let count = self.names.len();
        self.names
            .entry(value.to_owned())
            .or_insert_with(|| {
                let name = format!("{kind}_{count}");
                let _ = write!(self.text, "\n#[rustfmt::skip]\nstatic {name}: {value};\n");
                name
            })
            .clone()
    }

    /// Writes the imports that the entries need.
    fn imports(&self) -> String {
        let mut imports = String::new();
        if self.text.contains("Characters::new") {
            imports.push_str("use crate::characters::Characters;\n");
        }
        if self.text.contains("static NEXT") {
            imports.push_str("use crate::dfa::Dfa;\n");
        }
        imports + "use crate::pattern::{Entry, Matcher};\n\n"
    }
}

/// Formats numbers as the elements of an array, in lines.
fn numbers<T: ToString>(numbers: &[T]) -> String {
    let mut lines = String::from("\n");
    let mut line = String::new();
    for number in numbers {
        let number = number.to_string();
        if line.len() + number.len() > 92 {
            let _ = writeln!(lines, "   {line}");
            line.clear();
        }
        let _ = write!(line, " {number},");
    }
    let _ = writeln!(lines, "   {line}");
    lines
}

const HEADER: &str = "\
//! The enforced patterns and their matchers.
//!
//! Generated by `atlas-codegen` from `fixtures/api/overrides.json`; do not edit.
";
