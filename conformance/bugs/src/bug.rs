//! A bug: its name, and the cases that are about it.

use std::fmt;

/// A way of being wrong that some case must catch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Bug {
    /// Its name, such as `accept-missing`.
    pub name: &'static str,
    /// The area of the cases that are about it; they are run first.
    pub area: &'static str,
}

impl Bug {
    pub(crate) const fn new(name: &'static str, area: &'static str) -> Self {
        Self { name, area }
    }

    /// The bug of `bugs` with this name, or [`NONE`] if it is asked for.
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

/// No bug: the relay or the server in front of the testee changes nothing, and every case passes.
pub const NONE: Bug = Bug::new("none", "");
