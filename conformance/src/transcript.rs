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

    /// Returns the text; of a long one, such as that of thousands of repeated requests, the beginning and
    /// the end.
    pub(crate) fn into_text(self) -> String {
        let text = self.0;
        if text.len() <= 2 * KEPT {
            return text;
        }
        let line_at = |at: usize| {
            let end = text.as_bytes()[at..].iter().position(|byte| *byte == b'\n');
            end.map_or(text.len(), |end| at + end + 1)
        };
        let (first, last) = (line_at(KEPT), line_at(text.len() - KEPT));
        let left_out = text[first..last].lines().count();
        format!(
            "{}({left_out} lines left out)\n\n{}",
            &text[..first],
            &text[last..]
        )
    }

    fn message(&mut self, mark: char, headers: &HeaderMap, body: &[u8]) {
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let _ = writeln!(self.0, "{mark} {name}: {value}");
        }
        let _ = writeln!(self.0, "{mark}\n{mark} {}\n", shown(body));
    }
}

/// How many bytes of a long text are kept at its beginning, and at its end.
const KEPT: usize = 64 << 10;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_whole_lines_of_its_beginning_and_its_end() {
        let mut transcript = Transcript::default();
        for turn in 0..20_000 {
            transcript.raw(&format!("ä {turn}"));
        }
        let whole = transcript.0.clone();
        let text = transcript.into_text();
        assert!(text.len() < 2 * KEPT + 200, "{}", text.len());
        assert!(text.starts_with("> ä 0\n") && text.ends_with("> ä 19999\n\n"));
        let (before, after) = text.split_once("lines left out)\n\n").unwrap();
        let (first, left_out) = before.rsplit_once('(').unwrap();
        let left_out: usize = left_out.trim().parse().unwrap();
        let kept = first.lines().count() + after.lines().count();
        assert_eq!(kept + left_out, whole.lines().count());
        assert!(whole.starts_with(first) && whole.ends_with(after));
    }
}
