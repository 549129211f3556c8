//! A world as data: projects, clusters and snapshots from a JSON file.

use atlas_model::{ClusterName, ProjectId, SnapshotId};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::world::{ClusterKind, FIRST_SNAPSHOT, Sandbox};

/// A text that describes no world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// It is not the JSON that a seed is.
    #[error("the seed is not as it must be: {0}")]
    Json(serde_json::Error),
    /// A snapshot's time is none.
    #[error("{text:?} is no time; one is 2026-05-04T09:42:00Z")]
    Time {
        /// What stands in its place.
        text: String,
    },
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
    nonce_seconds: Option<u32>,
    download_seconds: Option<u32>,
    download_pause_seconds: Option<u32>,
    restore_seconds: Option<u32>,
    failing_jobs: Option<u32>,
}

impl SeedSettings {
    fn apply(&self, sandbox: &mut Sandbox) {
        let seconds = |seconds: u32| SignedDuration::from_secs(seconds.into());
        if let Some(enforce) = self.enforce_sunset {
            sandbox.enforce_sunset(enforce);
        }
        if let Some(limit) = self.limit_rates {
            sandbox.limit_rates(limit);
        }
        if let Some(lifetime) = self.nonce_seconds {
            sandbox.set_nonce_lifetime(seconds(lifetime));
        }
        if let Some(delay) = self.download_seconds {
            sandbox.set_download_delay(seconds(delay));
        }
        if let Some(pause) = self.download_pause_seconds {
            sandbox.set_download_pause(seconds(pause));
        }
        if let Some(time) = self.restore_seconds {
            sandbox.set_restore_time(seconds(time));
        }
        if let Some(jobs) = self.failing_jobs {
            sandbox.fail_next_jobs(jobs);
        }
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
    Sharded(u16),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SeedSnapshot {
    id: SnapshotId,
    bytes: u64,
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
    /// [`SeedError`] says where the text is not as it must be.
    pub fn from_seed(text: &str) -> Result<Self, SeedError> {
        let seed: Seed = serde_json::from_str(text).map_err(SeedError::Json)?;
        let Some(projects) = seed.projects else {
            let mut sandbox = Self::new();
            seed.settings.apply(&mut sandbox);
            return Ok(sandbox);
        };
        let mut sandbox = Self::empty();
        seed.settings.apply(&mut sandbox);
        for project in projects {
            let name = project.name.as_deref().unwrap_or("Sandbox");
            sandbox.add_project(project.id, name);
            for cluster in project.clusters {
                let kind = match cluster.kind {
                    SeedKind::Tenant => ClusterKind::Tenant,
                    SeedKind::Flex => ClusterKind::Flex,
                    SeedKind::ReplicaSet => ClusterKind::ReplicaSet,
                    SeedKind::Sharded(shards) => ClusterKind::Sharded { shards },
                };
                sandbox.add_cluster(project.id, cluster.name.clone(), kind);
                for snapshot in cluster.snapshots {
                    let finished: Timestamp = match snapshot.finished {
                        None => FIRST_SNAPSHOT,
                        Some(text) => match text.parse() {
                            Ok(finished) => finished,
                            Err(_) => return Err(SeedError::Time { text }),
                        },
                    };
                    let (id, bytes) = (snapshot.id, snapshot.bytes);
                    sandbox.add_snapshot_at(project.id, &cluster.name, id, bytes, finished);
                }
                if cluster.deleted {
                    sandbox.delete_cluster(project.id, &cluster.name);
                }
            }
        }
        Ok(sandbox)
    }
}
