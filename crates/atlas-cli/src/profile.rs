//! Profiles of the official command line: `atlascli/config.toml` in the user's configuration folder.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use toml::{Table, Value};

use crate::environment::{Setting, checked};
use crate::failure::Failure;
use crate::read_file;
use crate::usage::short;

/// One profile: the settings under its name. They include secrets, so it has no `Debug`.
#[derive(Default)]
pub(crate) struct Profile {
    name: String,
    /// By key in lower case; the official command line ignores case.
    settings: BTreeMap<String, Value>,
    /// The profiles of the file, if none of them was chosen.
    others: Vec<String>,
}

/// The kind of credentials that `auth_type` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthType {
    ApiKeys,
    ServiceAccount,
    UserAccount,
}

/// The profile that is used if none is named.
const DEFAULT: &str = "default";

impl Profile {
    /// Reads a profile by its name, ignoring case. Without a name it is the default one, or the only
    /// one of the file, or empty.
    pub(crate) fn load(name: Option<&str>) -> Result<Self, Failure> {
        match (table()?, name) {
            (Some(table), name) => choose(&table, name),
            (None, None) => Ok(Self::none(Vec::new())),
            (None, Some(name)) => Err(unknown(name)),
        }
    }

    /// Its settings for people, without the values of secrets.
    pub(crate) fn shown(&self) -> Vec<(String, serde_json::Value)> {
        let shown = |(key, value): (&String, &Value)| {
            let value = match value {
                _ if !PUBLIC.contains(&key.as_str()) => SET.into(),
                // A URL can contain a password, and a secret may have been set under the wrong name.
                Value::String(text) if is_plain(text) => text.as_str().into(),
                Value::Boolean(value) => (*value).into(),
                Value::Integer(value) => (*value).into(),
                _ => SET.into(),
            };
            (key.clone(), value)
        };
        self.settings.iter().map(shown).collect()
    }

    fn none(others: Vec<String>) -> Self {
        Self {
            name: DEFAULT.to_owned(),
            settings: BTreeMap::new(),
            others,
        }
    }

    /// A setting of the profile; an empty one counts as unset.
    pub(crate) fn get(&self, setting: Setting) -> Result<Option<String>, Failure> {
        let key = setting.name().to_ascii_lowercase();
        let value = self.text(&key, setting)?;
        if setting != Setting::BaseUrl {
            return Ok(value);
        }
        // Both spellings occur.
        match (value, self.text("base_url", setting)?) {
            (Some(value), Some(other)) if value != other => Err(Failure::Usage(format!(
                "ops_manager_url and base_url of {} differ; remove one",
                self.describe()
            ))),
            (value, other) => Ok(value.or(other)),
        }
    }

    fn text(&self, key: &str, setting: Setting) -> Result<Option<String>, Failure> {
        let name = format!("{key} of {}", self.describe());
        match self.settings.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => checked(&name, setting, text.clone()),
            Some(_) => Err(Failure::Usage(format!("invalid {name}: expected a string"))),
        }
    }

    /// The kind of credentials that `auth_type` names, if it is set.
    pub(crate) fn auth_type(&self) -> Result<Option<AuthType>, Failure> {
        let shown = match self.settings.get("auth_type") {
            None => return Ok(None),
            Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
                "" => return Ok(None),
                "api_keys" => return Ok(Some(AuthType::ApiKeys)),
                "service_account" => return Ok(Some(AuthType::ServiceAccount)),
                "user_account" => return Ok(Some(AuthType::UserAccount)),
                _ => format!(" {text:?}"),
            },
            Some(_) => String::new(),
        };
        Err(Failure::Credentials(format!(
            "invalid auth_type{shown} of {}: expected api_keys, service_account or user_account",
            self.describe()
        )))
    }

    /// Its name, for messages.
    pub(crate) fn describe(&self) -> String {
        format!("profile {:?}", self.name)
    }

    /// Whether it has no settings, or does not exist.
    pub(crate) fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// The names to choose from, if there are several and none was chosen.
    pub(crate) fn choices(&self) -> &[String] {
        &self.others
    }
}

/// The settings whose values are shown. All others may be secrets, also those of newer versions of the
/// official command line.
const PUBLIC: [&str; 14] = [
    "api_version",
    "auth_type",
    "base_url",
    "client_id",
    "ops_manager_url",
    "org_id",
    "output",
    "project_id",
    "public_api_key",
    "service",
    "skip_update_check",
    "telemetry_enabled",
    "token_type",
    "version",
];

/// Whether a value is a name, an id or an address without login and query.
fn is_plain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:[]".contains(&byte);
    text.len() <= 128 && text.bytes().all(fits)
}

/// The text in place of the value of a secret.
const SET: &str = "(set, not shown)";

/// The names of the profiles, in alphabetical order.
pub(crate) fn names() -> Result<Vec<String>, Failure> {
    let table = table()?.unwrap_or_default();
    let mut names: Vec<String> = table
        .iter()
        .filter(|(_, value)| value.is_table())
        .map(|(name, _)| name.clone())
        .collect();
    names.sort();
    Ok(names)
}

/// The file, if it exists.
fn table() -> Result<Option<Table>, Failure> {
    let Some(path) = path() else {
        return Ok(None);
    };
    let Some(text) = read(&path)? else {
        return Ok(None);
    };
    text.parse()
        .map(Some)
        .map_err(|error: toml::de::Error| broken(&path, &text, &error))
}

/// The text of the file, if it exists.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    let unreadable = |why: &dyn std::fmt::Display| {
        Failure::Usage(format!("cannot read {}: {why}", path.display()))
    };
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => {}
        // Reading a pipe could block.
        Ok(_) => return Err(unreadable(&"it is not a regular file")),
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    }
    let text = read_file::text(path, LIMIT).map_err(|error| unreadable(&error))?;
    Ok(Some(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    }))
}

/// The largest configuration file, in bytes.
const LIMIT: u64 = 1 << 20;

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn choose(table: &Table, name: Option<&str>) -> Result<Profile, Failure> {
    let folded = |text: &str| text.to_lowercase();
    let wanted = name.unwrap_or(DEFAULT);
    let same = |found: &str| folded(found) == folded(wanted);
    let candidates: Vec<&String> = table.keys().filter(|found| same(found)).collect();
    let chosen = match candidates.as_slice() {
        [one] => Some((*one).clone()),
        [] => None,
        several => match several.iter().find(|found| found.as_str() == wanted) {
            Some(exact) => Some((*exact).clone()),
            None => {
                return Err(Failure::Usage(format!(
                    "profile {wanted:?} is ambiguous: config.toml has {}; name one exactly",
                    listed(several.iter().map(|name| name.as_str()))
                )));
            }
        },
    };
    let chosen = match (chosen, name) {
        (Some(chosen), _) => chosen,
        (None, Some(name)) => return Err(unknown(name)),
        (None, None) => {
            let tables = table.iter().filter(|(_, value)| value.is_table());
            let mut names: Vec<String> = tables.map(|(name, _)| name.clone()).collect();
            match names.len() {
                1 => names.remove(0),
                _ => return Ok(Profile::none(names)),
            }
        }
    };
    match table.get(&chosen) {
        Some(Value::Table(settings)) => Ok(Profile {
            settings: settings
                .iter()
                .map(|(key, value)| (key.to_ascii_lowercase(), value.clone()))
                .collect(),
            name: chosen,
            others: Vec::new(),
        }),
        _ => Err(Failure::Usage(format!(
            "profile {chosen:?} of config.toml is not a table; write [{chosen}]"
        ))),
    }
}

fn unknown(name: &str) -> Failure {
    let file = path().map_or_else(
        || "atlascli/config.toml".to_owned(),
        |it| it.display().to_string(),
    );
    Failure::Usage(format!("unknown profile {:?}; see {file}", short(name)))
}

/// Names in quotes, with commas.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

/// The failure of a file that is not TOML, with the position. The parser's message may quote a secret,
/// so it is left out.
fn broken(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let at = error.span().map_or(0, |span| span.start);
    let (line, column) = read_file::position(text, at);
    Failure::Usage(format!(
        "{}:{line}:{column}: invalid TOML; correct the file",
        path.display()
    ))
}

/// The path of the official command line's profiles, in the folder of Go's `os.UserConfigDir`.
fn path() -> Option<PathBuf> {
    let folders = choose_native_strategy().ok()?;
    let folder = if cfg!(target_os = "macos") {
        folders.data_dir()
    } else {
        folders.config_dir()
    };
    Some(folder.join("atlascli").join("config.toml"))
}
