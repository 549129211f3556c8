//! Settings: a flag overrides the environment, which overrides the profile. Credentials are used only
//! with the base URL of their own set.

use std::cell::OnceCell;

use atlas_transport::environment::{self as variables, EnvironmentError, VariableSet};
use atlas_transport::{BaseUrl, Credentials};

use crate::account::{self, Source};
use crate::environment::{self, Setting, variable};
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::output::Output;
use crate::profile::{Profile, listed};

/// The environment variables and the rules for them, for `--help`.
pub(crate) const VARIABLES: &str = "\
Credentials in the environment; the first kind that is set is used:
  MONGODB_ATLAS_ACCESS_TOKEN                                    an access token
  MONGODB_ATLAS_CLIENT_ID, MONGODB_ATLAS_CLIENT_SECRET          a service account
  MONGODB_ATLAS_PUBLIC_API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY   an API key

With _FILE after its name, each of these variables names a file that contains the credential.

Settings:
  MONGODB_ATLAS_OPS_MANAGER_URL   base URL; default https://cloud.mongodb.com
  MONGODB_ATLAS_SERVICE           cloud or cloudgov, if no base URL is set
  MONGODB_ATLAS_PROJECT_ID        default project
  MONGODB_ATLAS_ORG_ID            default organization
  MONGODB_ATLAS_PROFILE           default profile
  MONGODB_ATLAS_API_VERSION       default API version
  MONGODB_ATLAS_OUTPUT            default output format, json or plaintext
  ATLAS_ALLOW_HTTP                true allows a plain http base URL on another machine
  ATLAS_LOG                       level of the log on stderr, such as debug, or a filter

Two older sets of variables are read after MONGODB_ATLAS_*: MCLI_*, with the same names, and \
MONGODB_ATLAS_PUBLIC_KEY, MONGODB_ATLAS_PRIVATE_KEY and MONGODB_ATLAS_BASE_URL. The first set that has \
credentials is used, then the profile. Credentials are sent only to the base URL or service of the same \
set: a base URL in one set and credentials in another are an error, and so is half of a pair without other \
credentials in its set. An empty variable counts as unset.

Profiles are those of the official command line, in atlascli/config.toml of the configuration folder. The \
profile is the one named by --profile, the one named default, or the only one. auth_type selects its \
credentials; without auth_type, the first of API key, service account and access token is used. A flag \
overrides the environment, which overrides the profile. An unreadable file is not an error if the \
environment has the credentials, the base URL and the project. Secrets in the system's keyring are not read.

Proxies and certificates:
  HTTPS_PROXY, ALL_PROXY          a proxy: http://, https://, socks5:// or socks5h://, with
                                  user:password@ if it requires a login; HTTP_PROXY is not read
  NO_PROXY                        hosts, domains and networks to reach directly, separated by commas
  SSL_CERT_FILE, SSL_CERT_DIR     certificates to trust in place of the system's

Colours are used only on a terminal, and not with NO_COLOR or TERM=dumb.";

/// Credentials, and the base URL they are sent to.
pub(crate) struct Account {
    pub(crate) credentials: Credentials,
    pub(crate) base: BaseUrl,
    /// The set that they are from, for people.
    pub(crate) origin: String,
}

/// The environment, and the profile, which is read on first use.
pub(crate) struct Settings {
    named: Option<String>,
    /// Whether no profile is read.
    alone: bool,
    profile: OnceCell<Profile>,
}

impl Settings {
    /// The settings for a command. With `--sandbox`, no profile is read.
    pub(crate) fn of(global: &Global) -> Self {
        Self {
            named: global.profile.clone(),
            alone: global.is_in_sandbox(),
            profile: OnceCell::new(),
        }
    }

    /// The settings for a command that works offline.
    pub(crate) fn offline() -> Self {
        Self {
            named: None,
            alone: true,
            profile: OnceCell::new(),
        }
    }

    fn profile(&self) -> Result<&Profile, Failure> {
        if let Some(profile) = self.profile.get() {
            return Ok(profile);
        }
        let profile = if self.alone {
            Profile::default()
        } else {
            let named = match &self.named {
                Some(name) => Some(name.clone()),
                None => in_environment(Setting::Profile)?.map(|(_, name)| name),
            };
            Profile::load(named.as_deref())?
        };
        Ok(self.profile.get_or_init(|| profile))
    }

    /// A setting that the command requires.
    pub(crate) fn required(&self, setting: Setting) -> Result<Option<String>, Failure> {
        match in_environment(setting)? {
            Some((_, value)) => Ok(Some(value)),
            None => self.profile()?.get(setting),
        }
    }

    /// The project of the command line, of the sandbox, or of the settings.
    pub(crate) fn project(&self, given: Option<&str>, flag: &str) -> Result<String, Failure> {
        if let Some(project) = given {
            return Ok(project.to_owned());
        }
        #[cfg(feature = "sandbox")]
        if self.alone {
            return Ok(atlas_sandbox::PROJECT.to_owned());
        }
        if let Some((source, project)) = in_environment(Setting::Project)? {
            self.warn_of_other_project(&source.name(Setting::Project), &project)?;
            return Ok(project);
        }
        let project = self.profile()?.get(Setting::Project)?;
        project.ok_or_else(|| Failure::NoProject(flag.to_owned()))
    }

    /// Warns if the environment overrides the project of the profile that `--profile` names.
    fn warn_of_other_project(&self, variable: &str, project: &str) -> Result<(), Failure> {
        let Some(name) = &self.named else {
            return Ok(());
        };
        match self.profile()?.get(Setting::Project)? {
            Some(other) if other != project => log::warn(&format!(
                "using the project of {variable}, not of profile {name:?}"
            )),
            _ => {}
        }
        Ok(())
    }

    /// A setting with a default, and its name. A profile that cannot be read is an error,
    /// unless the environment alone has the credentials.
    pub(crate) fn optional(&self, setting: Setting) -> Result<Option<(String, String)>, Failure> {
        if let Some((source, value)) = in_environment(setting)? {
            return Ok(Some((source.name(setting), value)));
        }
        let profile = match self.profile() {
            Ok(profile) => profile,
            Err(failure) if self.named.is_none() && environment_has_credentials() => {
                tracing::warn!(%failure, "ignoring the profile, which cannot be read");
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        let value = profile.get(setting)?;
        Ok(value.map(|value| (Source::Profile(profile).name(setting), value)))
    }

    /// The output format if no flag names one.
    pub(crate) fn output(&self) -> Result<Output, Failure> {
        match self.optional(Setting::Output)? {
            None => Ok(Output::Plain),
            Some((name, value)) => match value.as_str() {
                "json" => Ok(Output::Json),
                "plaintext" => Ok(Output::Plain),
                _ => Err(Failure::Usage(format!(
                    "invalid {name} {value:?}: expected json or plaintext"
                ))),
            },
        }
    }

    /// The credentials of the first set that has any, and the base URL they belong to.
    pub(crate) fn account(&self) -> Result<Account, Failure> {
        if self.named.is_some() {
            // A profile that a flag names must exist, even if nothing of it is used.
            self.profile()?;
        }
        match variables::Account::from_variables(variable) {
            Ok(account) => return self.of_environment(account),
            Err(EnvironmentError::NoCredentials) => {}
            Err(error) => return Err(environment::failure(&error)),
        }
        let profile = self.profile()?;
        let Some(found) = account::of_profile(profile)? else {
            return Err(no_credentials(profile));
        };
        let source = Source::Profile(profile);
        let base = source.base_url()?.unwrap_or_else(BaseUrl::cloud);
        // Any variable overrides a profile, so its base URL could be meant for these credentials.
        for set in VariableSet::ALL {
            check_other(source, Source::Environment(set), &base)?;
        }
        warn_of(found.ignored);
        Ok(Account {
            credentials: found.credentials,
            base,
            origin: source.describe(),
        })
    }

    /// The account of the environment. Another base URL that only the profile names is an error, since
    /// the credentials could be meant for it.
    fn of_environment(&self, found: variables::Account) -> Result<Account, Failure> {
        let set = found.set;
        if let Some(name) = &self.named {
            log::warn(&format!(
                "using the credentials of {set}, not of profile {name:?}"
            ));
        }
        if !found.names_base_url() {
            let profile = Source::Profile(self.profile()?);
            check_other(Source::Environment(set), profile, &found.base_url)?;
        }
        warn_of(found.ignored.map(|half| half.to_string()));
        Ok(Account {
            credentials: found.credentials,
            base: found.base_url,
            origin: set.to_string(),
        })
    }
}

fn warn_of(ignored: Option<String>) {
    if let Some(ignored) = ignored {
        log::warn(&format!("ignored: {ignored}"));
    }
}

/// Checks that another set does not name a different base URL than that of the credentials.
fn check_other(source: Source<'_>, other: Source<'_>, base: &BaseUrl) -> Result<(), Failure> {
    match other.base_url()? {
        Some(url) if url != *base => Err(elsewhere(source, other, &url)),
        _ => Ok(()),
    }
}

fn elsewhere(source: Source<'_>, other: Source<'_>, url: &BaseUrl) -> Failure {
    let (origin, name) = (source.describe(), other.base_url_name());
    let hint = match source {
        Source::Environment(_) => {
            let own = source.name(Setting::BaseUrl);
            format!("set {own} to the base URL of these credentials")
        }
        Source::Profile(_) => "set the credentials under the same prefix".to_owned(),
    };
    let unset = match other {
        Source::Environment(_) => format!(", or unset {name}"),
        Source::Profile(_) => String::new(),
    };
    Failure::Usage(format!(
        "the credentials are from {origin}, but {name} is {url}; {hint}{unset}"
    ))
}

fn no_credentials(profile: &Profile) -> Failure {
    let choices = profile.choices();
    let problem = if !choices.is_empty() {
        let names = listed(choices.iter().map(String::as_str));
        format!("no credentials; choose a profile with --profile ({names}), or set")
    } else if profile.is_empty() {
        "no credentials; set".to_owned()
    } else {
        // They may be in the system's keyring, which is not read.
        let profile = profile.describe();
        format!("no credentials in the environment or in config.toml for {profile}; set")
    };
    Failure::Credentials(format!(
        "{problem} MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY, or see \
         atlas --help for the other kinds"
    ))
}

/// A setting of the environment: of the set that has the credentials, or of the first set that has
/// it.
fn in_environment(setting: Setting) -> Result<Option<(Source<'static>, String)>, Failure> {
    let mut sets = VariableSet::ALL.into_iter();
    let first = sets.find(|set| set.has_credentials(variable));
    for set in first.into_iter().chain(VariableSet::ALL) {
        if let Some(value) = environment::get(set, setting)? {
            return Ok(Some((Source::Environment(set), value)));
        }
    }
    Ok(None)
}

fn environment_has_credentials() -> bool {
    variables::Account::from_variables(variable).is_ok()
}
