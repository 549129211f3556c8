//! `atlas backups restores`: list, describe, watch; `start` has its own file.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::by_kind::{Operations, RESTORE, with_status};
use super::restore_job::show;
use super::start::Start;
use crate::args::{JobArgs, NamedCluster, OutputArgs, PageArgs, WaitArgs};
use crate::failure::Failure;
use crate::global::Global;
use crate::operation;
use crate::progress::Watcher;
use crate::table;

/// Work with the restore jobs of a cluster
#[derive(Debug, Subcommand)]
pub(crate) enum Restores {
    #[command(alias = "ls")]
    List(List),
    #[command(alias = "get")]
    Describe(Describe),
    Watch(Watch),
    Start(Box<Start>),
}

impl Restores {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Describe(command) => command.run(global).await,
            Self::Watch(command) => command.run(global).await,
            Self::Start(command) => command.run(global).await,
        }
    }
}

/// List the restore jobs of a cluster of any kind
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups restores list Cluster0")]
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
        let operations = Operations::of(target.kind().await?);
        let request = operations.request(operations.list_restores, &target)?;
        let client = &target.connection.client;
        operation::print_page(client, request, &self.page, &output, |items| {
            let jobs: Vec<Value> = items.iter().cloned().map(with_status).collect();
            table::of_items(&RESTORE, &jobs)
        })
        .await
    }
}

/// Show one restore job
#[derive(Debug, Args)]
#[command(
    after_help = "With -o json, the response of Atlas is printed with its links: anyone with a link can \
                  download the file.\n\nExample:\n  atlas backups restores describe \
                  32b6e34b3d91647abb20e7b8 --clusterName Cluster0 --show-link"
)]
pub(crate) struct Describe {
    #[command(flatten)]
    job: JobArgs,
    /// Show the links to the job's files, which are secret and expire after some hours
    #[arg(long = "show-link")]
    show_link: bool,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let id = self.job.id()?;
        let output = self.output.format(global)?;
        let target = self.job.cluster.target(global).await?;
        show(&target, id, &output, self.show_link).await
    }
}

/// Wait until a restore job has ended
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 9 if the job failed, was cancelled or has expired, with 10 if it has not \
                  ended in time.\n\nExample:\n  atlas backups restores watch \
                  32b6e34b3d91647abb20e7b8 --clusterName Cluster0"
)]
pub(crate) struct Watch {
    #[command(flatten)]
    job: JobArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Watch {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let id = self.job.id()?;
        let output = self.output.format(global)?;
        let target = self.job.cluster.target(global).await?;
        target.kind_within(&self.wait).await?;
        let watcher = Watcher::default();
        let take = |event| watcher.take(event);
        let policy = self.wait.policy();
        let (project, cluster) = (target.project, &target.cluster);
        let ended = target
            .backups
            .watch_job(project, cluster, id, &policy, take);
        ended.await?;
        show(&target, id, &output, false).await
    }
}
