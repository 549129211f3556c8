//! Tests of a strict client.

use atlas_model::CallOptions;
use atlas_model::flex_snapshots::ListFlexBackupSnapshots;
use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, SandboxServer};
use atlas_transport::{Client, Credentials, ErrorKind};

use crate::faults::peer::{Act, Peer, answer};
use crate::operation;

#[tokio::test]
async fn a_documented_list_is_accepted_with_and_without_an_envelope() {
    let server = SandboxServer::start().await.unwrap();
    let credentials = Credentials::bearer(OWNER.access_token);
    let client = Client::new(server.url().parse().unwrap(), &credentials).unwrap();
    let list =
        ListFlexBackupSnapshots::new(PROJECT.parse().unwrap(), FLEX_CLUSTER.parse().unwrap());
    for envelope in [false, true] {
        let options = CallOptions {
            envelope,
            ..CallOptions::default()
        };
        let answer = client.strict().send_with(&list, &options).await.unwrap();
        assert_eq!(answer.value.items().len(), 8, "{envelope}");
    }
}

#[tokio::test]
async fn a_secret_echoed_by_a_server_is_not_in_a_violation() {
    const SECRET: &str = "s3cret-t0ken";
    let body = format!(r#"{{"status": "{SECRET}", "id": "{SECRET}", "{SECRET}": 1}}"#);
    let peer = Peer::start(vec![vec![Act::Read, answer("200 OK", "", &body)]]).await;
    let client = Client::new(peer.url().parse().unwrap(), &Credentials::bearer(SECRET)).unwrap();
    let error = client.strict().send(&operation()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Undocumented { .. }));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}
