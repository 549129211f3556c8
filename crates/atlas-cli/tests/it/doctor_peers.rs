//! `atlas doctor` against other servers: it explains proxies, login pages, wrong base URLs and wrong
//! clocks in one line.

use std::io::Write;
use std::net::TcpListener;
use std::process::Command;

use atlas_sandbox::{PROJECT, SandboxServer};

use crate::peer::{raw_peer, response};
use crate::{atlas, atlas_at, folder, sandbox};

struct Found {
    code: Option<i32>,
    verdicts: String,
    /// The line of the first check that failed.
    line: String,
}

/// Runs the doctor; the error on stderr must be that of the failed line.
fn doctor(command: &mut Command) -> Found {
    let output = command.arg("doctor").output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        !format!("{stdout}{stderr}").contains("s3cret"),
        "{stdout}{stderr}"
    );
    assert_eq!(stdout.lines().count(), 6, "{stdout}");
    let words = stdout.lines().filter_map(|line| line.split(' ').next());
    let failed = stdout.lines().find(|line| line.starts_with("FAIL"));
    let line = failed.unwrap_or_default().to_owned();
    if let Some(error) = stderr.strip_prefix("error: ") {
        assert!(line.contains(error.trim_end()), "{line}\n{stderr}");
    }
    Found {
        code: output.status.code(),
        verdicts: words.collect::<Vec<_>>().join(" "),
        line,
    }
}

fn at(url: &str) -> Command {
    let mut command = atlas(&folder());
    command
        .current_dir("/")
        .env("MONGODB_ATLAS_OPS_MANAGER_URL", url)
        .env("MONGODB_ATLAS_ACCESS_TOKEN", "t")
        .env("MONGODB_ATLAS_PROJECT_ID", PROJECT);
    command
}

/// Checks that the connection failed, with every one of `expected` in its line.
fn no_connection(command: &mut Command, code: i32, expected: &[&str]) {
    let found = doctor(command);
    for text in expected {
        assert!(found.line.contains(text), "{text}: {}", found.line);
    }
    assert_eq!(
        found.verdicts, "ok FAIL skip skip skip skip",
        "{}",
        found.line
    );
    assert_eq!(found.code, Some(code), "{}", found.line);
}

const BETWEEN: &str = "check the base URL and any proxy in between";

#[test]
fn a_login_page_behind_a_redirect_is_named_by_host_and_path() {
    for status in [301, 302, 303, 307, 308] {
        let peer = raw_peer(move |_, _| {
            let target = "location: https://u:s3cret@login.example/sign-in?token=s3cret";
            response(status, target, "<html>Sign in</html>")
        });
        let line =
            format!("answered {status}: redirected to https://login.example/sign-in; {BETWEEN}");
        no_connection(&mut at(&peer.url), 4, &[&line]);
        let mut account = at(&peer.url);
        account
            .env_remove("MONGODB_ATLAS_ACCESS_TOKEN")
            .env("MONGODB_ATLAS_CLIENT_ID", "mdb_sa_id_1")
            .env("MONGODB_ATLAS_CLIENT_SECRET", "mdb_sa_sk_s3cret");
        let line = format!("with a redirect to https://login.example/sign-in; {BETWEEN}");
        no_connection(&mut account, 3, &["the token endpoint answered", &line]);
    }
}

#[test]
fn the_target_of_a_redirect_cannot_control_a_terminal() {
    let peer = raw_peer(|_, _| response(302, "location: /a\u{9b}2J\u{202e}b\\c", ""));
    no_connection(&mut at(&peer.url), 4, &["redirected to /a 2J b\\c;"]);
}

#[test]
fn a_web_page_and_another_server_are_distinguished_from_atlas() {
    let html = "content-type: text/html";
    let json = "content-type: application/json";
    for (status, header, body, expected) in [
        (
            200,
            html,
            "<html><h1>Welcome</h1>",
            "answered 200 with text/html: a web page, not the API",
        ),
        (200, json, "<!doctype html><p>Hi", "a web page, not the API"),
        (
            403,
            html,
            "<html>Blocked",
            "answered 403 with text/html: a web page, not the API",
        ),
        (
            404,
            html,
            "<html>nginx",
            "answered 404 with text/html: a web page, not the API",
        ),
        (
            404,
            json,
            r#"{"message":"no Route"}"#,
            "not an error body of Atlas",
        ),
    ] {
        let peer = raw_peer(move |_, _| response(status, header, body));
        let code = if status == 200 { 13 } else { 4 };
        no_connection(&mut at(&peer.url), code, &[expected, BETWEEN]);
    }
    // Requests are retried after those of a gateway.
    let peer = raw_peer(move |_, _| response(501, html, "<html>Gateway"));
    no_connection(
        &mut at(&peer.url),
        4,
        &["answered 501", "a web page", "try again later", BETWEEN],
    );
    let peer = raw_peer(move |_, _| response(407, html, "<html>Login"));
    no_connection(
        &mut at(&peer.url),
        4,
        &["check the proxy's user and password"],
    );
    let peer = raw_peer(move |_, _| response(511, html, "<html>Login"));
    no_connection(
        &mut at(&peer.url),
        4,
        &["log in to this network with a browser first"],
    );
}

#[test]
fn a_refusal_with_an_error_body_of_atlas_is_one_of_atlas() {
    let peer = raw_peer(|_, _| {
        let body = r#"{"error":403,"errorCode":"USER_UNAUTHORIZED"}"#;
        response(403, "content-type: application/json", body)
    });
    let found = doctor(&mut at(&peer.url));
    assert_eq!(found.verdicts, "ok ok FAIL skip skip skip");
    assert!(
        found
            .line
            .contains("check that the credentials have the role"),
        "{}",
        found.line
    );
}

#[test]
fn a_base_url_with_the_path_of_the_api_works_and_another_path_is_explained() {
    let (_runtime, server) = sandbox();
    for path in ["/api/atlas/v2", "/api/atlas/v2/", "/api/atlas/v1.0", "/"] {
        let mut command = atlas_at(&server, &folder());
        command.current_dir("/");
        command.env(
            "MONGODB_ATLAS_OPS_MANAGER_URL",
            format!("{}{path}", server.url()),
        );
        let found = doctor(&mut command);
        assert_eq!(
            found.verdicts, "ok ok ok ok ok ok",
            "{path}: {}",
            found.line
        );
    }
    for path in ["/api/atlas/v2/groups", "/api/public/v1.0"] {
        let found = doctor(&mut at(&format!("https://cloud.mongodb.com{path}/")));
        assert_eq!(
            (found.verdicts.as_str(), found.code),
            ("FAIL skip skip skip skip skip", Some(2))
        );
        let expected = format!("must end before /api/atlas/v2; remove {path}");
        assert!(found.line.contains(&expected), "{}", found.line);
    }
}

/// Sends the same bytes to every connection.
fn blurter(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut streams = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.write_all(bytes);
            streams.push(stream);
        }
    });
    address
}

#[test]
fn a_port_with_tls_and_one_without_are_distinguished() {
    let plain = blurter(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let url = format!("https://{plain}");
    let expected = "the port does not use TLS; check the scheme and the port";
    no_connection(&mut at(&url), 5, &[&plain, expected]);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(
        SandboxServer::builder(atlas_sandbox::Sandbox::new())
            .tls()
            .start(),
    );
    let server = server.unwrap();
    let url = server
        .url()
        .replace("https://localhost", "http://127.0.0.1");
    let expected = "if the port uses TLS, write https in the base URL";
    no_connection(&mut at(&url), 5, &[expected]);
}

#[test]
fn an_unknown_name_and_a_closed_port_are_distinguished() {
    let expected =
        "no connection to atlas.invalid; its name cannot be resolved; check the host name and DNS";
    no_connection(&mut at("https://atlas.invalid"), 5, &[expected]);
    let expected = "no connection to 127.0.0.1:1; nothing listens there; check the host, the port";
    no_connection(&mut at("https://127.0.0.1:1"), 5, &[expected]);
}

#[test]
fn a_response_of_a_proxy_is_distinguished_from_one_of_atlas() {
    for (status, expected) in [
        (
            403,
            "the proxy answered 403 to CONNECT; the proxy of HTTPS_PROXY does not allow this host",
        ),
        (
            407,
            "the proxy answered 407 to CONNECT; check the user and password in HTTPS_PROXY",
        ),
        (501, "the proxy answered 501 to CONNECT; check HTTPS_PROXY"),
    ] {
        let proxy = raw_peer(move |method, _| {
            assert_eq!(method, "CONNECT");
            response(status, "content-type: text/html", "<html>")
        });
        let mut command = at("https://cloud.mongodb.com");
        command.env(
            "HTTPS_PROXY",
            proxy.url.replace("http://", "http://u:s3cret@"),
        );
        let connection = format!("no connection to cloud.mongodb.com; {expected}");
        no_connection(&mut command, 5, &[&connection]);
    }
    let mut command = at("https://cloud.mongodb.com");
    command.env("HTTPS_PROXY", "http://u:s3cret@127.0.0.1:1");
    let expected = "no connection to the proxy of HTTPS_PROXY";
    no_connection(&mut command, 5, &[expected, "Connection refused"]);
}

#[test]
fn json_without_a_list_of_projects_is_not_taken_for_atlas() {
    let peer = crate::peer::peer(|_, _| (200, r#"{"hello":1}"#.to_owned()));
    let found = doctor(&mut at(&peer.url));
    assert_eq!(
        (found.verdicts.as_str(), found.code),
        ("ok FAIL skip skip skip skip", Some(13))
    );
    assert!(
        found
            .line
            .contains("not Atlas: its response has no list of projects"),
        "{}",
        found.line
    );
}

/// Each message is printed once, even if it is the cause of a failed token request.
#[test]
fn a_certificate_that_is_not_trusted_is_named_for_every_kind_of_credentials() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(
        SandboxServer::builder(atlas_sandbox::Sandbox::new())
            .tls()
            .start(),
    );
    let server = server.unwrap();
    let expected = "its certificate is not trusted; if a proxy inspects TLS, or the server has its own certificate \
         authority, set SSL_CERT_FILE to a file with that root";
    let certificate = "UnknownIssuer";
    let mut account = at(server.url());
    account
        .env_remove("MONGODB_ATLAS_ACCESS_TOKEN")
        .env("MONGODB_ATLAS_CLIENT_ID", "mdb_sa_id_1")
        .env("MONGODB_ATLAS_CLIENT_SECRET", "mdb_sa_sk_s3cret");
    for command in [&mut at(server.url()), &mut account] {
        let found = doctor(command);
        assert_eq!(
            (found.verdicts.as_str(), found.code),
            ("ok FAIL skip skip skip skip", Some(5))
        );
        for text in [expected, certificate] {
            assert_eq!(found.line.matches(text).count(), 1, "{}", found.line);
        }
    }
}

/// The sandbox's certificate is valid from 1975 to 4096.
#[cfg(target_os = "linux")]
#[test]
fn a_clock_that_is_wrong_is_named_where_it_breaks_tls() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(
        SandboxServer::builder(atlas_sandbox::Sandbox::new())
            .tls()
            .start(),
    );
    let server = server.unwrap();
    let folder = folder();
    let library = crate::interrupted::library(folder.path());
    let root = folder.path().join("root.pem");
    std::fs::write(&root, server.certificate().unwrap()).unwrap();
    let year = 31_556_952_i64;
    for (years, expected) in [
        (
            -53,
            "its certificate is not valid yet; check the system clock",
        ),
        (
            2100,
            "its certificate has expired, or the system clock is wrong",
        ),
    ] {
        let mut command = at(server.url());
        command
            .env("SSL_CERT_FILE", &root)
            .env("LD_PRELOAD", &library)
            .env("CLOCK_OFFSET", (years * year).to_string());
        no_connection(&mut command, 5, &[expected]);
    }
}
