//! Makes example texts and numbers, by pattern, format and name.

use atlas_catalog::{Kind, Schema};
use serde_json::{Number, Value};

use crate::seed::{hex, uuid};
use crate::words::{NUMBERS, PATTERNS, TEXTS, USUAL};

/// Returns a scalar that matches a schema. `place` distinguishes values of the same field.
pub(crate) fn scalar(schema: &Schema, field: &str, place: &str) -> Value {
    match schema.kind {
        Some(Kind::Integer) => whole(schema, field).into(),
        Some(Kind::Number) => number(schema, field),
        Some(Kind::Boolean) => boolean(schema).into(),
        _ => text(schema, field, place).into(),
    }
}

/// Returns the most usual value of an enum, or the first one.
pub(crate) fn choice<'a>(choices: &[&'a Value]) -> &'a Value {
    let usual = USUAL.iter().find_map(|usual| {
        let is_usual = |choice: &&&Value| choice.as_str() == Some(usual);
        choices.iter().find(is_usual)
    });
    usual.unwrap_or(&choices[0])
}

fn boolean(schema: &Schema) -> bool {
    schema
        .default
        .as_ref()
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

fn whole(schema: &Schema, field: &str) -> i64 {
    let bound = |number: &Option<Number>| {
        let number = number.as_ref()?;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "bounds are whole and small"
        )]
        number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64))
    };
    let named = NUMBERS.iter().find(|(name, _)| *name == field);
    let default = schema.default.as_ref().and_then(Value::as_i64);
    let mut value = named.map(|(_, value)| *value).or(default).unwrap_or(1);
    if let Some(least) = bound(&schema.minimum) {
        value = value.max(least + i64::from(schema.exclusive_minimum));
    }
    if let Some(most) = bound(&schema.maximum) {
        value = value.min(most - i64::from(schema.exclusive_maximum));
    }
    value
}

fn number(schema: &Schema, field: &str) -> Value {
    let default = schema.default.clone().filter(Value::is_number);
    let named = NUMBERS.iter().any(|(name, _)| *name == field);
    match default {
        Some(default) if !named => default,
        _ => whole(schema, field).into(),
    }
}

fn text(schema: &Schema, field: &str, place: &str) -> String {
    let text = free_text(schema, field, place);
    if text.starts_with("${") {
        return text;
    }
    let length = text.chars().count() as u64;
    let most = schema.max_length.unwrap_or(u64::MAX);
    let least = schema.min_length.unwrap_or(0);
    if length > most {
        return text
            .chars()
            .take(usize::try_from(most).unwrap_or(0))
            .collect();
    }
    if length < least {
        let missing = usize::try_from(least - length).unwrap_or(0);
        return text + &"x".repeat(missing);
    }
    text
}

fn free_text(schema: &Schema, field: &str, place: &str) -> String {
    if let Some(pattern) = schema.pattern.as_deref() {
        if let Some(world) = of_the_world(field) {
            return world.to_owned();
        }
        return of_pattern(pattern, field, place);
    }
    match schema.format.as_deref() {
        Some("date-time") => return timestamp(field),
        Some("date") => return timestamp(field)[..10].to_owned(),
        Some("uuid") => return uuid(place),
        Some("email") => return "user@example.com".to_owned(),
        Some("password") => return format!("fake-{}", dashed(field)),
        Some("uri") => return format!("https://example.com/{}", dashed(field)),
        _ => {}
    }
    let secrets = [
        "password",
        "secret",
        "token",
        "apikey",
        "credential",
        "privatekey",
    ];
    let lower = field.to_ascii_lowercase();
    if secrets.iter().any(|word| lower.contains(word)) && !lower.ends_with("id") {
        return format!("fake-{}", dashed(field));
    }
    by_name(field, place)
}

/// Returns the variable of a resource that every world has.
fn of_the_world(field: &str) -> Option<&'static str> {
    Some(match field {
        "groupId" | "projectId" | "targetGroupId" | "targetProjectId" => "${project}",
        "orgId" => "${org}",
        _ => return None,
    })
}

fn timestamp(field: &str) -> String {
    let later = [
        "expir",
        "end",
        "finish",
        "until",
        "delete",
        "sunset",
        "next",
        "scheduled",
    ];
    let lower = field.to_ascii_lowercase();
    let day = if later.iter().any(|word| lower.contains(word)) {
        11
    } else {
        4
    };
    format!("2026-05-{day:02}T09:42:00Z")
}

/// Returns a text for a documented pattern, enforced or not.
fn of_pattern(pattern: &str, field: &str, place: &str) -> String {
    let begins = |start: &str| pattern.starts_with(start);
    let found = PATTERNS.iter().find(|(start, _)| begins(start));
    let Some((_, sample)) = found else {
        return by_name(field, place);
    };
    if *sample == "{name}" {
        return by_name(field, place);
    }
    let sample = sample.replace("{uuid}", &uuid(place));
    for digits in [17, 20, 24, 32, 40, 64] {
        let slot = format!("{{{digits}}}");
        if sample.contains(&slot) {
            return sample.replace(&slot, &hex(place, digits));
        }
    }
    sample
}

fn by_name(field: &str, place: &str) -> String {
    if let Some(world) = of_the_world(field) {
        return world.to_owned();
    }
    let field = field.trim_end_matches("[]");
    if let Some((_, value)) = TEXTS.iter().find(|(name, _)| *name == field) {
        return (*value).to_owned();
    }
    let ends = |end: &str| field.ends_with(end);
    if field == "id" || field == "_id" || ends("Id") || ends("ID") {
        return hex(place, 24);
    }
    if ends("Url") || ends("Uri") || ends("URL") || ends("URI") {
        return format!("https://example.com/{}", dashed(field));
    }
    if ends("Arn") || ends("ARN") {
        return "arn:aws:iam::123456789012:role/example".to_owned();
    }
    if ends("Date") || ends("Time") {
        return timestamp(field);
    }
    format!("example-{}", dashed(field))
}

/// Converts `camelCase` to `camel-case`.
fn dashed(field: &str) -> String {
    let mut text = String::new();
    let mut capital = true;
    for character in field.trim_end_matches("[]").chars() {
        if character.is_ascii_uppercase() && !capital {
            text.push('-');
        }
        capital = character.is_ascii_uppercase();
        text.push(if character.is_ascii_alphanumeric() {
            character.to_ascii_lowercase()
        } else {
            '-'
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns with doubled escapes, which the intended texts do not match.
    const INVALID: [&str; 2] = [r"(?:(?:\\+?1", r"^(?:[1-9]\\d{3}-"];

    #[test]
    fn each_documented_pattern_has_a_matching_text() {
        let facts = include_str!("../../../fixtures/api/overrides.json");
        let facts: Value = serde_json::from_str(facts).unwrap();
        let patterns = facts["patterns"].as_array().unwrap();
        assert_eq!(patterns.len(), 45);
        for row in patterns {
            let pattern = row["pattern"].as_str().unwrap();
            if INVALID.iter().any(|start| pattern.starts_with(start)) {
                continue;
            }
            let text = of_pattern(pattern, "name", "place");
            let regex = regress::Regex::with_flags(pattern, "u");
            let regex = regex.or_else(|_| regress::Regex::new(pattern)).unwrap();
            assert!(regex.find(&text).is_some(), "{pattern}: {text}");
        }
    }
}
