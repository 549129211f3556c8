//! Downloads the newest snapshot of a cluster (Flex, shared tier or dedicated) to a file, checks
//! it, and prints the progress.
//!
//! `cargo run -p atlas-backup --example newest_snapshot -- PROJECT_ID CLUSTER_NAME snapshot.tgz`,
//! with the credentials in the environment.

use std::path::PathBuf;

use atlas_backup::{Backups, DownloadOptions, Event, Pick};
use atlas_transport::Credentials;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let project = arguments.next().ok_or("which project?")?.parse()?;
    let cluster = arguments.next().ok_or("which cluster?")?.parse()?;
    let out = PathBuf::from(arguments.next().ok_or("which file?")?);

    let client = Credentials::from_env()?.client_builder().build()?;
    let backups = Backups::new(client);
    let options = DownloadOptions::default().connections(4);
    let mut percent = 0;
    let progress = |event: Event| match event {
        Event::Preparing { status, .. } => eprintln!("Atlas: {status}"),
        // A snapshot with shards has several files.
        Event::Started { .. } => percent = 0,
        Event::Received {
            received,
            length: Some(length),
        } if received * 100 / length.max(1) > percent => {
            percent = received * 100 / length.max(1);
            eprint!("\r{percent} %");
        }
        Event::Verifying => eprintln!("\nverifying"),
        _ => {}
    };
    let files = backups
        .download(project, &cluster, &Pick::Latest, &out, &options, progress)
        .await?;
    for file in files {
        println!("{} ({} bytes)", file.path.display(), file.manifest.bytes);
    }
    Ok(())
}
