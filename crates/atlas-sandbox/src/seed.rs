//! A world as data: projects, clusters and snapshots from a JSON file.

mod check;

use std::fmt;

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Number;

use crate::world::{ClusterKind, Sandbox};
use check::Checked;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Seed {
    /// The first world's if they are left out.
    projects: Option<Vec<SeedProject>>,
    #[serde(default)]
    settings: SeedSettings,
}

/// What [`Sandbox`]'s setters set.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct SeedSettings {
    enforce_sunset: Option<bool>,
    limit_rates: Option<bool>,
    nonce_seconds: Option<Number>,
    download_seconds: Option<Number>,
    download_pause_seconds: Option<Number>,
    restore_seconds: Option<Number>,
    failing_jobs: Option<Number>,
}

impl SeedSettings {
    fn apply(&self, sandbox: &mut Sandbox) -> Result<(), SeedError> {
        let count = |name: &str, number: &Option<Number>| {
            let number = number.as_ref();
            let path = || format!("settings.{name}");
            let count = number.map(|it| check::number(path, it, 0..=u32::MAX.into()));
            count.transpose()
        };
        let time = |name: &str, number: &Option<Number>| {
            let seconds = count(name, number)?;
            let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
            Ok::<_, SeedError>(seconds.map(SignedDuration::from_secs))
        };
        if let Some(enforce) = self.enforce_sunset {
            sandbox.enforce_sunset(enforce);
        }
        if let Some(limit) = self.limit_rates {
            sandbox.limit_rates(limit);
        }
        if let Some(lifetime) = time("nonceSeconds", &self.nonce_seconds)? {
            sandbox.set_nonce_lifetime(lifetime);
        }
        if let Some(delay) = time("downloadSeconds", &self.download_seconds)? {
            sandbox.set_download_delay(delay);
        }
        if let Some(pause) = time("downloadPauseSeconds", &self.download_pause_seconds)? {
            sandbox.set_download_pause(pause);
        }
        if let Some(time) = time("restoreSeconds", &self.restore_seconds)? {
            sandbox.set_restore_time(time);
        }
        if let Some(jobs) = count("failingJobs", &self.failing_jobs)? {
            sandbox.fail_next_jobs(u32::try_from(jobs).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SeedProject {
    id: ProjectId,
    name: Option<String>,
    #[serde(default)]
    clusters: Vec<SeedCluster>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SeedCluster {
    name: ClusterName,
    kind: SeedKind,
    /// Whether only its backups are left.
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    snapshots: Vec<SeedSnapshot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum SeedKind {
    Tenant,
    Flex,
    ReplicaSet,
    Sharded(Number),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SeedSnapshot {
    id: SnapshotId,
    bytes: Number,
    finished: Option<String>,
}

impl Sandbox {
    /// Makes a world from JSON.
    ///
    /// `kind` is `tenant`, `flex`, `replicaSet`, or `{"sharded": 2}` with the number of shards.
    /// `bytes` is how much a snapshot's file holds; `finished` is when it was complete,
    /// 2026-01-01 if it is left out. A cluster with `"deleted": true` is known to its backup
    /// operations only, as the backups of a dedicated cluster outlive it. Without `projects` it is the first world, with the `settings`
    /// given: `enforceSunset`, `limitRates`, `nonceSeconds`, `downloadSeconds`,
    /// `downloadPauseSeconds`, `restoreSeconds` and `failingJobs`, each as the setter of
    /// [`Sandbox`] for it has it.
    ///
    /// | what | bounds |
    /// | --- | --- |
    /// | the text | 16 MiB |
    /// | projects | 1000, each id once; a name has 1 to 64 characters |
    /// | clusters | 10,000 in all, each name once in its project |
    /// | shards | 1 to 50 |
    /// | snapshots | 10,000 files in all, one for each shard; each id once in its cluster |
    /// | `bytes` | 0 to 1 TiB (2^40); files are made as they are read |
    /// | `finished` | 1970 to 8999 |
    /// | seconds and `failingJobs` | 0 to 4294967295 |
    ///
    /// ```
    /// let sandbox = atlas_sandbox::Sandbox::from_seed(
    ///     r#"{"projects": [{
    ///         "id": "32b6e34b3d91647abb20e7b8", "name": "Shop",
    ///         "clusters": [{"name": "Orders", "kind": "flex", "snapshots": [
    ///             {"id": "32b6e34b3d91647abb20e7c0", "bytes": 1048576,
    ///              "finished": "2026-05-04T09:42:00Z"}
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
        let seed: Seed = check::parse(text)?;
        let Some(projects) = seed.projects else {
            let mut sandbox = Self::new();
            seed.settings.apply(&mut sandbox)?;
            return Ok(sandbox);
        };
        let mut sandbox = Self::empty();
        seed.settings.apply(&mut sandbox)?;
        let mut checked = Checked::default();
        for (index, project) in projects.into_iter().enumerate() {
            let place = format!("projects[{index}]");
            let name = project.name.as_deref().unwrap_or("Sandbox");
            checked.project(&place, project.id, name)?;
            sandbox.add_project(project.id, name);
            for (index, cluster) in project.clusters.into_iter().enumerate() {
                let place = format!("{place}.clusters[{index}]");
                checked.cluster(&place, project.id, &cluster.name)?;
                let kind = match &cluster.kind {
                    SeedKind::Tenant => ClusterKind::Tenant,
                    SeedKind::Flex => ClusterKind::Flex,
                    SeedKind::ReplicaSet => ClusterKind::ReplicaSet,
                    SeedKind::Sharded(shards) => ClusterKind::Sharded {
                        shards: check::shards(&place, shards)?,
                    },
                };
                sandbox.add_cluster(project.id, cluster.name.clone(), kind);
                let mut ids = check::Ids::default();
                for (index, snapshot) in cluster.snapshots.into_iter().enumerate() {
                    let place = format!("{place}.snapshots[{index}]");
                    ids.insert(&place, snapshot.id)?;
                    checked.files(&place, kind)?;
                    let bytes = check::bytes(&place, &snapshot.bytes)?;
                    let finished = check::finished(&place, snapshot.finished.as_deref())?;
                    let (project, cluster) = (project.id, &cluster.name);
                    sandbox.add_snapshot_at(project, cluster, snapshot.id, bytes, finished);
                }
                if cluster.deleted {
                    sandbox.delete_cluster(project.id, &cluster.name);
                }
            }
        }
        Ok(sandbox)
    }
}
