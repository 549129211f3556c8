//! Records the requests and responses of a server case as text.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

/// The requests and responses of a case, and the time in between.
#[derive(Debug, Default)]
pub(crate) struct Transcript(String);

impl Transcript {
    /// Adds an advance of the clock.
    pub(crate) fn time(&mut self, seconds: u32) {
        let _ = writeln!(self.0, "(clock advanced by {seconds} s)\n");
    }

    /// Adds a raw request.
    pub(crate) fn raw(&mut self, raw: &str) {
        let _ = writeln!(self.0, "> {}\n", raw.escape_debug());
    }

    /// Adds a request.
    pub(crate) fn request(&mut self, request: &Request<Bytes>) {
        let _ = writeln!(self.0, "> {} {}", request.method(), request.uri());
        self.message('>', request.headers(), request.body());
    }

    /// Adds a response.
    pub(crate) fn answer(&mut self, answer: &Response<Bytes>) {
        let _ = writeln!(self.0, "< {}", answer.status());
        self.message('<', answer.headers(), answer.body());
    }

    /// Returns the whole text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn message(&mut self, mark: char, headers: &HeaderMap, body: &[u8]) {
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let _ = writeln!(self.0, "{mark} {name}: {value}");
        }
        let _ = writeln!(self.0, "{mark}\n{mark} {}\n", shown(body));
    }
}

/// Returns a body as text, shortened.
pub(crate) fn shown(body: &[u8]) -> String {
    const LIMIT: usize = 4000;
    let shown = String::from_utf8_lossy(&body[..body.len().min(LIMIT)]).into_owned();
    if body.len() > LIMIT {
        format!("{shown}… ({} bytes)", body.len())
    } else {
        shown
    }
}
