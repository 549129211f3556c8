//! Options that every operation has.

use crate::version::ApiVersion;

/// The version to request and the form of the response.
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
    /// The version to request; `None` requests the operation's newest.
    pub version: Option<ApiVersion>,
    /// Requests the status inside the body; `false` by default.
    pub envelope: bool,
    /// Requests an indented body; `false` by default.
    pub pretty: bool,
}

impl CallOptions {
    /// Sets the version to request.
    #[must_use]
    pub fn version(mut self, version: ApiVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// Sets whether the status is requested inside the body.
    #[must_use]
    pub fn envelope(mut self, on: bool) -> Self {
        self.envelope = on;
        self
    }

    /// Sets whether an indented body is requested.
    #[must_use]
    pub fn pretty(mut self, on: bool) -> Self {
        self.pretty = on;
        self
    }
}
