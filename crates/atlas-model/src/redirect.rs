//! The target of a redirect, without its secrets.

use crate::api_error::OneLine;

/// The number of characters of a target that are shown.
const SHOWN: usize = 200;

/// The target of a `Location` in a form that may be shown: host and path in one line.
///
/// The user, the query, the fragment and everything from a semicolon are left out, since they can
/// contain a token or a session. If the target is neither a path nor a URL with a host, only the
/// scheme is shown.
pub(crate) fn shown(location: &[u8]) -> String {
    let text = String::from_utf8_lossy(location);
    let text = text.trim();
    let end = text
        .char_indices()
        .find(|(at, c)| {
            let escaped = text.get(*at..at + 3);
            matches!(c, '?' | '#' | ';') || escaped.is_some_and(is_escaped_end)
        })
        .map_or(text.len(), |(at, _)| at);
    let text = &text[..end];
    let start = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => {
            if !rest.starts_with("//") {
                return format!("{}:", OneLine(scheme));
            }
            scheme.len() + 3
        }
        _ if text.starts_with("//") => 2,
        _ => 0,
    };
    let (scheme, rest) = text.split_at(start);
    let (host, path) = match rest.find(['/', '\\']) {
        Some(at) if start > 0 => rest.split_at(at),
        _ if start > 0 => (rest, ""),
        _ => ("", rest),
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let shown = OneLine(&format!("{scheme}{host}{path}")).to_string();
    match shown.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// An escaped `?`, `#` or `;`.
fn is_escaped_end(text: &str) -> bool {
    ["%3f", "%23", "%3b"]
        .iter()
        .any(|escaped| text.eq_ignore_ascii_case(escaped))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_as_host_and_path_without_what_may_be_secret() {
        for (location, expected) in [
            (
                "https://login.example/sign-in",
                "https://login.example/sign-in",
            ),
            (
                "https://login.example/sign-in?token=s3cret#s3cret",
                "https://login.example/sign-in",
            ),
            (
                "https://u:s3cret@login.example:8443/",
                "https://login.example:8443/",
            ),
            ("https://u:s3@cret@login.example", "https://login.example"),
            ("//u:s3cret@login.example/a", "//login.example/a"),
            ("/login;jsessionid=s3cret", "/login"),
            ("/login%3Ftoken=s3cret", "/login"),
            ("/login%3bs3cret", "/login"),
            ("/a@b/c:d", "/a@b/c:d"),
            ("login", "login"),
            ("?s3cret", ""),
            ("data:text/html,s3cret", "data:"),
            ("https:s3cret", "https:"),
            (" /a\u{1b}[2J\u{202e}b ", "/a [2J b"),
        ] {
            assert_eq!(shown(location.as_bytes()), expected, "{location}");
        }
        assert_eq!(shown(b"/\xff"), "/\u{fffd}");
        let long = format!("https://login.example/{}", "a".repeat(10_000));
        assert_eq!(shown(long.as_bytes()).chars().count(), SHOWN + 1);
    }
}
