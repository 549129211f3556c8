//! Removes users and passwords from URLs in a text, also from percent-encoded ones.

use std::borrow::Cow;
use std::ops::Range;

use super::redact::REDACTED;

/// The text without the users and passwords of its URLs; the rest is as it was. URLs may be encoded
/// several times, as in a parameter of a URL that is itself a parameter.
pub(super) fn hidden(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '%']) {
        return Cow::Borrowed(text);
    }
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut level: Vec<Byte> = text.bytes().enumerate().map(Byte::plain).collect();
    for _ in 0..=MAX_ENCODED {
        users(&level, &mut found);
        let decoded = decoded(&level);
        if decoded.len() == level.len() {
            break;
        }
        level = decoded;
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| (range.start, range.end));
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for range in found {
        if range.start >= end {
            shown.push_str(text.get(end..range.start).unwrap_or_default());
            shown.push_str(REDACTED);
        }
        end = end.max(range.end);
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(shown)
}

/// A decoded byte and its place in the text.
#[derive(Clone, Copy)]
struct Byte {
    value: u8,
    start: usize,
    end: usize,
}

impl Byte {
    fn plain((start, value): (usize, u8)) -> Self {
        let end = start + 1;
        Self { value, start, end }
    }
}

/// Adds the places of the users.
fn users(text: &[Byte], found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(scheme) = rest.windows(3).position(is_separator) else {
            break;
        };
        let authority = &rest[scheme + 3..];
        let length = authority.iter().position(|byte| ENDS.contains(&byte.value));
        let length = length.unwrap_or(authority.len());
        let user = authority[..length]
            .iter()
            .rposition(|byte| byte.value == b'@');
        if let Some(user) = user {
            found.push(rest[scheme + 2].end..authority[user].start);
        }
        at += scheme + 3;
    }
}

fn is_separator(bytes: &[Byte]) -> bool {
    bytes.iter().map(|byte| byte.value).eq(*b"://")
}

/// The text with one level of percent-encoding less.
fn decoded(text: &[Byte]) -> Vec<Byte> {
    let digit = |place: usize| {
        let byte: Option<&Byte> = text.get(place);
        byte.and_then(|byte| char::from(byte.value).to_digit(16))
    };
    let mut decoded = Vec::with_capacity(text.len());
    let mut place = 0;
    while let Some(byte) = text.get(place) {
        let digits = digit(place + 1).zip(digit(place + 2));
        let value = digits.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        let (value, length) = match value {
            Some(value) if byte.value == b'%' => (value, 3),
            _ => (byte.value, 1),
        };
        let last = text.get(place + length - 1).unwrap_or(byte);
        decoded.push(Byte {
            value,
            start: byte.start,
            end: last.end,
        });
        place += length;
    }
    decoded
}

/// The bytes that end the authority of a URL.
const ENDS: &[u8] = b"/?#\"'<>";

/// How many times a URL may be encoded.
const MAX_ENCODED: usize = 3;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::hidden;

    #[test]
    fn a_user_is_hidden_in_any_encoding_and_the_rest_stays() {
        for (given, shown) in [
            ("https://u:x@h/é", "https://(redacted)@h/é"),
            ("https://é%C3:x@h", "https://(redacted)@h"),
            ("https:%2F%2Fu:x@h", "https:%2F%2F(redacted)@h"),
            ("https:%2f%2fu:x%40h%2f", "https:%2f%2f(redacted)%40h%2f"),
            ("https://u:x%40h", "https://(redacted)%40h"),
            ("https://u:x%2Fy@h", "https://(redacted)@h"),
            (
                "https%3A%2F%2Fu%3Ax%252Fy%40h%2F",
                "https%3A%2F%2F(redacted)%40h%2F",
            ),
            (
                "%2Fa%3Fb%3Dhttps%253A%252F%252Fu%253Ax%2540h",
                "%2Fa%3Fb%3Dhttps%253A%252F%252F(redacted)%2540h",
            ),
            (
                "https://u:x@h/?a=https%3A%2F%2Fu%3Ax%40h",
                "https://(redacted)@h/?a=https%3A%2F%2F(redacted)%40h",
            ),
            ("https://u:x@y%40h", "https://(redacted)%40h"),
        ] {
            assert_eq!(hidden(given), shown);
        }
    }

    #[test]
    fn a_text_without_users_is_not_changed() {
        for text in [
            "",
            "%",
            "%4",
            "%zz@h",
            "é%40h",
            "a@b",
            "https://h/a@b",
            "https%3A%2F%2Fh%2Fa%40b",
            "https://h?a@b",
            "//a@b",
            "://",
        ] {
            assert!(
                matches!(hidden(text), Cow::Borrowed(it) if it == text),
                "{text}"
            );
        }
    }
}
