//! `atlas auth whoami`: shows the credentials in use.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::OutputArgs;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::operation;
use crate::output::read;

/// Show the credentials in use
#[derive(Debug, Subcommand)]
#[command(
    after_help = "There is no login command: set credentials in the environment, see atlas --help, or create a \
                  profile with the official tool."
)]
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

/// Show which credentials are used, their source, and whether Atlas accepts them
#[derive(Debug, Args)]
#[command(
    after_help = "Shows no secrets. atlas doctor runs more checks and explains problems.\n\nExample:\n  atlas \
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
        if !page["results"].is_array() {
            return Err(Failure::Answer(
                "the server is not Atlas: its response has no list of projects; run atlas doctor"
                    .to_owned(),
            ));
        }
        let projects = page["totalCount"].as_u64();
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
            let projects = match projects {
                Some(1) => "1 project".to_owned(),
                Some(count) => format!("{count} projects"),
                None => "projects".to_owned(),
            };
            format!(
                "logged in to {} with {}{id} from {}; it can see {projects}",
                identity.base, identity.article, identity.origin
            )
        })
    }
}
