//! Removes secrets from URLs and texts with URLs.

use std::borrow::Cow;

use super::redact::REDACTED;
use super::users;
use crate::object_store;
use crate::secret_names::is_secret_name;

/// The target, or a text that may be a URL, without the values of secret parameters and without
/// users and passwords of URLs in it. The whole query of a snapshot link is secret.
pub(super) fn target(target: &str) -> String {
    let (path, query) = target.split_at(target.find('?').unwrap_or(target.len()));
    let mut shown = users::hidden(path).into_owned();
    for part in query.split_inclusive('&') {
        shown.push_str(&users::hidden(part));
    }
    without_parameters(&shown)
}

fn without_parameters(target: &str) -> String {
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
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        let end = word.trim_end().len();
        let hidden = users::hidden(&word[..end]);
        if word.starts_with('/') {
            shown.push_str(&target(&word[..end]));
        } else if hidden.contains("://") {
            shown.push_str(&without_parameters(&hidden));
        } else {
            shown.push_str(&hidden);
        }
        shown.push_str(&word[end..]);
    }
    if shown == text {
        return Cow::Borrowed(text);
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
            ("/a?b=https://c&d=e@f#g@h", "/a?b=https://c&d=e@f#g@h"),
            (
                "/a/https://u:x@b?c=https://u:x;y@d/&e=f@g",
                "/a/https://(redacted)@b?c=https://(redacted)@d/&e=f@g",
            ),
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
            (
                "/a?b=https://c&d=e@f&pw=x",
                "/a?b=https://c&d=e@f&pw=(redacted)",
            ),
            (
                "https%3A%2F%2Fu%3Ax%40a and",
                "https%3A%2F%2F(redacted)%40a and",
            ),
        ] {
            assert_eq!(text(given), shown);
        }
    }
}
