//! The attempts of a call and the phases in which it waits.

use std::fmt;
use std::time::Duration;

use crate::retry::Outcome;

/// A phase in which a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The status line and headers.
    Head,
    /// The next bytes of the body.
    Body,
    /// The call as a whole.
    Call,
    /// A challenge, a token or a turn before the request. Nothing has been sent.
    Turn,
    /// The last page of a list.
    List,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "response headers",
            Self::Body => "the response body",
            Self::Turn => "an access token, a challenge, or a turn before the rate limit",
            Self::Call => "the call to complete",
            Self::List => "the last page; the list is incomplete",
        })
    }
}

/// The attempts of one call that were followed by another, in order.
///
/// Also in the extensions of a response from [`Client::execute`](crate::Client::execute).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts(pub Vec<Attempt>);

/// One attempt that was followed by another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// How the attempt ended.
    pub outcome: Outcome,
    /// The wait before the next attempt.
    pub delay: Duration,
}
