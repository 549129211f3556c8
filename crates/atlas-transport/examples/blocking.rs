//! Lists the projects without an async runtime.
//!
//! `cargo run -p atlas-transport --features blocking --example blocking`,
//! with the credentials in the environment.

use atlas_model::projects::ListGroups;
use atlas_transport::Credentials;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Credentials::from_env()?.client_builder().build_blocking()?;
    for project in client.items(ListGroups::new()) {
        println!("{}", project?.name.unwrap_or_default());
    }
    Ok(())
}
