//! Reads credentials from the environment, from sets of variables with different prefixes.
//!
//! | set | variables |
//! | --- | --- |
//! | [`Atlas`](VariableSet::Atlas) | `MONGODB_ATLAS_` before `ACCESS_TOKEN`, `CLIENT_ID` and `CLIENT_SECRET`, `PUBLIC_API_KEY` and `PRIVATE_API_KEY`; `OPS_MANAGER_URL`, `SERVICE` |
//! | [`Mcli`](VariableSet::Mcli) | `MCLI_` before the same names |
//! | [`Terraform`](VariableSet::Terraform) | `MONGODB_ATLAS_PUBLIC_KEY` and `MONGODB_ATLAS_PRIVATE_KEY`; `MONGODB_ATLAS_BASE_URL` |
//!
//! The first set with credentials is used; within it, an access token comes before a service account,
//! and that before an API key. They are sent to the base URL of the same set, or to the cloud of its
//! `SERVICE` (`cloud` or `cloudgov`), or to [`BaseUrl::cloud`]. An empty variable counts as unset.
//!
//! A credential can also be in a file, such as a systemd credential or a container secret. The path is
//! in the variable with `_FILE` appended, such as `MONGODB_ATLAS_PRIVATE_API_KEY_FILE`. Setting both a
//! variable and its `_FILE` is an error. The path is relative to the working directory, and symbolic
//! links are followed. The file must be a regular file of at most 64 KiB of UTF-8. A byte order mark at
//! its start and one line break at its end are removed; the rest must not be empty, and is checked like
//! the value of a variable. Errors show the path, never the content. Reading the file blocks the
//! thread. Other settings have no `_FILE`.
//!
//! The `atlas` command uses the same rules, and reads a profile after the environment; this library
//! does not.

mod error;
mod secret_file;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::base_url::{BaseUrl, BaseUrlError};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::credentials::Credentials;
pub use crate::value_problem::ValueProblem;

pub use error::EnvironmentError;
pub use secret_file::FileProblem;

/// Credentials with the base URL that they belong to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Account {
    /// The credentials.
    pub credentials: Credentials,
    /// The base URL that the credentials are sent to.
    pub base_url: BaseUrl,
    /// The set of variables with the credentials.
    pub set: VariableSet,
    /// An incomplete pair of another kind, which is not used: an [`EnvironmentError::HalfAPair`].
    pub ignored: Option<EnvironmentError>,
    names_base_url: bool,
}

impl Account {
    /// Finds the account in the variables that `lookup` returns by name. [`Credentials::from_env`] calls
    /// this with [`std::env::var_os`].
    ///
    /// ```
    /// use atlas_transport::environment::Account;
    ///
    /// let account = Account::from_variables(|name| match name {
    ///     "MONGODB_ATLAS_CLIENT_ID" => Some("mdb_sa_id_…".into()),
    ///     "MONGODB_ATLAS_CLIENT_SECRET" => Some("mdb_sa_sk_…".into()),
    ///     "MONGODB_ATLAS_SERVICE" => Some("cloudgov".into()),
    ///     _ => None,
    /// })?;
    /// assert_eq!(account.base_url.to_string(), "https://cloud.mongodbgov.com");
    /// # Ok::<(), atlas_transport::environment::EnvironmentError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvironmentError`]: no credentials, an incomplete pair, an invalid value, a variable set together
    /// with its `_FILE`, a file that cannot be used, or a base URL in a different set than the
    /// credentials.
    pub fn from_variables(
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, EnvironmentError> {
        for set in VariableSet::ALL {
            let Some((credentials, ignored)) = set.credentials(&lookup)? else {
                continue;
            };
            let own = set.base_url(&lookup)?;
            let names_base_url = own.is_some();
            let base_url = own.unwrap_or_else(BaseUrl::cloud);
            if !names_base_url {
                set.check_others(&base_url, &lookup)?;
            }
            return Ok(Self {
                credentials,
                base_url,
                set,
                ignored,
                names_base_url,
            });
        }
        Err(EnvironmentError::NoCredentials)
    }

    /// Returns whether the set defines the base URL; otherwise it is [`BaseUrl::cloud`] by default.
    pub fn names_base_url(&self) -> bool {
        self.names_base_url
    }

    /// Returns a builder for a client of this account.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder(self.base_url.clone(), &self.credentials)
    }
}

/// Returns whether the variable `ATLAS_ALLOW_HTTP` is `true`, which allows a base URL with plain `http`
/// to another machine; see [`BaseUrl::allowing_plain_http`].
pub fn allows_plain_http(lookup: impl Fn(&str) -> Option<OsString>) -> bool {
    lookup(ALLOW_HTTP).is_some_and(|value| value == "true")
}

/// A set of variables. Credentials of one set go only to the base URL of the same set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VariableSet {
    /// `MONGODB_ATLAS_*`.
    Atlas,
    /// `MCLI_*`, the older names of the official command line.
    Mcli,
    /// The three variables of the Terraform provider.
    Terraform,
}

impl VariableSet {
    /// All sets, in order of precedence.
    pub const ALL: [Self; 3] = [Self::Atlas, Self::Mcli, Self::Terraform];

    /// Returns the variable of this set for a setting, named by its suffix after `MONGODB_ATLAS_`, such as
    /// `CLIENT_ID`; `None` if the set has no such variable.
    ///
    /// ```
    /// use atlas_transport::environment::VariableSet;
    ///
    /// let variable = VariableSet::Mcli.variable("CLIENT_ID");
    /// assert_eq!(variable.as_deref(), Some("MCLI_CLIENT_ID"));
    /// assert!(VariableSet::Terraform.variable("CLIENT_ID").is_none());
    /// ```
    pub fn variable(self, setting: &str) -> Option<String> {
        match (self, setting) {
            (Self::Atlas, _) => Some(format!("MONGODB_ATLAS_{setting}")),
            (Self::Mcli, _) => Some(format!("MCLI_{setting}")),
            (Self::Terraform, PUBLIC_KEY) => Some("MONGODB_ATLAS_PUBLIC_KEY".to_owned()),
            (Self::Terraform, PRIVATE_KEY) => Some("MONGODB_ATLAS_PRIVATE_KEY".to_owned()),
            (Self::Terraform, BASE_URL) => Some("MONGODB_ATLAS_BASE_URL".to_owned()),
            (Self::Terraform, _) => None,
        }
    }

    /// Returns the value of a setting in this set; empty counts as unset. If the `_FILE` variable of a
    /// credential is set, each call reads the file, which blocks the thread.
    ///
    /// # Errors
    /// [`EnvironmentError::Value`], and for a credential [`EnvironmentError::BothSet`] and
    /// [`EnvironmentError::File`].
    pub fn get(
        self,
        setting: &str,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<String>, EnvironmentError> {
        let found = self.find(setting, lookup)?;
        Ok(found.map(|found| found.value))
    }

    /// Returns whether this set has credentials, even if incomplete or invalid. Reads no file.
    pub fn has_credentials(self, lookup: impl Fn(&str) -> Option<OsString>) -> bool {
        let mut settings = CREDENTIALS.into_iter();
        settings.any(|setting| self.given(setting, &lookup) != (None, None))
    }

    /// Returns the base URL of this set, from its URL or its service; `None` if it has neither.
    ///
    /// # Errors
    /// [`EnvironmentError::Value`], [`EnvironmentError::Service`] and [`EnvironmentError::BaseUrl`].
    pub fn base_url(
        self,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<BaseUrl>, EnvironmentError> {
        let of_service = match self.get(SERVICE, &lookup)?.as_deref() {
            None => None,
            Some("cloud") => Some(BaseUrl::cloud()),
            Some("cloudgov") => Some(BaseUrl::cloud_gov()),
            Some(_) => {
                let variable = self.name(SERVICE);
                return Err(EnvironmentError::Service { variable });
            }
        };
        let Some(url) = self.get(BASE_URL, &lookup)? else {
            return Ok(of_service);
        };
        let read = if allows_plain_http(&lookup) {
            BaseUrl::allowing_plain_http(&url)
        } else {
            url.parse()
        };
        read.map(Some).map_err(|error| EnvironmentError::BaseUrl {
            variable: self.name(BASE_URL),
            problem: match error {
                BaseUrlError::UserInfo => {
                    "contains a user or password; set credentials separately".to_owned()
                }
                BaseUrlError::ApiPath { path } => {
                    format!("must end before /api/atlas/v2; remove {path}")
                }
                BaseUrlError::Plain { .. } => {
                    "would send credentials unencrypted; use https, or a loopback address, \
                         or opt in with ATLAS_ALLOW_HTTP=true"
                        .to_owned()
                }
                BaseUrlError::NotAUrl { .. } => {
                    "is invalid: expected a URL such as https://cloud.mongodb.com".to_owned()
                }
            },
        })
    }

    /// Returns the value of a setting, and the variable with the value or with the path of its file.
    fn find(
        self,
        setting: &str,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Found>, EnvironmentError> {
        let (variable, value) = match self.given(setting, lookup) {
            (None, None) => return Ok(None),
            (Some((variable, _)), Some((file, _))) => {
                return Err(EnvironmentError::BothSet { variable, file });
            }
            (None, Some((variable, path))) => {
                let path = PathBuf::from(path);
                return match secret_file::read(&path) {
                    Ok(value) => Ok(Some(Found { variable, value })),
                    Err(problem) => Err(EnvironmentError::File {
                        variable,
                        path,
                        problem,
                    }),
                };
            }
            (Some(given), None) => given,
        };
        let value = value.into_string().map_err(|_| ValueProblem::NotUnicode);
        match value.and_then(|value| ValueProblem::check(&value).map(|()| value)) {
            Ok(value) => Ok(Some(Found { variable, value })),
            Err(problem) => Err(EnvironmentError::Value { variable, problem }),
        }
    }

    /// Returns the variable of a setting and its `_FILE` variable, each if it is set and not empty.
    fn given(
        self,
        setting: &str,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> (Option<Given>, Option<Given>) {
        let Some(variable) = self.variable(setting) else {
            return (None, None);
        };
        let given = |name: String| {
            let value = lookup(&name).filter(|value| !value.is_empty())?;
            Some((name, value))
        };
        let is_credential = CREDENTIALS.contains(&setting);
        let file = is_credential.then(|| format!("{variable}_FILE"));
        (given(variable), file.and_then(given))
    }

    /// Returns the variable of a setting that every set has, or else the setting itself.
    fn name(self, setting: &str) -> String {
        self.variable(setting).unwrap_or_else(|| setting.to_owned())
    }

    /// Returns the credentials of this set, with the error of an incomplete pair.
    fn credentials(
        self,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<(Credentials, Option<EnvironmentError>)>, EnvironmentError> {
        if let Some(token) = self.find(ACCESS_TOKEN, &lookup)? {
            return Ok(Some((Credentials::bearer(token.value), None)));
        }
        let mut half = None;
        for [first, second] in [[CLIENT_ID, CLIENT_SECRET], [PUBLIC_KEY, PRIVATE_KEY]] {
            let (there, missing) = match (self.find(first, &lookup)?, self.find(second, &lookup)?) {
                (Some(Found { value: id, .. }), Some(Found { value: secret, .. })) => {
                    let credentials = if first == CLIENT_ID {
                        Credentials::service_account(id, secret)
                    } else {
                        Credentials::api_key(id, secret)
                    };
                    return Ok(Some((credentials, half)));
                }
                (Some(there), None) => (there, second),
                (None, Some(there)) => (there, first),
                (None, None) => continue,
            };
            half.get_or_insert_with(|| EnvironmentError::HalfAPair {
                there: there.variable,
                missing: self.name(missing),
            });
        }
        half.map_or(Ok(None), Err)
    }

    /// Checks that no other set has a base URL that these credentials could be meant for.
    fn check_others(
        self,
        base_url: &BaseUrl,
        lookup: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), EnvironmentError> {
        let others = Self::ALL.into_iter().filter(|set| *set != self);
        // A set with an incomplete pair has no credentials: its base URL could be meant for this set.
        let whole = |set: Self| matches!(set.credentials(&lookup), Ok(Some(_)));
        for other in others.filter(|set| !whole(*set)) {
            if other.base_url(&lookup)?.is_none_or(|url| url == *base_url) {
                continue;
            }
            let by_url = matches!(other.get(BASE_URL, &lookup), Ok(Some(_)));
            return Err(EnvironmentError::OtherBaseUrl {
                credentials: self,
                variable: other.name(if by_url { BASE_URL } else { SERVICE }),
                expected: self.name(BASE_URL),
            });
        }
        Ok(())
    }
}

impl fmt::Display for VariableSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Atlas => "MONGODB_ATLAS_*",
            Self::Mcli => "MCLI_*",
            Self::Terraform => "MONGODB_ATLAS_PUBLIC_KEY",
        })
    }
}

/// The name of a variable, and its value.
type Given = (String, OsString);

/// A value, and the variable with the value or with the path of its file. No `Debug`, since the value
/// may be a secret.
struct Found {
    variable: String,
    value: String,
}

/// The opt-in for a base URL with plain `http`.
const ALLOW_HTTP: &str = "ATLAS_ALLOW_HTTP";
const ACCESS_TOKEN: &str = "ACCESS_TOKEN";
const CLIENT_ID: &str = "CLIENT_ID";
const CLIENT_SECRET: &str = "CLIENT_SECRET";
const PUBLIC_KEY: &str = "PUBLIC_API_KEY";
const PRIVATE_KEY: &str = "PRIVATE_API_KEY";
const BASE_URL: &str = "OPS_MANAGER_URL";
const SERVICE: &str = "SERVICE";

/// The settings that are credentials, or halves of a pair.
const CREDENTIALS: [&str; 5] = [
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    PUBLIC_KEY,
    PRIVATE_KEY,
];

impl Credentials {
    /// Reads credentials from the environment of this process, together with their base URL; see
    /// [`environment`](crate::environment) for the variables.
    ///
    /// A variable with `_FILE` appended, such as
    /// `MONGODB_ATLAS_PRIVATE_API_KEY_FILE=/run/secrets/atlas`, is the path of a file with the value. Reading
    /// files blocks the thread: call this once, at the start of a program.
    ///
    /// ```no_run
    /// use atlas_transport::Credentials;
    ///
    /// let account = Credentials::from_env()?;
    /// let client = account.client_builder().build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Account::from_variables`].
    pub fn from_env() -> Result<Account, EnvironmentError> {
        Account::from_variables(|name| std::env::var_os(name))
    }
}

#[cfg(test)]
mod tests;
