//! The clusters of a project that have backups.

use atlas_backup::{Backups, Error};
use atlas_sandbox::SandboxServer;
use serde_json::{Value, json};

use crate::{altered, project, world};

/// A change to a cluster in a list.
type Change = fn(&mut Value);

async fn names(backups: &Backups) -> Result<Vec<String>, Error> {
    let clusters = backups.clusters(project()).await?;
    Ok(clusters.iter().map(ToString::to_string).collect())
}

#[tokio::test(start_paused = true)]
async fn every_cluster_with_backups_is_listed_once_and_no_other() {
    let (_server, backups) = world().await;
    // `Cluster0` belongs to the shared tier.
    assert_eq!(
        names(&backups).await.unwrap(),
        ["Dedicated0", "Flex0", "Sharded0"]
    );
    let off: [(&str, Change); 3] = [
        ("Dedicated0", |cluster| {
            cluster["backupEnabled"] = json!(false);
        }),
        ("Flex0", |cluster| {
            cluster["backupSettings"] = json!({"enabled": false});
        }),
        ("", |cluster| cluster["backupEnabled"] = json!(true)),
    ];
    for (name, change) in off {
        let server = SandboxServer::start().await.unwrap();
        let backups = altered::backups(&server, move |_, _, body| {
            for cluster in body["results"].as_array_mut().into_iter().flatten() {
                if cluster["name"] == name || name.is_empty() {
                    change(cluster);
                }
            }
        });
        let mut left = vec!["Dedicated0", "Flex0", "Sharded0"];
        left.retain(|known| *known != name);
        assert_eq!(names(&backups).await.unwrap(), left);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_with_an_unreadable_name_is_not_silently_left_out() {
    for odd in [json!(null), json!(7), json!("../x"), json!("")] {
        let server = SandboxServer::start().await.unwrap();
        let shown = odd.to_string();
        let backups = altered::backups(&server, move |path, _, body| {
            if path.ends_with("/flexClusters") {
                body["results"][0]["name"] = odd.clone();
            }
        });
        let error = names(&backups).await.unwrap_err();
        assert!(matches!(error, Error::Unreadable), "{shown}: {error}");
    }
}
