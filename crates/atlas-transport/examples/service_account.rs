//! Calls with a service account, whose access token is kept for other processes and later runs.
//!
//! `cargo run -p atlas-transport --example service_account`, with `MONGODB_ATLAS_CLIENT_ID` and
//! `MONGODB_ATLAS_CLIENT_SECRET`.

use std::env;
use std::sync::Arc;

use atlas_model::projects::ListGroups;
use atlas_transport::{BaseUrl, Client, Credentials, TokenDirectory};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = match env::var("MONGODB_ATLAS_OPS_MANAGER_URL") {
        Ok(url) => url.parse()?,
        Err(_) => BaseUrl::cloud(),
    };
    let credentials = Credentials::service_account(
        env::var("MONGODB_ATLAS_CLIENT_ID").map_err(|_| "set MONGODB_ATLAS_CLIENT_ID")?,
        env::var("MONGODB_ATLAS_CLIENT_SECRET").map_err(|_| "set MONGODB_ATLAS_CLIENT_SECRET")?,
    );
    let mut builder = Client::builder(base, &credentials);
    // Ten token requests a minute are allowed; with a folder, many processes need one an hour.
    if let Some(tokens) = TokenDirectory::of_user() {
        builder = builder.token_cache(Arc::new(tokens));
    }
    let client = builder.build()?;
    let answer = client.send(&ListGroups::new()).await?;
    println!("projects: {}", answer.value.items().len());
    Ok(())
}
