//! `atlas clusters`: list and describe.

use atlas_backup::{Backups, ClusterKind};
use clap::{Args, Subcommand};

use crate::args::{NamedCluster, OutputArgs, PageArgs, ProjectArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::operation::{self, items};
use crate::output::read;
use crate::table::{self, Column};

/// Show the clusters of a project
#[derive(Debug, Subcommand)]
pub(crate) enum Clusters {
    #[command(alias = "ls")]
    List(List),
    #[command(alias = "get")]
    Describe(Describe),
}

impl Clusters {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Describe(command) => command.run(global).await,
        }
    }
}

const COLUMNS: [Column; 4] = [
    ("ID", &["id"]),
    ("NAME", &["name"]),
    ("MDB VER", &["mongoDBVersion"]),
    ("STATE", &["stateName"]),
];

const LIST_FLEX: &str = "flexClusters.listFlexClusters";

/// List the clusters of a project
#[derive(Debug, Args)]
#[command(
    after_help = "Flex clusters are listed separately, as in the API.\n\nExamples:\n  atlas \
                  clusters list\n  atlas clusters list --tier FLEX -o json-path=$.results[*].name"
)]
pub(crate) struct List {
    /// FLEX lists the Flex clusters; by default, the clusters of all other tiers are listed
    #[arg(long, value_name = "TIER", ignore_case = true, value_parser = ["FLEX"])]
    tier: Option<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl List {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.id(global)?;
        let connection = Connection::open(global).await?;
        let client = &connection.client;
        let list = |name| operation::of_project(name, project);
        if self.tier.is_some() {
            let flex = list(LIST_FLEX)?;
            let table = |items: &[_]| table::of_items(&COLUMNS, items);
            return operation::print_page(client, flex, &self.page, &output, table).await;
        }
        let mut is_empty = false;
        let request = list("clusters.listClusters")?;
        operation::print_page(client, request, &self.page, &output, |items| {
            is_empty = items.is_empty();
            table::of_items(&COLUMNS, items)
        })
        .await?;
        if is_empty {
            // A project that has only Flex clusters must not look empty.
            let flex = operation::send(client, list(LIST_FLEX)?).await?;
            let count = items(&read(&flex)?).len();
            if count > 0 {
                log::note(&format!(
                    "the project has {count} Flex clusters; pass --tier FLEX to list them"
                ));
            }
        }
        Ok(())
    }
}

/// Show one cluster of any kind
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas clusters describe Cluster0 -o json-path=$.stateName")]
pub(crate) struct Describe {
    #[command(flatten)]
    cluster: NamedCluster,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let connection = Connection::open(global).await?;
        let backups = Backups::new(connection.client.clone());
        let (name, parameter) = match backups.kind(project, &cluster).await? {
            ClusterKind::Flex => ("flexClusters.getFlexCluster", "name"),
            _ => ("clusters.getCluster", "clusterName"),
        };
        let request = operation::of_project(name, project)?.parameter(parameter, cluster);
        operation::print_one(&connection.client, request, &output, &COLUMNS).await
    }
}
