//! Settings: a flag beats the environment, which beats the profile; credentials stay with the base
//! URL of their own set.

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
Credentials in the environment, the first kind that is set:
  MONGODB_ATLAS_ACCESS_TOKEN                                    an access token
  MONGODB_ATLAS_CLIENT_ID, MONGODB_ATLAS_CLIENT_SECRET          a service account
  MONGODB_ATLAS_PUBLIC_API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY   an API key

With _FILE after its name, each of these variables names a file that contains the credential.

Settings:
  MONGODB_ATLAS_OPS_MANAGER_URL   the base URL; https://cloud.mongodb.com if it is not set
  MONGODB_ATLAS_SERVICE           cloud or cloudgov, if no base URL is set
  MONGODB_ATLAS_PROJECT_ID        the project if none is named
  MONGODB_ATLAS_ORG_ID            the organization if none is named
  MONGODB_ATLAS_PROFILE           the profile if none is named
  MONGODB_ATLAS_API_VERSION       the version if none is named
  MONGODB_ATLAS_OUTPUT            json or plaintext, if no output is named
  ATLAS_ALLOW_HTTP                true to allow a base URL of plain http to another machine
  ATLAS_LOG                       a level such as debug, or a filter: what happens, on stderr

Two older sets of variables are read after MONGODB_ATLAS_*: MCLI_*, with the same names, and \
MONGODB_ATLAS_PUBLIC_KEY, MONGODB_ATLAS_PRIVATE_KEY and MONGODB_ATLAS_BASE_URL. The first set that has \
credentials is used, and the profile after all of them. Credentials go only to the base URL or service of \
the same set: a base URL in one set and credentials in another are an error, and so is half of a pair \
without other credentials in its set. An empty variable counts as unset.

Profiles are those of the official command line, in atlascli/config.toml of the configuration folder: the \
one named by --profile, or default, or the only one. auth_type decides which of its credentials are used; \
without it they are an API key, a service account or an access token, the first that is there. A flag beats \
the environment, which beats the profile. If the environment has the credentials, the base URL and the \
project, a file that cannot be read is not an error. Secrets in the system's keyring are not read.

Proxies and certificates:
  HTTPS_PROXY, ALL_PROXY          a proxy: http://, https://, socks5:// or socks5h://, with
                                  user:password@ if it wants a login; HTTP_PROXY is not read
  NO_PROXY                        hosts, domains and networks that are reached directly, with commas
  SSL_CERT_FILE, SSL_CERT_DIR     certificates to trust in place of the system's

Colours are used on a terminal only, and not with NO_COLOR or TERM=dumb.";

/// Credentials, and where they go.
pub(crate) struct Account {
    pub(crate) credentials: Credentials,
    pub(crate) base: BaseUrl,
    /// Which set they are from.
    pub(crate) origin: String,
}

/// The environment, and the profile behind it, which is read when it is needed.
pub(crate) struct Settings {
    named: Option<String>,
    /// Whether the profile is never needed.
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

    /// A setting that the command cannot do without.
    pub(crate) fn required(&self, setting: Setting) -> Result<Option<String>, Failure> {
        match in_environment(setting)? {
            Some((_, value)) => Ok(Some(value)),
            None => self.profile()?.get(setting),
        }
    }

    /// The project that the command line names, or the setting, or the sandbox's.
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

    /// Says that the environment beats the profile that a flag names, if both name a project.
    fn warn_of_other_project(&self, variable: &str, project: &str) -> Result<(), Failure> {
        let Some(name) = &self.named else {
            return Ok(());
        };
        match self.profile()?.get(Setting::Project)? {
            Some(other) if other != project => log::warn(&format!(
                "the project is that of {variable}, not of profile {name:?}"
            )),
            _ => {}
        }
        Ok(())
    }

    /// A setting with a default, and what it is called. A profile that cannot be read is an error,
    /// unless the environment alone has the credentials.
    pub(crate) fn optional(&self, setting: Setting) -> Result<Option<(String, String)>, Failure> {
        if let Some((source, value)) = in_environment(setting)? {
            return Ok(Some((source.name(setting), value)));
        }
        let profile = match self.profile() {
            Ok(profile) => profile,
            Err(failure) if self.named.is_none() && environment_has_credentials() => {
                tracing::warn!(%failure, "no setting is taken from the profile");
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        };
        let value = profile.get(setting)?;
        Ok(value.map(|value| (Source::Profile(profile).name(setting), value)))
    }

    /// How results are printed if no flag says so.
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
            // A profile that a flag names has to be there, even if nothing of it is used.
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
        // A profile is overridden by any variable, so that one could be meant for it.
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

    /// The account that the environment names. If only the profile names another base URL, the
    /// credentials could be meant for that one, so that is an error.
    fn of_environment(&self, found: variables::Account) -> Result<Account, Failure> {
        let set = found.set;
        if let Some(name) = &self.named {
            log::warn(&format!(
                "the credentials are those of {set}, not of profile {name:?}"
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

/// Checks that another set names no other base URL than the one that credentials go to.
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
        "the credentials are those of {origin}, but {name} names {url}; {hint}{unset}"
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
        // The keyring of the system may hold them, which is not read.
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
