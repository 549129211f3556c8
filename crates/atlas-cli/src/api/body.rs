//! The request body: from a file or standard input, and whether it is one.

use std::io::{IsTerminal as _, Read};

use atlas_transport::atlas_catalog::{Body, RequestBuilder};
use clap::ArgMatches;

use crate::failure::{Failure, say};
use crate::signals::blocking;

/// The largest request body that is read.
const LIMIT: u64 = 16 << 20;
/// What some editors begin a file with (U+FEFF in UTF-8).
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Adds the body that the flags name.
///
/// Without `--file`, a body that is required comes from standard input, unless that is a terminal.
pub(super) async fn add(
    request: RequestBuilder,
    matches: &ArgMatches,
) -> Result<RequestBuilder, Failure> {
    let need = request.operation().body();
    if need == Body::None {
        return Ok(request);
    }
    let file = match matches.get_one::<String>("file") {
        Some(file) => file.clone(),
        None if need == Body::Optional => return Ok(request),
        None if std::io::stdin().is_terminal() => {
            return Err(Failure::Usage(
                "no request body; pass --file or pipe it to standard input".to_owned(),
            ));
        }
        None => "-".to_owned(),
    };
    let name = if file == "-" { "standard input" } else { &file }.to_owned();
    let body = blocking(move || read(&file)).await?;
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&body).to_vec();
    if body.trim_ascii().is_empty() && need == Body::Required {
        return Err(Failure::Usage(format!(
            "the request body in {name} is empty: expected JSON"
        )));
    }
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&body) {
        return Err(Failure::Usage(format!(
            "the request body in {name} is not JSON: {error}"
        )));
    }
    let request = request.bytes(body);
    if matches.get_flag("check") {
        check(&request, &name)?;
    }
    Ok(request)
}

/// Checks the body by its schema: what Atlas ignores is a warning, the rest an error.
fn check(request: &RequestBuilder, name: &str) -> Result<(), Failure> {
    let violations = request
        .check_body()
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let (ignored, wrong): (Vec<_>, Vec<_>) = violations
        .into_iter()
        .partition(|violation| violation.kind().is_tolerated());
    for violation in ignored {
        say(&format!("warning: {violation}, which Atlas ignores"));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    Err(Failure::Usage(format!(
        "invalid request body in {name}: {}",
        lines.join("; ")
    )))
}

fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::File(format!("cannot read the request body in {file}: {error}"))
    };
    let mut source: Box<dyn Read> = if file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    let mut body = Vec::new();
    let limited = source.by_ref().take(LIMIT + 1);
    { limited }.read_to_end(&mut body).map_err(unreadable)?;
    if body.len() as u64 > LIMIT {
        return Err(Failure::Usage(format!(
            "the request body in {file} is larger than {LIMIT} bytes"
        )));
    }
    Ok(body)
}
