//! Servers with TLS: host names and certificates.

#![allow(clippy::disallowed_methods, reason = "certificates are kept in files")]

use std::process::Command;

use atlas_sandbox::{Sandbox, SandboxServer};

/// The status that curl gets under a name if it trusts only this authority.
fn health(server: &SandboxServer, authority: &std::path::Path, name: &str) -> String {
    let port = server.url().rsplit_once(':').unwrap().1;
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", "--output", "/dev/null"])
        .args(["--write-out", "%{http_code}", "--cacert"])
        .arg(authority)
        .args(["--resolve", &format!("{name}:{port}:127.0.0.1")])
        .arg(format!("https://{name}:{port}/sandbox/health"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_authority_is_trusted_across_runs_under_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let start = async || {
        let server = SandboxServer::builder(Sandbox::new()).tls_directory(folder.path());
        server
            .tls_name("Atlas")
            .tls_name("192.0.2.7")
            .start()
            .await
            .unwrap()
    };
    let first = start().await;
    let kept = std::fs::read_to_string(&authority).unwrap();
    assert_eq!(first.certificate(), Some(kept.as_str()));
    drop(first);
    let server = start().await;
    assert_eq!(server.certificate(), Some(kept.as_str()));
    for (name, status) in [
        ("localhost", "200"),
        ("127.0.0.1", "200"),
        ("atlas", "200"),
        ("evil.example", "000"),
    ] {
        assert_eq!(health(&server, &authority, name), status, "{name}");
    }
    let server = SandboxServer::builder(Sandbox::new())
        .tls()
        .start()
        .await
        .unwrap();
    assert_eq!(
        health(&server, &authority, "localhost"),
        "000",
        "another authority"
    );
    std::fs::write(&authority, server.certificate().unwrap()).unwrap();
    assert_eq!(health(&server, &authority, "localhost"), "200");
}

#[tokio::test]
async fn the_error_shows_an_invalid_name_or_directory() {
    for odd in ["", "a b", "a/b", "http://a", "*.example", "a:1", "-"] {
        let server = SandboxServer::builder(Sandbox::new()).tls_name(odd).start();
        let error = server.await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .contains(&format!("invalid TLS name {odd:?}")),
            "{error}"
        );
    }
    let server = SandboxServer::builder(Sandbox::new()).tls_directory("/dev/null/tls");
    let error = server.start().await.unwrap_err();
    assert!(error.to_string().contains("in /dev/null/tls"), "{error}");
}
