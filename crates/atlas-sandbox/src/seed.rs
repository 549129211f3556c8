//! A world as data: a JSON file that makes one, and that one can be written as.

mod check;
mod export;
mod form;
mod logins;
mod make;

use std::fmt;

pub(crate) use check::MAX_TEXT;

use crate::settings::Settings;
use crate::world::Sandbox;

/// Why a text is not a seed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// It is not JSON, or not of the form that [`Sandbox::from_seed`] describes.
    #[error("invalid seed: {place}{problem}")]
    #[non_exhaustive]
    Form {
        /// Where, such as `projects[0].id: `; empty if that is not known.
        place: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A value is out of bounds, or names something twice.
    #[error("invalid seed: {path}: {problem}")]
    #[non_exhaustive]
    Value {
        /// Where, such as `projects[0].clusters[0].kind.sharded`.
        path: String,
        /// The value and what is expected.
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
    /// Makes a world from JSON. Its form is described by a JSON Schema, which a server answers at
    /// `/sandbox/schemas/world`.
    ///
    /// | field | what it is |
    /// | --- | --- |
    /// | `clock` | the time at which the world begins (RFC 3339); a server sets its clock to it |
    /// | `settings` | `enforceSunset`, `limitRates`, `minFidelity`, `nonceSeconds`, `downloadSeconds`, `downloadPauseSeconds`, `restoreSeconds`, `provisioningSeconds`, `failingJobs`: each as the setter of [`Sandbox`] has it |
    /// | `organizations` | `name`, and an `id` if it matters; the first one of the first world if left out |
    /// | `logins` | logins beside [`OWNER`](crate::OWNER) and [`READER`](crate::READER): `roles` by their documented names, and any of `publicKey` with `privateKey`, `clientId` with `clientSecret`, `accessToken`; `resource` is the path of an API key or service account among the resources, whose roles it has |
    /// | `projects` | `name`, `id`, the `organization`'s id, `clusters`; without `projects` it is the first world |
    /// | `resources` | anything else: `path` below `/api/atlas/v2`, percent-encoded, `body`, `created` |
    /// | `scheduled` | what happens to a resource `at` a time: `path`, and `merge` with fields, or `remove: true` |
    ///
    /// A cluster has a `name`, a `kind` (`tenant`, `flex`, `replicaSet`, or `{"sharded": 2}` with the
    /// number of shards), a `state` such as `CREATING` that it stays in (`IDLE` if left out), a
    /// `body` with fields in place of those that it would have, `snapshots` and `jobs`. With
    /// `"deleted": true` only its backups are left. A snapshot's `bytes` is how much its file
    /// holds; `finished` is when it was complete, 2026-01-01 if left out. Ids that are left out are
    /// made, the same ones each time.
    ///
    /// | what | bounds |
    /// | --- | --- |
    /// | the text | 16 MiB |
    /// | organizations, logins | 1000, 50,000 |
    /// | projects | 10,000, each id once; a name has 1 to 64 characters |
    /// | clusters | 10,000 in all, each name once in its project |
    /// | shards | 1 to 50, and 10,000 in all |
    /// | snapshots | 10,000 files in all, one for each shard; each id once in its cluster |
    /// | jobs | 10,000 in all |
    /// | resources, scheduled changes | 50,000 each |
    /// | `bytes` | 0 to 1 TiB (2^40); files are made as they are read |
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
    /// [`SeedError`] names the path of the value at fault, the value, and what is expected.
    pub fn from_seed(text: &str) -> Result<Self, SeedError> {
        make::world(check::parse(text)?, None)
    }

    /// The same, with settings that hold where the seed does not say otherwise.
    pub(crate) fn from_seed_with(text: &str, settings: Settings) -> Result<Self, SeedError> {
        make::world(check::parse(text)?, Some(settings))
    }

    /// Writes the world as a seed that makes it again. Access tokens, nonces and links that were
    /// handed out are not in it: clients have to log in again and ask again.
    ///
    /// What the secrets of logins are is in it, as in any seed.
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

    /// The time at which a seed has the world begin, if it says so.
    pub fn seed_clock(&self) -> Option<jiff::Timestamp> {
        self.seed_clock
    }
}
