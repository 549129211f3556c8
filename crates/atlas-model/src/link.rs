//! Links: the web links of a resource, and the signed link to a snapshot.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::resource::unchecked;

/// A web link from one resource to another (RFC 8288).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Link {
    /// Where the link leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<CompactString>,
    /// How this resource relates to that one, for instance `self`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rel: Option<CompactString>,
}

impl Link {
    /// A link to `href` with the relation `rel`.
    pub fn new(href: &str, rel: &str) -> Self {
        Self {
            href: Some(href.into()),
            rel: Some(rel.into()),
        }
    }
}

unchecked!(Link, SnapshotUrl);

/// The signed link under which a snapshot can be fetched, for four hours and by anyone who has it.
///
/// A secret: `Debug` hides it, and there is no `Display`. It leads to an object store, not to
/// Atlas, and must be asked without `Authorization`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotUrl(CompactString);

impl SnapshotUrl {
    /// Takes a link as text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The link itself. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SnapshotUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotUrl([hidden])")
    }
}

/// Replaces every absolute URL in a text by `[link]`, so that an excerpt or an error message
/// cannot carry a signed one.
///
/// A URL is taken to run from its scheme to the next character that cannot stand in one.
pub(crate) fn hide_links(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, length)) = scheme_separator(rest) {
        let before = &rest[..at];
        let scheme = before
            .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        out.push_str(scheme);
        out.push_str("[link]");
        let after = &rest[at + length..];
        let end = after
            .find(|c: char| {
                c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`')
            })
            .unwrap_or(after.len());
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// Where the first `://` stands, plain or as JSON may escape it, and how long it is.
fn scheme_separator(text: &str) -> Option<(usize, usize)> {
    ["://", ":\\/\\/", "%3A%2F%2F", "%3a%2f%2f"]
        .iter()
        .filter_map(|separator| Some((text.find(separator)?, separator.len())))
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_url_survives_hiding() {
        let cases = [
            ("at https://a.example/b?sig=s3cret now", "at [link] now"),
            ("\"https:\\/\\/a.example\\/s3cret\"", "\"[link]\""),
            ("u=https%3A%2F%2Fa%2Fs3cret&v", "u=[link]"),
            ("a https://s3cret b http://s3cret", "a [link] b [link]"),
            ("no link: at all //", "no link: at all //"),
            ("://s3cret", "[link]"),
        ];
        for (text, expected) in cases {
            assert_eq!(hide_links(text), expected);
        }
    }

    #[test]
    fn a_snapshot_url_does_not_show_in_debug() {
        let url = SnapshotUrl::new("https://a.example/s3cret");
        assert!(!format!("{url:?}").contains("s3cret"));
    }
}
