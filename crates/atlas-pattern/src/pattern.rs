//! The enforced patterns, found by their source.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::characters::Characters;
use crate::dfa::Dfa;
use crate::table::TABLE;

/// A documented pattern that is enforced before a request is sent.
///
/// There is one for each distinct source; two are equal if their sources are.
#[derive(Clone, Copy)]
pub struct Pattern(&'static Entry);

/// A row of the generated table.
pub(crate) struct Entry {
    pub(crate) source: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) matcher: Matcher,
}

/// How a text is matched.
pub(crate) enum Matcher {
    /// By a function of this crate.
    Function(fn(&str) -> bool),
    /// By a table of states.
    Table(Dfa),
    /// By a set of characters that includes letters and numbers of any script.
    Characters(&'static Characters),
}

impl Pattern {
    /// Finds the pattern with this source, as the API description spells it.
    ///
    /// `None` if the source is unknown or the pattern is not enforced.
    pub fn find(source: &str) -> Option<Self> {
        TABLE
            .binary_search_by(|entry| entry.source.cmp(source))
            .ok()
            .and_then(|index| TABLE.get(index))
            .map(Self)
    }

    /// Returns every enforced pattern, ordered by source.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// Whether the text matches this pattern.
    pub fn is_match(self, text: &str) -> bool {
        match &self.0.matcher {
            Matcher::Function(is_match) => is_match(text),
            Matcher::Table(dfa) => dfa.is_match(text),
            Matcher::Characters(characters) => characters.is_match(text),
        }
    }

    /// Returns the pattern as the API description spells it.
    pub fn source(self) -> &'static str {
        self.0.source
    }

    /// Returns the phrase that an error shows after "expected", such as "24 lowercase hex digits".
    pub fn expected(self) -> &'static str {
        self.0.expected
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.source == other.0.source
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.source.cmp(other.0.source)
    }
}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.source.hash(state);
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.0.source)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.source)
    }
}
