//! Rejects credentials with remains of a file or a copy, before anything is sent.

use secrecy::ExposeSecret;

use crate::credentials::Credentials;
use crate::error::ErrorKind;
use crate::value_problem::ValueProblem;

/// Checks each part; errors quote nothing.
pub(crate) fn check(credentials: &Credentials) -> Result<(), ErrorKind> {
    let parts = match credentials {
        Credentials::Bearer { token } => vec![("the access token", token.expose_secret())],
        Credentials::ApiKey {
            public_key,
            private_key,
        } => vec![
            ("the public key", public_key.as_str()),
            ("the private key", private_key.expose_secret()),
        ],
        Credentials::ServiceAccount {
            client_id,
            client_secret,
            ..
        } => vec![
            ("the client id", client_id.as_str()),
            ("the client secret", client_secret.expose_secret()),
        ],
    };
    for (what, text) in parts {
        let checked = match text {
            "" => Err(ValueProblem::Empty),
            text => ValueProblem::check(text),
        };
        match checked {
            Ok(()) => {}
            // Other invisible characters may be part of it, as long as it can be sent.
            Err(ValueProblem::Unprintable) if !text.contains(char::is_control) => {}
            Err(ValueProblem::Unprintable) => return Err(ErrorKind::Unsendable { what }),
            Err(problem) => return Err(ErrorKind::Credentials { what, problem }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BaseUrl, Client};

    const UNSENDABLE: &str =
        "cannot be sent; check it for line breaks and other control characters";

    #[tokio::test]
    async fn a_key_with_a_line_break_or_another_control_character_makes_no_client() {
        for (text, expected) in [
            ("", "is empty; set it"),
            ("s3cret\n", "ends with a line break"),
            ("s3cret\r", "ends with a line break"),
            ("s3cret\r\n", "ends with a line break"),
            (" s3cret", "begins or ends with white space"),
            ("\u{feff}s3cret", "begins with a byte order mark"),
            ("s3\0cret", UNSENDABLE),
            ("s3\u{9b}cret", UNSENDABLE),
            ("s3\ncret", UNSENDABLE),
        ] {
            for (credentials, what) in [
                (Credentials::bearer(text), "the access token"),
                (Credentials::api_key(text, "b"), "the public key"),
                (Credentials::api_key("a", text), "the private key"),
                (Credentials::service_account(text, "b"), "the client id"),
                (Credentials::service_account("a", text), "the client secret"),
            ] {
                let error = Client::new(BaseUrl::cloud(), &credentials).unwrap_err();
                let line = error.to_string();
                let expected = match expected {
                    UNSENDABLE => UNSENDABLE,
                    "is empty; set it" => expected,
                    expected => &format!("{expected}; remove it"),
                };
                assert_eq!(line, format!("{what} {expected}"));
                assert!(!error.may_have_been_sent());
                assert!(!format!("{error:?}").contains("s3"), "{error:?}");
            }
        }
        assert!(check(&Credentials::api_key("ü b", "c")).is_ok());
    }
}
