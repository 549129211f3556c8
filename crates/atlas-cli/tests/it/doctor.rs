//! `atlas doctor`.

use std::process::Command;

use atlas_model::{ApiError, api_error::code};
use atlas_sandbox::{OWNER, SandboxServer};
use http::StatusCode;

use crate::{atlas, atlas_at, folder, sandbox};

fn checked(command: &mut Command) -> (Option<i32>, String) {
    let output = command.arg("doctor").output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    for secret in [OWNER.private_key, OWNER.client_secret, OWNER.access_token] {
        assert!(!stdout.contains(secret), "{stdout}");
    }
    (output.status.code(), stdout)
}

/// The verdict on each check, in the order of the checks.
fn verdicts(stdout: &str) -> String {
    let words = stdout.lines().filter_map(|line| line.split(' ').next());
    words.collect::<Vec<_>>().join(" ")
}

fn line<'a>(stdout: &'a str, check: &str) -> &'a str {
    let line = stdout.lines().find(|line| line.contains(check));
    line.unwrap_or_else(|| panic!("{check}: {stdout}"))
}

fn with_next(server: &SandboxServer, status: u16, code: &str) {
    let status = StatusCode::from_u16(status).unwrap();
    server.with(|sandbox| sandbox.answer_next_with(ApiError::new(status, code, "")));
}

#[test]
fn a_valid_account_passes_every_check() {
    let (_runtime, server) = sandbox();
    let (code, stdout) = checked(&mut atlas_at(&server, &folder()));
    assert_eq!(code, Some(0), "{stdout}");
    assert_eq!(verdicts(&stdout), "ok ok ok ok ok ok", "{stdout}");
    assert!(line(&stdout, "settings").contains(server.url()), "{stdout}");
    assert!(
        line(&stdout, "credentials").contains("1 project"),
        "{stdout}"
    );
    let clusters = line(&stdout, "clusters");
    assert!(
        clusters.contains("3 dedicated or shared-tier, 1 Flex"),
        "{stdout}"
    );
}

#[test]
fn a_failed_check_names_its_likely_causes_and_dependent_checks_are_skipped() {
    let (_runtime, server) = sandbox();
    let folder = folder();
    let (exit, stdout) = checked(&mut atlas(&folder));
    assert_eq!(
        (exit, verdicts(&stdout).as_str()),
        (Some(3), "FAIL skip skip skip skip skip")
    );

    let mut unreachable = atlas_at(&server, &folder);
    unreachable.env("MONGODB_ATLAS_OPS_MANAGER_URL", "http://127.0.0.1:1");
    let (exit, stdout) = checked(&mut unreachable);
    assert_eq!(
        (exit, verdicts(&stdout).as_str()),
        (Some(5), "ok FAIL skip skip skip skip")
    );

    let mut wrong = atlas_at(&server, &folder);
    wrong.env("MONGODB_ATLAS_PRIVATE_API_KEY", "wrong");
    let (exit, stdout) = checked(&mut wrong);
    assert_eq!(
        (exit, verdicts(&stdout).as_str()),
        (Some(3), "ok ok FAIL skip skip skip")
    );
    let causes = line(&stdout, "credentials");
    let at = |text: &str| {
        causes
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {causes}"))
    };
    assert!(at("check the key") < at("access list"), "{causes}");

    let mut unknown = atlas_at(&server, &folder);
    unknown.env("MONGODB_ATLAS_PROJECT_ID", "32b6e34b3d91647abb20e7ff");
    let (exit, stdout) = checked(&mut unknown);
    assert_eq!(
        (exit, verdicts(&stdout).as_str()),
        (Some(4), "ok ok ok ok FAIL skip")
    );
    assert!(line(&stdout, "GROUP_NOT_FOUND").contains("check the project id"));

    with_next(&server, 406, code::UNEXPECTED_ERROR);
    let (exit, stdout) = checked(&mut atlas_at(&server, &folder));
    assert_eq!(exit, Some(4));
    assert!(
        line(&stdout, "answered 406").contains("version"),
        "{stdout}"
    );
}

/// The line about another program, if there is one.
#[cfg(unix)]
fn namesake(command: &mut Command) -> Option<String> {
    let (code, stdout) = checked(command);
    assert_eq!(code, Some(0), "{stdout}");
    let line = stdout.lines().find(|line| line.contains("program"))?;
    assert!(line.starts_with("note "), "{stdout}");
    assert_eq!(verdicts(&stdout), "note ok ok ok ok ok ok", "{stdout}");
    Some(line.to_owned())
}

#[cfg(unix)]
#[test]
fn only_another_program_of_the_same_name_that_comes_first_is_noted() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let (_runtime, server) = sandbox();
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let this = std::path::Path::new(env!("CARGO_BIN_EXE_atlas"));
    for name in [
        "other",
        "linked",
        "renamed",
        "text",
        "folder/atlas",
        "empty",
    ] {
        std::fs::create_dir_all(path(name)).unwrap();
    }
    let program = |name: &str, mode| {
        let file = path(name).join("atlas");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
    };
    program("other", 0o755);
    program("text", 0o644);
    symlink(this, path("linked").join("atlas")).unwrap();
    symlink(path("linked").join("atlas"), path("renamed").join("atlas")).unwrap();
    let own = this.parent().unwrap().to_owned();
    let noted = |folders: &[std::path::PathBuf]| {
        let joined = std::env::join_paths(folders).unwrap();
        namesake(atlas_at(&server, &folder).env("PATH", joined))
    };
    let other = path("other");
    for before in [
        vec![],
        vec![path("empty"), path("text"), path("folder"), path("gone")],
    ] {
        let and = |folders: &[&std::path::PathBuf]| {
            let folders = folders.iter().copied().cloned();
            before.iter().cloned().chain(folders).collect::<Vec<_>>()
        };
        let line = noted(&and(&[&other, &own])).unwrap();
        assert!(
            line.contains(other.join("atlas").to_str().unwrap()),
            "{line}"
        );
        assert!(line.contains("atlas-toolkit"), "{line}");
        assert!(noted(&and(&[&other])).is_some());
        // The program itself, a link to it, and a link to the link.
        for itself in [&own, &path("linked"), &path("renamed")] {
            assert_eq!(noted(&and(&[itself, &other])), None, "{itself:?}");
        }
        assert_eq!(noted(&and(&[])), None);
    }
    let mut without = atlas_at(&server, &folder);
    assert_eq!(namesake(without.env_remove("PATH")), None);
}
