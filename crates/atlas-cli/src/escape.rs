//! Text from outside, made safe for a terminal and for one line.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Replaces every character that could move a cursor, break a line or reorder text by its JSON
/// escape, such as `\u001b` or `\n`.
///
/// Control characters (C0, DEL, C1), line and paragraph separators, bidirectional marks, and
/// characters without a width are replaced; everything else stays. The result is one line. It is
/// meant for people: a backslash stays as it is, so the escape cannot always be reversed.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    replace(text, is_unprintable)
}

/// As [`escape`], but line feeds stay: for a text of several lines whose parts are escaped, and
/// for JSON, which keeps its meaning.
pub(crate) fn escape_lines(text: &str) -> Cow<'_, str> {
    replace(text, |char| char != '\n' && is_unprintable(char))
}

fn replace(text: &str, replaced: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&replaced) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            char if !replaced(char) => escaped.push(char),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            char => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(escaped)
}

/// Whether a name can be used in a script and in a path without quotes.
pub(crate) fn is_program_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(fits)
}

/// Whether a character could control a terminal or be invisible.
pub(crate) fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_moves_a_cursor_or_reorders_text_is_shown_as_its_json_escape() {
        for (text, shown) in [
            ("Cluster0 ü 日本", "Cluster0 ü 日本"),
            ("a\u{1b}[2Jb", "a\\u001b[2Jb"),
            ("two\r\nlines\tand", "two\\r\\nlines\\tand"),
            ("\u{7f}\u{9b}\u{85}", "\\u007f\\u009b\\u0085"),
            ("a\u{202e}b\u{2066}c", "a\\u202eb\\u2066c"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(escape(text), shown);
        }
        assert_eq!(escape_lines("a\nb\u{1b}"), "a\nb\\u001b");
    }

    proptest! {
        #[test]
        fn an_escaped_text_is_one_printable_line_and_escaping_it_again_changes_nothing(
            text in proptest::collection::vec(any::<char>(), 0..40)
        ) {
            let text: String = text.into_iter().collect();
            let escaped = escape(&text).into_owned();
            prop_assert!(!escaped.chars().any(is_unprintable));
            prop_assert_eq!(escape(&escaped), escaped.as_str());
            prop_assert!(!escape_lines(&text).chars().any(|c| c != '\n' && is_unprintable(c)));
        }

        #[test]
        fn json_means_the_same_after_it_was_escaped(
            text in proptest::collection::vec(any::<char>(), 0..40)
        ) {
            let text: String = text.into_iter().collect();
            let value = serde_json::json!({"name": text, text.clone(): [1, null]});
            let json = serde_json::to_string_pretty(&value).unwrap();
            let read: serde_json::Value = serde_json::from_str(&escape_lines(&json)).unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
