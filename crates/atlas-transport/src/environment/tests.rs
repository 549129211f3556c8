mod files;

use secrecy::ExposeSecret as _;

use super::*;

/// The variables of each set: public key, private key, base URL.
const SETS: [[&str; 3]; 3] = [
    [
        "MONGODB_ATLAS_PUBLIC_API_KEY",
        "MONGODB_ATLAS_PRIVATE_API_KEY",
        "MONGODB_ATLAS_OPS_MANAGER_URL",
    ],
    [
        "MCLI_PUBLIC_API_KEY",
        "MCLI_PRIVATE_API_KEY",
        "MCLI_OPS_MANAGER_URL",
    ],
    [
        "MONGODB_ATLAS_PUBLIC_KEY",
        "MONGODB_ATLAS_PRIVATE_KEY",
        "MONGODB_ATLAS_BASE_URL",
    ],
];

const URL: &str = "https://ops.example";

fn account(variables: &[(&str, &str)]) -> Result<Account, EnvironmentError> {
    Account::from_variables(|name| {
        let mut variables = variables.iter();
        let (_, value) = variables.find(|(known, _)| *known == name)?;
        Some(value.into())
    })
}

/// Returns the kind, the user and the secret of credentials.
fn shown(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Bearer { token } => format!("bearer {}", token.expose_secret()),
        Credentials::ApiKey {
            public_key,
            private_key,
        } => format!("key {public_key} {}", private_key.expose_secret()),
        Credentials::ServiceAccount {
            client_id,
            client_secret,
            ..
        } => format!("service {client_id} {}", client_secret.expose_secret()),
    }
}

fn error(variables: &[(&str, &str)]) -> String {
    let error = account(variables).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("s3cret"), "{shown}");
    error.to_string()
}

#[test]
fn credentials_come_with_the_base_url_of_their_own_set_and_with_no_other() {
    for (number, [public, private, url]) in SETS.into_iter().enumerate() {
        let found = account(&[(public, "p"), (private, "s3cret"), (url, URL)]).unwrap();
        assert_eq!(shown(&found.credentials), "key p s3cret");
        assert_eq!(found.base_url.to_string(), URL);
        assert_eq!(found.set, VariableSet::ALL[number]);
        assert!(found.names_base_url() && found.ignored.is_none());
        assert!(!format!("{found:?}").contains("s3cret"));

        let found = account(&[(public, "p"), (private, "s3cret")]).unwrap();
        assert_eq!(found.base_url, BaseUrl::cloud());
        assert!(!found.names_base_url());

        for [_, _, other] in SETS.into_iter().filter(|set| set[2] != url) {
            let line = error(&[(public, "p"), (private, "s3cret"), (other, URL)]);
            assert!(line.contains(other) && line.contains(url), "{line}");
            // The same URL is not a contradiction, nor is a URL in the own set.
            let same = [
                (public, "p"),
                (private, "s"),
                (other, "https://cloud.mongodb.com"),
            ];
            assert!(account(&same).is_ok());
            let own = [
                (public, "p"),
                (private, "s"),
                (other, URL),
                (url, "https://own.example"),
            ];
            assert_eq!(
                account(&own).unwrap().base_url.to_string(),
                "https://own.example"
            );
        }
    }
}

#[test]
fn the_first_set_with_credentials_is_used_and_of_these_a_token_before_a_service_account() {
    let keys = [(SETS[0][0], "p"), (SETS[0][1], "s")];
    let older = [("MCLI_ACCESS_TOKEN", "t"), (SETS[1][2], URL)];
    let found = account(&[older, keys].concat()).unwrap();
    assert_eq!(shown(&found.credentials), "key p s");
    assert_eq!(
        found.base_url,
        BaseUrl::cloud(),
        "the other set uses its own base URL"
    );

    let service = [
        ("MONGODB_ATLAS_CLIENT_ID", "i"),
        ("MONGODB_ATLAS_CLIENT_SECRET", "c"),
    ];
    let found = account(&[keys, service].concat()).unwrap();
    assert_eq!(shown(&found.credentials), "service i c");
    let token = [("MONGODB_ATLAS_ACCESS_TOKEN", "t"), ("HOME", "/")];
    let found = account(&[keys, service, token].concat()).unwrap();
    assert_eq!(shown(&found.credentials), "bearer t");
    assert_eq!(account(&[]).unwrap_err(), EnvironmentError::NoCredentials);
    let empty = [(SETS[0][0], ""), (SETS[0][1], "")];
    assert_eq!(
        account(&empty).unwrap_err(),
        EnvironmentError::NoCredentials
    );
}

#[test]
fn halves_are_named_and_never_combined() {
    for first in SETS {
        for second in SETS.into_iter().filter(|second| *second != first) {
            let line = error(&[(first[0], "p"), (second[1], "s3cret")]);
            assert!(line.contains("is set but"), "{line}");
        }
        let line = error(&[(first[1], "s3cret")]);
        assert_eq!(
            line,
            format!("{} is set but {} is not; set both", first[1], first[0])
        );
    }
    let keys = [(SETS[0][0], "p"), (SETS[0][1], "s")];
    let half = [("MONGODB_ATLAS_CLIENT_ID", "i")];
    let found = account(&[&keys[..], &half].concat()).unwrap();
    assert_eq!(shown(&found.credentials), "key p s");
    let ignored = found.ignored.unwrap().to_string();
    assert!(
        ignored.contains("MONGODB_ATLAS_CLIENT_SECRET is not"),
        "{ignored}"
    );
}

/// Otherwise a token could be sent to the cloud instead of the server that it is meant for.
#[test]
fn an_incomplete_pair_does_not_claim_the_base_url_of_its_set() {
    let token = ("MONGODB_ATLAS_ACCESS_TOKEN", "s3cret");
    let url = ("MCLI_OPS_MANAGER_URL", URL);
    for half in [None, Some(("MCLI_PUBLIC_API_KEY", "p"))] {
        let variables: Vec<_> = [token, url].into_iter().chain(half).collect();
        let error = error(&variables);
        assert!(error.contains("MCLI_OPS_MANAGER_URL"), "{half:?}: {error}");
    }
    let other = [
        ("MCLI_PUBLIC_API_KEY", "p"),
        ("MCLI_PRIVATE_API_KEY", "s3cret"),
    ];
    let variables: Vec<_> = [token, url].into_iter().chain(other).collect();
    let found = account(&variables).unwrap();
    assert_eq!(found.base_url.to_string(), "https://cloud.mongodb.com");
}

#[test]
fn an_invalid_value_is_named_and_not_shown() {
    for (value, problem) in [
        ("s3cret\n", ValueProblem::LineBreak),
        ("s3cret\r\n", ValueProblem::LineBreak),
        ("s3cret\r", ValueProblem::LineBreak),
        ("s3cret ", ValueProblem::WhiteSpace),
        ("\ts3cret", ValueProblem::WhiteSpace),
        (" ", ValueProblem::WhiteSpace),
        ("\u{feff}s3cret", ValueProblem::ByteOrderMark),
        ("s3\u{200b}cret", ValueProblem::Unprintable),
        ("s3\u{202e}cret", ValueProblem::Unprintable),
        ("s3\0cret", ValueProblem::Unprintable),
    ] {
        for [public, private, _] in SETS {
            let line = error(&[(public, "p"), (private, value)]);
            assert_eq!(line, format!("{private} {problem}"));
        }
    }
    for fine in [
        "",
        "a b",
        "\u{e9}",
        "e\u{301}",
        "\u{301}",
        "\"'\\",
        "\u{1f600}",
    ] {
        assert_eq!(ValueProblem::check(fine), Ok(()), "{fine:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;

    let invalid = Account::from_variables(|name| {
        (name == "MCLI_CLIENT_ID").then(|| OsString::from_vec(vec![b'k', 0xff]))
    });
    let line = invalid.unwrap_err().to_string();
    assert_eq!(line, "MCLI_CLIENT_ID is not valid UTF-8");
}

#[test]
fn a_base_url_or_service_that_cannot_be_used_is_named_and_not_shown() {
    let with = |name, value| error(&[(SETS[0][0], "p"), (SETS[0][1], "s"), (name, value)]);
    for (value, problem) in [
        ("s3cret", "expected a URL"),
        ("https://u:s3cret@ops.example", "user or password"),
        ("http://s3cret.example", "unencrypted"),
        ("https://s3cret.example/?q", "expected a URL"),
    ] {
        for name in ["MONGODB_ATLAS_OPS_MANAGER_URL", "MCLI_OPS_MANAGER_URL"] {
            let line = with(name, value);
            assert!(line.starts_with(name) && line.contains(problem), "{line}");
        }
    }
    let line = with("MCLI_SERVICE", "s3cret");
    assert_eq!(line, "invalid MCLI_SERVICE: expected cloud or cloudgov");
    let line = with("MCLI_SERVICE", "cloudgov");
    assert!(
        line.contains("but MCLI_SERVICE has another base URL"),
        "{line}"
    );
}
