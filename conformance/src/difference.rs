//! What a testee did otherwise than a case requires.

use std::fmt;

use serde::Serialize;

/// One difference: where, what was required there, what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where, such as `request 2: header accept`.
    pub place: String,
    /// What was required there.
    pub required: String,
    /// What was seen there.
    pub seen: String,
    /// Recorded answers of Atlas differ from the facts in this way too, so that it only warns.
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

    /// The same difference, as one that recorded answers of Atlas have too.
    pub(crate) fn recorded(self) -> Self {
        Self {
            is_recorded: true,
            ..self
        }
    }

    /// The same difference in a larger place: `request 2: …`.
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

/// A text in quotes, escaped; `nothing` where there is none.
pub(crate) fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
}
