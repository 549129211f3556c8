//! `atlas sandbox`: its output and its flags.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use atlas_sandbox::{FLEX_CLUSTER, PROJECT};

use crate::{atlas, error_line, folder};

/// A running sandbox, which ends when this is dropped.
struct Serving {
    child: Child,
    /// Its stdout, up to the end marker.
    exports: Vec<String>,
}

impl Serving {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_atlas"))
            .arg("sandbox")
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let exports = lines.by_ref().map(Result::unwrap);
        let exports = exports.take_while(|line| line != "# ready").collect();
        Self { child, exports }
    }

    /// The value of an export.
    fn value(&self, name: &str) -> &str {
        let mut words = self.exports.iter().flat_map(|line| line.split(' '));
        words
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .unwrap()
    }

    fn url(&self) -> &str {
        self.value("MONGODB_ATLAS_OPS_MANAGER_URL")
    }

    /// The output of curl.
    fn curl(&self, path: &str, arguments: &[&str]) -> String {
        let output = Command::new("curl")
            .args(["--silent", "--noproxy", "*"])
            .args(arguments)
            .arg(format!("{}{path}", self.url()))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn stdout_has_the_exports_and_nothing_after_their_end() {
    let folder = folder();
    let mut child = atlas(&folder)
        .arg("sandbox")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut exports = String::new();
    while !exports.ends_with("# ready\n") {
        assert!(stdout.read_line(&mut exports).unwrap() > 0, "{exports}");
    }
    let url = exports.split(['=', '\n']).nth(1).unwrap();
    let health = format!("{url}/sandbox/health");
    let output = Command::new("curl")
        .args(["--silent", "--noproxy", "*", &health])
        .output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(output.contains("\"status\":\"ok\""), "{output}");
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = log.next().unwrap().unwrap();
    assert!(line.ends_with(" 200 GET /sandbox/health"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    stdout.read_line(&mut rest).unwrap();
    assert_eq!(rest, "");
}

#[test]
fn a_sandbox_ends_with_its_stdin() {
    let folder = folder();
    let mut child = atlas(&folder)
        .args(["sandbox", "--until-stdin-ends"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "# ready"));
    stdin.write_all(b"is not read\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(
        child.try_wait().unwrap().is_none(),
        "ended before its stdin"
    );
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_sandbox_that_cannot_start_leaves_the_environment_file_of_the_one_that_runs() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let path = folder.path().join("sandbox.env");
    std::fs::write(&path, "MONGODB_ATLAS_OPS_MANAGER_URL=http://127.0.0.1:1\n").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = atlas(&folder)
        .args(["sandbox", "--port", &port, "--env-file", "sandbox.env"])
        .output()
        .unwrap();
    assert!(error_line(&output, 6).contains("choose another port"));
    assert!(path.exists());
}

#[test]
fn an_invalid_seed_is_an_error_also_if_stdin_is_closed_from_the_start() {
    let folder = folder();
    std::fs::write(folder.path().join("seed.json"), "[]").unwrap();
    for _ in 0..8 {
        let status = atlas(&folder)
            .args(["sandbox", "--until-stdin-ends", "--seed", "seed.json"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.unwrap().code(), Some(2));
    }
}

#[cfg(unix)]
#[test]
fn a_sandbox_that_is_not_ready_ends_with_its_stdin_too() {
    let folder = folder();
    let seed = folder.path().join("seed");
    let made = std::process::Command::new("mkfifo").arg(&seed).status();
    assert!(made.unwrap().success());
    let status = atlas(&folder)
        .args(["sandbox", "--until-stdin-ends", "--seed", "seed"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[cfg(unix)]
#[test]
fn an_environment_file_is_private_and_read_by_a_shell() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let path = folder.path().join("sandbox.env");
    // The file of an earlier run.
    std::fs::write(
        &path,
        "# atlas sandbox\nMONGODB_ATLAS_OPS_MANAGER_URL=http://old\n",
    )
    .unwrap();
    let arguments = ["--bind", "0.0.0.0", "--env-file", "sandbox.env"];
    let serving = Serving::start(folder.path(), &arguments);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# atlas sandbox\n") && text.ends_with("\n# ready\n"),
        "{text}"
    );
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once('=').unwrap();
        assert_eq!(value, serving.value(name));
    }
    let script = "set -a; . ./sandbox.env; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_atlas")])
        .args(["backups", "snapshots", "list", FLEX_CLUSTER])
        .current_dir(folder.path())
        .env("XDG_CONFIG_HOME", "/dev/null/config")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(text.contains("ATLAS_SANDBOX_CONTROL_TOKEN="));
    // The file is kept.
    drop(serving);
    assert!(path.exists());
}

#[test]
fn an_environment_file_replaces_no_file_of_another_program() {
    let folder = folder();
    std::fs::write(folder.path().join("mine.env"), "SECRET=1\n").unwrap();
    std::fs::create_dir(folder.path().join("directory")).unwrap();
    for (name, problem) in [
        (
            "mine.env",
            "mine.env is not the environment file of a sandbox",
        ),
        ("directory", "directory is not a regular file"),
        ("/dev/null", "/dev/null is not a regular file"),
    ] {
        let output = atlas(&folder)
            .args(["sandbox", "--env-file", name])
            .output()
            .unwrap();
        let error = error_line(&output, 6);
        assert!(error.contains(problem), "{error}");
    }
    let kept = std::fs::read_to_string(folder.path().join("mine.env")).unwrap();
    assert_eq!(kept, "SECRET=1\n");
    let dash = atlas(&folder).args(["sandbox", "--env-file", "-"]).output();
    let error = error_line(&dash.unwrap(), 2);
    assert!(error.contains("--env-file names a file"), "{error}");
}

#[test]
fn kept_certificates_are_trusted_over_runs_by_their_path() {
    let folder = folder();
    let arguments = ["--tls-dir", "with space/tls", "--tls-name", "atlas"];
    let mut before = None;
    for _ in 0..2 {
        let serving = Serving::start(folder.path(), &arguments);
        assert!(serving.url().starts_with("https://localhost:"));
        let path = folder.path().join("with space/tls/ca.pem");
        let trusting = format!("SSL_CERT_FILE='{}'", path.display());
        assert!(
            serving.exports[0].contains(&trusting),
            "{}",
            serving.exports[0]
        );
        let authority = std::fs::read_to_string(&path).unwrap();
        assert_eq!(before.get_or_insert(authority.clone()), &authority);
        let health = serving.curl("/sandbox/health", &["--cacert", path.to_str().unwrap()]);
        assert!(health.contains("\"ok\""), "{health}");
    }
    // A path that some readers of an environment file would read differently.
    let arguments = [["sandbox"].as_slice(), &arguments, &["--env-file", "a.env"]].concat();
    let output = atlas(&folder).args(arguments).output().unwrap();
    assert!(error_line(&output, 2).contains("cannot write SSL_CERT_FILE"));
    let output = atlas(&folder)
        .args(["sandbox", "--tls-name", "a b"])
        .output()
        .unwrap();
    assert!(error_line(&output, 2).contains("invalid TLS name \"a b\""));
}

#[test]
fn clock_journal_and_the_oauth_form_are_flags() {
    let folder = folder();
    let arguments = [
        "--clock",
        "2020-05-04T09:42:00Z",
        "--journal",
        "1",
        "--oauth-form",
    ];
    let serving = Serving::start(folder.path(), &arguments);
    let clock = serving.curl("/sandbox/clock", &[]);
    assert!(clock.contains("\"now\":\"2020-05-04T09:4"), "{clock}");
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        serving.value("MONGODB_ATLAS_CLIENT_ID"),
        serving.value("MONGODB_ATLAS_CLIENT_SECRET")
    );
    for _ in 0..2 {
        let token = serving.curl("/api/oauth/token", &["--data", &form]);
        assert!(token.contains("access_token"), "{token}");
    }
    let requests = serving.curl("/sandbox/requests", &[]);
    assert!(requests.contains("\"recorded\":2"), "{requests}");
    assert_eq!(requests.matches("\"number\":").count(), 1, "{requests}");
    assert!(!requests.contains("mdb_sa_sk_"), "{requests}");
    drop(serving);
    for (flag, odd) in [
        ("--clock", "yesterday"),
        ("--clock", "1960-01-01T00:00:00Z"),
        ("--journal", "100001"),
    ] {
        let output = atlas(&folder)
            .args(["sandbox", flag, odd])
            .output()
            .unwrap();
        assert!(error_line(&output, 2).contains(odd));
    }
}

#[test]
fn plain_http_to_another_host_needs_an_opt_in_and_warns() {
    let folder = folder();
    let serving = Serving::start(folder.path(), &["--bind", "0.0.0.0"]);
    // Reaches this machine, but is not spelled as a loopback address.
    let port = serving.url().rsplit_once(':').unwrap().1;
    let url = format!("http://[::ffff:127.0.0.1]:{port}");
    let command = |arguments: &[&str], allowed: Option<&str>| {
        let mut command = atlas(&folder);
        command
            .args(["backups", "snapshots", "list", FLEX_CLUSTER])
            .args(arguments)
            .env("MONGODB_ATLAS_OPS_MANAGER_URL", &url)
            .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
            .env(
                "MONGODB_ATLAS_ACCESS_TOKEN",
                atlas_sandbox::OWNER.access_token,
            );
        command.envs(allowed.map(|value| ("ATLAS_ALLOW_HTTP", value)));
        command.output().unwrap()
    };
    for allowed in [None, Some(""), Some("false"), Some("1")] {
        let output = command(&[], allowed);
        let error = error_line(&output, 2);
        assert!(error.contains("ATLAS_ALLOW_HTTP=true"), "{error}");
    }
    for (arguments, allowed) in [(&["--allow-http"][..], None), (&[], Some("true"))] {
        let output = command(arguments, allowed);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let warnings = stderr
            .lines()
            .filter(|line| line.starts_with("warning: http://"));
        assert_eq!(warnings.count(), 1, "{stderr}");
    }
    // The links of the sandbox lead to the same host.
    let snapshot = [
        atlas_sandbox::SNAPSHOT,
        "--clusterName",
        atlas_sandbox::CLUSTER,
    ];
    let mut download = atlas(&folder);
    download
        .args(["backups", "snapshots", "download"])
        .args(snapshot)
        .args(["--allow-http", "--out", "snapshot.tgz"])
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", &url)
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT)
        .env(
            "MONGODB_ATLAS_ACCESS_TOKEN",
            atlas_sandbox::OWNER.access_token,
        );
    let output = download.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

#[test]
fn links_and_exports_have_the_public_url_for_any_host_of_the_request() {
    let folder = folder();
    let arguments = [
        "--bind",
        "0.0.0.0",
        "--public-url",
        "http://atlas.test:8080/",
    ];
    let env_file = ["--env-file", "sandbox.env"];
    let serving = Serving::start(folder.path(), &[&arguments[..], &env_file].concat());
    assert_eq!(serving.url(), "http://atlas.test:8080");
    let text = std::fs::read_to_string(folder.path().join("sandbox.env")).unwrap();
    assert!(
        text.contains("\nMONGODB_ATLAS_OPS_MANAGER_URL=http://atlas.test:8080\n"),
        "{text}"
    );
    let local = serving.exports[0].strip_prefix("# listens on ").unwrap();
    let local = local.trim_end_matches(':');
    let list = format!("{local}/api/atlas/v2/groups/{PROJECT}/flexClusters");
    let output = Command::new("curl")
        .args(["--silent", "--fail", "--noproxy", "*"])
        .args(["--header", "Accept: application/vnd.atlas.2024-11-13+json"])
        .args(["--oauth2-bearer", atlas_sandbox::OWNER.access_token, &list])
        .output()
        .unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let link = "\"href\":\"http://atlas.test:8080/api/atlas/v2/groups/";
    assert!(answer.contains(link), "{answer}");
    drop(serving);
    for odd in [
        "atlas.test:8080",
        "http://atlas.test/api",
        "http://a.test/#b",
    ] {
        let output = atlas(&folder)
            .args(["sandbox", "--public-url", odd])
            .output()
            .unwrap();
        let error = error_line(&output, 2);
        let expected = format!("invalid public URL {odd:?}: expected http://HOST:PORT");
        assert!(error.contains(&expected), "{error}");
    }
    let output = atlas(&folder)
        .args(["sandbox", "--public-url", "http://me:pa55@atlas.test"])
        .output()
        .unwrap();
    let error = error_line(&output, 2);
    assert!(!error.contains("pa55"), "{error}");
}

#[test]
fn without_rate_limits_a_stopped_clock_answers_any_number_of_requests() {
    let folder = folder();
    for (flags, status) in [(&["--no-rate-limits"][..], "200"), (&[], "429")] {
        let serving = Serving::start(folder.path(), flags);
        let stop = ["--request", "PUT", "--json", "{\"stopped\": true}"];
        serving.curl("/sandbox/clock", &stop);
        let login = format!(
            "{}:{}",
            serving.value("MONGODB_ATLAS_CLIENT_ID"),
            serving.value("MONGODB_ATLAS_CLIENT_SECRET")
        );
        let form = ["--data", "grant_type=client_credentials", "--user", &login];
        let shown = ["--output", "/dev/null", "--write-out", "%{http_code}"];
        let asked = [&form[..], &shown].concat();
        // Atlas allows ten per minute.
        for _ in 0..10 {
            assert_eq!(serving.curl("/api/oauth/token", &asked), "200");
        }
        assert_eq!(serving.curl("/api/oauth/token", &asked), status);
    }
}

#[test]
fn an_address_that_cannot_be_bound_is_named_with_a_hint() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = atlas(&folder)
        .args(["sandbox", "--port", &address.port().to_string()])
        .output()
        .unwrap();
    let error = error_line(&output, 6);
    assert!(
        error.contains(&format!("cannot bind {address}: ")),
        "{error}"
    );
    assert!(error.contains("--port 0"), "{error}");
    let output = atlas(&folder)
        .args(["sandbox", "--bind", "localhost"])
        .output()
        .unwrap();
    let error = error_line(&output, 2);
    assert!(
        error.contains(
            "\"localhost\" for --bind <ADDRESS>: expected an IP address, such as 127.0.0.1"
        ),
        "{error}"
    );
}
