//! Calls any operation by its name and prints the JSON response, as `atlas api` does.
//!
//! `cargo run -p atlas-transport --example raw_call -- getGroup groupId=32b6e34b3d91647abb20e7b8`,
//! with the credentials in the environment.

use std::time::Duration;

use atlas_transport::Credentials;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let operation = arguments.next().ok_or("which operation?")?;
    let client = Credentials::from_env()?.client_builder().build()?;
    let mut call = client
        .call(&operation)
        .total_timeout(Duration::from_secs(20));
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or("expected NAME=VALUE")?;
        call = call.parameter(name, value);
    }
    let answer = call.send().await?;
    println!("{:#}", answer.value.json()?);
    Ok(())
}
