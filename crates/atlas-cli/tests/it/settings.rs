//! Credentials are sent only to the base URL of their own set.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};

use atlas_sandbox::{OWNER, PROJECT, SandboxServer};
use tempfile::TempDir;

use crate::{atlas, error_line, folder, sandbox};

/// The variables of each set: public key, private key, base URL.
pub(crate) const SETS: [[&str; 3]; 3] = [
    [
        "MONGODB_ATLAS_PUBLIC_API_KEY",
        "MONGODB_ATLAS_PRIVATE_API_KEY",
        "MONGODB_ATLAS_OPS_MANAGER_URL",
    ],
    [
        "MCLI_PUBLIC_API_KEY",
        "MCLI_PRIVATE_API_KEY",
        "MCLI_OPS_MANAGER_URL",
    ],
    [
        "MONGODB_ATLAS_PUBLIC_KEY",
        "MONGODB_ATLAS_PRIVATE_KEY",
        "MONGODB_ATLAS_BASE_URL",
    ],
];

const PUBLIC: &str = OWNER.public_key;
const PRIVATE: &str = OWNER.private_key;

/// Requests the project.
pub(crate) fn ask(command: &mut Command) -> Output {
    let arguments = ["api", "projects", "getGroup", "--groupId", PROJECT];
    command.args(arguments).output().unwrap()
}

pub(crate) fn requests(server: &SandboxServer) -> u64 {
    server.with(|sandbox| sandbox.requests())
}

/// A proxy that reports the requested host and refuses.
fn proxy() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = [0; 1024];
            let read = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let _ = sender.send(head.split(' ').nth(1).unwrap_or_default().to_owned());
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
        }
    });
    (url, receiver)
}

/// Checks that a command with these variables requests this host from the proxy, or none.
pub(crate) fn assert_asks(
    variables: &[(&str, &str)],
    config: Option<&str>,
    host: Option<&str>,
) -> String {
    let folder = folder();
    let (proxy, asked) = proxy();
    let mut command = atlas(&folder);
    if let Some(config) = config {
        configure(&mut command, &folder, config);
    }
    command.env("HTTPS_PROXY", proxy);
    let output = ask(command.envs(variables.iter().copied()));
    let line = error_line(&output, if host.is_some() { 5 } else { 2 });
    let asked = asked.try_recv().ok();
    let host = host.map(|host| format!("{host}:443"));
    assert_eq!(asked, host, "{variables:?}: {line}");
    line
}

/// Writes a configuration file of the official command line.
fn configure(command: &mut Command, folder: &TempDir, text: &str) {
    let config = folder.path().join("config/atlascli");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), text).unwrap();
    command.env("XDG_CONFIG_HOME", folder.path().join("config"));
}

#[test]
fn keys_go_only_to_the_base_url_of_their_own_set() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for (keys_of, keys) in SETS.iter().enumerate() {
        for (url_of, url) in SETS.iter().enumerate() {
            let before = requests(&server);
            let output = ask(atlas(&folder)
                .env(keys[0], PUBLIC)
                .env(keys[1], PRIVATE)
                .env(url[2], server.url()));
            if keys_of == url_of {
                assert!(output.status.success(), "{keys:?}");
            } else {
                let line = error_line(&output, 2);
                assert!(line.contains(url[2]) && line.contains(keys[2]), "{line}");
                assert_eq!(requests(&server), before, "{keys:?} {url:?}");
            }
        }
    }
}

#[test]
fn the_service_of_the_same_set_decides_the_cloud() {
    let mcli = [("MCLI_PUBLIC_API_KEY", "p"), ("MCLI_PRIVATE_API_KEY", "s")];
    let with = |more: &[(&'static str, &'static str)]| [&mcli[..], more].concat();
    let (cloud, gov) = (Some("cloud.mongodb.com"), Some("cloud.mongodbgov.com"));
    assert_asks(&mcli, None, cloud);
    assert_asks(&with(&[("MCLI_SERVICE", "cloud")]), None, cloud);
    assert_asks(&with(&[("MCLI_SERVICE", "cloudgov")]), None, gov);
    let line = assert_asks(&with(&[("MONGODB_ATLAS_SERVICE", "cloudgov")]), None, None);
    assert!(line.contains("MONGODB_ATLAS_SERVICE"), "{line}");
    // The same cloud under another prefix is not a conflict.
    assert_asks(&with(&[("MONGODB_ATLAS_SERVICE", "cloud")]), None, cloud);
    for name in ["MCLI_SERVICE", "MONGODB_ATLAS_SERVICE"] {
        let line = assert_asks(&with(&[(name, "ops-manager")]), None, None);
        assert!(line.contains(name) && line.contains("cloudgov"), "{line}");
    }
}

#[test]
fn of_two_whole_sets_the_first_is_used_and_the_other_gets_no_request() {
    let (_runtime, used) = sandbox();
    let (_other_runtime, unused) = sandbox();
    let folder = folder();
    let both = |first: &[&str; 3], second: &[&str; 3]| {
        ask(atlas(&folder)
            .env(first[0], PUBLIC)
            .env(first[1], PRIVATE)
            .env(first[2], used.url())
            .env(second[0], "other")
            .env(second[1], "other")
            .env(second[2], unused.url()))
    };
    for (first, second) in [(0, 1), (0, 2), (1, 2)] {
        assert!(both(&SETS[first], &SETS[second]).status.success());
    }
    assert_eq!(requests(&unused), 0);
}

#[test]
fn halves_of_different_sets_are_not_combined() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    for public in SETS {
        for private in SETS {
            let mut command = atlas(&folder);
            for set in SETS {
                command.env(set[2], server.url());
            }
            let output = ask(command.env(public[0], PUBLIC).env(private[1], PRIVATE));
            if public == private {
                assert!(output.status.success(), "{public:?}");
            } else {
                let line = error_line(&output, 3);
                assert!(line.contains("is set but"), "{line}");
            }
        }
    }
    assert_eq!(requests(&server), 3 * 2, "a challenge and a response each");
}

#[test]
fn half_of_another_kind_is_ignored_with_a_warning() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let output = ask(atlas(&folder)
        .env(SETS[0][0], PUBLIC)
        .env(SETS[0][1], PRIVATE)
        .env(SETS[0][2], server.url())
        .env("MONGODB_ATLAS_CLIENT_ID", "half"));
    assert!(output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("warning: ") && stderr.contains("MONGODB_ATLAS_CLIENT_SECRET is not"),
        "{stderr}"
    );
}

#[test]
fn credentials_of_the_environment_and_base_urls_of_a_profile_are_not_combined() {
    let keys = [
        ("MONGODB_ATLAS_PUBLIC_API_KEY", "p"),
        ("MONGODB_ATLAS_PRIVATE_API_KEY", "s"),
    ];
    let gov = "[default]\nservice = \"cloudgov\"\n";
    let line = assert_asks(&keys, Some(gov), None);
    assert!(line.contains("service of profile"), "{line}");
    let named = [&keys[..], &[("MONGODB_ATLAS_SERVICE", "cloudgov")]].concat();
    assert_asks(&named, Some(gov), Some("cloud.mongodbgov.com"));
    let named = [&keys[..], &[("MONGODB_ATLAS_SERVICE", "cloud")]].concat();
    assert_asks(&named, Some(gov), Some("cloud.mongodb.com"));
    let plain = "[default]\nservice = \"cloud\"\n";
    assert_asks(&keys, Some(plain), Some("cloud.mongodb.com"));

    // And the other way round.
    let profile = "[default]\npublic_api_key = \"p\"\nprivate_api_key = \"s\"\n";
    assert_asks(&[], Some(profile), Some("cloud.mongodb.com"));
    for name in ["MONGODB_ATLAS_SERVICE", "MCLI_SERVICE"] {
        let line = assert_asks(&[(name, "cloudgov")], Some(profile), None);
        assert!(line.contains(name), "{line}");
    }
    let (_runtime, server) = sandbox();
    for set in SETS {
        let line = assert_asks(&[(set[2], server.url())], Some(profile), None);
        assert!(line.contains(set[2]), "{line}");
    }
    assert_eq!(requests(&server), 0);
}

#[test]
fn a_key_with_something_at_its_ends_is_named_and_not_shown() {
    let folder = folder();
    for (value, problem) in [
        ("s3cret\n", "ends with a line break"),
        ("s3cret\r\n", "ends with a line break"),
        ("s3cret ", "white space"),
        ("\ts3cret", "white space"),
        ("\u{feff}s3cret", "byte order mark"),
        ("s3\u{200b}cret", "cannot be printed"),
        (" ", "white space"),
    ] {
        for set in SETS {
            let mut command = atlas(&folder);
            command.env(set[0], PUBLIC).env(set[1], value);
            let line = error_line(&ask(command.env(set[2], "http://127.0.0.1:1")), 3);
            assert!(line.contains(set[1]) && line.contains(problem), "{line}");
            assert!(!line.contains("cret"), "{line}");
        }
    }
    for name in [SETS[0][2], "MONGODB_ATLAS_SERVICE"] {
        let mut command = atlas(&folder);
        command.env(SETS[0][0], PUBLIC).env(SETS[0][1], PRIVATE);
        let line = error_line(&ask(command.env(name, "cloud\r")), 2);
        assert!(line.contains(name) && line.contains("line break"), "{line}");
    }
}

#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    let folder = folder();
    let odd = || OsString::from_vec(vec![b'k', 0xff]);
    for (name, code) in [
        ("MONGODB_ATLAS_PRIVATE_API_KEY", 3),
        ("MCLI_CLIENT_ID", 3),
        ("MONGODB_ATLAS_PROFILE", 2),
        ("MONGODB_ATLAS_OUTPUT", 2),
    ] {
        let line = error_line(&ask(atlas(&folder).env(name, odd())), code);
        assert!(
            line.contains(&format!("{name} is not valid UTF-8")),
            "{line}"
        );
    }
}

#[test]
fn an_output_that_is_unknown_is_refused_before_anything_is_sent() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let commands: [&[&str]; 5] = [
        &["api", "projects", "getGroup"],
        &["backups", "snapshots", "list", "Flex0"],
        &["backups", "restores", "list", "Flex0"],
        &["backups", "pull", "--clusterName", "Flex0", "--dir", "d"],
        &[
            "backups",
            "restores",
            "start",
            "automated",
            "--force",
            "--snapshotId",
            "latest",
            "--clusterName",
            "Flex0",
            "--targetClusterName",
            "Dedicated0",
        ],
    ];
    for arguments in commands {
        let output = crate::atlas_at(&server, &folder)
            .args(arguments)
            .env("MONGODB_ATLAS_OUTPUT", "yaml")
            .output()
            .unwrap();
        let line = error_line(&output, 2);
        let expected = "MONGODB_ATLAS_OUTPUT \"yaml\": expected json or plaintext";
        assert!(line.contains(expected), "{line}");
    }
    assert_eq!(requests(&server), 0);
    let output = crate::atlas_at(&server, &folder)
        .args(["backups", "snapshots", "list", "Flex0"])
        .env("MONGODB_ATLAS_OUTPUT", "plaintext")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("ID "));
}

#[test]
fn an_endless_file_of_certificate_roots_is_not_read_to_its_end() {
    let folder = crate::folder();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_atlas"))
        .args(["api", "projects", "listGroups"])
        .env("XDG_CONFIG_HOME", folder.path())
        .env("SSL_CERT_FILE", "/dev/zero")
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t0ken")
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", "https://127.0.0.1:1")
        .output()
        .unwrap();
    let error = crate::error_line(&output, 2);
    assert!(error.contains("SSL_CERT_FILE"), "{error}");
}
