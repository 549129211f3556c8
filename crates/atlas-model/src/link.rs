//! Links: the web links of a resource, and the signed link of a snapshot.

use std::fmt;

use compact_str::CompactString;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer, Serialize};

use crate::object::{self, Object};

/// A web link from one resource to another (RFC 8288).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Link {
    /// The target of the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<CompactString>,
    /// The relation of this resource to the target, for instance `self`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rel: Option<CompactString>,
}

impl Object for Link {
    const FIELDS: &'static [&'static str] = &["href", "rel"];

    fn set<'de, A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
        match field {
            0 => object::read(&mut self.href, "href", map),
            _ => object::read(&mut self.rel, "rel", map),
        }
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::deserialize(deserializer)
    }
}

impl Link {
    /// Creates a link to `href` with the relation `rel`.
    pub fn new(href: &str, rel: &str) -> Self {
        Self {
            href: Some(href.into()),
            rel: Some(rel.into()),
        }
    }

    /// Whether the link has this relation, ignoring case: alone, among several separated by spaces
    /// (RFC 8288 section 3.3), or as the last segment of a URL.
    pub(crate) fn is(&self, relation: &str) -> bool {
        let name = |rel: &str| rel.rsplit(['/', '#']).next().map(str::to_owned);
        let rels = self.rel.as_deref().unwrap_or_default().split_whitespace();
        rels.filter_map(name)
            .any(|name| name.eq_ignore_ascii_case(relation))
    }

    /// Returns the query of the target, ready for a request line; `None` if it has none.
    ///
    /// Accepts relative targets and targets with `&` escaped as in HTML. Characters that are
    /// invalid in a query are percent-encoded.
    pub(crate) fn query(&self) -> Option<String> {
        let mut href = self.href.as_deref()?.trim().to_owned();
        for escaped in ["&amp;", "&#38;", "&#x26;", "&#X26;"] {
            href = href.replace(escaped, "&");
        }
        let (target, _) = href.split_once('#').unwrap_or((&href, ""));
        let (_, query) = target.split_once('?')?;
        let query = query.trim();
        (!query.is_empty()).then(|| utf8_percent_encode(query, OUTSIDE_A_QUERY).to_string())
    }
}

/// The characters to escape in a query (RFC 3986 section 3.4), in addition to all non-ASCII ones.
const OUTSIDE_A_QUERY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The signed link of a snapshot's file, valid for four hours for everyone who has it.
///
/// It is a secret: `Debug` hides it, and there is no `Display`. It leads to an object store, not to
/// Atlas; request it without `Authorization`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotUrl(CompactString);

impl SnapshotUrl {
    /// Creates a link from its text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the link itself. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SnapshotUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotUrl([hidden])")
    }
}

/// Replaces every absolute URL in a text by `[link]`, so that an excerpt or an error message cannot
/// contain a signed one.
///
/// A URL extends from its scheme to the next character that is invalid in a URL.
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

/// The position and length of the first `://`, plain or escaped as in JSON.
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
    fn a_relation_is_found_among_others_and_at_the_end_of_a_url() {
        for rel in [
            "next",
            "NEXT",
            " next ",
            "last next",
            "https://a.example/rels/next",
            "https://a.example/rels#next",
        ] {
            assert!(Link::new("", rel).is("next"), "{rel}");
        }
        for rel in ["", "previous", "nextish", "https://a.example/next/self"] {
            assert!(!Link::new("", rel).is("next"), "{rel}");
        }
        assert!(!Link::default().is("next"));
    }

    #[test]
    fn the_query_of_a_link_is_fit_for_a_request_line() {
        for (href, query) in [
            ("https://a.example/b?c=1&d=2", "c=1&d=2"),
            ("?c=1", "c=1"),
            ("b?c=1#d?e", "c=1"),
            ("/b?c=1&amp;d=2&#38;e=3&#x26;f=4", "c=1&d=2&e=3&f=4"),
            ("/b?c=a b\u{e9}\r\n\"%20", "c=a%20b%C3%A9%0D%0A%22%20"),
            ("/b?c=1?d", "c=1?d"),
        ] {
            let read = Link::new(href, "next").query();
            assert_eq!(read.as_deref(), Some(query), "{href}");
        }
        for href in ["", "/b", "/b?", "/b#?c=1", "/b? "] {
            assert_eq!(Link::new(href, "next").query(), None, "{href}");
        }
    }

    #[test]
    fn a_snapshot_url_does_not_show_in_debug() {
        let url = SnapshotUrl::new("https://a.example/s3cret");
        assert!(!format!("{url:?}").contains("s3cret"));
    }
}
