//! What every call shares, whatever its operation.

use crate::request_error::RequestError;
use crate::version::ApiVersion;

/// The version to ask for and the form of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// The version to ask for; `None` asks for the operation's newest.
    pub version: Option<ApiVersion>,
    /// Asks for the status inside the body; `false` by default.
    pub envelope: bool,
    /// Asks for an indented body; `false` by default.
    pub pretty: bool,
}

impl CallOptions {
    /// Reads `envelope` and `pretty` from a query; the last one of each counts, anything else is
    /// let pass.
    ///
    /// # Errors
    /// [`RequestError::Flag`] if one of them is neither `true` nor `false`.
    pub fn from_query(query: &str) -> Result<Self, RequestError> {
        let mut options = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (flag, parameter) = match name {
                "envelope" => (&mut options.envelope, "envelope"),
                "pretty" => (&mut options.pretty, "pretty"),
                _ => continue,
            };
            *flag = match value {
                "true" => true,
                "false" => false,
                _ => return Err(RequestError::Flag { parameter }),
            };
        }
        Ok(options)
    }
}
