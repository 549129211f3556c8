//! Credentials in files that `_FILE` variables name: they belong to the set of their variable.

use std::process::{Command, Output};

use atlas_sandbox::{OWNER, PROJECT};

use crate::settings::{SETS, ask, assert_asks, requests};
use crate::{atlas, error_line, folder, sandbox};

/// The credentials of the sandbox's owner, and the files that hold them.
const FILES: [(&str, &str); 5] = [
    ("public", OWNER.public_key),
    ("private", OWNER.private_key),
    ("id", OWNER.client_id),
    ("secret", OWNER.client_secret),
    ("token", OWNER.access_token),
];

/// The credentials of each set: its variables with their files, and its base URL.
const KINDS: [(&[(&str, &str)], &str); 7] = [
    (
        &[
            ("MONGODB_ATLAS_PUBLIC_API_KEY", "public"),
            ("MONGODB_ATLAS_PRIVATE_API_KEY", "private"),
        ],
        "MONGODB_ATLAS_OPS_MANAGER_URL",
    ),
    (
        &[
            ("MONGODB_ATLAS_CLIENT_ID", "id"),
            ("MONGODB_ATLAS_CLIENT_SECRET", "secret"),
        ],
        "MONGODB_ATLAS_OPS_MANAGER_URL",
    ),
    (
        &[("MONGODB_ATLAS_ACCESS_TOKEN", "token")],
        "MONGODB_ATLAS_OPS_MANAGER_URL",
    ),
    (
        &[
            ("MCLI_PUBLIC_API_KEY", "public"),
            ("MCLI_PRIVATE_API_KEY", "private"),
        ],
        "MCLI_OPS_MANAGER_URL",
    ),
    (
        &[("MCLI_CLIENT_ID", "id"), ("MCLI_CLIENT_SECRET", "secret")],
        "MCLI_OPS_MANAGER_URL",
    ),
    (&[("MCLI_ACCESS_TOKEN", "token")], "MCLI_OPS_MANAGER_URL"),
    (
        &[
            ("MONGODB_ATLAS_PUBLIC_KEY", "public"),
            ("MONGODB_ATLAS_PRIVATE_KEY", "private"),
        ],
        "MONGODB_ATLAS_BASE_URL",
    ),
];

/// A folder with the files.
fn secrets() -> tempfile::TempDir {
    let folder = folder();
    for (name, secret) in FILES {
        // As editors and `echo` write it.
        std::fs::write(folder.path().join(name), format!("{secret}\n")).unwrap();
    }
    folder
}

/// Sets the variables of the files; the caller sets the base URL.
fn with_files<'a>(command: &'a mut Command, variables: &[(&str, &str)]) -> &'a mut Command {
    for (name, file) in variables {
        command.env(format!("{name}_FILE"), file);
    }
    command
}

fn value(file: &str) -> &'static str {
    let found = FILES.iter().find(|(name, _)| *name == file);
    found.unwrap().1
}

fn assert_no_secret(output: &Output) {
    let shown = [&output.stdout[..], &output.stderr].concat();
    let shown = String::from_utf8_lossy(&shown);
    for secret in [OWNER.private_key, OWNER.client_secret, OWNER.access_token] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn credentials_in_files_go_only_to_the_base_url_of_their_own_set() {
    let (_runtime, server) = sandbox();
    let folder = secrets();
    for (variables, own) in KINDS {
        for url in SETS.map(|set| set[2]) {
            let before = requests(&server);
            let mut command = atlas(&folder);
            let output = ask(with_files(&mut command, variables).env(url, server.url()));
            assert_no_secret(&output);
            if url == own {
                assert!(output.status.success(), "{variables:?}: {output:?}");
                assert!(requests(&server) > before);
            } else {
                let line = error_line(&output, 2);
                assert!(line.contains(url) && line.contains(own), "{line}");
                assert_eq!(requests(&server), before, "{variables:?} {url}");
            }
        }
    }
}

#[test]
fn keys_in_files_of_the_older_set_go_by_its_own_service() {
    let folder = secrets();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (public, private) = (path("public"), path("private"));
    let mcli = [
        ("MCLI_PUBLIC_API_KEY_FILE", public.as_str()),
        ("MCLI_PRIVATE_API_KEY_FILE", private.as_str()),
    ];
    let with = |more: (&'static str, &'static str)| [&mcli[..], &[more]].concat();
    let (cloud, gov) = (Some("cloud.mongodb.com"), Some("cloud.mongodbgov.com"));
    assert_asks(&mcli, None, cloud);
    assert_asks(&with(("MCLI_SERVICE", "cloudgov")), None, gov);
    assert_asks(&with(("MONGODB_ATLAS_SERVICE", "cloud")), None, cloud);
    for other in [
        ("MONGODB_ATLAS_SERVICE", "cloudgov"),
        ("MONGODB_ATLAS_OPS_MANAGER_URL", "https://other.example"),
        ("MONGODB_ATLAS_BASE_URL", "https://other.example"),
    ] {
        let line = assert_asks(&with(other), None, None);
        let names = [other.0, "MCLI_OPS_MANAGER_URL"];
        assert!(names.iter().all(|name| line.contains(name)), "{line}");
    }
    // A service of a profile is not theirs either.
    let line = assert_asks(&mcli, Some("[default]\nservice = \"cloudgov\"\n"), None);
    assert!(line.contains("service of profile"), "{line}");
}

#[test]
fn a_variable_together_with_its_file_names_both_and_nothing_is_sent() {
    let (_runtime, server) = sandbox();
    let folder = secrets();
    for (variables, own) in KINDS {
        for (name, file) in variables {
            let mut command = atlas(&folder);
            with_files(&mut command, variables).env(own, server.url());
            // Equal values are an error, too, since they may differ later.
            let output = ask(command.env(name, value(file)));
            assert_no_secret(&output);
            let line = error_line(&output, 3);
            let file = format!("{name}_FILE");
            let rest = line.replace(&file, "");
            assert!(line.contains(&file) && rest.contains(name), "{line}");
            // An empty one of them counts as unset.
            let mut command = atlas(&folder);
            with_files(&mut command, variables).env(own, server.url());
            assert!(ask(command.env(name, "")).status.success(), "{name}");
        }
    }
    let before = requests(&server);
    let mut both = atlas(&folder);
    with_files(&mut both, KINDS[0].0).env(KINDS[0].1, server.url());
    error_line(&ask(both.env("MONGODB_ATLAS_PRIVATE_API_KEY", "x")), 3);
    assert_eq!(requests(&server), before);
}

#[test]
fn half_of_a_pair_in_a_file_and_half_in_a_variable_are_a_pair_of_one_set_only() {
    let (_runtime, server) = sandbox();
    let folder = secrets();
    for public in SETS {
        for private in SETS {
            let mut command = atlas(&folder);
            for set in SETS {
                command.env(set[2], server.url());
            }
            command.env(public[0], OWNER.public_key);
            let output = ask(command.env(format!("{}_FILE", private[1]), "private"));
            if public == private {
                assert!(output.status.success(), "{public:?}");
            } else {
                let line = error_line(&output, 3);
                assert!(line.contains("is set but"), "{line}");
            }
        }
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_variable_and_its_content_never_shown() {
    let folder = secrets();
    for (name, content) in [
        ("empty", &b""[..]),
        ("break", b"\n"),
        ("two", b"s3cret\n\n"),
        ("blank", b"s3cret \n"),
        ("bytes", b"s3cret\xff"),
        ("control", b"s3c\x1b[2Jret"),
    ] {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    std::fs::write(folder.path().join("large"), vec![b'x'; (64 << 10) + 1]).unwrap();
    std::fs::create_dir(folder.path().join("directory")).unwrap();
    let names = [
        "empty",
        "break",
        "two",
        "blank",
        "bytes",
        "control",
        "large",
        "directory",
        "gone",
        "/dev/zero",
        "/dev/null",
        "no\u{1b}[2J",
    ];
    for set in SETS {
        for name in names {
            let variable = format!("{}_FILE", set[1]);
            let mut command = atlas(&folder);
            command.env(set[0], OWNER.public_key).env(&variable, name);
            let output = ask(command.env(set[2], "http://127.0.0.1:1"));
            let line = error_line(&output, 3);
            assert!(line.contains(&variable), "{line}");
            // A value without a folder that cannot be read may be the secret itself.
            let is_shown =
                line.contains(&format!("names \"{}", name.split('\u{1b}').next().unwrap()));
            assert!(is_shown || line.contains("expected a path"), "{line}");
            assert!(
                !line.contains("s3c") && !line.contains('\u{1b}'),
                "{line:?}"
            );
        }
    }
}

#[test]
fn a_command_with_the_embedded_sandbox_reads_no_file() {
    let folder = folder();
    let mut command = atlas(&folder);
    let flags = ["--groupId", PROJECT, "--sandbox"];
    let output = command
        .env("MONGODB_ATLAS_PRIVATE_API_KEY_FILE", "gone")
        .args(["api", "projects", "getGroup"])
        .args(flags)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
