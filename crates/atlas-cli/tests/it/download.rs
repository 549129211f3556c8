//! `atlas backups snapshots download`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use atlas_model::{ApiError, api_error::code};
use atlas_sandbox::{CLUSTER, OWNER, PROJECT, READER, SNAPSHOT};

use crate::{assert_empty, atlas, atlas_at, download_arguments, error_line, folder, sandbox};

#[test]
fn the_file_on_disk_is_the_snapshot_of_the_sandbox() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let output = atlas_at(&server, &folder)
        .args(download_arguments())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.contains("clusters on 2026-01-22") && stderr.contains("Flex"),
        "{stderr}"
    );
    let file = std::fs::read(folder.path().join("s.tgz")).unwrap();
    let expected = server.with(|sandbox| {
        sandbox.snapshot_file(
            PROJECT.parse().unwrap(),
            &CLUSTER.parse().unwrap(),
            SNAPSHOT.parse().unwrap(),
        )
    });
    assert_eq!(file, expected.unwrap());
    // The file and its manifest.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    // One challenge, the kind of the cluster, its snapshots, the link, the file: no other request.
    assert_eq!(server.with(|sandbox| sandbox.requests()), 5);
}

#[test]
fn every_kind_of_credentials_works() {
    let (_runtime, server) = sandbox();
    let kinds: [&[(&str, &str)]; 4] = [
        &[("MONGODB_ATLAS_ACCESS_TOKEN", OWNER.access_token)],
        &[
            ("MONGODB_ATLAS_CLIENT_ID", OWNER.client_id),
            ("MONGODB_ATLAS_CLIENT_SECRET", OWNER.client_secret),
        ],
        &[
            ("MCLI_PUBLIC_API_KEY", OWNER.public_key),
            ("MCLI_PRIVATE_API_KEY", OWNER.private_key),
            ("MCLI_OPS_MANAGER_URL", server.url()),
        ],
        &[
            ("MONGODB_ATLAS_PUBLIC_KEY", OWNER.public_key),
            ("MONGODB_ATLAS_PRIVATE_KEY", OWNER.private_key),
            ("MONGODB_ATLAS_BASE_URL", server.url()),
        ],
    ];
    for kind in kinds {
        let folder = folder();
        let output = atlas(&folder)
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", server.url())
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .envs(kind.iter().copied())
            .args(download_arguments())
            .env("MONGODB_ATLAS_OUTPUT", "json")
            .output()
            .unwrap();
        assert!(output.status.success(), "{kind:?}");
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(line["snapshotId"], SNAPSHOT);
    }
}

#[test]
fn the_embedded_sandbox_needs_no_account() {
    let folder = folder();
    let output = atlas(&folder)
        .args(download_arguments())
        .arg("--sandbox")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(folder.path().join("s.tgz").is_file());
}

#[test]
fn an_existing_file_is_kept_unless_force_is_given() {
    let folder = folder();
    let path = folder.path().join("s.tgz");
    std::fs::write(&path, "precious").unwrap();
    let run = |more: &[&str]| {
        atlas(&folder)
            .args(download_arguments())
            .arg("--sandbox")
            .args(more)
            .output()
            .unwrap()
    };
    let output = run(&[]);
    let line = error_line(&output, 6);
    assert!(line.contains("--force"), "{line}");
    // Not even the warning: no request was sent.
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    assert!(run(&["--force"]).status.success());
    assert!(std::fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]));
}

#[test]
fn missing_or_incomplete_credentials_are_named() {
    let folder = folder();
    let line = error_line(
        &atlas(&folder)
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .args(download_arguments())
            .output()
            .unwrap(),
        3,
    );
    assert!(line.contains("MONGODB_ATLAS_PUBLIC_API_KEY"), "{line}");
    for (there, missing) in [
        (
            "MONGODB_ATLAS_PUBLIC_API_KEY",
            "MONGODB_ATLAS_PRIVATE_API_KEY",
        ),
        ("MONGODB_ATLAS_CLIENT_SECRET", "MONGODB_ATLAS_CLIENT_ID"),
    ] {
        let output = atlas(&folder)
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .env(there, OWNER.private_key)
            .env(missing, "")
            .args(download_arguments())
            .output()
            .unwrap();
        let line = error_line(&output, 3);
        assert!(line.contains(&format!("{missing} is not")), "{line}");
    }
    assert_empty(&folder);
}

#[test]
fn refused_credentials_a_missing_role_and_unknown_things_are_distinguished() {
    let (_runtime, server) = sandbox();
    let other = "32b6e34b3d91647abb20e7ff";
    let cases: [(&str, &str, i32, &str); 4] = [
        ("MONGODB_ATLAS_PRIVATE_API_KEY", "wrong", 3, "access list"),
        ("MONGODB_ATLAS_ACCESS_TOKEN", READER.access_token, 4, "role"),
        ("MONGODB_ATLAS_PROJECT_ID", other, 4, "GROUP_NOT_FOUND"),
        (
            "MONGODB_ATLAS_PROJECT_ID",
            "32B6",
            2,
            "invalid projectId \"32B6\": expected 24 lowercase hex digits",
        ),
    ];
    for (name, value, code, expected) in cases {
        let folder = folder();
        let output = atlas_at(&server, &folder)
            .env(name, value)
            .args(download_arguments())
            .output()
            .unwrap();
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{line}");
        assert_empty(&folder);
    }
}

#[test]
fn a_bad_id_or_name_is_refused_before_anything_is_sent() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for (snapshot, cluster, expected) in [
        (
            "XYZ",
            CLUSTER,
            "invalid snapshotId \"XYZ\": expected 24 lowercase hex digits",
        ),
        (
            SNAPSHOT,
            "a b",
            "invalid clusterName \"a b\": expected ASCII letters, digits and hyphens",
        ),
        ("before:noon", CLUSTER, "invalid timestamp"),
    ] {
        let output = atlas_at(&server, &folder)
            .args([
                "backups",
                "snapshots",
                "download",
                snapshot,
                "--clusterName",
                cluster,
            ])
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains(expected), "{line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    assert_empty(&folder);
}

#[cfg(not(feature = "object-store"))]
#[test]
fn a_url_is_refused_by_a_build_without_object_stores() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for out in [
        "s3://bucket/key",
        "gs://bucket/key",
        "nonsense://x",
        "s3:key",
    ] {
        let output = atlas_at(&server, &folder)
            .args(["backups", "snapshots", "download", "latest"])
            .args(["--clusterName", CLUSTER, "--out", out])
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains("--features object-store"), "{line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    assert_empty(&folder);
}

#[test]
fn a_url_is_refused_for_a_response_and_for_a_folder_without_stores() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let url = "s3://bucket/x";
    let pull = ["backups", "pull", "--clusterName", CLUSTER, "--dir", url];
    let api = ["api", "projects", "listGroups", "--outputFile", url];
    let refused: &[&[&str]] = if cfg!(feature = "object-store") {
        &[&api]
    } else {
        &[&api, &pull]
    };
    for arguments in refused {
        let output = atlas_at(&server, &folder)
            .args(*arguments)
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        assert!(line.contains("is a URL"), "{line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    assert_empty(&folder);
}

#[test]
fn a_path_that_ends_like_a_directory_is_refused_before_any_request() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for path in ["new/", "new/.", "./new/./."] {
        let download = [
            "backups",
            "snapshots",
            "download",
            "latest",
            "--clusterName",
            CLUSTER,
            "--out",
            path,
        ];
        let api = ["api", "projects", "listGroups", "--outputFile", path];
        for (arguments, code) in [(download.as_slice(), 2), (&api, 6)] {
            let output = atlas_at(&server, &folder).args(arguments).output().unwrap();
            let line = error_line(&output, code);
            assert!(line.contains("is a directory"), "{line}");
        }
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
    assert_empty(&folder);
}

#[test]
fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let folder = folder();
    let output = atlas(&folder)
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", "http://ops.example")
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .args(download_arguments())
        .output()
        .unwrap();
    let line = error_line(&output, 2);
    assert!(line.contains("https"), "{line}");
}

#[test]
fn a_closed_port_is_a_network_error() {
    let folder = folder();
    let output = atlas(&folder)
        // A reserved port; a free one might be taken by another test.
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", "http://127.0.0.1:1")
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .args(download_arguments())
        .args(["--retry-for", "0"])
        .output()
        .unwrap();
    let line = error_line(&output, 5);
    assert!(line.contains("no connection to"), "{line}");
    assert_empty(&folder);
}

/// A limit on the size of files simulates a full disk: the write fails in the same place.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let folder = folder();
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_atlas")])
        .args(download_arguments())
        .arg("--sandbox")
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap();
    let line = error_line(&output, 6);
    assert!(line.contains("s.tgz.part cannot be written"), "{line}");
    assert_empty(&folder);
}

#[test]
fn a_missing_folder_or_a_name_that_is_a_folder_is_reported() {
    let folder = folder();
    for (out, code, expected) in [
        ("no/such/s.tgz", 6, "cannot be created"),
        (".", 2, "is a directory"),
    ] {
        let output = atlas(&folder)
            .args([
                "backups",
                "snapshots",
                "download",
                SNAPSHOT,
                "--clusterName",
                CLUSTER,
            ])
            .args(["--out", out, "--sandbox"])
            .output()
            .unwrap();
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{line}");
    }
    assert_empty(&folder);
}

#[test]
fn an_error_of_atlas_is_one_line_with_its_code() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    server.with(|sandbox| {
        let status = http::StatusCode::CONFLICT;
        sandbox.answer_next_with(ApiError::new(status, code::UNEXPECTED_ERROR, "two\nlines"));
    });
    let output = atlas_at(&server, &folder)
        .args(download_arguments())
        .output()
        .unwrap();
    let line = error_line(&output, 4);
    assert!(line.contains("409 UNEXPECTED_ERROR: two lines"), "{line}");
    assert_empty(&folder);
}

/// The end of the connection after the file was sent.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Close,
    KeepOpen,
}

/// An Atlas with one shared-tier cluster whose link leads back here, and `file` as the raw response
/// to that link. Sends each connection on which the file was sent to the receiver.
fn store(file: &'static [u8], then: Then) -> (String, std::sync::mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let link = format!("{url}/file?signature=s3cret");
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let Some(path) = request_path(&mut stream) else {
                continue;
            };
            let body = if path.starts_with("/file") {
                stream.write_all(file).unwrap();
                if then == Then::Close {
                    // The client may have closed the connection first.
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                }
                let _ = sender.send(stream);
                continue;
            } else if path.ends_with("/download") {
                format!("{{\"status\":\"COMPLETED\",\"snapshotUrl\":\"{link}\"}}")
            } else if path.ends_with("/snapshots") {
                format!("{{\"results\":[{{\"id\":\"{SNAPSHOT}\",\"status\":\"COMPLETED\"}}]}}")
            } else {
                let region = "{\"regionConfigs\":[{\"providerName\":\"TENANT\"}]}";
                format!("{{\"replicationSpecs\":[{region}]}}")
            };
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    (url, receiver)
}

/// Reads a request and returns its path; `None` at the end of the connection.
fn request_path(stream: &mut TcpStream) -> Option<String> {
    let mut seen = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1);
            let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if body.len() >= length {
                let path = head.split(' ').nth(1).unwrap().to_owned();
                assert!(
                    !path.starts_with("/file") || !head.contains("authorization"),
                    "{head}"
                );
                let path = path.split('?').next().unwrap_or_default().to_owned();
                return Some(path);
            }
        }
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).ok()?;
        if read == 0 {
            return None;
        }
        seen.extend_from_slice(&buffer[..read]);
    }
}

#[test]
fn an_incomplete_file_is_not_kept() {
    let cases: [(&'static [u8], i32, &str); 5] = [
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\n\x1f\x8bshort",
            5,
            "broke",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>",
            7,
            "not a gzip file",
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            7,
            "not a gzip file",
        ),
        (
            b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
            4,
            "refuses each new link with 403",
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            7,
            "redirects are not followed",
        ),
    ];
    for (file, code, expected) in cases {
        let (url, _served) = store(file, Then::Close);
        let folder = folder();
        let output = atlas(&folder)
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
            .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .env("ATLAS_LOG", "off")
            .args(download_arguments())
            .args(["--retry-for", "0"])
            .output()
            .unwrap();
        let line = error_line(&output, code);
        assert!(line.contains(expected), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
        assert_empty(&folder);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_in_the_middle_leaves_nothing_behind() {
    let (url, served) = store(
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\x1f\x8bsome of it",
        Then::KeepOpen,
    );
    let folder = folder();
    let child = atlas(&folder)
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .args(download_arguments())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The connection stays open and silent: the download can only end by the signal.
    let stream = served.recv().unwrap();
    let killed = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    drop(stream);
    let line = error_line(&output, 128 + 15);
    assert!(line.contains("interrupted"), "{line}");
    assert_empty(&folder);
}

#[test]
fn no_log_however_loud_shows_a_secret() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for kind in [
        ("MONGODB_ATLAS_ACCESS_TOKEN", OWNER.access_token),
        ("MONGODB_ATLAS_CLIENT_SECRET", OWNER.client_secret),
        ("MONGODB_ATLAS_PRIVATE_API_KEY", OWNER.private_key),
    ] {
        let output = atlas_at(&server, &folder)
            .env("MONGODB_ATLAS_CLIENT_ID", "")
            .env(kind.0, kind.1)
            .env("ATLAS_LOG", "trace")
            .args(download_arguments())
            .arg("--force")
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        assert!(log.contains("answered"), "{log}");
        for secret in [
            OWNER.access_token,
            OWNER.client_secret,
            OWNER.private_key,
            "signature",
            "sandbox-store",
            "Digest username",
            "Bearer ",
        ] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
    }
}

#[test]
fn the_environment_names_the_proxy_and_its_exceptions() {
    for (no_proxy, asked) in [("", true), ("ops.example", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut head = [0; 1024];
                let read = stream.read(&mut head).unwrap_or(0);
                let _ = sender.send(String::from_utf8_lossy(&head[..read]).into_owned());
                let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
            }
        });
        let folder = folder();
        let output = atlas(&folder)
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", "https://ops.example")
            .env("MONGODB_ATLAS_ACCESS_TOKEN", "t0ken")
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .env("HTTPS_PROXY", format!("http://{address}"))
            .env("NO_PROXY", no_proxy)
            .args(download_arguments())
            .args(["--retry-for", "0"])
            .output()
            .unwrap();
        error_line(&output, 5);
        let head = receiver.try_recv().ok();
        assert_eq!(head.is_some(), asked, "{no_proxy}");
        let connect = "CONNECT ops.example:443 HTTP/1.1";
        assert!(head.is_none_or(|head| head.starts_with(connect) && !head.contains("t0ken")));
    }
}
