//! `atlas sandbox`: serves a sandbox on this machine until it is interrupted.

mod exports;

use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use atlas_sandbox::{Answered, FaultPlan, Fidelity, Sandbox, SandboxBuilder, SandboxServer};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueHint, value_parser};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::NamedTempFile;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::escape::escape;
use crate::failure::Failure;
use crate::log;
use crate::print::print;
use crate::read_file;
use crate::signals::{blocking, end_silently};
use exports::Exports;

const HELP: &str = "\
Prints the variables to set in another shell to stdout, up to the line \"# ready\", and one line \
per request to stderr. A browser shows the world (projects, clusters, snapshots) at the same \
address. The credentials are public: bind a non-loopback address only in a private network.

Tests set the world, the faults and the clock over HTTP (/sandbox/world, /sandbox/faults, \
/sandbox/clock), and read the last requests (/sandbox/requests). Such requests must not come \
from a web page, and their Host must be localhost or 127.0.0.1 with the port. On a non-loopback \
address, any Host is allowed, but the control token is required, as Authorization: Bearer TOKEN. \
/sandbox/health never requires it.

Example:
  atlas sandbox --port 8080 --env-file sandbox.env";

/// Run a sandbox of Atlas on this machine to develop against, without an account
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct Serve {
    /// Port to listen on; 0 selects a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,

    /// IP address to listen on
    #[arg(long, value_name = "ADDRESS", value_parser = ip_address, default_value = "127.0.0.1")]
    bind: IpAddr,

    /// Base URL in links, exports and the environment file, such as http://atlas:8080, if clients reach
    /// the sandbox at another URL: from other containers, or through a proxy
    #[arg(long = "public-url", value_name = "URL")]
    public_url: Option<String>,

    /// Require this token for requests to /sandbox/*, 8 to 256 visible ASCII characters; defaults to a
    /// random one, which is printed, if --bind is not loopback
    #[arg(long = "control-token", value_name = "TOKEN")]
    control_token: Option<String>,

    /// Serve TLS with certificates generated for this run
    #[arg(long)]
    tls: bool,

    /// Serve TLS with the certificates in this directory: ca.pem to trust, server.pem and server.key;
    /// generated if missing, about to expire, or without a required name
    #[arg(long = "tls-dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    tls_dir: Option<PathBuf>,

    /// Add this host name or IP address to the TLS certificate, which has localhost, 127.0.0.1, ::1 and
    /// the address of --bind; may be repeated
    #[arg(long = "tls-name", value_name = "NAME")]
    tls_names: Vec<String>,

    /// Also write the variables to this file, as NAME=value, once the sandbox is ready; the file is
    /// readable only by its owner and is not removed at the end
    #[arg(long = "env-file", value_name = "PATH", value_hint = ValueHint::FilePath)]
    env_file: Option<PathBuf>,

    /// JSON file with the world, at most 16 MiB; the default world has one cluster of each kind
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    seed: Option<PathBuf>,

    /// JSON file with the fault plan, at most 16 MiB
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    faults: Option<PathBuf>,

    /// Factor by which the sandbox's clock is faster than real time
    #[arg(long = "time-scale", value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=100_000))]
    time_scale: u32,

    /// Time of the sandbox's clock at the start, such as 2026-05-04T09:42:00Z; defaults to now
    #[arg(long, value_name = "TIME", value_parser = start_time)]
    clock: Option<Timestamp>,

    /// Number of last requests that /sandbox/requests shows
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = value_parser!(u32).range(0..=100_000))]
    journal: u32,

    /// Also accept id and secret of a service account in the form of a token request; it is unknown
    /// whether Atlas does
    #[arg(long = "oauth-form")]
    oauth_form: bool,

    /// Respond with 501 NOT_EMULATED to operations of a lower fidelity; docs/fidelity.md lists the
    /// operations
    #[arg(
        long = "min-fidelity",
        value_name = "FIDELITY",
        value_parser = PossibleValuesParser::new(Fidelity::ALL.map(Fidelity::as_str))
            .try_map(|text| text.parse::<Fidelity>())
    )]
    min_fidelity: Option<Fidelity>,

    /// Do not limit the rate of requests; by default, the limits are those of Atlas and are refilled by
    /// the sandbox's clock
    #[arg(long = "no-rate-limits")]
    no_rate_limits: bool,

    /// Seconds until clusters, snapshots and other resources are ready [default: 60]
    #[arg(long = "provisioning-seconds", value_name = "N")]
    provisioning_seconds: Option<u32>,

    /// Respond with 410 to operations past their sunset date
    #[arg(long = "enforce-sunset")]
    enforce_sunset: bool,

    /// End when stdin is closed, so that the sandbox never outlives the program that started it with a
    /// pipe as its stdin
    #[arg(long = "until-stdin-ends")]
    until_stdin_ends: bool,
}

impl Serve {
    /// Runs the sandbox until the process is interrupted or, if asked, until stdin is closed.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let Some(mut end) = self.until_stdin_ends.then(stdin_end).transpose()? else {
            let server = self.start().await?;
            return self.serve(server).await;
        };
        let server = tokio::select! {
            server = self.start() => server?,
            // A seed that cannot be used is an error also if stdin was closed from the start.
            () = async { closed(&mut end).await; sleep(GRACE).await } => return Ok(()),
        };
        tokio::select! {
            ended = self.serve(server) => ended,
            () = closed(&mut end) => Ok(()),
        }
    }

    /// Reads the files of the sandbox and binds its port.
    async fn start(&self) -> Result<SandboxServer, Failure> {
        let mut sandbox = match read(self.seed.clone()).await? {
            Some((path, text)) => {
                Sandbox::from_seed(&text).map_err(|error| unusable(&path, &error))?
            }
            None => Sandbox::new(),
        };
        let faults = match read(self.faults.clone()).await? {
            Some((path, text)) => {
                FaultPlan::from_json(&text).map_err(|error| unusable(&path, &error))?
            }
            None => FaultPlan::default(),
        };
        // Without a flag, the setting of the seed applies.
        if self.enforce_sunset {
            sandbox.enforce_sunset(true);
        }
        if self.no_rate_limits {
            sandbox.limit_rates(false);
        }
        if let Some(least) = self.min_fidelity {
            sandbox.set_min_fidelity(least);
        }
        if let Some(seconds) = self.provisioning_seconds {
            sandbox.set_provisioning_time(SignedDuration::from_secs(seconds.into()));
        }
        let mut server = self.builder(sandbox).faults(faults);
        if !log::is_quiet() {
            server = server.log(printer());
        }
        server.start().await.map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidInput => Failure::Usage(error.to_string()),
            std::io::ErrorKind::AddrInUse => Failure::File(format!(
                "cannot start the sandbox: {error}; choose another port, or pass --port 0 for a free one"
            )),
            _ => Failure::File(format!("cannot start the sandbox: {error}")),
        })
    }

    /// Prints the variables of a sandbox that has started, and waits.
    async fn serve(self, server: SandboxServer) -> Result<(), Failure> {
        // Not before the port is bound: until then the file may be that of a running sandbox.
        if let Some(path) = self.env_file.clone() {
            if path.as_os_str() == "-" {
                let problem =
                    "--env-file names a file; the lines on stdout have the same variables";
                return Err(Failure::Usage(problem.to_owned()));
            }
            blocking(move || exports::remove_old(&path)).await?;
        }
        // Removed at the end of the command.
        let made = match self.tls_dir {
            Some(_) => None,
            None => server.certificate().map(keep).transpose()?,
        };
        let authority = match (&self.tls_dir, &made) {
            (Some(directory), _) => Some(absolute(&directory.join("ca.pem"))?),
            (None, Some(file)) => Some(file.path().to_owned()),
            (None, None) => None,
        };
        // A token of --control-token is not printed.
        let token = match self.control_token {
            Some(_) => None,
            None => server.control_token(),
        };
        let exports = Exports::of(&server, authority.as_deref(), token)?;
        let script = exports.script();
        if let Some(path) = self.env_file {
            blocking(move || exports.write(&path)).await?;
        }
        // From here on, an interruption is the regular end.
        end_silently();
        print(script.as_bytes())?;
        std::future::pending().await
    }

    /// The server with the settings of the flags, without its faults.
    fn builder(&self, sandbox: Sandbox) -> SandboxBuilder {
        let mut server = SandboxServer::builder(sandbox)
            .address(self.bind)
            .port(self.port)
            .time_scale(self.time_scale)
            .journal(usize::try_from(self.journal).unwrap_or(usize::MAX));
        if let Some(now) = self.clock {
            server = server.start_at(now);
        }
        if self.oauth_form {
            server = server.oauth_form();
        }
        if self.tls {
            server = server.tls();
        }
        if let Some(directory) = &self.tls_dir {
            server = server.tls_directory(directory);
        }
        for name in &self.tls_names {
            server = server.tls_name(name);
        }
        if let Some(url) = &self.public_url {
            server = server.public_url(url);
        }
        if let Some(token) = &self.control_token {
            server = server.control_token(token);
        }
        server
    }
}

/// Parses the address of `--bind`.
fn ip_address(text: &str) -> Result<IpAddr, String> {
    let parsed = text.parse();
    parsed.map_err(|_| "expected an IP address, such as 127.0.0.1".to_owned())
}

/// Parses the time of `--clock`.
fn start_time(text: &str) -> Result<Timestamp, String> {
    let first = Timestamp::UNIX_EPOCH;
    let last = Timestamp::constant(221_845_392_000, 0);
    let time = text.parse().ok();
    time.filter(|time| (first..=last).contains(time))
        .ok_or_else(|| format!("expected RFC 3339 from {first} to {last}"))
}

/// How long a start may go on after stdin was closed.
const GRACE: Duration = Duration::from_secs(1);

/// Waits for the end of stdin on a thread of its own; what is read is dropped.
fn stdin_end() -> Result<watch::Receiver<bool>, Failure> {
    let (sender, end) = watch::channel(false);
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            // Stdin that cannot be read counts as closed.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = sender.send(true);
        })
        .map_err(|error| Failure::File(format!("cannot watch stdin: {error}")))?;
    Ok(end)
}

async fn closed(end: &mut watch::Receiver<bool>) {
    // An error would mean that the thread is gone, and stdin with it.
    let _ = end.wait_for(|ended| *ended).await;
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::File(format!("cannot find {}: {error}", path.display())))
}

/// Writes a certificate to a temporary file, for other programs to trust.
fn keep(certificate: &str) -> Result<NamedTempFile, Failure> {
    let written = || {
        let mut file = tempfile::Builder::new()
            .prefix("atlas-sandbox-")
            .suffix(".pem")
            .tempfile()?;
        file.write_all(certificate.as_bytes())?;
        Ok(file)
    };
    written().map_err(|error: std::io::Error| {
        Failure::File(format!("cannot write the certificate: {error}"))
    })
}

async fn read(path: Option<PathBuf>) -> Result<Option<(PathBuf, String)>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let read = blocking(move || match read_file::text(&path, LIMIT) {
        Ok(text) => Ok((path, text)),
        Err(error) => {
            let path = path.display();
            Err(Failure::File(format!("cannot read {path}: {error}")))
        }
    });
    read.await.map(Some)
}

fn unusable(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::Usage(format!("{}: {error}", path.display()))
}

/// Prints a line for each request, on a separate thread: a reader of stderr that is slow or stopped
/// must not delay responses. Lines beyond [`WAITING_LINES`] are dropped.
fn printer() -> impl Fn(&Answered) + Send + Sync {
    let (send, lines) = mpsc::sync_channel::<String>(WAITING_LINES);
    // Ends with the process. If it cannot start, the server runs without these lines.
    let _ = thread::Builder::new()
        .name("requests".to_owned())
        .spawn(move || {
            while let Ok(first) = lines.recv() {
                // Waiting lines are written together: one write per line costs more than the response.
                let mut text = String::new();
                for line in std::iter::once(first).chain(lines.try_iter().take(WAITING_LINES)) {
                    text.push_str(&escape(&line));
                    text.push('\n');
                }
                // A closed stderr does not affect the responses.
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
        });
    let line = if log::is_json() { json_line } else { line };
    move |answered| {
        let _ = send.try_send(line(answered));
    }
}

/// A request as a line of JSON.
fn json_line(answered: &Answered) -> String {
    json!({
        "timestamp": answered.at.to_string(),
        "level": "INFO",
        "message": "answered",
        "status": answered.status.map(|status| status.as_u16()),
        "method": answered.method.as_str(),
        "path": answered.path,
        "ignoredFields": answered.ignored_fields,
    })
    .to_string()
}

/// How many lines wait for a reader of stderr.
const WAITING_LINES: usize = 1024;

fn line(answered: &Answered) -> String {
    let status = answered
        .status
        .map_or_else(|| "gone".to_owned(), |status| status.as_u16().to_string());
    let at = answered.at.strftime("%H:%M:%S");
    let mut line = format!("{at} {status} {} {}", answered.method, answered.path);
    for field in &answered.ignored_fields {
        line.push_str(" ignored:");
        line.extend(field.chars().take(100).flat_map(char::escape_debug));
    }
    line
}

/// The largest seed or fault plan, in bytes.
const LIMIT: u64 = 16 << 20;
