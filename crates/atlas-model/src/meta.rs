//! Facts about an operation that building requests and reading responses need.

use http::Method;
use jiff::civil::Date;

use crate::version::{ApiVersion, Format};

/// The facts about one operation.
///
/// Created by a `const` constructor and `const` setters, so that it can be declared in any crate:
///
/// ```
/// use atlas_model::{OperationMeta, Version};
/// use http::Method;
///
/// const META: OperationMeta = OperationMeta::new(
///     "getGroupWidget",
///     Method::GET,
///     "/api/atlas/v2/groups/{groupId}/widgets/{widgetName}",
///     &[Version::new(2025, 3, 12)],
/// )
/// .tag("Widgets", "getWidget")
/// .roles(&["Project Read Only"]);
///
/// assert_eq!(META.newest().version.to_string(), "2025-03-12");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct OperationMeta {
    /// The API's `operationId`.
    pub id: &'static str,
    /// The short name in `atlas api TAG NAME`; the id if there is none.
    pub short_id: &'static str,
    /// The tag that the API documents it under; empty if there is none.
    pub tag: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path, with `{name}` for each parameter. Text may follow a parameter.
    pub path: &'static str,
    /// Its versions, oldest first; never empty.
    pub versions: &'static [Version],
    /// The documented roles, any one of which is sufficient; empty if none is documented.
    pub roles: &'static [&'static str],
    /// The id of the operation to use instead, if there is one.
    pub successor: Option<&'static str>,
    /// The format of the response body.
    pub format: Format,
    /// Whether it supports the parameter `pretty`.
    pub pretty: bool,
    /// Whether it supports the parameter `envelope`.
    pub envelope: bool,
}

/// One version of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Version {
    /// The version: a date or `preview`.
    pub version: ApiVersion,
    /// Its sunset date.
    pub sunset: Option<Date>,
}

impl Version {
    /// Creates the version of this date.
    ///
    /// # Panics
    /// If the date does not exist; in a constant, this is a compile error.
    pub const fn new(year: i16, month: i8, day: i8) -> Self {
        Self {
            version: ApiVersion::new(Date::constant(year, month, day)),
            sunset: None,
        }
    }

    /// The preview version.
    pub const fn preview() -> Self {
        Self {
            version: ApiVersion::PREVIEW,
            sunset: None,
        }
    }

    /// Sets the sunset date.
    ///
    /// # Panics
    /// If the date does not exist; in a constant, this is a compile error.
    #[must_use]
    pub const fn sunset(mut self, year: i16, month: i8, day: i8) -> Self {
        self.sunset = Some(Date::constant(year, month, day));
        self
    }
}

impl OperationMeta {
    /// Creates the facts of a JSON operation with `pretty` and `envelope`; `versions` are oldest
    /// first.
    ///
    /// # Panics
    /// If `versions` is empty, the path does not begin with a slash, or a brace in it is unmatched;
    /// in a constant, this is a compile error.
    pub const fn new(
        id: &'static str,
        method: Method,
        path: &'static str,
        versions: &'static [Version],
    ) -> Self {
        assert!(
            !versions.is_empty(),
            "an operation has at least one version"
        );
        assert!(
            is_template(path),
            "a path begins with a slash, and its braces come in pairs"
        );
        Self {
            id,
            short_id: id,
            tag: "",
            method,
            path,
            versions,
            roles: &[],
            successor: None,
            format: Format::Json,
            pretty: true,
            envelope: true,
        }
    }

    /// Sets the tag it is documented under, and its short name.
    #[must_use]
    pub const fn tag(mut self, tag: &'static str, short_id: &'static str) -> Self {
        self.tag = tag;
        self.short_id = short_id;
        self
    }

    /// Sets the documented roles, any one of which is sufficient.
    #[must_use]
    pub const fn roles(mut self, roles: &'static [&'static str]) -> Self {
        self.roles = roles;
        self
    }

    /// Sets the id of the operation to use instead.
    #[must_use]
    pub const fn successor(mut self, id: &'static str) -> Self {
        self.successor = Some(id);
        self
    }

    /// Sets the format of the response body.
    #[must_use]
    pub const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Declares that it does not support `pretty`.
    #[must_use]
    pub const fn without_pretty(mut self) -> Self {
        self.pretty = false;
        self
    }

    /// Declares that it does not support `envelope`.
    #[must_use]
    pub const fn without_envelope(mut self) -> Self {
        self.envelope = false;
        self
    }

    /// Returns the newest version.
    pub const fn newest(&self) -> Version {
        self.versions[self.versions.len() - 1]
    }

    /// Returns the oldest version.
    pub const fn oldest(&self) -> Version {
        self.versions[0]
    }

    /// Returns the version that responds to a request for `asked`: the newest that is not newer.
    pub fn answered(&self, asked: ApiVersion) -> Option<Version> {
        let not_newer = |version: &&Version| version.version <= asked;
        self.versions.iter().rev().find(not_newer).copied()
    }

    /// Returns the sunset date of the newest version, if there is one.
    pub const fn sunset(&self) -> Option<Date> {
        self.newest().sunset
    }

    /// Returns the tag as `atlas api` spells it: `Shared-Tier Snapshots` is `sharedTierSnapshots`,
    /// and `Programmatic API Keys` is `programmaticApiKeys`.
    pub fn tag_command(&self) -> String {
        let mut command = String::with_capacity(self.tag.len());
        let mut before = ' ';
        for c in self.tag.chars().filter(|c| *c != '.') {
            let begins = !before.is_ascii_alphanumeric()
                || before.is_ascii_lowercase() && c.is_ascii_uppercase();
            if c.is_ascii_alphanumeric() {
                command.push(if begins && !command.is_empty() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                });
            }
            before = c;
        }
        command
    }

    /// Returns the raw path parameters of `path`, if the path belongs to this operation.
    pub fn captures<'a>(&self, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
        let mut captures = Vec::new();
        let mut segments = path.split('/');
        for expected in self.path.split('/') {
            let segment = segments.next()?;
            match parameter(expected) {
                Some((name, suffix)) => captures.push((name, segment.strip_suffix(suffix)?)),
                None if expected == segment => {}
                None => return None,
            }
        }
        segments.next().is_none().then_some(captures)
    }
}

/// Splits the segment `{name}text` of a path template into the name and the text after it.
pub(crate) fn parameter(segment: &str) -> Option<(&str, &str)> {
    segment.strip_prefix('{')?.split_once('}')
}

/// Whether a path begins with a slash and each segment is text, or `{name}` with optional text
/// after it.
const fn is_template(path: &str) -> bool {
    let bytes = path.as_bytes();
    if bytes.is_empty() || bytes[0] != b'/' {
        return false;
    }
    let mut open = false;
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                if open || bytes[at - 1] != b'/' {
                    return false;
                }
                open = true;
            }
            b'}' => {
                if !open || bytes[at - 1] == b'{' {
                    return false;
                }
                open = false;
            }
            b'/' if open => return false,
            _ => {}
        }
        at += 1;
    }
    !open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_template_only_with_whole_names() {
        for path in ["/a", "/a/{b}", "/a/{b}:c/{d}.gz", "/{a}"] {
            assert!(is_template(path), "{path}");
        }
        for path in [
            "",
            "a",
            "/a/{b",
            "/a/b}",
            "/a/{}",
            "/a/b{c}",
            "/a/{b{c}}",
            "/a/{b/c}",
        ] {
            assert!(!is_template(path), "{path}");
        }
    }

    #[test]
    fn a_path_is_captured_with_the_text_behind_a_name() {
        const META: OperationMeta =
            OperationMeta::new("a", Method::GET, "/a/{b}.gz", &[Version::preview()]);
        assert_eq!(META.captures("/a/log.gz"), Some(vec![("b", "log")]));
        assert_eq!(META.captures("/a/log"), None);
        assert_eq!(META.captures("/a/log.gz/c"), None);
    }
}
