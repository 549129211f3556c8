//! The client without an async runtime.

use std::io::Read as _;

use atlas_model::SnapshotUrl;
use atlas_model::flex_clusters::GetFlexCluster;
use atlas_model::flex_snapshots::ListFlexBackupSnapshots;
use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT, SandboxServer};
use atlas_transport::retry::RetryPolicy;
use atlas_transport::{Credentials, ErrorKind, blocking};
use tokio::runtime::{Builder, Runtime};

use crate::faults::peer::{Act, Peer, answer};

fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

fn client(url: &str) -> blocking::Client {
    let credentials = Credentials::api_key(OWNER.public_key, OWNER.private_key);
    blocking::Client::new(url.parse().unwrap(), &credentials).unwrap()
}

fn get_flex() -> GetFlexCluster {
    GetFlexCluster::new(PROJECT.parse().unwrap(), FLEX_CLUSTER.parse().unwrap())
}

fn list() -> ListFlexBackupSnapshots {
    let (project, cluster) = (PROJECT.parse().unwrap(), FLEX_CLUSTER.parse().unwrap());
    ListFlexBackupSnapshots::new(project, cluster)
}

#[test]
fn calls_lists_and_raw_calls_work_without_a_runtime_and_from_several_threads() {
    let runtime = runtime();
    let server = runtime.block_on(SandboxServer::start()).unwrap();
    let client = client(server.url());
    let read = || {
        assert!(
            client
                .send(&get_flex())
                .unwrap()
                .into_inner()
                .name
                .is_some()
        );
        let items: Vec<_> = client.items(list()).map(Result::unwrap).collect();
        assert_eq!(items.len(), 8);
        assert_eq!(client.pages(list()).count(), 1);
        assert_eq!(client.call("listGroups").pages().count(), 1);
        let call = client.call("listGroups").items().next();
        assert_eq!(call.unwrap().unwrap()["id"], PROJECT);
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(read);
        }
    });
}

#[test]
fn calls_and_drops_within_an_async_runtime_do_not_panic() {
    let server = runtime();
    let sandbox = server.block_on(SandboxServer::start()).unwrap();
    for caller in [
        Builder::new_current_thread().enable_all().build().unwrap(),
        runtime(),
    ] {
        caller.block_on(async {
            let client = client(sandbox.url());
            assert!(client.send(&get_flex()).is_ok());
            let mut items = client.items(list());
            drop(client);
            assert!(items.next().unwrap().is_ok(), "a list outlives its client");
        });
    }
}

#[test]
fn an_error_ends_a_list_and_settings_of_the_async_client_apply() {
    let runtime = runtime();
    let refusals = || vec![Act::Read, answer("503 Service Unavailable", "", "{}")];
    let peer = runtime.block_on(Peer::start(vec![refusals(), refusals()]));
    let client = client(&peer.url()).with(|client| client.with_retry(RetryPolicy::none()));
    let mut items = client.items(list());
    let error = items.next().unwrap().unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    assert!(items.next().is_none());
    assert_eq!(peer.requests().len(), 1);
}

#[test]
fn a_file_is_read_like_any_other() {
    let runtime = runtime();
    let body = "a file".repeat(10_000);
    let script = || vec![Act::Read, answer("200 OK", "", &body)];
    let cut = vec![
        Act::Read,
        crate::faults::peer::send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"),
    ];
    let peer = runtime.block_on(Peer::start(vec![script(), script(), cut]));
    let client = client(&peer.url());
    let link = SnapshotUrl::new(&format!("{}/s.tgz", peer.url()));
    let mut file = client.download(&link).unwrap();
    assert_eq!(file.length(), Some(body.len() as u64));
    let mut start = [0; 3];
    file.read_exact(&mut start).unwrap();
    assert_eq!(file.read(&mut []).unwrap(), 0);
    let mut rest = start.to_vec();
    while let Some(chunk) = file.chunk().unwrap() {
        rest.extend(chunk);
    }
    assert_eq!(rest, body.as_bytes());

    let mut whole = String::new();
    let mut file = client.download(&link).unwrap();
    file.read_to_string(&mut whole).unwrap();
    assert_eq!(whole, body);

    let mut file = client.download(&link).unwrap();
    let error = file.read_to_end(&mut Vec::new()).unwrap_err();
    let error = error.into_inner().unwrap();
    let error = error.downcast::<atlas_transport::Error>().unwrap();
    assert!(matches!(error.kind(), ErrorKind::Interrupted { .. }));
}
