//! Tests of calls, token requests and downloads through real proxies, over TLS to the sandbox.

use std::error::Error as _;
use std::process::Command;

use atlas_model::SnapshotUrl;
use atlas_model::shared_tier_snapshots::DownloadClusterBackupTenant;
use atlas_sandbox::{OWNER, Sandbox, SandboxServer};
use atlas_transport::{Client, ClientBuilder, Credentials, Error};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::program::{Program, folder, is_installed, port, runs};

const USER: &str = "user";
const PASSWORD: &str = "s3cret-w0rd";
/// The password, hashed with crypt's SHA-256.
const CRYPTED: &str = "$5$interop$73RKWQI6iOjdFOQfhfM8v6zhuBc5rqM2/yfuHKlekk6";
/// A host that each proxy is configured to refuse.
const REFUSED: &str = "127.0.0.2";

/// A running proxy and its address.
struct Proxy {
    program: Program,
    scheme: &'static str,
    port: u16,
    /// Whether it requires a password.
    login: bool,
    /// Its certificate in PEM.
    certificate: Option<String>,
}

impl Proxy {
    fn address(&self, password: &str) -> String {
        let login = if self.login {
            format!("{USER}:{password}@")
        } else {
            String::new()
        };
        format!("{}://{login}localhost:{}", self.scheme, self.port)
    }
}

fn start(
    command: &mut Command,
    folder: TempDir,
    port: u16,
    scheme: &'static str,
    login: bool,
) -> Proxy {
    Proxy {
        program: Program::start_listening(command, folder, port),
        scheme,
        port,
        login,
        certificate: None,
    }
}

fn tinyproxy(login: bool) -> Option<Proxy> {
    let there = runs(Command::new("tinyproxy").arg("-v"));
    if !is_installed(there, "tinyproxy", "apt-get install tinyproxy") {
        return None;
    }
    let (folder, port) = (folder(), port());
    let root = folder.path().display().to_string();
    std::fs::write(folder.path().join("refused"), "127\\.0\\.0\\.2\n").unwrap();
    let auth = if login {
        format!("BasicAuth {USER} {PASSWORD}\n")
    } else {
        String::new()
    };
    let configuration = format!(
        "Port {port}\nListen 127.0.0.1\nTimeout 60\nLogLevel Connect\nMaxClients 20\n\
         Allow 127.0.0.1\n{auth}Filter \"{root}/refused\"\n"
    );
    let path = folder.path().join("conf");
    std::fs::write(&path, configuration).unwrap();
    let mut command = Command::new("tinyproxy");
    command.arg("-d").arg("-c").arg(path);
    Some(start(&mut command, folder, port, "http", login))
}

/// Starts Squid, with TLS to the proxy.
fn squid() -> Option<Proxy> {
    let there = runs(Command::new("squid").arg("-v"));
    if !is_installed(there, "squid", "apt-get install squid-openssl") {
        return None;
    }
    let (folder, port) = (folder(), port());
    let root = folder.path().display().to_string();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let configuration = format!(
        "https_port 127.0.0.1:{port} tls-cert={root}/cert tls-key={root}/key
auth_param basic program /usr/lib/squid/basic_ncsa_auth {root}/keys
auth_param basic children 1
acl refused dst {REFUSED}
acl known proxy_auth REQUIRED
http_access deny refused
http_access allow known
http_access deny all
cache deny all
access_log none
cache_log /dev/null
pid_filename none
shutdown_lifetime 0 seconds
"
    );
    for (name, text) in [
        ("conf", configuration),
        ("cert", certificate.clone()),
        ("key", key.serialize_pem()),
        ("keys", format!("{USER}:{CRYPTED}\n")),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut command = Command::new("squid");
    command.arg("-N").arg("-f").arg(folder.path().join("conf"));
    let proxy = start(&mut command, folder, port, "https", true);
    Some(Proxy {
        certificate: Some(certificate),
        ..proxy
    })
}

/// Starts Dante, without passwords, since it uses those of the system's users.
fn dante() -> Option<Proxy> {
    let there = runs(Command::new("danted").arg("-v"));
    if !is_installed(there, "danted", "apt-get install dante-server") {
        return None;
    }
    let (folder, port) = (folder(), port());
    let configuration = format!(
        "logoutput: stderr
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks block {{ from: 127.0.0.0/8 to: {REFUSED}/32 }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 command: connect }}
"
    );
    std::fs::write(folder.path().join("conf"), configuration).unwrap();
    let mut command = Command::new("danted");
    command.arg("-f").arg(folder.path().join("conf"));
    command.arg("-p").arg(folder.path().join("pid"));
    Some(start(&mut command, folder, port, "socks5h", false))
}

fn microsocks() -> Option<Proxy> {
    // Prints its usage and fails.
    let tried = Command::new("microsocks").arg("-?").output();
    if !is_installed(tried.is_ok(), "microsocks", "apt-get install microsocks") {
        return None;
    }
    let (folder, port) = (folder(), port());
    let mut command = Command::new("microsocks");
    command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
    command.args(["-u", USER, "-P", PASSWORD]);
    Some(start(&mut command, folder, port, "socks5h", true))
}

async fn sandbox() -> SandboxServer {
    let builder = SandboxServer::builder(Sandbox::new()).tls();
    builder.start().await.unwrap()
}

fn builder(server: &SandboxServer, credentials: &Credentials) -> ClientBuilder {
    Client::builder(server.url().parse().unwrap(), credentials)
        .trust_pem(server.certificate().unwrap())
}

fn through(server: &SandboxServer, proxy: &Proxy, credentials: &Credentials) -> ClientBuilder {
    let builder = builder(server, credentials).proxy(proxy.address(PASSWORD));
    match &proxy.certificate {
        Some(certificate) => builder.trust_pem(certificate.clone()),
        None => builder,
    }
}

fn key() -> Credentials {
    Credentials::api_key(OWNER.public_key, OWNER.private_key)
}

/// Returns the documented call.
fn operation() -> DownloadClusterBackupTenant {
    let fixture = atlas_conformance::operation("downloadGroupClusterBackupTenant").unwrap();
    let project = fixture.example("groupId").unwrap().parse().unwrap();
    let cluster = fixture.example("clusterName").unwrap().parse().unwrap();
    let body = serde_json::from_value(fixture.request).unwrap();
    DownloadClusterBackupTenant::new(project, cluster, body)
}

fn chain(error: &Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(": ");
        line.push_str(&error.to_string());
        source = error.source();
    }
    line
}

/// Requests a link to a snapshot and downloads its first bytes.
async fn download(client: &Client) {
    let answer = client.send(&operation()).await.unwrap();
    let link = answer.into_inner().snapshot_url.unwrap();
    let mut file = client.download(&link).await.unwrap();
    let piece = file.chunk().await.unwrap().unwrap();
    assert!(piece.starts_with(&[0x1f, 0x8b]));
}

/// Runs all checks of a proxy, and ends it before the last one.
async fn check(mut proxy: Proxy, wrong: &str, refused: &str) {
    let server = sandbox().await;
    let account = Credentials::service_account(OWNER.client_id, OWNER.client_secret);
    for credentials in [&key(), &account] {
        let client = through(&server, &proxy, credentials).build().unwrap();
        download(&client).await;
    }

    let client = through(&server, &proxy, &key()).build().unwrap();
    let file = SnapshotUrl::new(&format!("https://{REFUSED}:1/s.tgz"));
    let error = client.download(&file).await.unwrap_err();
    assert!(chain(&error).contains(refused), "{}", chain(&error));

    let before = server.with(|sandbox| sandbox.requests());
    if proxy.login {
        for password in ["wr0ng", ""] {
            let address = proxy.address(password);
            let client = through(&server, &proxy, &key()).proxy(address).build();
            let error = client.unwrap().send(&operation()).await.unwrap_err();
            let line = chain(&error);
            assert!(line.contains(wrong), "{line}");
            assert!(line.contains("check the user and password in"), "{line}");
            assert!(!line.contains("wr0ng"), "{line}");
            assert!(error.attempts().is_empty() && !error.is_transient());
        }
    }
    proxy.program.stop();
    let client = through(&server, &proxy, &key()).build().unwrap();
    let error = client.send(&operation()).await.unwrap_err();
    let line = chain(&error);
    assert!(line.contains("no connection to the proxy of"), "{line}");
    assert!(error.is_transient() && !error.may_have_been_sent());
    // No request bypassed the proxy.
    assert_eq!(server.with(|sandbox| sandbox.requests()), before);
}

#[tokio::test]
async fn tinyproxy_without_a_password() {
    let Some(proxy) = tinyproxy(false) else {
        return;
    };
    check(proxy, "", "proxy answered 403").await;
}

#[tokio::test]
async fn tinyproxy_with_a_password() {
    let Some(proxy) = tinyproxy(true) else { return };
    check(proxy, "proxy answered 401", "proxy answered 403").await;
}

#[tokio::test]
async fn squid_over_tls_with_a_password() {
    let Some(proxy) = squid() else { return };
    check(proxy, "proxy answered 407", "proxy answered 403").await;
}

#[tokio::test]
async fn dante_without_a_password() {
    let Some(proxy) = dante() else { return };
    check(proxy, "", "answered 2, connection not allowed").await;
}

#[tokio::test]
async fn dante_with_hosts_looked_up_here() {
    let Some(proxy) = dante() else { return };
    let scheme = "socks5";
    check(
        Proxy { scheme, ..proxy },
        "",
        "answered 2, connection not allowed",
    )
    .await;
}

#[tokio::test]
async fn microsocks_with_a_password() {
    let Some(proxy) = microsocks() else { return };
    // microsocks refuses no host; no program listens at this one.
    check(
        proxy,
        "rejected the login",
        "answered 5, connection refused",
    )
    .await;
}

#[tokio::test]
async fn an_untrusted_certificate_of_squid_is_final() {
    let Some(proxy) = squid() else { return };
    let server = sandbox().await;
    let client = builder(&server, &key()).proxy(proxy.address(PASSWORD));
    let error = client
        .build()
        .unwrap()
        .send(&operation())
        .await
        .unwrap_err();
    assert!(chain(&error).contains("invalid peer certificate"));
    assert!(!error.is_transient());
}

/// Set if this program is run again with another environment.
const AGAIN: &str = "ATLAS_INTEROP_BASE_URL";

#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_exempts_a_host_from_the_proxy_of_the_environment() {
    if let Ok(url) = std::env::var(AGAIN) {
        let client = Client::new(url.parse().unwrap(), &key()).unwrap();
        let sent = client.send(&operation()).await;
        println!(
            "ended: {}",
            sent.map_or_else(|error| chain(&error), |_| "well".to_owned())
        );
        return;
    }
    let Some(proxy) = tinyproxy(true) else { return };
    let server = sandbox().await;
    let roots = proxy.program.folder.path().join("roots");
    std::fs::write(&roots, server.certificate().unwrap()).unwrap();
    let wrong = "proxy answered 401 to CONNECT; check the user and password in HTTPS_PROXY";
    for (password, list, expected) in [
        (PASSWORD, "", "ended: well"),
        ("wr0ng", "", wrong),
        ("wr0ng", "localhost", "ended: well"),
        ("wr0ng", "elsewhere.example, .localhost", "ended: well"),
        ("wr0ng", "*", "ended: well"),
        ("wr0ng", "localhost:443,127.0.0.0/8", wrong),
    ] {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture"])
            .arg("proxies::no_proxy_exempts_a_host_from_the_proxy_of_the_environment")
            .env_clear()
            .env(AGAIN, server.url())
            .env("SSL_CERT_FILE", &roots)
            .env("HTTPS_PROXY", proxy.address(password))
            .env("NO_PROXY", list)
            .output();
        // The server runs on other threads.
        let output = output.unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains(expected), "{list:?} {shown}");
    }
}
