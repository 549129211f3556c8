//! Requests a project, and handles a 403, a 429 and transient failures separately.
//!
//! `cargo run -p atlas-transport --example refusals -- PROJECT_ID`,
//! with the credentials in the environment.

use atlas_model::projects::GetGroup;
use atlas_transport::http::StatusCode;
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Client, Credentials};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let project = std::env::args().nth(1).ok_or("which project?")?.parse()?;
    let builder = Credentials::from_env()?.client_builder();
    // The default policy would wait and retry; this example shows the error.
    let client: Client = builder.retry(RetryPolicy::none()).build()?;

    let error = match client.send(&GetGroup::new(project)).await {
        Ok(answer) => {
            println!("project {}", answer.into_inner().name.unwrap_or_default());
            return Ok(());
        }
        Err(error) => error,
    };
    match error.status() {
        // The message names the roles of which the credentials may lack one.
        Some(StatusCode::FORBIDDEN) => println!("not allowed: {error}"),
        Some(StatusCode::TOO_MANY_REQUESTS) => match error.retry_after() {
            Some(wait) => println!("too many requests; wait {} s", wait.as_secs()),
            None => println!("too many requests; wait a moment"),
        },
        _ if error.is_transient() => println!("try again later: {error}"),
        _ => return Err(error.into()),
    }
    if let Some(code) = error
        .api_error()
        .and_then(|error| error.error_code.as_deref())
    {
        println!("error code: {code}");
    }
    Ok(())
}
