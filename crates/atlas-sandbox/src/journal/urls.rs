//! Removes secrets from URLs and texts with URLs.

use std::borrow::Cow;

use super::redact::REDACTED;
use crate::object_store;
use crate::secret_names::is_secret_name;

/// The target, or a text that may be a URL, without the values of secret parameters. The whole
/// query of a snapshot link is secret.
pub(super) fn target(target: &str) -> String {
    let Some(start) = target.find(['?', ';', '#']) else {
        return target.to_owned();
    };
    let (path, parameters) = target.split_at(start);
    if path.contains(object_store::PREFIX) {
        return format!("{path}?{REDACTED}");
    }
    let mut shown = path.to_owned();
    for part in parameters.split_inclusive(['?', '&', ';', '#']) {
        let end = part.len() - usize::from(part.ends_with(['?', '&', ';', '#']));
        let (pair, separator) = part.split_at(end);
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = form_urlencoded::parse(name.as_bytes()).next();
        let decoded = decoded.map_or(Cow::Borrowed(""), |(name, _)| name);
        if !value.is_empty() && is_secret_name(&decoded) {
            shown.push_str(name);
            shown.push('=');
            shown.push_str(REDACTED);
        } else {
            shown.push_str(pair);
        }
        shown.push_str(separator);
    }
    shown
}

/// The text without users, passwords and secret parameters of URLs.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let end = word.trim_end().len();
        if word.contains("://") {
            shown.push_str(&target(&without_users(&word[..end])));
            shown.push_str(&word[end..]);
        } else {
            shown.push_str(word);
        }
    }
    Cow::Owned(shown)
}

/// A host without a preceding user and password.
pub(super) fn host(host: &str) -> Cow<'_, str> {
    match host.rsplit_once('@') {
        Some((_, host)) => Cow::Owned(format!("{REDACTED}@{host}")),
        None => Cow::Borrowed(host),
    }
}

/// A word without the user part of its URLs.
fn without_users(word: &str) -> String {
    let mut parts = word.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['/', '?', '#', '"', '\'', '<', '>']);
        let (authority, rest) = part.split_at(end.unwrap_or(part.len()));
        shown.push_str("://");
        shown.push_str(&host(authority));
        shown.push_str(rest);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{target, text};

    #[test]
    fn parameters_are_separated_by_every_separator_that_servers_accept() {
        for (given, shown) in [
            (
                "/a?b=1;password=x&pw=y",
                "/a?b=1;password=(redacted)&pw=(redacted)",
            ),
            ("/a#access_token=x", "/a#access_token=(redacted)"),
            ("/a;pw=x?b=c", "/a;pw=(redacted)?b=c"),
            ("/a?b=c?sig=x", "/a?b=c?sig=(redacted)"),
            ("/a?token=&;x", "/a?token=&;x"),
            ("/a", "/a"),
        ] {
            assert_eq!(target(given), shown);
        }
    }

    #[test]
    fn users_in_hosts_are_not_shown() {
        for (given, shown) in [
            (
                "https://u:x@a.example/b@c",
                "https://(redacted)@a.example/b@c",
            ),
            (
                "see mongodb+srv://u:x@y@a now",
                "see mongodb+srv://(redacted)@a now",
            ),
            (
                "https://a.example/?auth=x and",
                "https://a.example/?auth=(redacted) and",
            ),
            ("a@b.example", "a@b.example"),
        ] {
            assert_eq!(text(given), shown);
        }
    }
}
