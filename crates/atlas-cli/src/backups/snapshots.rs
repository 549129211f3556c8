//! `atlas backups snapshots`: list, describe, create, delete, watch; `download` has its own file.

use atlas_model::SnapshotId;
use clap::{Args, Subcommand};
use serde_json::json;

use super::by_kind::{self, Operations, kind_name};
use super::download::Download;
use crate::args::{ConfirmArgs, NamedCluster, OutputArgs, PageArgs, SnapshotArgs, WaitArgs};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::global::Global;
use crate::operation;
use crate::output::Output;
use crate::progress::Watcher;
use crate::table;
use crate::target::Target;

/// Work with the snapshots of a cluster
#[derive(Debug, Subcommand)]
pub(crate) enum Snapshots {
    #[command(alias = "ls")]
    List(List),
    #[command(alias = "get")]
    Describe(Describe),
    #[command(alias = "take")]
    Create(Create),
    #[command(alias = "rm")]
    Delete(Delete),
    Watch(Watch),
    Download(Box<Download>),
}

impl Snapshots {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Describe(command) => command.run(global).await,
            Self::Create(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
            Self::Watch(command) => command.run(global).await,
            Self::Download(command) => command.run(global).await,
        }
    }
}

/// List the snapshots of a cluster of any kind
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups snapshots list Dedicated0 --limit 5 -o json")]
pub(crate) struct List {
    #[command(flatten)]
    cluster: NamedCluster,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl List {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let target = self.cluster.target(global).await?;
        let kind = target.kind().await?;
        let operations = Operations::of(kind);
        let request = operations.request(operations.list_snapshots, &target)?;
        let client = &target.connection.client;
        operation::print_page(client, request, &self.page, &output, |items| {
            table::of_items(by_kind::snapshot_list(kind), items)
        })
        .await
    }
}

/// Show one snapshot
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups snapshots describe 32b6e34b3d91647abb20e7b8 \
                  --clusterName Cluster0"
)]
pub(crate) struct Describe {
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let id = self.snapshot.id()?;
        let output = self.output.format(global)?;
        let target = self.snapshot.cluster.target(global).await?;
        show(&target, id, &output).await
    }
}

/// Requests a snapshot and prints it.
async fn show(target: &Target, id: SnapshotId, output: &Output) -> Result<(), Failure> {
    let kind = target.kind().await?;
    let operations = Operations::of(kind);
    let request = operations.request(operations.get_snapshot, target)?;
    let request = request.parameter("snapshotId", id);
    let body = operation::send(&target.connection.client, request).await?;
    output.document(&body, |snapshot| {
        let columns = by_kind::snapshot(kind);
        Ok(table::of_items(columns, std::slice::from_ref(snapshot)))
    })
}

/// Take a snapshot of a dedicated cluster
#[derive(Debug, Args)]
#[command(
    after_help = "This command ends once the snapshot is queued; atlas backups snapshots watch waits until \
                  it is complete.\n\nExample:\n  atlas backups snapshots create Dedicated0 --desc \
                  \"before the upgrade\" --retention 7"
)]
pub(crate) struct Create {
    #[command(flatten)]
    cluster: NamedCluster,
    /// Description of the snapshot
    #[arg(long, value_name = "TEXT")]
    desc: String,
    /// Number of days that Atlas keeps the snapshot
    #[arg(long, value_name = "DAYS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    retention: u32,
    #[command(flatten)]
    output: OutputArgs,
}

impl Create {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let target = self.cluster.target(global).await?;
        let request = operation::of_cluster(
            "cloudBackups.takeSnapshots",
            target.project,
            &target.cluster,
        )?
        .json(json!({"description": self.desc, "retentionInDays": self.retention}));
        let body = operation::create(&target.connection.client, request).await?;
        output.document(&body, |snapshot| {
            let (id, status) = (&["id"], &["status"]);
            Ok(format!(
                "snapshot {} created, {}",
                table::cell(snapshot, id),
                table::cell(snapshot, status)
            ))
        })
    }
}

/// Delete a snapshot of a dedicated cluster from Atlas
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups snapshots delete 32b6e34b3d91647abb20e7b8 --clusterName \
                  Dedicated0 --force"
)]
pub(crate) struct Delete {
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Delete {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let id = self.snapshot.id()?;
        let target = self.snapshot.cluster.target(global).await?;
        let kind = target.kind().await?;
        let operations = Operations::of(kind);
        let Some(delete) = operations.delete_snapshot else {
            return Err(Failure::Usage(format!(
                "snapshots of {} cannot be deleted: it is a {} cluster",
                target.cluster,
                kind_name(kind)
            )));
        };
        let warning = format!(
            "Deleting snapshot {id} of {} in project {}: this cannot be undone.",
            target.cluster, target.project
        );
        confirm(&self.confirm, warning, "the snapshot was not deleted").await?;
        let request = operations.request(delete, &target)?;
        let request = request.parameter("snapshotId", id);
        operation::delete(
            &target.connection.client,
            request,
            &format!("snapshot {id}"),
        )
        .await
    }
}

/// Wait until a snapshot is complete
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 9 if the snapshot failed, with 10 if it is not complete in time.\n\n\
                  Example:\n  atlas backups snapshots watch 32b6e34b3d91647abb20e7b8 --clusterName \
                  Cluster0 --timeout 600"
)]
pub(crate) struct Watch {
    #[command(flatten)]
    snapshot: SnapshotArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Watch {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let id = self.snapshot.id()?;
        let output = self.output.format(global)?;
        let target = self.snapshot.cluster.target(global).await?;
        target.kind_within(&self.wait).await?;
        let watcher = Watcher::default();
        let take = |event| watcher.take(event);
        let (project, cluster) = (target.project, &target.cluster);
        let policy = self.wait.policy();
        let ended = target
            .backups
            .watch_snapshot(project, cluster, id, &policy, take);
        ended.await?;
        show(&target, id, &output).await
    }
}
