//! Certificate roots of the environment: used, or an error that names the variable.

use std::fs;

use atlas_sandbox::{OWNER, PROJECT, SandboxServer};

use crate::{atlas, error_line, folder};

/// A sandbox with TLS.
fn sandbox() -> (tokio::runtime::Runtime, SandboxServer) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let starting = SandboxServer::builder(atlas_sandbox::Sandbox::new()).tls();
    let server = runtime.block_on(starting.start()).unwrap();
    (runtime, server)
}

#[test]
fn the_roots_of_the_environment_are_trusted_and_no_others() {
    let (_runtime, server) = sandbox();
    let (folder, roots) = (folder(), folder());
    let certificate = server.certificate().unwrap();
    let file = roots.path().join("roots.pem");
    fs::write(&file, certificate).unwrap();
    let other = folder.path().join("other.pem");
    fs::write(&other, other_root()).unwrap();
    let (file, other) = (file.to_str().unwrap(), other.to_str().unwrap());
    let inside = roots.path().to_str().unwrap();
    let list = format!("{inside}:{inside}");
    for (variables, trusted) in [
        (&[("SSL_CERT_FILE", file)][..], true),
        (&[("SSL_CERT_DIR", &*list)], true),
        (&[("SSL_CERT_FILE", other), ("SSL_CERT_DIR", inside)], true),
        (&[("SSL_CERT_FILE", file), ("SSL_CERT_DIR", "")], true),
        (&[("SSL_CERT_FILE", other)], false),
        (&[("SSL_CERT_FILE", "")], false),
        (&[], false),
    ] {
        let output = atlas(&folder)
            .args(["api", "projects", "listGroups"])
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", server.url())
            .env("MONGODB_ATLAS_PUBLIC_API_KEY", OWNER.public_key)
            .env("MONGODB_ATLAS_PRIVATE_API_KEY", OWNER.private_key)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        if trusted {
            let shown = String::from_utf8_lossy(&output.stdout).into_owned();
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(shown.contains(PROJECT), "{variables:?} {error}");
        } else {
            let line = error_line(&output, 5);
            assert!(
                line.contains("invalid peer certificate"),
                "{variables:?} {line}"
            );
        }
    }
}

/// The root of another sandbox.
fn other_root() -> String {
    let (_runtime, server) = sandbox();
    server.certificate().unwrap().to_owned()
}

#[test]
fn roots_that_cannot_be_used_are_an_error_that_names_the_variable_and_the_file() {
    let folder = folder();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let inside = folder.path().to_str().unwrap().to_owned();
    let texts = folder.path().join("texts");
    fs::create_dir(&texts).unwrap();
    write("texts/README", "roots");
    for (variable, value, cause) in [
        ("SSL_CERT_FILE", "/nowhere/roots.pem", "No such file"),
        ("SSL_CERT_FILE", &inside, "is a folder"),
        ("SSL_CERT_FILE", &write("empty", ""), "has no certificate"),
        ("SSL_CERT_FILE", "/dev/null", "a device or a pipe"),
        ("SSL_CERT_FILE", "/nowhere/\u{1b}[2J", "\\u{1b}"),
        ("SSL_CERT_DIR", "/nowhere/roots", "No such file"),
        ("SSL_CERT_DIR", texts.to_str().unwrap(), "no certificate"),
        (
            "SSL_CERT_FILE",
            &write("broken", "-----BEGIN CERTIFICATE-----\nAQ==\n"),
            "certificate 1 is invalid: its END line is missing",
        ),
        ("SSL_CERT_DIR", &inside, "certificate 1 is invalid"),
    ] {
        let output = atlas(&folder)
            .args(["api", "projects", "listGroups"])
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", "https://127.0.0.1:1")
            .env("MONGODB_ATLAS_ACCESS_TOKEN", "t0ken")
            .env(variable, value)
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(
            line.contains(&format!("{variable} cannot be used: ")),
            "{line}"
        );
        assert!(line.contains(cause), "{line}");
    }
}

#[cfg(feature = "object-store")]
#[test]
fn roots_that_cannot_be_used_are_the_same_error_for_a_store() {
    let (_runtime, server) = crate::sandbox();
    let output = crate::atlas_at(&server, &folder())
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "s3cret-of-the-store")
        .env("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
        .env("SSL_CERT_FILE", "/nowhere/roots.pem")
        .args(["backups", "snapshots", "download", "latest"])
        .args([
            "--clusterName",
            atlas_sandbox::FLEX_CLUSTER,
            "--out",
            "s3://bucket/s.tgz",
        ])
        .output()
        .unwrap();
    let line = error_line(&output, 2);
    assert!(line.contains("SSL_CERT_FILE cannot be used: "), "{line}");
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
}
