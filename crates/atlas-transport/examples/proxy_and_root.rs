//! Calls through a proxy, with an additional certificate root.
//!
//! `cargo run -p atlas-transport --example proxy_and_root -- http://user:password@proxy:3128 ca.pem`
//!
//! The credentials are in the environment. Plain `http`, to a local sandbox, uses no proxy;
//! `https`, to `atlas sandbox --tls`, does.
//!
//! Without these settings, `HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR` apply. An
//! invalid setting is an error when the client is built.

use std::env;

use atlas_model::projects::ListGroups;
use atlas_transport::Credentials;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let mut builder = Credentials::from_env()?.client_builder();
    if let Some(proxy) = arguments.next() {
        // Also https:// and socks5h://; user and password are percent-encoded.
        builder = builder.proxy(proxy);
    }
    if let Some(bundle) = arguments.next() {
        let pem = std::fs::read(&bundle).map_err(|error| format!("{bundle}: {error}"))?;
        builder = builder.trust_pem(pem);
    }
    let client = builder.build()?;
    let answer = client.send(&ListGroups::new()).await?;
    println!("projects: {}", answer.value.items().len());
    Ok(())
}
