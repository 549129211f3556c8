//! Masks the secrets that a project holds for other services.

use atlas_catalog::Schema;
use serde_json::{Map, Value};

use crate::api::object::Object;
use crate::secret_names::{is_secret_name, names_an_object};

/// Masks a secret except for its last four characters. A secret of four or fewer characters is
/// masked completely.
pub(crate) fn mask(secret: &str) -> String {
    let count = secret.chars().count();
    let hidden = if count > SHOWN { count - SHOWN } else { count };
    let shown = secret.chars().skip(hidden);
    std::iter::repeat_n('*', hidden).chain(shown).collect()
}

/// Masks what follows the last `/` of a URL, or its last four characters if nothing follows, and
/// the user and password before an `@`.
pub(crate) fn mask_end(url: &str) -> String {
    let count = url.chars().count();
    let end = url.rsplit('/').next().unwrap_or_default().chars().count();
    let hidden = end.max(SHOWN).min(count);
    let shown = url.chars().take(count - hidden);
    let masked: String = shown.chain(std::iter::repeat_n('*', hidden)).collect();
    without_user(&masked).unwrap_or(masked)
}

/// The URL with its user and password masked, if it has any.
fn without_user(url: &str) -> Option<String> {
    let (start, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let host = &rest[user.len()..];
    let user = "*".repeat(user.chars().count());
    Some(format!("{start}://{user}{host}"))
}

/// Masks the secrets of a request, so that none is stored: passwords by the schema, users of URLs,
/// login headers for other services, and undescribed settings with the name of a secret.
pub(crate) fn mask_secrets(schema: &Schema, value: &mut Value) {
    match value {
        Value::Array(items) => {
            if let Some(of_items) = schema.resolve().items.as_deref() {
                for item in items {
                    mask_secrets(of_items, item);
                }
            }
        }
        Value::Object(fields) => {
            let given = fields.clone();
            let object = Object::of(schema, &given);
            for (name, value) in fields {
                let Some(field) = object.field(name) else {
                    mask_named(name, value);
                    continue;
                };
                mask_secrets(field, value);
                if let ("headers", Value::Object(headers)) = (name.as_str(), value) {
                    mask_headers(headers);
                }
            }
        }
        Value::String(text) if is_password(schema) => *text = mask(text),
        Value::String(text) => {
            if let Some(masked) = without_user(text) {
                *text = masked;
            }
        }
        _ => {}
    }
}

fn mask_headers(headers: &mut Map<String, Value>) {
    for (name, value) in headers {
        mask_named(name, value);
    }
}

/// Masks an undescribed value with the name of a secret, or the values below it that have one.
fn mask_named(name: &str, value: &mut Value) {
    let is_secret = is_secret_name(name) && !(value.is_object() && names_an_object(name));
    mask_undescribed(is_secret, value);
}

fn mask_undescribed(is_secret: bool, value: &mut Value) {
    match value {
        Value::String(text) if is_secret => *text = mask(text),
        Value::Array(items) => {
            for item in items {
                mask_undescribed(is_secret, item);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret {
                    mask_undescribed(true, value);
                } else {
                    mask_named(name, value);
                }
            }
        }
        _ => {}
    }
}

/// Whether the schema declares a value as a password.
pub(crate) fn is_password(schema: &Schema) -> bool {
    let of = |schema: &Schema| schema.format.as_deref() == Some("password");
    of(schema) || of(schema.resolve())
}

/// Removes the fields that only requests have.
pub(crate) fn forget_secrets(schema: &Schema, value: &mut Value) {
    match value {
        Value::Array(items) => {
            if let Some(of_items) = schema.resolve().items.as_deref() {
                for item in items {
                    forget_secrets(of_items, item);
                }
            }
        }
        Value::Object(fields) => {
            let given = fields.clone();
            let object = Object::of(schema, &given);
            fields.retain(|name, value| {
                let Some(field) = object.field(name) else {
                    return true;
                };
                forget_secrets(field, value);
                !field.write_only && !field.resolve().write_only
            });
        }
        _ => {}
    }
}

/// The number of characters of a secret that are shown.
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{mask, mask_end, mask_named, without_user};

    #[test]
    fn undescribed_secrets_are_masked_at_any_depth() {
        let mut value = json!({
            "shown": ["abcdef", 1, {"name": "abcdef"}],
            "passwords": ["abcdef", {"a": "abcdef"}],
            "authentication": {"mechanism": "abcdef", "password": "abcdef"},
        });
        mask_named("settings", &mut value);
        let masked = json!({
            "shown": ["abcdef", 1, {"name": "abcdef"}],
            "passwords": ["**cdef", {"a": "**cdef"}],
            "authentication": {"mechanism": "abcdef", "password": "**cdef"},
        });
        assert_eq!(value, masked);
    }

    #[test]
    fn a_secret_shows_its_last_four_characters_and_never_all_of_it() {
        assert_eq!(mask("0123456789abcdef"), "************cdef");
        assert_eq!(mask("ab\u{e9}de"), "*b\u{e9}de");
        assert_eq!(mask("abcd"), "****");
        assert_eq!(mask(""), "");
    }

    #[test]
    fn only_the_user_of_a_url_is_masked() {
        let url = "https://u:a@b@c.example:1/@d?e@f";
        let masked = "https://*****@c.example:1/@d?e@f";
        assert_eq!(without_user(url).as_deref(), Some(masked));
        for text in ["https://c.example/u:a@b", "u:a@c.example", "see https://"] {
            assert_eq!(without_user(text), None, "{text}");
        }
    }

    #[test]
    fn a_url_hides_its_end() {
        let hidden = mask_end("https://hooks.example/in/secret");
        assert_eq!(hidden, "https://hooks.example/in/******");
        assert_eq!(mask_end("https://hooks.example/"), "https://hooks.exam****");
        assert_eq!(mask_end("x"), "*");
        let hidden = mask_end("https://user:secret@hooks.example/in/secret");
        assert_eq!(hidden, "https://***********@hooks.example/in/******");
    }
}
