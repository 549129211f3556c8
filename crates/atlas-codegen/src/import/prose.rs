//! Distinguishes names and values from sentences: the facts must not contain prose.

use serde_json::Value;

use crate::error::{Error, shown};

/// Whether a text is too long for a name or a value.
pub(super) fn is_prose(text: &str) -> bool {
    text.split_whitespace().count() > MAX_WORDS || text.chars().count() > MAX_LENGTH
}

/// Whether a value contains prose, at any depth.
pub(super) fn holds_prose(value: &Value) -> bool {
    match value {
        Value::String(text) => is_prose(text),
        Value::Array(list) => list.iter().any(holds_prose),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| is_prose(key) || holds_prose(value)),
        _ => false,
    }
}

/// Whether a pattern is prose rather than a pattern.
pub(super) fn is_long_pattern(text: &str) -> bool {
    text.split_whitespace().count() > MAX_WORDS || text.len() > MAX_PATTERN
}

/// Refuses a name that is prose.
pub(super) fn name(text: &str, place: &str) -> Result<(), Error> {
    if is_prose(text) {
        let what = format!(
            "invalid name \"{}\": expected at most {MAX_WORDS} words and {MAX_LENGTH} characters",
            shown(text)
        );
        return Err(Error::at(place, what));
    }
    Ok(())
}

/// Refuses a tag that is not a few words.
pub(super) fn tag(text: &str, place: &str) -> Result<(), Error> {
    let fits = |c: char| c.is_ascii_alphanumeric() || " ,.&'()/-".contains(c);
    if text.is_empty() || !text.chars().all(fits) || is_prose(text) {
        let what = format!(
            "invalid tag \"{}\": expected at most {MAX_WORDS} words",
            shown(text)
        );
        return Err(Error::at(place, what));
    }
    Ok(())
}

/// Refuses an invalid identifier.
pub(super) fn identifier(text: &str, place: &str) -> Result<(), Error> {
    if is_identifier(text) {
        return Ok(());
    }
    let what = format!(
        "invalid identifier \"{}\": expected letters and digits, {MAX_LENGTH} at most",
        shown(text)
    );
    Err(Error::at(place, what))
}

/// Whether a character is a letter, a digit, or a word separator.
pub(super) fn is_identifier(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !text.is_empty() && text.len() <= MAX_LENGTH && text.chars().all(fits)
}

/// Refuses an invalid calendar date.
pub(super) fn date(text: &str, place: &str) -> Result<(), Error> {
    if is_date(text) {
        return Ok(());
    }
    let what = format!(
        "invalid date \"{}\": expected YYYY-MM-DD, such as 2025-03-12",
        shown(text)
    );
    Err(Error::at(place, what))
}

/// Parses a calendar date, YYYY-MM-DD.
pub(super) fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Refuses an invalid server URL.
pub(super) fn server(url: &str, place: &str) -> Result<(), Error> {
    let rest = ["https://", "http://"].map(|scheme| url.strip_prefix(scheme));
    let host = rest.into_iter().flatten().next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c);
    if host.is_empty() || url.len() > MAX_LENGTH || !url.chars().all(fits) {
        let what = format!(
            "invalid URL \"{}\": expected one such as https://cloud.mongodb.com",
            shown(url)
        );
        return Err(Error::at(place, what));
    }
    Ok(())
}

/// The longest tag of the published description has 7 words, the longest value 4.
const MAX_WORDS: usize = 8;

/// The longest name or value of the published description has 74 characters.
const MAX_LENGTH: usize = 120;

/// The longest pattern of the published description has 274 characters.
const MAX_PATTERN: usize = 1000;
