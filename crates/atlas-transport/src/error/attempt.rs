//! What a call waited for, and how it went before its end.

use std::fmt;
use std::time::Duration;

use crate::retry::Outcome;

/// What a call can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The status line and headers.
    Head,
    /// The next bytes of the body.
    Body,
    /// The call as a whole.
    Call,
    /// A challenge, a token or a turn that comes before the request. Nothing was sent by then.
    Turn,
    /// The last page of a list.
    List,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "response headers",
            Self::Body => "the response body",
            Self::Turn => "an access token, a challenge, or its turn before the rate limit",
            Self::Call => "the call to complete",
            Self::List => "the last page; the list is incomplete",
        })
    }
}

/// The attempts of one call that were followed by another, in their order.
///
/// Also stands in the extensions of a response that [`Client::execute`](crate::Client::execute) gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts(pub Vec<Attempt>);

/// One attempt that was followed by another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// How it ended.
    pub outcome: Outcome,
    /// How long was waited before the next.
    pub delay: Duration,
}
