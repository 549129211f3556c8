//! Settings from the environment, under the names people already use.

use atlas_transport::{BaseUrl, Credentials};

use crate::failure::Failure;

/// Looks up one variable; empty counts as unset.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's own environment.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The environment variables, for `--help`.
pub(crate) const VARIABLES: &str = "\
Credentials, the first kind that is there:
  MONGODB_ATLAS_ACCESS_TOKEN                                    an access token
  MONGODB_ATLAS_CLIENT_ID, MONGODB_ATLAS_CLIENT_SECRET          a service account
  MONGODB_ATLAS_PUBLIC_API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY   an API key

Settings:
  MONGODB_ATLAS_PROJECT_ID        the project where none is named
  MONGODB_ATLAS_SERVICE           cloud (the default) or cloudgov
  MONGODB_ATLAS_OPS_MANAGER_URL   another base URL
  MONGODB_ATLAS_API_VERSION       the version where none is named
  MONGODB_ATLAS_OUTPUT            json, where no output is named
  ATLAS_LOG                       debug shows what happens on stderr";

/// The credentials that the environment gives.
pub(crate) fn credentials(lookup: Lookup<'_>) -> Result<Credentials, Failure> {
    if let Some(token) = lookup("MONGODB_ATLAS_ACCESS_TOKEN") {
        return Ok(Credentials::bearer(token));
    }
    let mut halves = Vec::new();
    for kind in PAIRS {
        match (first(lookup, kind.public), first(lookup, kind.secret)) {
            (Some(public), Some(secret)) => return Ok((kind.credentials)(public, secret)),
            (Some(_), None) => halves.push((kind.public[0], kind.secret[0])),
            (None, Some(_)) => halves.push((kind.secret[0], kind.public[0])),
            (None, None) => {}
        }
    }
    Err(Failure::Credentials(match halves.first() {
        Some((there, missing)) => format!("{there} is set but {missing} is not; set both"),
        None => "no credentials; set MONGODB_ATLAS_PUBLIC_API_KEY and \
                 MONGODB_ATLAS_PRIVATE_API_KEY, or see atlas --help for the other kinds"
            .to_owned(),
    }))
}

/// Where Atlas is.
pub(crate) fn base_url(lookup: Lookup<'_>) -> Result<BaseUrl, Failure> {
    if let Some(url) = lookup("MONGODB_ATLAS_OPS_MANAGER_URL") {
        return url
            .parse()
            .map_err(|error| Failure::Usage(format!("MONGODB_ATLAS_OPS_MANAGER_URL: {error}")));
    }
    match lookup("MONGODB_ATLAS_SERVICE").as_deref() {
        None | Some("cloud") => Ok(BaseUrl::cloud()),
        Some("cloudgov") => Ok(BaseUrl::cloud_gov()),
        Some(other) => Err(Failure::Usage(format!(
            "MONGODB_ATLAS_SERVICE is {other:?}; set it to cloud or cloudgov"
        ))),
    }
}

/// A kind of credentials that comes in two variables, each with its older names.
struct Pair {
    public: &'static [&'static str],
    secret: &'static [&'static str],
    credentials: fn(String, String) -> Credentials,
}

const PAIRS: [Pair; 2] = [
    Pair {
        public: &["MONGODB_ATLAS_CLIENT_ID"],
        secret: &["MONGODB_ATLAS_CLIENT_SECRET"],
        credentials: |public, secret| Credentials::service_account(public, secret),
    },
    Pair {
        public: &[
            "MONGODB_ATLAS_PUBLIC_API_KEY",
            "MONGODB_ATLAS_PUBLIC_KEY",
            "MCLI_PUBLIC_API_KEY",
        ],
        secret: &[
            "MONGODB_ATLAS_PRIVATE_API_KEY",
            "MONGODB_ATLAS_PRIVATE_KEY",
            "MCLI_PRIVATE_API_KEY",
        ],
        credentials: |public, secret| Credentials::api_key(public, secret),
    },
];

fn first(lookup: Lookup<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| lookup(name))
}
