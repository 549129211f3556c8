//! Settings: a flag beats the environment, which beats the profile.

use atlas_transport::{BaseUrl, Credentials};
use clap::ArgMatches;

use crate::failure::Failure;
use crate::profile::Profile;

/// The process's own environment; empty counts as unset.
fn environment(name: &str) -> Option<String> {
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
  ATLAS_LOG                       debug shows what happens on stderr

What is not set is looked for in the profile, in atlascli/config.toml of the configuration folder.";

/// The environment, and the profile behind it.
#[derive(Debug)]
pub(crate) struct Settings {
    profile: Profile,
}

impl Settings {
    /// Reads the profile that a command names, or the default one.
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self, Failure> {
        let name = matches.get_one::<String>("profile").map(String::as_str);
        Ok(Self {
            profile: Profile::load(name)?,
        })
    }

    /// A setting under the name of its environment variable.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        environment(name).or_else(|| self.profile.get(name))
    }

    /// The credentials. Those of the environment are not mixed with those of the profile, unless
    /// half of a pair is missing.
    pub(crate) fn credentials(&self) -> Result<Credentials, Failure> {
        match credentials(&environment) {
            Ok(credentials) => Ok(credentials),
            Err(problem) => credentials(&|name| self.get(name)).map_err(|failure| {
                if self.profile.keeps_secrets_elsewhere() {
                    Failure::Credentials(
                        "the profile keeps its secret in the system's keyring, which is not read; \
                         set the credentials in the environment, see atlas --help"
                            .to_owned(),
                    )
                } else if matches!(failure, Failure::Credentials(_)) {
                    problem
                } else {
                    failure
                }
            }),
        }
    }

    /// Where Atlas is.
    pub(crate) fn base_url(&self) -> Result<BaseUrl, Failure> {
        if let Some(url) = self.get("MONGODB_ATLAS_OPS_MANAGER_URL") {
            return url.parse().map_err(|error| {
                Failure::Usage(format!("MONGODB_ATLAS_OPS_MANAGER_URL: {error}"))
            });
        }
        match self.get("MONGODB_ATLAS_SERVICE").as_deref() {
            None | Some("cloud") => Ok(BaseUrl::cloud()),
            Some("cloudgov") => Ok(BaseUrl::cloud_gov()),
            Some(other) => Err(Failure::Usage(format!(
                "MONGODB_ATLAS_SERVICE is {other:?}; set it to cloud or cloudgov"
            ))),
        }
    }
}

fn credentials(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Credentials, Failure> {
    if let Some(token) = lookup("MONGODB_ATLAS_ACCESS_TOKEN") {
        return Ok(Credentials::bearer(token));
    }
    let first = |names: &[&str]| names.iter().find_map(|name| lookup(name));
    let mut halves = Vec::new();
    for kind in PAIRS {
        match (first(kind.public), first(kind.secret)) {
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
