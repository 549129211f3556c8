//! `atlas sandbox`: an Atlas on this machine, until it is interrupted.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc;
use std::thread;

use atlas_sandbox::{Answered, FaultPlan, OWNER, PROJECT, Sandbox, SandboxServer};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tempfile::NamedTempFile;

use crate::escape::escape;
use crate::failure::{Failure, print};
use crate::read_file;
use crate::signals::blocking;

/// `sandbox`.
pub(crate) fn command() -> Command {
    Command::new("sandbox")
        .about("Run an Atlas on this machine to develop against, without an account")
        .after_help(
            "Prints what to set in another shell, then one line a request. What the world holds \
             can be seen\nin a browser under the same address. The logins are public: bind \
             anything but loopback only in a\nnetwork of your own.\n\n\
             Tests set the world, the faults and the clock over HTTP (/sandbox/world, \
             /sandbox/faults,\n/sandbox/clock). Such requests must not come from a web page and \
             must name the server as localhost\nor 127.0.0.1 with its port. Bound beyond \
             loopback, they may use any name, but need the control token,\nsent as \
             Authorization: Bearer TOKEN.",
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .value_parser(value_parser!(u16))
                .default_value("0")
                .help("The port; a free one if it is 0"),
        )
        .arg(
            Arg::new("bind")
                .long("bind")
                .value_name("ADDRESS")
                .value_parser(value_parser!(IpAddr))
                .default_value("127.0.0.1")
                .help("The address to answer on"),
        )
        .arg(
            Arg::new("controlToken")
                .long("control-token")
                .value_name("TOKEN")
                .help(
                    "Require this token of requests to /sandbox/*, 8 to 256 visible ASCII \
                     characters; by default a random one is made and printed if --bind is not \
                     loopback",
                ),
        )
        .arg(
            Arg::new("tls")
                .long("tls")
                .action(ArgAction::SetTrue)
                .help("Speak TLS, with a certificate made for this run"),
        )
        .arg(Arg::new("seed").long("seed").value_name("PATH").help(
            "A JSON file of at most 16 MiB with the world; one cluster of each kind if it is \
                     not given",
        ))
        .arg(
            Arg::new("faults")
                .long("faults")
                .value_name("PATH")
                .help("A JSON file of at most 16 MiB with what goes wrong, and when"),
        )
        .arg(
            Arg::new("timeScale")
                .long("time-scale")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=100_000))
                .default_value("1")
                .help("How many times as fast time passes"),
        )
        .arg(
            Arg::new("enforceSunset")
                .long("enforce-sunset")
                .action(ArgAction::SetTrue)
                .help("Answer 410 to operations that Atlas has ended"),
        )
}

/// Runs it until the process is interrupted.
pub(crate) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let mut sandbox = match read(matches, "seed").await? {
        Some((path, text)) => Sandbox::from_seed(&text).map_err(|error| unusable(&path, &error))?,
        None => Sandbox::new(),
    };
    let faults = match read(matches, "faults").await? {
        Some((path, text)) => {
            FaultPlan::from_json(&text).map_err(|error| unusable(&path, &error))?
        }
        None => FaultPlan::default(),
    };
    sandbox.enforce_sunset(matches.get_flag("enforceSunset"));
    let mut server = SandboxServer::builder(sandbox)
        .address(matches.get_one("bind").copied().unwrap_or(LOOPBACK))
        .port(matches.get_one("port").copied().unwrap_or(0))
        .time_scale(matches.get_one("timeScale").copied().unwrap_or(1))
        .faults(faults)
        .log(printer());
    if matches.get_flag("tls") {
        server = server.tls();
    }
    let chosen = matches.get_one::<String>("controlToken");
    if let Some(token) = chosen {
        server = server.control_token(token);
    }
    let server = server.start().await.map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidInput => Failure::Usage(error.to_string()),
        _ => Failure::File(format!("cannot bind the address: {error}")),
    })?;
    // Goes with the process.
    let certificate = server.certificate().map(keep).transpose()?;
    if let Some(file) = &certificate {
        let path = file.path().display();
        let trusting = TRUSTING.map(|name| format!(" {name}={path}")).concat();
        print(format!("export{trusting}").as_bytes())?;
    }
    print(
        format!(
            "export MONGODB_ATLAS_OPS_MANAGER_URL={}\n\
             export MONGODB_ATLAS_PROJECT_ID={PROJECT}\n\
             # one of these:\n\
             export MONGODB_ATLAS_PUBLIC_API_KEY={} MONGODB_ATLAS_PRIVATE_API_KEY={}\n\
             export MONGODB_ATLAS_CLIENT_ID={} MONGODB_ATLAS_CLIENT_SECRET={}\n\
             export MONGODB_ATLAS_ACCESS_TOKEN={}",
            server.url(),
            OWNER.public_key,
            OWNER.private_key,
            OWNER.client_id,
            OWNER.client_secret,
            OWNER.access_token
        )
        .as_bytes(),
    )?;
    if let (None, Some(token)) = (chosen, server.control_token()) {
        let line = format!(
            "# for requests to /sandbox/*, as Authorization: Bearer TOKEN:\n\
             export ATLAS_SANDBOX_CONTROL_TOKEN={token}"
        );
        print(line.as_bytes())?;
    }
    std::future::pending().await
}

/// A certificate in a file, for other programs to trust.
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
        Failure::File(format!("the certificate cannot be written: {error}"))
    })
}

async fn read(matches: &ArgMatches, name: &str) -> Result<Option<(String, String)>, Failure> {
    let Some(path) = matches.get_one::<String>(name).cloned() else {
        return Ok(None);
    };
    let read = blocking(move || match read_file::text(path.as_ref(), LIMIT) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(Failure::File(format!("cannot read {path}: {error}"))),
    });
    read.await.map(Some)
}

fn unusable(path: &str, error: &dyn std::error::Error) -> Failure {
    Failure::Usage(format!("{path}: {error}"))
}

/// Prints a line for each request, on a thread of its own: a reader of stdout that is slow or
/// stopped must not hold up the answers. Lines beyond [`WAITING_LINES`] are left out.
fn printer() -> impl Fn(&Answered) + Send + Sync {
    let (send, lines) = mpsc::sync_channel::<String>(WAITING_LINES);
    // Ends with the process. Without the thread there are no lines, and there is a server.
    let _ = thread::Builder::new()
        .name("requests".to_owned())
        .spawn(move || {
            for line in lines {
                // Nobody may be reading; the answer went out all the same.
                let _ = print(escape(&line).as_bytes());
            }
        });
    move |answered| {
        let _ = send.try_send(line(answered));
    }
}

/// How many lines wait for a reader of stdout.
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

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What tells curl, requests, Node.js, and whatever reads the platform's roots, to trust a file.
const TRUSTING: [&str; 4] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];
