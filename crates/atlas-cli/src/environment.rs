//! Settings in the environment, in the sets of variables that `atlas_transport` defines.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

use atlas_transport::environment::{EnvironmentError, ValueProblem, VariableSet};

use crate::failure::Failure;

/// A setting that a variable or a profile can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    PublicKey,
    PrivateKey,
    ClientId,
    ClientSecret,
    AccessToken,
    BaseUrl,
    Service,
    Project,
    Organization,
    ApiVersion,
    Output,
    Profile,
}

impl Setting {
    /// Its name without a prefix; in lower case, its key in a profile.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "PUBLIC_API_KEY",
            Self::PrivateKey => "PRIVATE_API_KEY",
            Self::ClientId => "CLIENT_ID",
            Self::ClientSecret => "CLIENT_SECRET",
            Self::AccessToken => "ACCESS_TOKEN",
            Self::BaseUrl => "OPS_MANAGER_URL",
            Self::Service => "SERVICE",
            Self::Project => "PROJECT_ID",
            Self::Organization => "ORG_ID",
            Self::ApiVersion => "API_VERSION",
            Self::Output => "OUTPUT",
            Self::Profile => "PROFILE",
        }
    }

    /// Whether it is one of the credentials, or half of them.
    fn is_credential(self) -> bool {
        matches!(
            self,
            Self::AccessToken
                | Self::ClientId
                | Self::ClientSecret
                | Self::PublicKey
                | Self::PrivateKey
        )
    }
}

/// Allows plain `http` to another machine, as `ATLAS_ALLOW_HTTP=true` does.
pub(crate) fn allow_http() {
    HTTP_ALLOWED.store(true, Ordering::Relaxed);
}

/// The value of a variable of this process, or of the flag that overrides it.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    if name == "ATLAS_ALLOW_HTTP" && HTTP_ALLOWED.load(Ordering::Relaxed) {
        return Some("true".into());
    }
    std::env::var_os(name)
}

/// Whether `--allow-http` was given.
static HTTP_ALLOWED: AtomicBool = AtomicBool::new(false);

/// The value of a setting in a set of variables; empty counts as unset.
pub(crate) fn get(set: VariableSet, setting: Setting) -> Result<Option<String>, Failure> {
    set.get(setting.name(), variable)
        .map_err(|error| unusable(setting, error.to_string()))
}

/// Converts an error of the library to one of credentials or of another setting.
pub(crate) fn failure(error: &EnvironmentError) -> Failure {
    let names = |setting: Setting, variable: &str| {
        let mut sets = VariableSet::ALL.into_iter();
        sets.any(|set| set.variable(setting.name()).as_deref() == Some(variable))
    };
    let line = error.to_string();
    match error {
        EnvironmentError::Value { variable, .. }
            if names(Setting::BaseUrl, variable) || names(Setting::Service, variable) =>
        {
            Failure::Usage(line)
        }
        EnvironmentError::Service { .. }
        | EnvironmentError::BaseUrl { .. }
        | EnvironmentError::OtherBaseUrl { .. } => Failure::Usage(line),
        _ => Failure::Credentials(line),
    }
}

/// Checks a value; `None` if it is empty. An error does not show the value, since it may be a
/// secret.
pub(crate) fn checked(
    name: &str,
    setting: Setting,
    value: String,
) -> Result<Option<String>, Failure> {
    match ValueProblem::check(&value) {
        Ok(()) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(problem) => Err(unusable(setting, format!("{name} {problem}"))),
    }
}

fn unusable(setting: Setting, problem: String) -> Failure {
    if setting.is_credential() {
        Failure::Credentials(problem)
    } else {
        Failure::Usage(problem)
    }
}
