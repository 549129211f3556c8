//! Detects fields, parameters and headers that contain secrets, by their names.

/// Whether a field, parameter or header of this name contains a secret, regardless of a schema.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = letters(name);
    ENDINGS.iter().any(|ending| name.ends_with(ending)) || may_be_object(&name)
}

/// Whether an object of this name is not secret as a whole, whereas a string is.
pub(crate) fn names_an_object(name: &str) -> bool {
    may_be_object(&letters(name))
}

/// Whether a text that cannot be parsed into fields may contain a secret.
pub(crate) fn may_mention(text: &str) -> bool {
    let plain = letters(text);
    MENTIONS.iter().any(|name| plain.contains(name))
}

fn may_be_object(letters: &str) -> bool {
    matches!(letters, "auth" | "xauth" | "authentication")
}

/// The text in lowercase, without word separators.
fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// The endings of the names of secrets.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "pw",
    "secret",
    "token",
    "privatekey",
    "apikey",
    "accesskey",
    "secretkey",
    "servicekey",
    "sharedkey",
    "routingkey",
    "licensekey",
    "accountkey",
    "credential",
    "credentials",
    "assertion",
    "signature",
    "sig",
    "authorization",
    "cookie",
    "cookie2",
    "pem",
    "connectionstring",
    "webhookurl",
];

/// Words that show that a text may contain a secret.
const MENTIONS: &[&str] = &[
    "passw",
    "passphrase",
    "pwd",
    "pw=",
    "secret",
    "token",
    "key",
    "credential",
    "assertion",
    "signature",
    "sig=",
    "auth",
    "cookie",
    "pem",
    "connectionstring",
    "webhook",
];

#[cfg(test)]
mod tests {
    use super::{is_secret_name, names_an_object};

    #[test]
    fn names_are_known_in_any_spelling() {
        for name in [
            "X-Auth",
            "Authentication",
            "Cookie2",
            "pw",
            "privateKeyPem",
            "api_key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "x-author",
            "design",
            "authenticationEnabled",
            "pemberton",
            "keyId",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(names_an_object("authentication") && !names_an_object("Authorization"));
    }
}
