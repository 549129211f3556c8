//! Calls with a service account, and shares its access token with other processes and later runs.
//!
//! `cargo run -p atlas-transport --example service_account`, with `MONGODB_ATLAS_CLIENT_ID` and
//! `MONGODB_ATLAS_CLIENT_SECRET`.

use std::sync::Arc;

use atlas_model::projects::ListGroups;
use atlas_transport::{Credentials, TokenDirectory};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Credentials::from_env()?.client_builder();
    // Ten token requests a minute are allowed; with a folder, all processes together need one an hour.
    if let Some(tokens) = TokenDirectory::of_user() {
        builder = builder.token_cache(Arc::new(tokens));
    }
    let client = builder.build()?;
    let answer = client.send(&ListGroups::new()).await?;
    println!("projects: {}", answer.value.items().len());
    Ok(())
}
