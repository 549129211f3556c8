//! Measures the memory of many calls, in its own binary, since the whole process is measured. Linux
//! only: it is read from `/proc`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use atlas_benches::{FixedServer, download};
use atlas_transport::{Client, Credentials};

/// Returns the current memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_digest_calls_leave_no_memory_behind() {
    let server = FixedServer::start();
    let credentials = Credentials::api_key("public", "private");
    let client = Client::new(server.url.parse().unwrap(), &credentials).unwrap();
    let operation = download();
    let mut after_warm_up = 0;
    for round in 0..10 {
        let calls = (0..16).map(|_| {
            let (client, operation) = (client.clone(), operation.clone());
            tokio::spawn(async move {
                for _ in 0..625 {
                    client.send(&operation).await.unwrap();
                }
            })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
        if round == 0 {
            after_warm_up = resident();
        }
    }
    let grown = resident().saturating_sub(after_warm_up);
    assert!(grown < 2 << 10, "{grown} KiB more after 90,000 calls");
}
