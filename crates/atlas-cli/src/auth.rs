//! `atlas auth whoami`: as whom the account is known.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::OutputArgs;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::operation::{self, items};
use crate::output::read;

/// Show the account
#[derive(Debug, Subcommand)]
pub(crate) enum Auth {
    Whoami(Whoami),
}

impl Auth {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Whoami(command) => command.run(global).await,
        }
    }
}

/// Show which credentials are used, where, and whether Atlas accepts them
#[derive(Debug, Args)]
#[command(
    after_help = "Shows no secret. atlas doctor checks more, and says what is wrong.\n\nExample:\n  atlas \
                  auth whoami"
)]
pub(crate) struct Whoami {
    #[command(flatten)]
    output: OutputArgs,
}

impl Whoami {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let connection = Connection::open(global).await?;
        let request = operation::request("listGroups")?.parameter("itemsPerPage", 1);
        let page = read(&operation::send(&connection.client, request).await?)?;
        let projects = match page["totalCount"].as_u64() {
            Some(count) => count,
            None => items(&page).len() as u64,
        };
        let identity = &connection.identity;
        let shown = json!({
            "kind": identity.kind,
            "id": identity.id,
            "from": identity.origin,
            "baseUrl": identity.base,
            "projects": projects,
        });
        output.value(&shown, || {
            let id = match &identity.id {
                Some(id) => format!(" {id}"),
                None => String::new(),
            };
            let plural = if projects == 1 { "" } else { "s" };
            format!(
                "logged in to {} with {}{id} of {}; it sees {projects} project{plural}",
                identity.base, identity.article, identity.origin
            )
        })
    }
}
