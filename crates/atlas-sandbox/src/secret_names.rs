//! Detects fields, parameters and headers that contain secrets, by their names.

use std::borrow::Cow;

/// Whether a field, parameter or header of this name contains a secret, regardless of a schema.
///
/// In a name with brackets, such as `user[password]`, every part counts.
pub(crate) fn is_secret_name(name: &str) -> bool {
    is_secret(name) || name.split(['[', ']']).any(is_secret)
}

/// Whether an object of this name is not secret as a whole, whereas a string is.
pub(crate) fn names_an_object(name: &str) -> bool {
    let name = letters(name);
    may_be_object(&name) || name == "connectionstrings"
}

/// Whether a text that cannot be parsed into fields may contain a secret.
pub(crate) fn may_mention(text: &str) -> bool {
    let plain = letters(text);
    MENTIONS.iter().any(|name| plain.contains(name)) || names_of_parts(text).any(is_secret_name)
}

/// The names of the parts of a multipart body.
fn names_of_parts(text: &str) -> impl Iterator<Item = &str> {
    text.split("name=").skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('"').unwrap_or(rest);
        rest.split(['"', ';', '\r', '\n']).next()
    })
}

fn is_secret(name: &str) -> bool {
    if ends_with_pass(name) {
        return true;
    }
    let letters = letters(name);
    let mut name = &*letters;
    loop {
        if NO_SECRETS.iter().any(|ending| name.ends_with(ending)) {
            return false;
        }
        let ends = ENDINGS.iter().any(|ending| name.ends_with(ending));
        if ends || name == "pass" || may_be_object(name) {
            return true;
        }
        match without_form(name) {
            Some(shorter) => name = shorter,
            None => return false,
        }
    }
}

/// Whether the last word is `pass`, before words for the form of a secret: `dbPassHash`, `db_pass_old`.
fn ends_with_pass(name: &str) -> bool {
    let mut name = name;
    loop {
        let word = last_word(name);
        if word == "pass" {
            return true;
        }
        if !FORMS.contains(&word.as_str()) {
            return false;
        }
        let ended = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        name = &ended[..ended.len() - word.len()];
    }
}

/// The name without a plural, a number or a word for the form of a secret, if it ends with one.
fn without_form(name: &str) -> Option<&str> {
    let form = FORMS.iter().find_map(|form| name.strip_suffix(form));
    form.or_else(|| name.strip_suffix(|c: char| c.is_ascii_digit() || c == 's'))
}

fn may_be_object(letters: &str) -> bool {
    matches!(letters, "auth" | "xauth" | "authentication")
}

/// The last word of a name, in lowercase: `pass` of `db_pass2` and `dbPass`, but not of `bypass`.
fn last_word(name: &str) -> String {
    let name = name.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let lower = |c: char| c.is_ascii_lowercase();
    let start = name.trim_end_matches(lower);
    let word = &name[start.len()..];
    match start.chars().next_back().filter(char::is_ascii_uppercase) {
        Some(first) if !word.is_empty() => format!("{}{word}", first.to_ascii_lowercase()),
        // A word in capitals.
        Some(_) => {
            let before = name.trim_end_matches(|c: char| c.is_ascii_uppercase());
            name[before.len()..].to_ascii_lowercase()
        }
        None => word.to_owned(),
    }
}

/// The text in lowercase, without separators of words.
fn letters(text: &str) -> Cow<'_, str> {
    let is_kept = |c: char| !matches!(c, '_' | '-' | '.' | ' ' | ':' | '[' | ']');
    let mut text = Cow::Borrowed(text);
    if !text.chars().all(is_kept) {
        text = text
            .chars()
            .filter(|c| is_kept(*c))
            .collect::<String>()
            .into();
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_mut().make_ascii_lowercase();
    }
    text
}

/// The endings of the names of secrets.
const ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passkey",
    "pwd",
    "pw",
    "secret",
    "token",
    "jwt",
    "privatekey",
    "apikey",
    "accesskey",
    "secretkey",
    "servicekey",
    "sharedkey",
    "routingkey",
    "licensekey",
    "accountkey",
    "encryptionkey",
    "decryptionkey",
    "signingkey",
    "masterkey",
    "storagekey",
    "sslkey",
    "tlskey",
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

/// The endings of names that look like those of secrets, but are not: public keys and positions in a
/// list.
const NO_SECRETS: &[&str] = &[
    "publicapikey",
    "pagetoken",
    "nexttoken",
    "continuationtoken",
];

/// Words after the name of a secret, such as `value` in `secretValue`. The value is still secret.
const FORMS: &[&str] = &[
    "value",
    "hash",
    "hashed",
    "json",
    "header",
    "text",
    "string",
    "base64",
    "encoded",
    "plain",
    "raw",
    "data",
    "new",
    "old",
    "current",
    "confirm",
    "confirmation",
];

/// Words that show that a text may contain a secret.
const MENTIONS: &[&str] = &[
    "pass",
    "pwd",
    "pw=",
    "secret",
    "token",
    "jwt",
    "bearer",
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
    use std::collections::BTreeSet;

    use atlas_catalog::{Additional, Operation, Schema};

    use super::{is_secret_name, last_word, may_mention, names_an_object};

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

    #[test]
    fn names_are_known_in_the_plural_with_a_number_and_with_a_form() {
        for name in [
            "passwords",
            "newPasswords",
            "secrets",
            "tokens",
            "apiKeys",
            "API_KEYS",
            "privateKeys",
            "secretValue",
            "secretValues",
            "password_hash",
            "pass",
            "dbPass",
            "DB_PASS2",
            "dbPassHash",
            "db_pass_value",
            "DB_PASS_OLD",
            "passHash",
            "passcode",
            "credentialsJson",
            "encryptionKey",
            "jwt",
            "authorizationHeader",
            "authHeaders",
            "x-secret-value",
            "x-token-2",
            "token1Base64",
            "user[password]",
            "passwords[0]",
            "password[user]",
            "api key",
            "connectionStrings",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "",
            "s",
            "2",
            "bypass",
            "compass",
            "Compass",
            "hash",
            "hashes",
            "keys",
            "headers",
            "nextPageToken",
            "publicKey",
            "publicKeys",
            "tokenTtl",
            "secretExpiresAfterHours",
            "apiKeyId",
            "apiKeyIds",
            "passwordAuthEnabled",
            "secretName",
            "tokensUsed",
            "clusters",
            "database",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        // The connection strings of a cluster are addresses.
        assert!(names_an_object("connectionStrings"));
    }

    #[test]
    fn the_last_word_of_a_name_is_found_in_any_spelling() {
        for (name, word) in [
            ("dbPass2", "pass"),
            ("DB_PASS", "pass"),
            ("db-pass", "pass"),
            ("bypass", "bypass"),
            ("\u{e9}pass", "pass"),
            ("\u{e9}\u{e9}", ""),
            ("", ""),
        ] {
            assert_eq!(last_word(name), word, "{name}");
        }
    }

    #[test]
    fn a_text_mentions_the_names_of_secrets_and_of_its_parts() {
        for text in [
            "pass: x",
            "jwt=x",
            "form-data; name=\"sig\"\r\n\r\nx",
            "form-data; name=pw\r\n\r\nx",
        ] {
            assert!(may_mention(text), "{text}");
        }
        for text in ["plain words", "form-data; name=\"a\"", "name=", "name=\""] {
            assert!(!may_mention(text), "{text}");
        }
    }

    /// The names of all fields of requests.
    fn fields() -> BTreeSet<&'static str> {
        let mut names = BTreeSet::new();
        let mut known = BTreeSet::new();
        let versions = Operation::all().flat_map(Operation::versions);
        let mut next: Vec<&Schema> = versions.filter_map(|it| it.request_schema()).collect();
        while let Some(schema) = next.pop().map(Schema::resolve) {
            if !known.insert(std::ptr::from_ref(schema)) {
                continue;
            }
            names.extend(schema.properties.keys().map(String::as_str));
            next.extend(schema.properties.values());
            next.extend(schema.items.as_deref());
            next.extend(
                schema
                    .all_of
                    .iter()
                    .chain(&schema.one_of)
                    .chain(&schema.any_of),
            );
            if let Some(Additional::Schema(further)) = &schema.additional_properties {
                next.push(further);
            }
        }
        names
    }

    #[test]
    fn no_other_fields_of_requests_have_names_of_secrets() {
        let secrets = "apiKey apiToken authHeader authValue authentication bindPassword clientSecret \
            connectionString connectionStrings datadogApiKey destinationOrgPrivateApiKey \
            hecToken licenseKey microsoftTeamsWebhookUrl notificationToken opsGenieApiKey \
            password readToken routingKey secret secretAccessKey serviceAccountKey serviceKey \
            srvConnectionString srvShardOptimizedConnectionString sslKey sslKeyPassword \
            victorOpsApiKey victorOpsRoutingKey webhookSecret webhookUrl writeToken";
        let found: Vec<&str> = fields()
            .into_iter()
            .filter(|it| is_secret_name(it))
            .collect();
        assert_eq!(found, secrets.split_whitespace().collect::<Vec<_>>());
    }
}
