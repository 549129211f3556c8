//! Settings in the environment: sets of variables, told apart by their prefix.

use std::env::VarError;
use std::fmt;

use crate::escape::is_unprintable;
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

    fn is_credential(self) -> bool {
        CREDENTIALS.contains(&self)
    }
}

/// The settings that are credentials, or half of them.
const CREDENTIALS: [Setting; 5] = [
    Setting::AccessToken,
    Setting::ClientId,
    Setting::ClientSecret,
    Setting::PublicKey,
    Setting::PrivateKey,
];

/// A set of variables. Credentials of one set go only to the base URL of the same set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// `MONGODB_ATLAS_*`.
    Atlas,
    /// `MCLI_*`, the older names.
    Mcli,
    /// The three variables of the Terraform provider.
    Terraform,
}

/// The sets, in the order in which they are looked at.
pub(crate) const PREFIXES: [Prefix; 3] = [Prefix::Atlas, Prefix::Mcli, Prefix::Terraform];

impl Prefix {
    /// The variable of this set for a setting, if it has one.
    pub(crate) fn variable(self, setting: Setting) -> Option<String> {
        match (self, setting) {
            (Self::Atlas, _) => Some(format!("MONGODB_ATLAS_{}", setting.name())),
            (Self::Mcli, _) => Some(format!("MCLI_{}", setting.name())),
            (Self::Terraform, Setting::PublicKey) => Some("MONGODB_ATLAS_PUBLIC_KEY".to_owned()),
            (Self::Terraform, Setting::PrivateKey) => Some("MONGODB_ATLAS_PRIVATE_KEY".to_owned()),
            (Self::Terraform, Setting::BaseUrl) => Some("MONGODB_ATLAS_BASE_URL".to_owned()),
            (Self::Terraform, _) => None,
        }
    }

    /// The value of a setting in this set; empty counts as unset.
    pub(crate) fn get(self, setting: Setting) -> Result<Option<String>, Failure> {
        let Some(variable) = self.variable(setting) else {
            return Ok(None);
        };
        match std::env::var(&variable) {
            Ok(value) => checked(&variable, setting, value),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => {
                Err(unusable(setting, format!("{variable} is not valid UTF-8")))
            }
        }
    }

    /// Whether this set holds credentials, or half of them.
    pub(crate) fn has_credentials(self) -> bool {
        CREDENTIALS
            .into_iter()
            .any(|setting| !matches!(self.get(setting), Ok(None)))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Atlas => "MONGODB_ATLAS_*",
            Self::Mcli => "MCLI_*",
            Self::Terraform => "MONGODB_ATLAS_PUBLIC_KEY",
        })
    }
}

/// A value without what a file or a copy leaves at its ends; `None` if it is empty. The value is
/// not shown, since it may be a secret.
pub(crate) fn checked(
    name: &str,
    setting: Setting,
    value: String,
) -> Result<Option<String>, Failure> {
    let problem = if value.is_empty() {
        return Ok(None);
    } else if value.ends_with(['\n', '\r']) {
        "ends with a line break"
    } else if value.starts_with('\u{feff}') {
        "begins with a byte order mark"
    } else if value.trim() != value {
        "begins or ends with white space"
    } else if value.contains(is_unprintable) {
        "contains a character that cannot be printed"
    } else {
        return Ok(Some(value));
    };
    Err(unusable(setting, format!("{name} {problem}; remove it")))
}

fn unusable(setting: Setting, problem: String) -> Failure {
    if setting.is_credential() {
        Failure::Credentials(problem)
    } else {
        Failure::Usage(problem)
    }
}
