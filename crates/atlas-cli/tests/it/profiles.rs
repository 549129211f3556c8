//! Profiles of the official command line.

use std::process::{Command, Output};

use atlas_sandbox::{FLEX_CLUSTER, OWNER, PROJECT};

use crate::{atlas, atlas_at, download_arguments, error_line, folder, sandbox};

/// A profile's lines for the sandbox, without credentials.
fn base(url: &str) -> String {
    format!("ops_manager_url = \"{url}\"\nproject_id = \"{PROJECT}\"\n")
}

fn api_keys() -> String {
    let (public, private) = (OWNER.public_key, OWNER.private_key);
    format!("public_api_key = \"{public}\"\nprivate_api_key = \"{private}\"\n")
}

/// Lists snapshots with this configuration.
fn list(config: &str, more: impl FnOnce(&mut Command) -> &mut Command) -> Output {
    let folder = folder();
    let path = folder.path().join("config/atlascli");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("config.toml"), config).unwrap();
    let mut command = atlas(&folder);
    command.env("XDG_CONFIG_HOME", folder.path().join("config"));
    command.args(["backups", "snapshots", "list", FLEX_CLUSTER]);
    more(&mut command).output().unwrap()
}

fn unchanged(command: &mut Command) -> &mut Command {
    command
}

fn assert_done(output: &Output, what: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {stderr}");
}

#[test]
fn auth_type_decides_which_credentials_are_used() {
    let (_runtime, server) = sandbox();
    let base = base(server.url());
    let stale = "access_token = \"stale\"\n";
    let wrong_keys = "public_api_key = \"w\"\nprivate_api_key = \"w\"\n";
    let account = format!(
        "client_id = \"{}\"\nclient_secret = \"{}\"\n",
        OWNER.client_id, OWNER.client_secret
    );
    let token = format!("access_token = \"{}\"\n", OWNER.access_token);
    let keys = api_keys();
    for (what, settings) in [
        (
            "api_keys",
            format!("auth_type = \"api_keys\"\n{stale}{keys}"),
        ),
        (
            "service_account",
            format!("auth_type = \"service_account\"\n{stale}{wrong_keys}{account}"),
        ),
        (
            "user_account",
            format!("auth_type = \"user_account\"\n{token}{wrong_keys}"),
        ),
        ("keys before all", format!("{stale}{keys}")),
        ("account before token", format!("{stale}{account}")),
        ("token alone", token.clone()),
        ("an empty type", format!("auth_type = \"\"\n{stale}{keys}")),
    ] {
        let output = list(&format!("[default]\n{base}{settings}"), unchanged);
        assert_done(&output, what);
    }
}

#[test]
fn an_auth_type_without_its_credentials_names_the_missing_settings() {
    let (_runtime, server) = sandbox();
    let (base, keys) = (base(server.url()), api_keys());
    let token = format!("access_token = \"{}\"\n", OWNER.access_token);
    for (settings, expected) in [
        (
            format!("auth_type = \"service_account\"\n{keys}"),
            "client_id",
        ),
        (
            format!("auth_type = \"service_account\"\nclient_id = \"c\"\n{keys}"),
            "client_secret",
        ),
        (
            format!("auth_type = \"user_account\"\n{keys}"),
            "access_token",
        ),
        (
            format!("auth_type = \"api_keys\"\npublic_api_key = \"p\"\n{token}"),
            "private_api_key",
        ),
        (
            format!("auth_type = \"api_keys\"\nprivate_api_key = \"p\"\n{token}"),
            "public_api_key",
        ),
        (format!("auth_type = \"api_keys\"\n{token}"), "keyring"),
        (format!("auth_type = \"apikeys\"\n{keys}"), "\"apikeys\""),
        (format!("auth_type = 1\n{keys}"), "auth_type"),
        ("public_api_key = \"p\"\n".to_owned(), "private_api_key"),
    ] {
        let output = list(&format!("[default]\n{base}{settings}"), unchanged);
        let line = error_line(&output, 3);
        assert!(line.contains(expected), "{settings}: {line}");
        assert!(line.contains("profile \"default\""), "{line}");
    }
    assert_eq!(server.with(|sandbox| sandbox.requests()), 0);
}

#[test]
fn a_setting_that_is_not_a_string_or_has_something_at_its_end_is_named() {
    let (_runtime, server) = sandbox();
    for (settings, code, expected) in [
        ("private_api_key = 123", 2, "expected a string"),
        ("private_api_key = \"s3cret\\n\"", 3, "line break"),
    ] {
        let base = base(server.url());
        let config = format!("[default]\n{base}public_api_key = \"p\"\n{settings}\n");
        let line = error_line(&list(&config, unchanged), code);
        assert!(line.contains("private_api_key of profile"), "{line}");
        assert!(
            line.contains(expected) && !line.contains("cret\\n"),
            "{line}"
        );
    }
}

#[test]
fn names_are_compared_without_case_and_a_sole_profile_is_the_default() {
    let (_runtime, server) = sandbox();
    let sound = format!("{}{}", base(server.url()), api_keys());
    let sole = format!("version = 2\n[Prod]\n{sound}");
    assert_done(&list(&sole, unchanged), "sole");
    let two = format!("{sole}[test]\n{}", base(server.url()));
    assert_done(&list(&two, |command| command.args(["-P", "pROD"])), "-P");
    let by_variable = list(&two, |command| command.env("MONGODB_ATLAS_PROFILE", "PROD"));
    assert_done(&by_variable, "variable");
    let flag_first = list(&two, |command| {
        command
            .args(["-P", "prod"])
            .env("MONGODB_ATLAS_PROFILE", "test")
    });
    assert_done(&flag_first, "the flag beats the variable");
    assert_done(
        &list(&format!("[DEFAULT]\n{sound}[test]\n"), unchanged),
        "default in any case",
    );

    let output = list(&two, |command| command.args(["--projectId", PROJECT]));
    let line = error_line(&output, 3);
    assert!(line.contains("--profile (\"Prod\", \"test\")"), "{line}");
    let output = list(&two, |command| command.env("MONGODB_ATLAS_PROFILE", "no"));
    assert!(error_line(&output, 2).contains("unknown profile \"no\""));
    let same = format!("[prod]\n{sound}[PROD]\n");
    let output = list(&same, |command| command.args(["-P", "Prod"]));
    assert!(error_line(&output, 2).contains("ambiguous"));
    assert_done(
        &list(&same, |command| command.args(["-P", "prod"])),
        "exact",
    );
}

#[test]
fn a_broken_file_is_named_with_line_and_column_and_without_its_content() {
    for (config, place) in [
        ("key = s3cret", ":1:7:"),
        ("# ü\n[default]\nä = \"s3cret\"\n", ":3:1:"),
        ("[default]\nprivate_api_key = \"s3cret\n", ":2:"),
        ("[default]\na = \"1\"\na = \"s3cret\"\n", ":3:1:"),
    ] {
        let output = list(config, |command| command.args(["--projectId", PROJECT]));
        let line = error_line(&output, 2);
        assert!(line.contains(&format!("config.toml{place}")), "{line}");
        assert!(!line.contains("s3cret"), "{line}");
    }
}

#[test]
fn a_file_that_is_not_needed_is_not_read() {
    let (_runtime, server) = sandbox();
    for broken in [true, false] {
        let folder = folder();
        let config = folder.path().join("config/atlascli/config.toml");
        std::fs::create_dir_all(config.parent().unwrap()).unwrap();
        if broken {
            std::fs::write(&config, "[default").unwrap();
        } else {
            std::fs::create_dir(&config).unwrap();
        }
        let sandboxed = |command: &mut Command| {
            command
                .env("XDG_CONFIG_HOME", folder.path().join("config"))
                .output()
                .unwrap()
        };
        let complete = sandboxed(atlas_at(&server, &folder).args(download_arguments()));
        assert_done(&complete, "everything in the environment");
        let offline = sandboxed(atlas(&folder).args(["backups", "verify", "s.tgz"]));
        assert_done(&offline, "offline");
        let mut alone = atlas(&folder);
        alone
            .args(download_arguments())
            .args(["--sandbox", "--force"]);
        assert_done(&sandboxed(&mut alone), "sandbox");

        let mut needed = atlas(&folder);
        needed.args(download_arguments());
        let line = error_line(&sandboxed(&mut needed), 2);
        assert!(line.contains("config.toml"), "{line}");
        // A profile that a flag names is needed.
        let mut named = atlas_at(&server, &folder);
        named
            .args(download_arguments())
            .args(["-P", "x", "--force"]);
        let line = error_line(&sandboxed(&mut named), 2);
        assert!(line.contains("config.toml"), "{line}");
    }
}

#[test]
fn an_endless_configuration_is_not_read_to_its_end() {
    let home = crate::folder();
    let config = home.path().join("atlascli");
    std::fs::create_dir(&config).unwrap();
    let file = std::fs::File::create(config.join("config.toml")).unwrap();
    file.set_len(8 << 30).unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_atlas"))
        .args(["api", "projects", "listGroups"])
        .env_clear()
        .env("XDG_CONFIG_HOME", home.path())
        .output()
        .unwrap();
    let error = crate::error_line(&output, 2);
    assert!(
        error.contains("config.toml") && error.contains("at most 1 MiB"),
        "{error}"
    );
}
