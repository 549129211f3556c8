//! Credentials of a profile, and the sets of settings that credentials and base URLs belong to.

use atlas_transport::environment::{VariableSet, allows_plain_http};
use atlas_transport::{BaseUrl, BaseUrlError, Credentials};

use crate::environment::{self, Setting};
use crate::failure::Failure;
use crate::profile::{AuthType, Profile};

/// A set of settings that belong together.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Environment(VariableSet),
    Profile(&'a Profile),
}

impl Source<'_> {
    fn get(&self, setting: Setting) -> Result<Option<String>, Failure> {
        match self {
            Self::Environment(set) => environment::get(*set, setting),
            Self::Profile(profile) => profile.get(setting),
        }
    }

    /// The name of a setting in this set, for messages.
    pub(crate) fn name(&self, setting: Setting) -> String {
        match self {
            Self::Environment(set) => set
                .variable(setting.name())
                .unwrap_or_else(|| setting.name().to_owned()),
            Self::Profile(profile) => {
                let key = setting.name().to_ascii_lowercase();
                format!("{key} of {}", profile.describe())
            }
        }
    }

    /// The name of the set, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Environment(set) => set.to_string(),
            Self::Profile(profile) => profile.describe(),
        }
    }

    /// The base URL of this set: its own or that of its service; `None` if it has neither.
    pub(crate) fn base_url(&self) -> Result<Option<BaseUrl>, Failure> {
        if let Self::Environment(set) = self {
            let url = set.base_url(environment::variable);
            return url.map_err(|error| environment::failure(&error));
        }
        let of_service = match self.get(Setting::Service)?.as_deref() {
            None => None,
            Some("cloud") => Some(BaseUrl::cloud()),
            Some("cloudgov") => Some(BaseUrl::cloud_gov()),
            Some(other) => {
                let name = self.name(Setting::Service);
                let problem = format!("invalid {name} {other:?}: expected cloud or cloudgov");
                return Err(Failure::Usage(problem));
            }
        };
        let Some(url) = self.get(Setting::BaseUrl)? else {
            return Ok(of_service);
        };
        let read = if allows_plain_http(environment::variable) {
            BaseUrl::allowing_plain_http(&url)
        } else {
            url.parse()
        };
        read.map(Some).map_err(|error| {
            let name = self.name(Setting::BaseUrl);
            Failure::Usage(match error {
                BaseUrlError::Plain { host } => format!(
                    "{name}: http://{host} would send credentials unencrypted; use https, or a \
                     loopback address, or opt in with --allow-http"
                ),
                error => format!("{name}: {error}"),
            })
        })
    }

    /// The name of the setting that gives the base URL in this set.
    pub(crate) fn base_url_name(&self) -> String {
        let url = matches!(self.get(Setting::BaseUrl), Ok(Some(_)));
        self.name(if url {
            Setting::BaseUrl
        } else {
            Setting::Service
        })
    }
}

/// Credentials of a profile, and a warning about them.
pub(crate) struct Found {
    pub(crate) credentials: Credentials,
    /// A warning about half of a pair, which is ignored.
    pub(crate) ignored: Option<String>,
}

/// The credentials of a profile; `None` if it has none. Halves of different pairs are never
/// combined.
pub(crate) fn of_profile(profile: &Profile) -> Result<Option<Found>, Failure> {
    let source = Source::Profile(profile);
    if let Some(kind) = profile.auth_type()? {
        return source.named(kind).map(Some);
    }
    let mut half = None;
    for kind in [
        AuthType::ApiKeys,
        AuthType::ServiceAccount,
        AuthType::UserAccount,
    ] {
        match source.pair(kind)? {
            Pair::Whole(credentials) => {
                return Ok(Some(Found {
                    credentials,
                    ignored: half,
                }));
            }
            Pair::Half { present, missing } => {
                half.get_or_insert_with(|| source.half(present, missing));
            }
            Pair::Absent => {}
        }
    }
    half.map_or(Ok(None), |half| Err(Failure::Credentials(half)))
}

impl Source<'_> {
    fn half(&self, present: Setting, missing: Setting) -> String {
        let (present, missing) = (self.name(present), self.name(missing));
        format!("{present} is set but {missing} is not; set both{KEYRING}")
    }

    /// The credentials of the kind that `auth_type` names.
    fn named(&self, kind: AuthType) -> Result<Found, Failure> {
        let missing = match self.pair(kind)? {
            Pair::Whole(credentials) => {
                return Ok(Found {
                    credentials,
                    ignored: None,
                });
            }
            Pair::Half { missing, .. } => self.name(missing),
            Pair::Absent => {
                let names: Vec<String> =
                    settings(kind).iter().map(|half| self.name(*half)).collect();
                names.join(" and ")
            }
        };
        Err(Failure::Credentials(format!(
            "missing {missing}{KEYRING}; set the credentials in the environment, see atlas --help"
        )))
    }

    fn pair(&self, kind: AuthType) -> Result<Pair, Failure> {
        let halves = settings(kind);
        let mut values = Vec::with_capacity(halves.len());
        for half in halves {
            values.push(self.get(*half)?);
        }
        Ok(match (values.as_mut_slice(), halves) {
            ([Some(token)], _) => Pair::Whole(Credentials::bearer(std::mem::take(token))),
            ([Some(public), Some(secret)], _) => {
                let (public, secret) = (std::mem::take(public), std::mem::take(secret));
                Pair::Whole(match kind {
                    AuthType::ServiceAccount => Credentials::service_account(public, secret),
                    _ => Credentials::api_key(public, secret),
                })
            }
            ([Some(_), None], [present, missing]) | ([None, Some(_)], [missing, present]) => {
                Pair::Half {
                    present: *present,
                    missing: *missing,
                }
            }
            _ => Pair::Absent,
        })
    }
}

/// Why this program may miss a secret that the official command line finds.
const KEYRING: &str = "; secrets that the official command line keeps in the system's keyring are not \
                       read";

enum Pair {
    Whole(Credentials),
    Half { present: Setting, missing: Setting },
    Absent,
}

/// The settings that make up a kind of credentials.
fn settings(kind: AuthType) -> &'static [Setting] {
    match kind {
        AuthType::UserAccount => &[Setting::AccessToken],
        AuthType::ServiceAccount => &[Setting::ClientId, Setting::ClientSecret],
        AuthType::ApiKeys => &[Setting::PublicKey, Setting::PrivateKey],
    }
}
