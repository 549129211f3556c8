//! Writes `fixtures/examples`: a request and a response of each operation.

use atlas_catalog::{Operation, Tag, Version};
use serde_json::{Map, Value, json};

use crate::example::{Extent, request, response, success};
use crate::files::Files;
use crate::json::pretty;
use crate::overrides::Overrides;

/// Adds the example file of each tag.
pub(crate) fn write(overrides: &Overrides, files: &mut Files) {
    for tag in Tag::all() {
        let examples: Map<String, Value> = tag
            .operations()
            .filter_map(|operation| {
                Some((operation.id().to_owned(), example(operation, overrides)?))
            })
            .collect();
        let path = format!("fixtures/examples/{}.json", slug(tag));
        files.add(path, pretty(&Value::Object(examples), usize::MAX));
    }
}

/// Returns a tag's name for files, such as `flex-clusters`.
pub(crate) fn slug(tag: Tag) -> String {
    let name = tag.name().to_ascii_lowercase();
    let words = name.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

/// Returns the example of an operation in its newest version.
pub(crate) fn example(operation: Operation, overrides: &Overrides) -> Option<Value> {
    let version = operation.version(None)?;
    let status = success(version)?;
    let mut example = json!({"version": version.name, "status": status});
    if let Some(body) = request(operation, version, overrides) {
        example["request"] = body;
    }
    match response(operation, version, Extent::Response, 0, overrides) {
        Some(body) => example["response"] = body,
        None => {
            if let Some(format) = format(version).filter(|format| *format != "json") {
                example["format"] = format.into();
            }
        }
    }
    Some(example)
}

/// Returns the requested format: JSON, or the only documented one.
pub(crate) fn format(version: &Version) -> Option<&str> {
    let formats: Vec<&str> = version.formats().collect();
    let json = formats.iter().find(|format| **format == "json");
    json.or(formats.first()).copied()
}

#[cfg(test)]
mod tests;
