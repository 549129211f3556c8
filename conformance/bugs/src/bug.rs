//! An injected bug.

use std::fmt;

/// An injected bug that some case must catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Bug {
    /// The name, such as `accept-missing`.
    pub name: &'static str,
    /// The area of the cases that are likely to catch it; they are run first.
    pub area: &'static str,
}

impl Bug {
    pub(crate) const fn new(name: &'static str, area: &'static str) -> Self {
        Self { name, area }
    }

    /// Returns the bug of `bugs`, or [`NONE`], with this name.
    pub fn find(bugs: &[Self], name: &str) -> Option<Self> {
        bugs.iter()
            .chain([&NONE])
            .find(|bug| bug.name == name)
            .copied()
    }

    pub(crate) fn is(self, name: &str) -> bool {
        self.name == name
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// No bug: the relay or the server changes nothing, and every case passes.
pub const NONE: Bug = Bug::new("none", "");
