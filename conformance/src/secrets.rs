//! The secrets of cases: which there are, where a client shows them, and how reports mask them.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::case::{Case, ClientCase, Credentials, Kind, RawBody, ScriptedAnswer};

impl Case {
    /// Returns the secrets that a client must not show: those of the case, the value of HTTP Basic that
    /// has one of them, and their forms in JSON.
    pub(crate) fn client_secrets(&self) -> Vec<String> {
        let Kind::Client(client) = &self.kind else {
            return Vec::new();
        };
        let expected = std::iter::once(&client.expect).chain(&client.or);
        let secrets = expected.flat_map(|it| it.secrets.clone());
        let mut secrets: Vec<String> = secrets.filter(|it| !it.is_empty()).collect();
        secrets.extend(
            basic(client)
                .filter(|(secret, _)| secrets.contains(secret))
                .map(|it| it.1),
        );
        let forms: Vec<String> = secrets.iter().flat_map(|it| json_forms(it)).collect();
        secrets.extend(forms);
        secrets
    }

    /// Returns the secrets that a client with these abilities must not show.
    pub(crate) fn secrets_for(&self, abilities: &[String]) -> Vec<String> {
        let with_others = self.without_bearer(abilities);
        with_others.as_ref().unwrap_or(self).client_secrets()
    }

    /// Whether a response of the case has the secret. The case is then about a client that shows what
    /// the server sent, and its level holds. Any other shown secret is a failure.
    pub(crate) fn sends(&self, secret: &str) -> bool {
        match &self.kind {
            Kind::Client(client) => client.answers.iter().any(|it| has(it, secret)),
            _ => false,
        }
    }
}

/// Returns the secret of the credentials, and the value of HTTP Basic with it.
fn basic(case: &ClientCase) -> Option<(String, String)> {
    let (user, secret) = match &case.call.auth {
        Credentials::Digest { user, password } => (user, password),
        Credentials::OAuth { id, secret } => (id, secret),
        Credentials::Bearer { .. } => return None,
    };
    let value = STANDARD.encode(format!("{user}:{secret}"));
    Some((secret.clone(), value))
}

/// Returns the forms of a text inside of a JSON string, if they differ from it: one with `\u` for each
/// character outside of ASCII, and one without.
fn json_forms(text: &str) -> impl Iterator<Item = String> {
    let quoted = serde_json::Value::from(text).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let mut ascii = String::new();
    for character in plain.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(ascii, "\\u{unit:04x}");
            }
        }
    }
    let other = (ascii != plain).then_some(ascii);
    let differs = plain != text;
    differs.then_some(plain).into_iter().chain(other)
}

/// Whether a scripted response has a text.
fn has(answer: &ScriptedAnswer, text: &str) -> bool {
    let headers = answer.headers.iter().map(|(_, value)| value);
    let raw: &[String] = match &answer.raw {
        Some(RawBody::Chunked(chunks)) => chunks,
        Some(RawBody::Bytes(bytes)) => std::slice::from_ref(bytes),
        None => &[],
    };
    let json = answer.json.as_ref().map(ToString::to_string);
    let mut texts = headers.chain(raw).chain(&answer.body).chain(&json);
    texts.any(|it| it.contains(text))
}

/// Returns those of the secrets that a text has.
pub(crate) fn found_in<'a>(
    text: &str,
    secrets: impl IntoIterator<Item = &'a String>,
) -> impl Iterator<Item = &'a String> {
    let secrets = secrets.into_iter();
    secrets.filter(move |secret| text.contains(secret.as_str()))
}

/// Returns the names and texts of a reply, one per line. The field `value` of a reply to `run` is left
/// out: it may have what a response had. A reply that is not JSON is returned as it is.
pub(crate) fn texts_of(reply: &[u8], is_to_run: bool) -> String {
    let mut texts = String::new();
    let mut json = serde_json::Deserializer::from_slice(reply);
    let all = Texts {
        texts: &mut texts,
        skips_value: is_to_run,
    };
    let read = all.deserialize(&mut json);
    if read.and_then(|()| json.end()).is_err() {
        return String::from_utf8_lossy(reply).into_owned();
    }
    texts
}

/// Collects the texts of a JSON value, also those that follow a field of the same name.
struct Texts<'a> {
    texts: &'a mut String,
    skips_value: bool,
}

impl Texts<'_> {
    fn add(&mut self, text: &str) {
        self.texts.push_str(text);
        self.texts.push('\n');
    }

    fn inner(&mut self) -> Texts<'_> {
        Texts {
            texts: self.texts,
            skips_value: false,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Texts<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.add(text);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.inner())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            self.add(&name);
            if self.skips_value && name == "value" {
                let _: IgnoredAny = fields.next_value()?;
            } else {
                fields.next_value_seed(self.inner())?;
            }
        }
        Ok(())
    }
}

/// The texts of secrets, also in escaped form, longest first.
pub(crate) struct Masks(Vec<String>);

impl Masks {
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a String>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        let mut forms: Vec<String> = secrets
            .flat_map(|secret| {
                let bare = secret.strip_prefix("Bearer ").unwrap_or(secret);
                let quoted = format!("{bare:?}");
                let twice = format!("{quoted:?}");
                [
                    bare.to_owned(),
                    quoted.trim_matches('"').to_owned(),
                    twice.trim_matches(['"', '\\']).to_owned(),
                ]
            })
            .collect();
        forms.sort_by(|one, other| (other.len(), one).cmp(&(one.len(), other)));
        forms.dedup();
        Self(forms)
    }

    pub(crate) fn apply(&self, text: &mut String) {
        for form in &self.0 {
            if text.contains(form) {
                *text = text.replace(form, "(secret)");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_the_forms_that_json_gives_it() {
        for (secret, forms) in [
            ("plain", vec![]),
            ("a\"b", vec![r#"a\"b"#]),
            ("pä\u{1f600}", vec![r"p\u00e4\ud83d\ude00"]),
            ("ä\\", vec![r"ä\\", r"\u00e4\\"]),
        ] {
            assert_eq!(json_forms(secret).collect::<Vec<_>>(), forms, "{secret}");
        }
    }
}
