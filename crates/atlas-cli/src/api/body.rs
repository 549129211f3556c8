//! Reads the request body from a file or standard input, and checks it.

use std::collections::HashSet;
use std::fmt;
use std::io::{IsTerminal as _, Read};

use atlas_transport::atlas_catalog::{Body, RequestBuilder};
use clap::ArgMatches;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::failure::Failure;
use crate::log;
use crate::signals::blocking;

/// The largest request body, in bytes.
const LIMIT: u64 = 16 << 20;
/// U+FEFF in UTF-8, with which some editors begin a file.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Adds the body that the flags name.
///
/// Without `--file`, a required body is read from standard input, unless that is a terminal.
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
    if let Err(error) = serde_json::from_slice::<serde_json::Value>(&body) {
        return Err(Failure::Usage(format!(
            "the request body in {name} is not JSON: {error}"
        )));
    }
    let request = request.bytes(body.clone());
    if matches.get_flag("check") {
        if let Err(error) = serde_json::from_slice::<Unrepeated>(&body) {
            return Err(Failure::Usage(format!(
                "invalid request body in {name}: {error}"
            )));
        }
        check(&request, &name)?;
    }
    Ok(request)
}

/// Checks the body against its schema: a field that Atlas ignores is a warning, the rest an error.
fn check(request: &RequestBuilder, name: &str) -> Result<(), Failure> {
    let violations = request
        .check_body()
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let (ignored, wrong): (Vec<_>, Vec<_>) = violations
        .into_iter()
        .partition(|violation| violation.kind().is_tolerated());
    for violation in ignored {
        log::warn(&format!("{violation}, which Atlas ignores"));
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

/// Any JSON in which no object has a field twice.
struct Unrepeated;

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unrepeated {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if names.contains(&name) {
                let problem = format_args!("duplicate field {name:?}");
                return Err(serde::de::Error::custom(problem));
            }
            names.insert(name);
            fields.next_value::<Self>()?;
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
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
            "the request body in {} is larger than {LIMIT} bytes",
            if file == "-" { "standard input" } else { file }
        )));
    }
    Ok(body)
}
