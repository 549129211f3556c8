//! Profiles of the official command line: `atlascli/config.toml` in the user's configuration folder.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use toml::{Table, Value};

use crate::failure::Failure;

/// One profile: the settings under its name.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    settings: Table,
}

/// The profile that counts where none is named.
const DEFAULT: &str = "default";

impl Profile {
    /// Reads a profile; the default one may be missing, a named one may not.
    pub(crate) fn load(name: Option<&str>) -> Result<Self, Failure> {
        let missing = || match name {
            None => Ok(Self::default()),
            Some(name) => Err(Failure::Usage(format!(
                "there is no profile {name:?}; see atlascli/config.toml in the configuration folder"
            ))),
        };
        let Some(path) = path().filter(|path| path.is_file()) else {
            return missing();
        };
        let broken = |problem: String| {
            Failure::Usage(format!("{} cannot be read: {problem}", path.display()))
        };
        let text = std::fs::read_to_string(&path).map_err(|error| broken(error.to_string()))?;
        // What the parser quotes of a file with keys in it is not repeated.
        let table: Table = text
            .parse()
            .map_err(|_| broken("it is no TOML".to_owned()))?;
        match table.get(name.unwrap_or(DEFAULT)) {
            Some(Value::Table(settings)) => Ok(Self {
                settings: settings.clone(),
            }),
            _ => missing(),
        }
    }

    /// A setting under the name of its environment variable.
    pub(crate) fn get(&self, variable: &str) -> Option<String> {
        let key = variable
            .strip_prefix("MONGODB_ATLAS_")?
            .to_ascii_lowercase();
        let value = self.settings.get(&key)?.as_str()?;
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }

    /// Whether its secrets are somewhere else, in the system's keyring.
    pub(crate) fn keeps_secrets_elsewhere(&self) -> bool {
        let has = |key: &str| self.settings.contains_key(key);
        let kind = self.settings.get("auth_type").and_then(Value::as_str);
        match kind {
            Some("api_keys") => !has("private_api_key"),
            Some("service_account") => !has("client_secret"),
            Some(_) => !has("access_token"),
            None => false,
        }
    }
}

/// Where the official command line keeps its profiles: what Go calls the configuration folder.
fn path() -> Option<PathBuf> {
    let folders = choose_native_strategy().ok()?;
    let folder = if cfg!(target_os = "macos") {
        folders.data_dir()
    } else {
        folders.config_dir()
    };
    Some(folder.join("atlascli").join("config.toml"))
}
