//! Indents JSON without changing the order of fields or the digits of numbers.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The deepest level that is indented; deeper values stay on one line.
const DEEPEST: usize = 32;

/// Indents JSON by two spaces a level. Fields keep their order and numbers their digits.
pub(crate) fn pretty(json: &[u8]) -> Result<String, serde_json::Error> {
    let raw: &RawValue = serde_json::from_slice(json)?;
    let mut text = String::with_capacity(json.len() * 2);
    add(&mut text, raw, 0);
    Ok(text)
}

fn add(text: &mut String, raw: &RawValue, depth: usize) {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'{') if depth < DEEPEST => {
            if let Ok(Fields(fields)) = serde_json::from_str(json) {
                let fields = fields.iter().map(|(name, value)| (Some(name), *value));
                return block(text, ('{', '}'), fields, depth);
            }
        }
        Some(b'[') if depth < DEEPEST => {
            if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) {
                let items = items.into_iter().map(|item| (None, item));
                return block(text, ('[', ']'), items, depth);
            }
        }
        _ => {}
    }
    text.push_str(json);
}

fn block<'a>(
    text: &mut String,
    (open, close): (char, char),
    members: impl ExactSizeIterator<Item = (Option<&'a String>, &'a RawValue)>,
    depth: usize,
) {
    let is_empty = members.len() == 0;
    text.push(open);
    for (at, (name, value)) in members.enumerate() {
        if at > 0 {
            text.push(',');
        }
        new_line(text, depth + 1);
        if let Some(name) = name {
            text.push_str(&serde_json::Value::from(name.as_str()).to_string());
            text.push_str(": ");
        }
        add(text, value, depth + 1);
    }
    if !is_empty {
        new_line(text, depth);
    }
    text.push(close);
}

fn new_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

/// The fields of an object, in their order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn fields_keep_their_order_and_numbers_their_digits() {
        let json = br#"{"b":1.50,"a":[],"c":[{"x":"\u00e9"},10000000000000000000000],"d":{}}"#;
        let expected = r#"{
  "b": 1.50,
  "a": [],
  "c": [
    {
      "x": "\u00e9"
    },
    10000000000000000000000
  ],
  "d": {}
}"#;
        assert_eq!(pretty(json).unwrap(), expected);
    }

    #[test]
    fn invalid_json_is_refused_and_deep_nesting_is_not_followed() {
        for broken in [
            &b"<html>"[..],
            b"{\"results\":[{\"id\":\"a",
            b"\"\xff\"",
            b"",
        ] {
            assert!(pretty(broken).is_err());
        }
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = pretty(deep.as_bytes()).unwrap();
        assert!(text.contains(&"[".repeat(1000)));
    }
}
