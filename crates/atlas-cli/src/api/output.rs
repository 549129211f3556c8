//! Where an answer goes, and in what form.

use std::io::{self, IsTerminal as _, StdoutLock, Write as _};

use atlas_model::bytes::Bytes;
use atlas_transport::RawStream;
use clap::ArgMatches;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::failure::{Failure, print};
use crate::output_file::OutputFile;
use crate::settings::Settings;
use crate::signals::blocking;
use crate::store::refuse_url;

/// How many brackets an expression may have: its parser goes into each of them.
const MOST_NESTED: usize = 64;

/// Where an answer goes, and in what form; decided before anything is sent.
pub(super) struct Output {
    file: Option<OutputFile>,
    path: Option<JsonPath>,
}

impl Output {
    /// What the flags ask for.
    pub(super) fn open(matches: &ArgMatches) -> Result<Self, Failure> {
        let path = match matches.get_one::<String>("output").map(String::as_str) {
            None => {
                // A setting that makes no sense is an error here as well.
                Settings::of(matches).output()?;
                None
            }
            Some("json") => None,
            Some(other) => Some(json_path(other)?),
        };
        let force = matches.get_flag("force");
        let file = match matches.get_one::<String>("outputFile") {
            Some(path) => {
                refuse_url("outputFile", path)?;
                Some(OutputFile::create(path.as_ref(), force)?)
            }
            None => None,
        };
        Ok(Self { file, path })
    }

    /// Refuses what is not text where people would see it.
    pub(super) fn take_binary(&self, format: &str) -> Result<(), Failure> {
        if self.path.is_some() {
            return Err(Failure::Usage(format!(
                "the answer is {format}: json-path needs JSON"
            )));
        }
        if self.file.is_none() && format != "csv" && io::stdout().is_terminal() {
            return Err(Failure::Usage(format!(
                "the answer is {format}, which a terminal cannot show; pass --outputFile"
            )));
        }
        Ok(())
    }

    /// Writes an answer of bytes.
    pub(super) async fn bytes(self, body: Bytes) -> Result<(), Failure> {
        blocking(move || self.write(&body)).await
    }

    fn write(self, body: &[u8]) -> Result<(), Failure> {
        if let Some(path) = &self.path {
            let value: Value = serde_json::from_slice(body).map_err(|error| {
                Failure::Usage(format!(
                    "json-path needs JSON, and the answer is not: {error}"
                ))
            })?;
            let found = selected(path, &value)?;
            return self.text(found.as_bytes());
        }
        self.text(body)
    }

    fn text(self, text: &[u8]) -> Result<(), Failure> {
        match self.file {
            Some(mut file) => {
                file.write(text)?;
                if !text.is_empty() {
                    file.write(b"\n")?;
                }
                file.finish()
            }
            None if text.is_empty() => Ok(()),
            None => print(text),
        }
    }

    /// Writes an answer as it comes in.
    pub(super) async fn stream(mut self, mut answer: RawStream) -> Result<(), Failure> {
        while let Some(chunk) = answer.chunk().await? {
            let written = blocking(move || self.chunk(&chunk).map(|goes_on| (self, goes_on)));
            let goes_on;
            (self, goes_on) = written.await?;
            if !goes_on {
                return Ok(());
            }
        }
        blocking(move || match self.file {
            Some(file) => file.finish(),
            None => to_stdout(|out| out.flush()).map(drop),
        })
        .await
    }

    /// Writes a part of an answer; `false` if its reader has gone.
    fn chunk(&mut self, chunk: &[u8]) -> Result<bool, Failure> {
        match &mut self.file {
            Some(file) => file.write(chunk).map(|()| true),
            None => to_stdout(|out| out.write_all(chunk)),
        }
    }
}

/// Does something with stdout; `false` if its reader has gone.
fn to_stdout(act: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>) -> Result<bool, Failure> {
    match act(&mut io::stdout().lock()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::File(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

fn json_path(output: &str) -> Result<JsonPath, Failure> {
    let usage = |problem: String| Failure::Usage(format!("invalid --output {output:?}: {problem}"));
    let Some(expression) = output.strip_prefix("json-path=") else {
        return Err(usage("expected json or json-path=EXPR".to_owned()));
    };
    let nested = expression
        .bytes()
        .filter(|byte| b"([{!".contains(byte))
        .count();
    if nested > MOST_NESTED {
        return Err(usage(format!("expected at most {MOST_NESTED} brackets")));
    }
    if !expression.starts_with('$') {
        return Err(usage(
            "expected an expression that starts with $, such as $.id".to_owned(),
        ));
    }
    JsonPath::parse(expression).map_err(|error| usage(error.to_string()))
}

/// What a path selects, one value a line: text as it is, anything else as JSON.
fn selected(path: &JsonPath, value: &Value) -> Result<String, Failure> {
    let found: Vec<String> = path
        .query(value)
        .all()
        .into_iter()
        .map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    if found.is_empty() {
        return Err(Failure::Answer(format!("the answer has nothing at {path}")));
    }
    Ok(found.join("\n"))
}
