//! A server under test.

use crate::fixtures::FixtureError;
use crate::variables::Variables;

/// A server under test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerTestee {
    /// Its name, for reports.
    pub name: String,
    /// Its version, for reports; may be empty.
    pub version: String,
    /// Where it answers: `http://host:port` or `https://host:port`.
    pub url: String,
    /// What differs from server to server.
    pub variables: Variables,
    /// Whether cases that write may be run where the world cannot be reset.
    pub allows_writes: bool,
}

impl ServerTestee {
    /// A server with the variables of the sandbox's default world, which is written to only if its
    /// world can be reset.
    ///
    /// # Errors
    /// [`FixtureError`]: the embedded variables are invalid.
    pub fn new(name: &str, url: &str) -> Result<Self, FixtureError> {
        Ok(Self {
            name: name.to_owned(),
            version: String::new(),
            url: url.trim_end_matches('/').to_owned(),
            variables: Variables::default_world()?,
            allows_writes: false,
        })
    }
}
