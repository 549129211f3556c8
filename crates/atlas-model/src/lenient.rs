//! Removes values of unexpected types from JSON text, so that the rest can be read.
//!
//! Nothing here depends on the target type: serde reports where it stopped, and the node at that
//! position is removed from the text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::deviation::Deviation;
use crate::link::hide_links;
use crate::payload::Unfit;

/// The number of nodes that are removed from one body before it is refused.
pub(crate) const MAX_REMOVALS: usize = 32;

/// The total number of bytes that are parsed again before a body is refused.
const MAX_WORK: usize = 64 << 20;

/// Delimits the length of a union and the path to a node within it, in an error message.
const MARK: char = '\u{1}';

/// Parses repeatedly, each time without the node that failed.
///
/// # Errors
/// [`Unfit`] if the text is not JSON, is of a wrong type as a whole, or has more than
/// [`MAX_REMOVALS`] invalid nodes.
#[cold]
pub(crate) fn mend(
    text: &[u8],
    mut error: serde_json::Error,
    read: &mut dyn FnMut(&[u8]) -> Result<(), serde_json::Error>,
) -> Result<Vec<Deviation>, Unfit> {
    let Ok(original) = std::str::from_utf8(text) else {
        return Err(Unfit::new(
            "not the documented resource (invalid UTF-8)".to_owned(),
        ));
    };
    let mut text = Cow::Borrowed(original);
    let mut deviations: Vec<Deviation> = Vec::new();
    let mut taken_out: Vec<Vec<usize>> = Vec::new();
    let mut integers = 0;
    let mut work = 0;
    loop {
        work += text.len();
        let way = locate(&text, &error).unwrap_or_default();
        if let Some(rest) = with_integer(&text, &way, &error).filter(|_| integers < MAX_REMOVALS) {
            integers += 1;
            text = Cow::Owned(rest);
            match read(text.as_bytes()) {
                Ok(()) => return Ok(deviations),
                Err(next) => error = next,
            }
            continue;
        }
        let found = node(&text, &way).map_or("nothing", kind);
        let Some(rest) = remove(&text, &way) else {
            return Err(as_a_whole(&text, &error, &deviations));
        };
        let way = in_original(&way, &taken_out);
        deviations.push(Deviation::new(path(original, &way), problem(&error, found)));
        taken_out.push(way);
        if deviations.len() > MAX_REMOVALS || work > MAX_WORK {
            let paths: Vec<String> = deviations.iter().map(|it| shortened(it.path())).collect();
            return Err(Unfit::new(format!(
                "not the documented resource: too many fields do not fit: {}",
                paths.join(", ")
            )));
        }
        text = Cow::Owned(rest);
        match read(text.as_bytes()) {
            Ok(()) => return Ok(deviations),
            Err(next) => error = next,
        }
    }
}

/// The text with a number such as `5.0` written as an integer, if an integer is expected there.
fn with_integer(text: &str, way: &[usize], error: &serde_json::Error) -> Option<String> {
    let expects_integer = message(error).ends_with("expected i64");
    let number: f64 = expects_integer.then(|| node(text, way))??.parse().ok()?;
    // Beyond this, a double does not represent every integer.
    let is_integer = number.fract() == 0.0 && number.abs() < 9e15;
    is_integer.then(|| replace(text, way, &format!("{number:.0}")))?
}

/// The error of a union, with the path to the node within `object` that failed.
pub(crate) fn within(object: &str, error: &serde_json::Error) -> String {
    marked(
        object,
        &locate(object, error).unwrap_or_default(),
        &message(error),
    )
}

/// An error about a union as a whole.
pub(crate) fn of_whole(object: &str, message: &str) -> String {
    marked(object, &[], message)
}

fn marked(object: &str, way: &[usize], message: &str) -> String {
    let way: Vec<String> = way.iter().map(usize::to_string).collect();
    format!("{MARK}{}:{}{MARK}{message}", object.len(), way.join("."))
}

/// The path to the node of an error, as child indices from the root.
fn locate(text: &str, error: &serde_json::Error) -> Option<Vec<usize>> {
    if !error.is_data() {
        return None;
    }
    if let Some((length, within)) = mark(error) {
        // An error about a union that is the whole text has no position.
        let mut way = match error.line() {
            0 => Vec::new(),
            line => ending(text, offset(text, line, error.column())?, length)?,
        };
        way.extend(within);
        return Some(way);
    }
    let offset = offset(text, error.line(), error.column())?;
    let mut way = Vec::new();
    let mut node = text;
    loop {
        let start = position(text, node)?;
        // Errors about an object are at its end, errors about a key before its value.
        if offset >= start + node.trim_end().len() {
            break;
        }
        let Some(children) = Children::of(node) else {
            break;
        };
        let index = children.0.iter().position(|child| {
            position(text, child.text).is_some_and(|start| offset <= start + child.text.len())
        });
        let Some(index) = index else {
            break;
        };
        way.push(index);
        node = children.0[index].text;
        if position(text, node).is_none_or(|start| offset <= start) {
            break;
        }
    }
    Some(way)
}

/// The path to the last union of this length before `offset`. `serde_json` looks for the end of the
/// enclosing node before it assigns a position to the error: one more character may have been read.
fn ending(text: &str, offset: usize, length: usize) -> Option<Vec<usize>> {
    let mut way = Vec::new();
    let mut node = text;
    loop {
        let children = Children::of(node)?.0;
        let index = children
            .iter()
            .rposition(|child| position(text, child.text).is_some_and(|start| start < offset))?;
        way.push(index);
        node = children[index].text;
        let end = position(text, node)? + node.len();
        let marks = text.get(end..offset).map(str::trim);
        if node.len() == length && marks.is_some_and(|marks| marks.len() <= 1) {
            return Some(way);
        }
    }
}

/// The node at the end of a path.
fn node<'a>(text: &'a str, way: &[usize]) -> Option<&'a str> {
    way.iter().try_fold(text, |node, index| {
        Some(Children::of(node)?.0.get(*index)?.text)
    })
}

/// The text with the node at the end of a path replaced.
fn replace(text: &str, way: &[usize], with: &str) -> Option<String> {
    let node = node(text, way)?;
    let start = position(text, node)?;
    let (before, after) = (text.get(..start)?, text.get(start + node.len()..)?);
    Some(format!("{before}{with}{after}"))
}

/// The members of an object, as slices of its text; `None` if it is not an object.
pub(crate) fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let children = Children::of(text)?.0.into_iter();
    children
        .map(|child| Some((child.key?, child.text)))
        .collect()
}

/// The text without one of its nodes; `None` if the node is the root.
fn remove(text: &str, way: &[usize]) -> Option<String> {
    let (last, others) = way.split_last()?;
    let holder = node(text, others)?;
    let children = Children::of(holder)?;
    let mut rest = String::with_capacity(holder.len());
    let is_list = holder.trim_start().starts_with('[');
    rest.push(if is_list { '[' } else { '{' });
    for (index, child) in children.0.iter().enumerate() {
        if index == *last {
            continue;
        }
        if rest.len() > 1 {
            rest.push(',');
        }
        if let Some(key) = &child.key {
            rest.push_str(&serde_json::to_string(key).ok()?);
            rest.push(':');
        }
        rest.push_str(child.text);
    }
    rest.push(if is_list { ']' } else { '}' });
    replace(text, others, &rest)
}

/// Converts a path in the text with nodes removed to the path in the original text.
fn in_original(way: &[usize], taken_out: &[Vec<usize>]) -> Vec<usize> {
    let mut original = Vec::with_capacity(way.len());
    for index in way {
        let mut gone: Vec<usize> = taken_out
            .iter()
            .filter(|out| out.len() == original.len() + 1 && out.starts_with(&original))
            .filter_map(|out| out.last().copied())
            .collect();
        gone.sort_unstable();
        let before = gone
            .iter()
            .fold(*index, |index, out| index + usize::from(*out <= index));
        original.push(before);
    }
    original
}

/// A path as the API spells it: `results[0].id`.
fn path(text: &str, way: &[usize]) -> String {
    let mut path = String::new();
    let mut node = text;
    for index in way {
        let Some(Child { key, text }) =
            Children::of(node).and_then(|it| it.0.into_iter().nth(*index))
        else {
            return path;
        };
        match key {
            Some(key) if path.is_empty() => path.push_str(&key),
            Some(key) => {
                path.push('.');
                path.push_str(&key);
            }
            None => path.extend(["[", &index.to_string(), "]"]),
        }
        node = text;
    }
    path
}

/// The error for a text that is invalid as a whole, after these nodes were removed.
fn as_a_whole(text: &str, error: &serde_json::Error, taken_out: &[Deviation]) -> Unfit {
    // A text that is truncated further on is not JSON, even if nodes were removed before.
    let problem = match serde_json::from_str::<IgnoredAny>(text) {
        Err(syntax) => syntax.to_string(),
        Ok(_) if error.is_data() => problem(error, kind(text)),
        Ok(_) => hide_links(&error.to_string()),
    };
    let mut line = format!("not the documented resource ({problem})");
    for deviation in taken_out {
        line.push_str("; ");
        line.push_str(&shortened(&deviation.to_string()));
    }
    Unfit::new(line)
}

/// The beginning of a text, which may contain keys of the response.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Describes what is wrong, without the value.
fn problem(error: &serde_json::Error, found: &str) -> String {
    let message = message(error);
    match message.rsplit_once("expected ") {
        Some((_, expected)) => {
            let expected = match expected.split(' ').next() {
                Some("struct") => "an object",
                _ if expected == "a map" => "an object",
                _ if expected == "a sequence" => "a list",
                _ if expected == "i64" => "an integer",
                _ if expected == "f64" => "a number",
                _ => expected,
            };
            format!("{found}, expected {expected}")
        }
        None => hide_links(&message),
    }
}

/// The message of an error without its position.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    match text[..end].rsplit_once(MARK) {
        Some((_, message)) => message.to_owned(),
        None => text[..end].to_owned(),
    }
}

/// The length of a union and the path within it, if the error is about a union.
fn mark(error: &serde_json::Error) -> Option<(usize, Vec<usize>)> {
    let text = error.to_string();
    let mut parts = text.splitn(3, MARK);
    let (Some(""), Some(mark), Some(_)) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let (length, way) = mark.split_once(':')?;
    let way = way.split('.').filter_map(|index| index.parse().ok());
    Some((length.parse().ok()?, way.collect()))
}

/// The number of bytes before this line and column.
fn offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let mut start = 0;
    for _ in 1..line {
        start += text.get(start..)?.find('\n')? + 1;
    }
    Some(start + column)
}

/// The offset of `part`, a slice of `text`.
fn position(text: &str, part: &str) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)
}

/// The JSON type of a text.
pub(crate) fn kind(text: &str) -> &'static str {
    match text.trim_start().bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The members of an object or the elements of a list.
struct Children<'a>(Vec<Child<'a>>);

struct Child<'a> {
    key: Option<Cow<'a, str>>,
    text: &'a str,
}

impl<'a> Children<'a> {
    fn of(text: &'a str) -> Option<Self> {
        match text.trim_start().bytes().next()? {
            b'{' | b'[' => serde_json::from_str(text).ok(),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Children<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Children<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<&RawValue>()? {
                    check_room(items.len())?;
                    items.push(Child {
                        key: None,
                        text: item.get(),
                    });
                }
                Ok(Children(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    check_room(members.len())?;
                    members.push(Child {
                        key: Some(key),
                        text: value.get(),
                    });
                }
                Ok(Children(members))
            }
        }

        deserializer.deserialize_any(Members)
    }
}

/// The number of children of one node that are read; a node with more is not repaired.
const MAX_CHILDREN: usize = 100_000;

fn check_room<E: serde::de::Error>(children: usize) -> Result<(), E> {
    if children < MAX_CHILDREN {
        Ok(())
    } else {
        Err(E::custom("too many children"))
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests;
