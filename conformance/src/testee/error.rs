//! Errors of a client under test.

use std::io;

use atlas_catalog::closest;

use crate::message::ABILITIES;
use crate::verdict::Verdict;

/// An error while running a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TesteeError {
    /// The process could not be started, or has no pipes.
    #[error("testee {command:?} {doing}; check that the command runs in a shell")]
    Process {
        /// The command line.
        command: String,
        /// The step that failed.
        doing: &'static str,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The process ended without a reply.
    #[error(
        "testee ended without a reply to {request} ({status}){}",
        last_line(stderr)
    )]
    Ended {
        /// The request: `hello`, `reset` or `run`.
        request: &'static str,
        /// The exit status.
        status: String,
        /// Its stderr.
        stderr: String,
    },
    /// It printed a line that is not a valid reply.
    #[error("invalid reply {said:?} of the testee: {problem}; print each reply as one JSON line")]
    NoAnswer {
        /// The line, shortened.
        said: String,
        /// The parse error.
        problem: String,
    },
    /// It did not reply in time.
    #[error("timed out after {seconds} s waiting for the testee's reply to {request}")]
    Silent {
        /// The timeout.
        seconds: f64,
        /// The request: `hello`, `reset` or `run`.
        request: &'static str,
    },
    /// Its name is not valid.
    #[error(
        "invalid testee name {name:?}: expected 1 to 64 ASCII letters, digits, '-', '_' or '.', and no '.' at the start"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// It has another name than required.
    #[error(
        "testee {name:?} has another name than at its first start, {required:?}; let each reply to hello have the same name"
    )]
    OtherName {
        /// The name.
        name: String,
        /// The required name.
        required: String,
    },
    /// It names an ability that the protocol does not have.
    #[error("unknown ability {ability:?} of the testee{}; the abilities are {}", guess(ability), ABILITIES.join(", "))]
    Ability {
        /// The ability.
        ability: String,
    },
}

impl TesteeError {
    /// Returns the verdict for this error: of the testee or of the suite.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Ended { .. } | Self::NoAnswer { .. } => Verdict::Crashed,
            Self::Silent { .. } => Verdict::Silent,
            _ => Verdict::Error,
        }
    }
}

/// Suggests the ability that may be meant.
fn guess(ability: &str) -> String {
    let close = closest(ability, ABILITIES);
    close
        .first()
        .map_or_else(String::new, |close| format!("; did you mean {close}?"))
}

/// Returns the last line of stderr as the end of an error message.
fn last_line(stderr: &str) -> String {
    match stderr.trim_end().lines().last() {
        Some(line) => format!("; last line of stderr: {line:?}"),
        None => String::new(),
    }
}
