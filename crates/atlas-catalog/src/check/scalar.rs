//! Checks of strings and numbers.

use serde_json::{Number, Value};

use super::{Checker, format};
use crate::schema::Schema;
use crate::suggest;
use crate::violation::ViolationKind;

impl Checker {
    pub(super) fn text(&mut self, schema: &Schema, text: &str, value: &Value, secret: bool) {
        for (kind, expected) in text_violations(schema, text) {
            self.note(kind, expected, value, secret);
        }
    }

    pub(super) fn number(&mut self, schema: &Schema, number: &Number, value: &Value, secret: bool) {
        for (kind, expected) in number_violations(schema, number) {
            self.note(kind, expected, value, secret);
        }
    }
}

/// Checks a string of the right type.
pub(super) fn text_violations(schema: &Schema, text: &str) -> Vec<(ViolationKind, String)> {
    let mut found = Vec::new();
    let length = || text.chars().count() as u64;
    if let Some(least) = schema.min_length.filter(|least| length() < *least) {
        found.push((
            ViolationKind::Bound,
            format!("at least {}", characters(least)),
        ));
    }
    if let Some(most) = schema.max_length.filter(|most| length() > *most) {
        found.push((
            ViolationKind::Bound,
            format!("at most {}", characters(most)),
        ));
    }
    if let Some(pattern) = schema
        .pattern
        .as_deref()
        .and_then(atlas_pattern::Pattern::find)
        && !pattern.is_match(text)
    {
        found.push((ViolationKind::Pattern, pattern.expected().to_owned()));
    }
    if let Some(expected) = schema
        .format
        .as_deref()
        .and_then(|name| format::text(name, text))
    {
        found.push((ViolationKind::Format, expected.to_owned()));
    }
    found
}

/// Checks a number of the right type.
pub(super) fn number_violations(schema: &Schema, number: &Number) -> Vec<(ViolationKind, String)> {
    let mut found = Vec::new();
    if let Some(expected) = schema
        .format
        .as_deref()
        .and_then(|name| format::number(name, number))
    {
        found.push((ViolationKind::Format, expected.to_owned()));
    }
    if let Some(least) = &schema.minimum {
        let order = compare(number, least);
        if order.is_lt() || schema.exclusive_minimum && order.is_eq() {
            let than = if schema.exclusive_minimum {
                "more than"
            } else {
                "at least"
            };
            found.push((ViolationKind::Bound, format!("{than} {}", shown(least))));
        }
    }
    if let Some(most) = &schema.maximum {
        let order = compare(number, most);
        if order.is_gt() || schema.exclusive_maximum && order.is_eq() {
            let than = if schema.exclusive_maximum {
                "less than"
            } else {
                "at most"
            };
            found.push((ViolationKind::Bound, format!("{than} {}", shown(most))));
        }
    }
    found
}

/// A bound without a needless fraction: `1199145600`, not `1199145600.0`.
fn shown(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Whether a number is an integer; `1.0` is one.
pub(super) fn is_integer(number: &Number) -> bool {
    number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

fn compare(one: &Number, other: &Number) -> std::cmp::Ordering {
    let whole = |number: &Number| {
        number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
    };
    if let (Some(one), Some(other)) = (whole(one), whole(other)) {
        return one.cmp(&other);
    }
    let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
    float(one)
        .partial_cmp(&float(other))
        .unwrap_or(std::cmp::Ordering::Equal)
}

/// Lists the documented values, or the number of values and the closest one.
pub(super) fn choice(values: &[Value], found: Option<&str>) -> String {
    const LISTED: usize = 8;
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let [one] = values {
        return shown(one);
    }
    if values.len() <= LISTED {
        let all: Vec<String> = values.iter().map(shown).collect();
        return format!("one of {}", all.join(", "));
    }
    let texts = values.iter().filter_map(Value::as_str);
    let closest = found.and_then(|found| suggest::closest(found, texts).into_iter().next());
    match closest {
        Some(closest) => format!("one of {} values, such as {closest}", values.len()),
        None => format!("one of {} documented values", values.len()),
    }
}

/// Whether a value is one of several; `3.0` equals 3.
pub(super) fn is_among(values: &[Value], value: &Value) -> bool {
    values.iter().any(|one| match (one, value) {
        (Value::Number(one), Value::Number(other)) => compare(one, other).is_eq(),
        (one, other) => one == other,
    })
}

/// Whether all values are different.
pub(super) fn differ(values: &[Value]) -> bool {
    let mut texts: Vec<String> = values.iter().map(canonical).collect();
    texts.sort_unstable();
    texts.windows(2).all(|pair| pair[0] != pair[1])
}

/// A text that is the same for equal values, such as `3.0` and `3`.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) if is_integer(number) && !number.is_u64() && !number.is_i64() => {
            format!("{:.0}", number.as_f64().unwrap_or(f64::NAN))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
                .collect();
            fields.sort_unstable();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

fn characters(count: u64) -> String {
    format!("{count} character{}", if count == 1 { "" } else { "s" })
}
