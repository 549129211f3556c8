//! What every call shares, whatever its operation.

use crate::version::ApiVersion;

/// The version to ask for and the form of the answer.
///
/// ```
/// use atlas_model::CallOptions;
///
/// let options = CallOptions::default().version("2024-08-05".parse()?).pretty(true);
/// assert!(options.pretty && !options.envelope);
/// # Ok::<(), atlas_model::VersionError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct CallOptions {
    /// The version to ask for; `None` asks for the operation's newest.
    pub version: Option<ApiVersion>,
    /// Asks for the status inside the body; `false` by default.
    pub envelope: bool,
    /// Asks for an indented body; `false` by default.
    pub pretty: bool,
}

impl CallOptions {
    /// Sets the version to ask for.
    #[must_use]
    pub fn version(mut self, version: ApiVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets whether the status is asked for inside the body.
    #[must_use]
    pub fn envelope(mut self, on: bool) -> Self {
        self.envelope = on;
        self
    }

    /// Sets whether an indented body is asked for.
    #[must_use]
    pub fn pretty(mut self, on: bool) -> Self {
        self.pretty = on;
        self
    }
}
