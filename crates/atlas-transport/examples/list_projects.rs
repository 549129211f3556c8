//! Lists the projects that the credentials have access to.
//!
//! `cargo run -p atlas-transport --example list_projects`, with the credentials in the environment:
//! see `atlas_transport::environment` for the variables.

use std::pin::pin;

use atlas_model::projects::ListGroups;
use atlas_transport::Credentials;
use futures_util::TryStreamExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Credentials::from_env()?.client_builder().build()?;
    let mut projects = pin!(client.items(ListGroups::new()));
    while let Some(project) = projects.try_next().await? {
        let id = project.id.map(|id| id.to_string()).unwrap_or_default();
        println!("{id} {}", project.name.unwrap_or_default());
    }
    Ok(())
}
