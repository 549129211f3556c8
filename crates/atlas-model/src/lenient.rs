//! Takes what does not fit out of a JSON text, so that the rest can be read.
//!
//! Nothing here depends on the type that is read: serde says where it stopped, and the node that
//! stands there is removed from the text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::deviation::Deviation;
use crate::link::hide_links;
use crate::payload::Unfit;

/// How many nodes of one answer are taken out before it is given up.
pub(crate) const MAX_REMOVALS: usize = 32;

/// How many bytes are read again, in all, before an answer is given up.
const MAX_WORK: usize = 64 << 20;

/// Marks the length of a union and the way to a node within it, in the message of an error.
const MARK: char = '\u{1}';

/// Reads again and again, each time without the node that did not fit.
///
/// # Errors
/// [`Unfit`] if the text is not JSON, does not fit as a whole, or more than [`MAX_REMOVALS`] nodes
/// do not.
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

/// The text with a number such as `5.0` as the integer that is expected in its place, and that it is.
fn with_integer(text: &str, way: &[usize], error: &serde_json::Error) -> Option<String> {
    let expects_integer = message(error).ends_with("expected i64");
    let number: f64 = expects_integer.then(|| node(text, way))??.parse().ok()?;
    // Beyond this, not every integer is a number of JSON.
    let is_integer = number.fract() == 0.0 && number.abs() < 9e15;
    is_integer.then(|| replace(text, way, &format!("{number:.0}")))?
}

/// The error of a union, with the way to the node within `object` that did not fit.
pub(crate) fn within(object: &str, error: &serde_json::Error) -> String {
    marked(
        object,
        &locate(object, error).unwrap_or_default(),
        &message(error),
    )
}

/// An error of a union as a whole.
pub(crate) fn of_whole(object: &str, message: &str) -> String {
    marked(object, &[], message)
}

fn marked(object: &str, way: &[usize], message: &str) -> String {
    let way: Vec<String> = way.iter().map(usize::to_string).collect();
    format!("{MARK}{}:{}{MARK}{message}", object.len(), way.join("."))
}

/// The way to the node that an error is about: which child, which child of that one, and so on.
fn locate(text: &str, error: &serde_json::Error) -> Option<Vec<usize>> {
    if !error.is_data() {
        return None;
    }
    if let Some((length, within)) = mark(error) {
        // The error of a union that is the whole text has no place.
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
        // The errors of an object come at its end, those of a key before its value.
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

/// The way to the union of this length that was read before `offset`. `serde_json` looks for the end
/// of what holds it before it gives the error a place: one mark may have been read as well.
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

/// The node at the end of a way.
fn node<'a>(text: &'a str, way: &[usize]) -> Option<&'a str> {
    way.iter().try_fold(text, |node, index| {
        Some(Children::of(node)?.0.get(*index)?.text)
    })
}

/// The text with another node at the end of a way.
fn replace(text: &str, way: &[usize], with: &str) -> Option<String> {
    let node = node(text, way)?;
    let start = position(text, node)?;
    let (before, after) = (text.get(..start)?, text.get(start + node.len()..)?);
    Some(format!("{before}{with}{after}"))
}

/// The members of an object, as they stand in its text; `None` if it is not one.
pub(crate) fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let children = Children::of(text)?.0.into_iter();
    children
        .map(|child| Some((child.key?, child.text)))
        .collect()
}

/// A text without one of its nodes; `None` if that is the whole.
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

/// The way to a node in the text as it came, from that in the text without what was taken out.
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

/// A way as the API spells it: `results[0].id`.
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

/// A text that does not fit as a whole, after this was taken out.
fn as_a_whole(text: &str, error: &serde_json::Error, taken_out: &[Deviation]) -> Unfit {
    // A text that breaks off further on is no JSON, whatever did not fit before.
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

/// The beginning of a text, which may hold the keys of an answer.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is wrong, without the value.
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

/// The message of an error without its place.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    match text[..end].rsplit_once(MARK) {
        Some((_, message)) => message.to_owned(),
        None => text[..end].to_owned(),
    }
}

/// The length of a union and the way within it, if the error is of one.
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

/// How many bytes of a text were read up to this line and column.
fn offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let mut start = 0;
    for _ in 1..line {
        start += text.get(start..)?.find('\n')? + 1;
    }
    Some(start + column)
}

/// Where `part`, which is a part of `text`, begins.
fn position(text: &str, part: &str) -> Option<usize> {
    (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)
}

/// What a JSON text is.
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

/// How many children of one node are looked at; what has more is not mended.
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
