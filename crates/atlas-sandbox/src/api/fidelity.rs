//! The fidelity of an operation: how closely it follows Atlas.

use std::fmt;
use std::str::FromStr;

use atlas_catalog::Operation;

use crate::behaviour::behaviour;

/// How closely the responses of an operation follow Atlas. Each response of an operation names its
/// fidelity in the header `X-Sandbox-Fidelity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fidelity {
    /// The engine responds from the schemas and a resource store alone.
    Generic,
    /// The operation has its own behaviour, made from the documentation.
    Documented,
    /// The operation behaves as recorded responses of Atlas do.
    Recorded,
}

impl Fidelity {
    /// All fidelities, in ascending order.
    pub const ALL: [Self; 3] = [Self::Generic, Self::Documented, Self::Recorded];

    /// Returns the fidelity of an operation; `None` if Atlas has no operation with that id.
    pub fn of(operation: &str) -> Option<Self> {
        Operation::find(operation).map(of)
    }

    /// Returns the name, as in the header.
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

/// The error for a text that is not a fidelity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid fidelity: expected generic, documented or recorded")]
#[non_exhaustive]
pub struct FidelityError;

impl FromStr for Fidelity {
    type Err = FidelityError;

    fn from_str(text: &str) -> Result<Self, FidelityError> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or(FidelityError)
    }
}
