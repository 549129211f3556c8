//! `atlas projects`: list and describe.

use clap::{Args, Subcommand};

use crate::args::{OutputArgs, PageArgs, ProjectArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::operation;
use crate::table::{self, Column};

/// Show the projects that the account can see
#[derive(Debug, Subcommand)]
pub(crate) enum Projects {
    #[command(alias = "ls")]
    List(List),
    #[command(alias = "get")]
    Describe(Describe),
}

impl Projects {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Describe(command) => command.run(global).await,
        }
    }
}

const COLUMNS: [Column; 2] = [("ID", &["id"]), ("NAME", &["name"])];

/// List the projects that the account can see
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas projects list -o json-path=$.results[0].id")]
pub(crate) struct List {
    /// List only the projects of this organization
    #[arg(long = "orgId", value_name = "ID")]
    org: Option<String>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl List {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let connection = Connection::open(global).await?;
        let request = match &self.org {
            Some(org) => operation::request("getOrgGroups")?.parameter("orgId", org),
            None => operation::request("listGroups")?,
        };
        let client = &connection.client;
        operation::print_page(client, request, &self.page, &output, |items| {
            table::of_items(&COLUMNS, items)
        })
        .await
    }
}

/// Show one project
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas projects describe 32b6e34b3d91647abb20e7b8")]
pub(crate) struct Describe {
    /// Project ID; defaults to MONGODB_ATLAS_PROJECT_ID
    #[arg(value_name = "PROJECT_ID", conflicts_with = "project_id")]
    id: Option<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.clone().or(self.id.as_deref()).id(global)?;
        let connection = Connection::open(global).await?;
        let request = operation::of_project("getGroup", project)?;
        operation::print_one(&connection.client, request, &output, &COLUMNS).await
    }
}
