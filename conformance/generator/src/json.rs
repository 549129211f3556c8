//! Formats JSON for readers: short values on one line, keys in a fixed order.

use serde_json::{Map, Value};

/// The maximum width of a line.
const WIDTH: usize = 118;

/// The first keys of an object, in order. The others follow by name.
const FIRST: [&str; 28] = [
    "id",
    "area",
    "level",
    "since",
    "requires",
    "source",
    "need",
    "operation",
    "method",
    "target",
    "parameters",
    "query",
    "version",
    "status",
    "headers",
    "login",
    "example",
    "call",
    "answers",
    "steps",
    "requests",
    "request",
    "response",
    "expect",
    "outcome",
    "or",
    "kind",
    "rel",
];

/// Formats a value on several lines, with a final line feed. Values at level `deep` are on one line,
/// whatever their width.
pub(crate) fn pretty(value: &Value, deep: usize) -> Vec<u8> {
    let mut text = String::new();
    write(&mut text, value, 0, 0, deep);
    text.push('\n');
    text.into_bytes()
}

/// Formats a list with each element on its own lines: broken to level `deep`, or to a lower level if
/// there would be more than `most` lines.
pub(crate) fn listed(values: &[Value], deep: usize, most: usize) -> Vec<u8> {
    let texts = values.iter().map(|value| {
        let broken = |deep: usize| {
            let mut text = String::from(" ");
            write(&mut text, value, 1, 2, deep);
            text
        };
        let mut texts = (1..=deep).rev().map(broken);
        let fits = |text: &String| text.lines().count() <= most;
        texts.find(fits).unwrap_or_else(|| broken(1))
    });
    let texts: Vec<String> = texts.collect();
    format!("[\n{}\n]\n", texts.join(",\n")).into_bytes()
}

fn write(text: &mut String, value: &Value, indent: usize, before: usize, deep: usize) {
    let line = inline(value);
    let nested = match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => false,
    };
    let fits = indent > 1 && before + line.chars().count() <= WIDTH;
    if !nested || fits || indent >= deep {
        text.push_str(&line);
        return;
    }
    let pad = " ".repeat(indent + 1);
    match value {
        Value::Array(items) => {
            text.push_str("[\n");
            for (number, item) in items.iter().enumerate() {
                text.push_str(&pad);
                write(text, item, indent + 1, indent + 2, deep);
                text.push_str(if number + 1 < items.len() {
                    ",\n"
                } else {
                    "\n"
                });
            }
            text.push_str(&pad[1..]);
            text.push(']');
        }
        Value::Object(fields) => {
            text.push_str("{\n");
            for (number, (name, value)) in ordered(fields).into_iter().enumerate() {
                let key = format!("{pad}{}: ", Value::from(name));
                text.push_str(&key);
                write(text, value, indent + 1, key.chars().count() + 1, deep);
                text.push_str(if number + 1 < fields.len() {
                    ",\n"
                } else {
                    "\n"
                });
            }
            text.push_str(&pad[1..]);
            text.push('}');
        }
        _ => {}
    }
}

/// Returns the fields of an object in output order.
fn ordered(fields: &Map<String, Value>) -> Vec<(&str, &Value)> {
    let fields = fields.iter().map(|(name, value)| (name.as_str(), value));
    let mut fields: Vec<(&str, &Value)> = fields.collect();
    let rank = |name: &str| FIRST.iter().position(|first| *first == name);
    fields.sort_by_key(|(name, _)| (rank(name).unwrap_or(FIRST.len()), *name));
    fields
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = ordered(fields).into_iter();
            let fields =
                fields.map(|(name, value)| format!("{}: {}", Value::from(name), inline(value)));
            let fields: Vec<String> = fields.collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_ordered_and_short_values_are_on_one_line() {
        let value = json!([{"z": [1, 2], "a": {}, "id": "x"}]);
        let text = String::from_utf8(pretty(&value, 9)).unwrap();
        assert_eq!(
            text,
            "[\n {\n  \"id\": \"x\",\n  \"a\": {},\n  \"z\": [1, 2]\n }\n]\n"
        );
    }

    #[test]
    fn a_wide_value_is_broken_unless_it_is_deep() {
        let wide = json!({"a": {"b": {"c": "x".repeat(200), "d": 1}}});
        assert_eq!(
            String::from_utf8(pretty(&wide, 9)).unwrap().lines().count(),
            8
        );
        assert_eq!(
            String::from_utf8(pretty(&wide, 2)).unwrap().lines().count(),
            5
        );
    }
}
