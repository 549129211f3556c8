//! Arguments that several commands share: each is defined here once, with its default.

use std::time::Duration;

use atlas_backup::{DownloadOptions, WaitPolicy};
use atlas_model::{ClusterName, Patterned, ProjectId, RestoreJobId, SnapshotId};
use clap::Args;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::failure::Failure;
use crate::global::Global;
use crate::output::Output;
use crate::settings::Settings;

/// The flag that names a project.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectArgs {
    /// Project ID; defaults to MONGODB_ATLAS_PROJECT_ID
    #[arg(long = "projectId", alias = "groupId", value_name = "ID")]
    project_id: Option<String>,
}

impl ProjectArgs {
    /// The project of the flag, of the sandbox, or of the settings.
    pub(crate) fn id(&self, global: &Global) -> Result<ProjectId, Failure> {
        let id = Settings::of(global).project(self.project_id.as_deref(), "projectId")?;
        parsed("projectId", &id)
    }

    /// Uses another project if the flag is not given.
    pub(crate) fn or(self, other: Option<&str>) -> Self {
        Self {
            project_id: self.project_id.or_else(|| other.map(str::to_owned)),
        }
    }
}

/// A cluster that a flag names.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// Name of the cluster
    #[arg(long = "clusterName", value_name = "NAME")]
    cluster_name: String,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

impl ClusterArgs {
    pub(crate) fn name(&self) -> Result<ClusterName, Failure> {
        parsed("clusterName", &self.cluster_name)
    }
}

/// A cluster that an argument names, or a flag.
#[derive(Debug, Clone, Args)]
pub(crate) struct NamedCluster {
    /// Name of the cluster
    #[arg(
        value_name = "CLUSTER_NAME",
        required_unless_present = "cluster_name",
        conflicts_with = "cluster_name"
    )]
    cluster: Option<String>,

    /// Name of the cluster, in place of CLUSTER_NAME
    #[arg(long = "clusterName", value_name = "NAME")]
    cluster_name: Option<String>,

    #[command(flatten)]
    pub(crate) project: ProjectArgs,
}

impl NamedCluster {
    pub(crate) fn name(&self) -> Result<ClusterName, Failure> {
        let name = self.cluster.as_deref().or(self.cluster_name.as_deref());
        parsed("clusterName", name.unwrap_or_default())
    }
}

/// A snapshot of a cluster.
#[derive(Debug, Clone, Args)]
pub(crate) struct SnapshotArgs {
    /// Snapshot ID, 24 hexadecimal digits
    #[arg(value_name = "SNAPSHOT_ID")]
    snapshot_id: String,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

impl SnapshotArgs {
    pub(crate) fn id(&self) -> Result<SnapshotId, Failure> {
        parsed("snapshotId", &self.snapshot_id)
    }
}

/// A restore job of a cluster.
#[derive(Debug, Clone, Args)]
pub(crate) struct JobArgs {
    /// Restore job ID, 24 hexadecimal digits
    #[arg(value_name = "RESTORE_JOB_ID")]
    restore_job_id: String,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

impl JobArgs {
    pub(crate) fn id(&self) -> Result<RestoreJobId, Failure> {
        parsed("restoreJobId", &self.restore_job_id)
    }
}

/// The format of a result.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Output format: plaintext, json, or json-path=EXPR, such as json-path=$.results[0].id (RFC 9535)
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        value_parser = Output::parse,
        add = ArgValueCandidates::new(formats)
    )]
    output: Option<Output>,
}

/// The formats that a shell completes.
fn formats() -> Vec<CompletionCandidate> {
    let formats = ["plaintext", "json", "json-path=$."];
    formats.into_iter().map(CompletionCandidate::new).collect()
}

impl OutputArgs {
    /// The format of the flag or of the setting. Call it before sending anything, since the setting
    /// may be invalid.
    pub(crate) fn format(&self, global: &Global) -> Result<Output, Failure> {
        self.or(&Settings::of(global))
    }

    /// Whether the flag selects a format for programs.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.output
            .as_ref()
            .is_some_and(|output| !output.is_plain())
    }

    /// The format of the flag or of the environment, for a command that works offline and reads no
    /// profile.
    pub(crate) fn format_offline(&self) -> Result<Output, Failure> {
        self.or(&Settings::offline())
    }

    fn or(&self, settings: &Settings) -> Result<Output, Failure> {
        match &self.output {
            Some(output) => Ok(output.clone()),
            None => settings.output(),
        }
    }
}

/// The page of a list to request.
#[derive(Debug, Clone, Args)]
pub(crate) struct PageArgs {
    /// Maximum number of items per page, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,

    /// Page number, starting at 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    page: u32,

    /// Omit the total count from the response
    #[arg(long = "omitCount")]
    omit_count: bool,
}

impl PageArgs {
    /// The parameters of a paged operation.
    pub(crate) fn parameters(&self) -> [(&'static str, String); 3] {
        [
            ("itemsPerPage", self.limit.to_string()),
            ("pageNum", self.page.to_string()),
            ("includeCount", (!self.omit_count).to_string()),
        ]
    }

    /// Whether the total count is requested.
    pub(crate) fn counts(&self) -> bool {
        !self.omit_count
    }

    /// Whether a list of `total` items continues after this page.
    pub(crate) fn has_more(&self, total: u64) -> bool {
        u64::from(self.limit).saturating_mul(self.page.into()) < total
    }

    /// Returns the items of the page out of all items of a list.
    pub(crate) fn of<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        let limit = usize::from(self.limit);
        let page = usize::try_from(self.page).unwrap_or(usize::MAX);
        let start = page.saturating_sub(1).saturating_mul(limit);
        let start = start.min(items.len());
        let end = start.saturating_add(limit).min(items.len());
        &items[start..end]
    }

    /// Whether all flags have their default values.
    pub(crate) fn is_default(&self) -> bool {
        self.limit == 100 && self.page == 1 && !self.omit_count
    }
}

/// How long to wait for Atlas.
#[derive(Debug, Clone, Args)]
pub(crate) struct WaitArgs {
    /// Maximum time to wait for Atlas, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
}

impl WaitArgs {
    pub(crate) fn policy(&self) -> WaitPolicy {
        WaitPolicy::default().deadline(Duration::from_secs(self.timeout))
    }
}

/// Whether to wait for a change.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchArgs {
    /// Wait until the change is complete
    #[arg(short, long)]
    pub(crate) watch: bool,

    /// Maximum time to wait with --watch, in seconds
    #[arg(long = "watchTimeout", value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch_timeout: u64,
}

/// How files are transferred.
#[derive(Debug, Clone, Args)]
pub(crate) struct TransferArgs {
    /// Maximum number of concurrent connections; a store may allow fewer
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    connections: u16,

    #[command(flatten)]
    wait: WaitArgs,

    /// How long to retry while Atlas or a store fails and no progress is made, in seconds
    #[arg(long = "retry-for", value_name = "SECONDS", default_value_t = 900)]
    retry_for: u64,
}

impl TransferArgs {
    pub(crate) fn options(&self) -> DownloadOptions {
        DownloadOptions::default()
            .wait(self.wait.policy())
            .connections(self.connections.into())
            .patience(Duration::from_secs(self.retry_for))
    }
}

/// Whether to make an irreversible change without confirmation.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfirmArgs {
    /// Do not ask for confirmation; required if stdin is not a terminal
    #[arg(long)]
    pub(crate) force: bool,
}

/// Parses a value of the command line.
pub(crate) fn parsed<T: Patterned>(name: &'static str, text: &str) -> Result<T, Failure> {
    T::parse_field(name, text).map_err(|error| Failure::Usage(error.to_string()))
}
