//! Clusters: dedicated and shared-tier ones, and the summary of all.

mod get_cluster;
mod list_all_clusters;
mod list_clusters;

use compact_str::CompactString;
use serde_json::Value;

use crate::link::Link;
use crate::open_enum::open_enum;
use crate::resource::resource;
use crate::seen::Seen;
use crate::timestamp::Timestamp;
use crate::{ClusterId, ClusterName, OrgId, ProjectId, ProjectName, ResourceTag};

pub use get_cluster::GetCluster;
pub use list_all_clusters::ListAllClusters;
pub use list_clusters::ListClusters;

resource! {
    /// A dedicated or shared-tier cluster, in any of its versions.
    ///
    /// The versions differ in how they describe hardware: what depends on that is JSON here, as it
    /// came. What only some versions have is absent in the others.
    pub struct Cluster {
        /// Whether snapshots of it are taken. In version 2023-01-01 this is about the legacy
        /// backups; see `provider_backup_enabled` there.
        backup_enabled: bool = "backupEnabled",
        /// What kind of cluster it is.
        cluster_type: ClusterType = "clusterType",
        /// Where clients connect, as it came.
        connection_strings: Value = "connectionStrings",
        /// When it was created.
        create_date: Timestamp = "createDate",
        /// How much it can store, in GB; up to version 2023-02-01.
        disk_size_gb: f64 = "diskSizeGB",
        /// Its project.
        project: Seen<ProjectId> = "groupId",
        /// Its id.
        id: Seen<ClusterId> = "id",
        /// Its labels, as they came.
        labels: Value = "labels",
        /// Links to related resources (RFC 8288).
        links: Vec<Link> = "links",
        /// The major version of MongoDB that it is kept at.
        mongodb_major_version: CompactString = "mongoDBMajorVersion",
        /// The version of MongoDB that it runs.
        mongodb_version: CompactString = "mongoDBVersion",
        /// Its name.
        name: Seen<ClusterName> = "name",
        /// How many shards it has; version 2023-01-01 only.
        num_shards: i64 = "numShards",
        /// Whether it is paused.
        paused: bool = "paused",
        /// Whether it can be restored to any moment.
        pit_enabled: bool = "pitEnabled",
        /// Whether snapshots of it are taken; version 2023-01-01 only.
        provider_backup_enabled: bool = "providerBackupEnabled",
        /// Its hardware, as it came; version 2023-01-01 only.
        provider_settings: Value = "providerSettings",
        /// Its shards and their hardware, as they came.
        replication_specs: Value = "replicationSpecs",
        /// What it is doing.
        state_name: ClusterState = "stateName",
        /// Its tags.
        tags: Vec<ResourceTag> = "tags",
        /// Whether Atlas refuses to delete it.
        termination_protection_enabled: bool = "terminationProtectionEnabled",
        /// How it follows new versions of MongoDB.
        version_release_system: CompactString = "versionReleaseSystem",
    }
}

impl Cluster {
    /// Whether it is of the shared tier: every region of it runs on the provider `TENANT`.
    pub fn is_tenant(&self) -> bool {
        let text = |value: &Value, name: &str| value.get(name) == Some(&"TENANT".into());
        if let Some(settings) = &self.provider_settings {
            return text(settings, "providerName");
        }
        let specs = self.replication_specs.iter().filter_map(Value::as_array);
        let mut regions = specs
            .flatten()
            .filter_map(|spec| spec.get("regionConfigs")?.as_array())
            .flatten()
            .peekable();
        regions.peek().is_some() && regions.all(|region| text(region, "providerName"))
    }

    /// Whether it has more than one shard, or could have.
    pub fn is_sharded(&self) -> bool {
        matches!(
            self.cluster_type,
            Some(ClusterType::Sharded | ClusterType::GeoSharded)
        )
    }
}

resource! {
    /// The clusters of one project, in short.
    pub struct ProjectClusters {
        /// The clusters.
        clusters: Vec<ClusterSummary> = "clusters",
        /// The project.
        project: Seen<ProjectId> = "groupId",
        /// Its name.
        project_name: Seen<ProjectName> = "groupName",
        /// The organization it belongs to.
        org_id: Seen<OrgId> = "orgId",
        /// The name of that organization.
        org_name: Seen<ProjectName> = "orgName",
        /// What is paid for.
        plan_type: CompactString = "planType",
        /// The tags of the project.
        tags: Vec<CompactString> = "tags",
    }
}

resource! {
    /// One cluster, in short.
    pub struct ClusterSummary {
        /// How many alerts are open.
        alert_count: i64 = "alertCount",
        /// Whether clients must say who they are.
        auth_enabled: bool = "authEnabled",
        /// Whether it can be reached.
        availability: Availability = "availability",
        /// Whether snapshots of it are taken.
        backup_enabled: bool = "backupEnabled",
        /// Its id.
        cluster_id: Seen<ClusterId> = "clusterId",
        /// How much is stored, in bytes.
        data_size_bytes: i64 = "dataSizeBytes",
        /// Its name.
        name: Seen<ClusterName> = "name",
        /// How many nodes it has.
        node_count: i64 = "nodeCount",
        /// Whether clients must use TLS.
        ssl_enabled: bool = "sslEnabled",
        /// Whether it is sharded.
        kind: SummaryType = "type",
        /// The versions of MongoDB that its nodes run.
        versions: Vec<CompactString> = "versions",
    }
}

open_enum! {
    /// What kind of cluster it is.
    pub enum ClusterType {
        /// One replica set.
        ReplicaSet = "REPLICASET",
        /// Several shards.
        Sharded = "SHARDED",
        /// Several shards, placed by geography.
        GeoSharded = "GEOSHARDED",
    }
}

open_enum! {
    /// What a cluster is doing.
    pub enum ClusterState {
        /// Nothing but its work.
        Idle = "IDLE",
        /// Being created.
        Creating = "CREATING",
        /// Being changed.
        Updating = "UPDATING",
        /// Being deleted.
        Deleting = "DELETING",
        /// Being repaired.
        Repairing = "REPAIRING",
    }
}

open_enum! {
    /// Whether a cluster can be reached.
    pub enum Availability {
        /// It can.
        Available = "available",
        /// It is gone.
        Dead = "dead",
        /// It cannot.
        Unavailable = "unavailable",
        /// It can, with trouble.
        Warning = "warning",
    }
}

open_enum! {
    /// Whether a cluster in a summary is sharded.
    pub enum SummaryType {
        /// It is not.
        ReplicaSet = "REPLICA_SET",
        /// It is.
        ShardedCluster = "SHARDED_CLUSTER",
    }
}

crate::page::paged! {
    ListAllClusters => ProjectClusters;
    ListClusters => Cluster;
}
