//! Differences between a requirement and the observation.

use std::fmt;

use serde::Serialize;

/// One difference: a place, the required and the observed value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The place, such as `request 2: header accept`.
    pub place: String,
    /// The required value.
    pub required: String,
    /// The observed value.
    pub seen: String,
    /// Whether recorded responses of Atlas have this difference too; it is then only a warning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_recorded: bool,
}

impl Difference {
    pub(crate) fn new(
        place: impl Into<String>,
        required: impl fmt::Display,
        seen: impl fmt::Display,
    ) -> Self {
        Self {
            place: place.into(),
            required: required.to_string(),
            seen: seen.to_string(),
            is_recorded: false,
        }
    }

    /// Marks the difference as one that recorded responses of Atlas have too.
    pub(crate) fn recorded(self) -> Self {
        Self {
            is_recorded: true,
            ..self
        }
    }

    /// Adds an outer place: `request 2: …`.
    pub(crate) fn within(self, place: impl fmt::Display) -> Self {
        Self {
            place: format!("{place}: {}", self.place),
            ..self
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            required,
            seen,
            ..
        } = self;
        write!(f, "{place}: required {required}, seen {seen}")
    }
}

/// Returns a text quoted and escaped, or `nothing` for `None`.
pub(crate) fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
}
