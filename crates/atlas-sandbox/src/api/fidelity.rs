//! How far an operation's answers can be relied on.

use std::fmt;
use std::str::FromStr;

use atlas_catalog::Operation;

use crate::behaviour::behaviour;

/// How far the answers of an operation can be relied on. Each answer of an operation says it in the
/// header `X-Sandbox-Fidelity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fidelity {
    /// The engine answers by itself, from the schemas and a resource store.
    Generic,
    /// It has behaviour of its own, made from what is documented.
    Documented,
    /// It behaves as recorded answers of Atlas do.
    Recorded,
}

impl Fidelity {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Generic, Self::Documented, Self::Recorded];

    /// The fidelity of an operation; `None` if Atlas has no operation of that id.
    pub fn of(operation: &str) -> Option<Self> {
        Operation::find(operation).map(of)
    }

    /// Its name, as the header has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Documented => "documented",
            Self::Recorded => "recorded",
        }
    }
}

/// The fidelity of an operation.
pub(crate) fn of(operation: Operation) -> Fidelity {
    behaviour(operation).map_or(Fidelity::Generic, |behaviour| behaviour.fidelity)
}

impl fmt::Display for Fidelity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no fidelity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid fidelity; expected generic, documented or recorded")]
#[non_exhaustive]
pub struct FidelityError;

impl FromStr for Fidelity {
    type Err = FidelityError;

    fn from_str(text: &str) -> Result<Self, FidelityError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or(FidelityError)
    }
}
