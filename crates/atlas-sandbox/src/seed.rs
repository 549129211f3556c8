//! Seeds: worlds as JSON.

mod check;
mod export;
mod form;
mod logins;
mod make;
mod paths;

use std::fmt;

pub(crate) use check::MAX_TEXT;

use crate::settings::Settings;
use crate::world::Sandbox;

/// The error for a text that is not a valid seed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// The text is not JSON, or does not have the form that [`Sandbox::from_seed`] describes.
    #[error("invalid seed: {place}{problem}")]
    #[non_exhaustive]
    Form {
        /// The position, such as `projects[0].id: `; empty if it is not known.
        place: String,
        /// The problem, with line and column.
        problem: String,
    },
    /// A value is out of bounds, a duplicate, or refers to something that does not exist.
    #[error("invalid seed: {path}: {problem}")]
    #[non_exhaustive]
    Value {
        /// The position, such as `projects[0].clusters[0].kind.sharded`.
        path: String,
        /// The invalid value and the expected one.
        problem: String,
    },
}

impl fmt::Debug for SeedError {
    /// The line of `Display`, since `main() -> Result` prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Sandbox {
    /// Creates a world from JSON. A server returns the JSON Schema at `/sandbox/schemas/world`.
    ///
    /// | field | content |
    /// | --- | --- |
    /// | `clock` | the time at which the world starts (RFC 3339); a server sets its clock to it |
    /// | `settings` | `enforceSunset`, `limitRates`, `minFidelity`, `nonceSeconds`, `downloadSeconds`, `downloadPauseSeconds`, `restoreSeconds`, `provisioningSeconds`, `failingJobs`: see the setters of [`Sandbox`] |
    /// | `organizations` | `name`, and optionally `id`; the organization of the default world if omitted |
    /// | `logins` | logins in addition to [`OWNER`](crate::OWNER) and [`READER`](crate::READER): `roles` by their documented names, and any of `publicKey` with `privateKey`, `clientId` with `clientSecret`, `accessToken`; `resource` is the path of an API key or service account in `resources`, whose roles the login has |
    /// | `projects` | `name`, `id`, the `organization`'s id, `clusters`; those of the default world if omitted |
    /// | `resources` | all other resources: `path` below `/api/atlas/v2`, percent-encoded, `body`, `created` |
    /// | `scheduled` | changes of a resource `at` a time: `path`, and `merge` with fields, or `remove: true` |
    ///
    /// A cluster has a `name`, a `kind` (`tenant`, `flex`, `replicaSet`, or `{"sharded": 2}` with
    /// the number of shards), a `state` such as `CREATING` in which it stays (`IDLE` by default), a
    /// `body` with fields that replace the default ones, `snapshots` and `jobs`. With
    /// `"deleted": true` only its backups exist. `bytes` of a snapshot is the size of the data in its
    /// file; `finished` is the time at which it was complete, by default on 2026-01-01. Omitted ids
    /// are generated deterministically.
    ///
    /// | value | bounds |
    /// | --- | --- |
    /// | the text | 16 MiB |
    /// | organizations, logins | 1000, 50,000; each id, key, client and token once |
    /// | projects | 10,000, each id once; a name has 1 to 64 characters |
    /// | clusters | 10,000 in all, each name once in its project |
    /// | shards | 1 to 50, and 10,000 in all |
    /// | snapshots | 10,000 files in all, one for each shard; each id once in its cluster |
    /// | jobs | 10,000 in all; each id once in its cluster |
    /// | resources | 50,000, each path once and not that of a list; their organization, project and cluster exist |
    /// | scheduled changes | 50,000; a resource changes once at a time |
    /// | `bytes` | 0 to 1 TiB (2^40); files are generated while they are read |
    /// | times | 1970 to 8999 |
    /// | seconds and `failingJobs` | 0 to 4294967295 |
    ///
    /// ```
    /// let sandbox = atlas_sandbox::Sandbox::from_seed(
    ///     r#"{"projects": [{
    ///         "id": "32b6e34b3d91647abb20e7b8", "name": "Shop",
    ///         "clusters": [{"name": "Orders", "kind": "flex", "snapshots": [
    ///             {"bytes": 1048576, "finished": "2026-05-04T09:42:00Z"}
    ///         ]}]
    ///     }]}"#,
    /// )?;
    /// let (project, cluster) = ("32b6e34b3d91647abb20e7b8".parse()?, "Orders".parse()?);
    /// assert_eq!(sandbox.snapshots(project, &cluster).len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`SeedError`] names the path of the invalid value, the value, and what is expected.
    pub fn from_seed(text: &str) -> Result<Self, SeedError> {
        make::world(check::parse(text)?, None)
    }

    /// As [`from_seed`](Self::from_seed), with settings that apply where the seed has none.
    pub(crate) fn from_seed_with(text: &str, settings: Settings) -> Result<Self, SeedError> {
        make::world(check::parse(text)?, Some(settings))
    }

    /// Returns the world as a seed that restores it. Issued access tokens, nonces and links are not
    /// included: clients have to log in and request links again.
    ///
    /// The seed contains the secrets of all logins.
    ///
    /// ```
    /// use atlas_sandbox::Sandbox;
    ///
    /// let now = "2026-05-04T09:42:00Z".parse()?;
    /// let seed = Sandbox::new().to_seed(now);
    /// assert_eq!(Sandbox::from_seed(&seed)?.to_seed(now), seed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_seed(&self, now: jiff::Timestamp) -> String {
        serde_json::to_string(&self.exported(now)).unwrap_or_default()
    }

    /// Returns the time at which the seed of this world starts, if it has one.
    pub fn seed_clock(&self) -> Option<jiff::Timestamp> {
        self.seed_clock
    }
}
