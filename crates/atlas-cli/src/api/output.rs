//! The destination and the format of a response.

use std::io::{self, IsTerminal as _, Write as _};

use atlas_model::bytes::Bytes;
use atlas_transport::RawStream;
use clap::{ArgMatches, FromArgMatches as _};
use serde_json::Value;

use crate::args::OutputArgs;
use crate::escape::escape_lines;
use crate::failure::Failure;
use crate::global::Global;
use crate::output::{Output, Selection};
use crate::output_file::OutputFile;
use crate::print::{print, to_stdout};
use crate::signals::blocking;
use crate::urls::refuse_url;

/// The destination and the format of a response; decided before anything is sent.
pub(super) struct Target {
    file: Option<OutputFile>,
    path: Option<Selection>,
}

impl Target {
    /// The destination and the format that the flags name.
    pub(super) fn open(global: &Global, matches: &ArgMatches) -> Result<Self, Failure> {
        let given = OutputArgs::from_arg_matches(matches)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        // An invalid setting is an error here, too. plaintext prints the response of Atlas
        // unchanged.
        let output = given.format(global)?;
        let force = matches.get_flag("force");
        let file = match matches.get_one::<String>("outputFile") {
            Some(path) => {
                refuse_url("outputFile", path)?;
                if path == "-" {
                    let problem = "--outputFile names a file; leave it out to print to stdout";
                    return Err(Failure::Usage(problem.to_owned()));
                }
                Some(OutputFile::create(path.as_ref(), force)?)
            }
            None => None,
        };
        let path = match output {
            Output::Path(path) => Some(path),
            Output::Plain | Output::Json | Output::Format(_) => None,
        };
        Ok(Self { file, path })
    }

    /// Refuses a binary format with json-path, or on a terminal.
    pub(super) fn take_binary(&self, format: &str) -> Result<(), Failure> {
        if self.path.is_some() {
            return Err(Failure::Usage(format!(
                "the response is {format}, but json-path needs JSON"
            )));
        }
        if self.file.is_none() && format != "csv" && io::stdout().is_terminal() {
            return Err(Failure::Usage(format!(
                "the response is {format}, which a terminal cannot show; pass --outputFile"
            )));
        }
        Ok(())
    }

    /// Writes a complete response.
    pub(super) async fn bytes(self, body: Bytes) -> Result<(), Failure> {
        blocking(move || self.write(&body)).await
    }

    fn write(self, body: &[u8]) -> Result<(), Failure> {
        if let Some(path) = &self.path {
            let value: Value = serde_json::from_slice(body).map_err(|error| {
                Failure::Answer(format!(
                    "json-path needs JSON, but the response is not JSON: {error}"
                ))
            })?;
            let found = path.of(&value)?;
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

    /// Writes a response as it is received.
    pub(super) async fn stream(
        mut self,
        mut answer: RawStream,
        format: &str,
    ) -> Result<(), Failure> {
        // A web page must not replace a file.
        let kind = answer.header("content-type").unwrap_or_default().to_owned();
        if kind.contains("html") {
            return Err(Failure::Answer(format!(
                "the response is {kind}, not {format}; check the base URL and any proxy in between"
            )));
        }
        while let Some(chunk) = answer.chunk().await? {
            let written = blocking(move || self.chunk(&chunk).map(|is_open| (self, is_open)));
            let is_open;
            (self, is_open) = written.await?;
            if !is_open {
                return Ok(());
            }
        }
        blocking(move || match self.file {
            Some(file) => file.finish(),
            None => to_stdout(|out| out.flush()).map(drop),
        })
        .await
    }

    /// Writes a part of a response; `false` if the pipe is closed.
    fn chunk(&mut self, chunk: &[u8]) -> Result<bool, Failure> {
        match &mut self.file {
            Some(file) => file.write(chunk).map(|()| true),
            // Only text gets here on a terminal.
            None if io::stdout().is_terminal() => {
                let text = escape_lines(&String::from_utf8_lossy(chunk)).into_owned();
                to_stdout(|out| out.write_all(text.as_bytes()))
            }
            None => to_stdout(|out| out.write_all(chunk)),
        }
    }
}
