//! What every call shares, whatever its operation.

use crate::version::ApiVersion;

/// The version to ask for and the form of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CallOptions {
    /// The version to ask for; `None` asks for the operation's newest.
    pub version: Option<ApiVersion>,
    /// Asks for the status inside the body; `false` by default.
    pub envelope: bool,
    /// Asks for an indented body; `false` by default.
    pub pretty: bool,
}
