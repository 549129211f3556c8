//! Writes the generated cases of all operations.

use atlas_catalog::{Operation, Tag, Version};
use serde_json::{Value, json};

use crate::examples::{format, slug};
use crate::files::Files;
use crate::json::listed;
use crate::overrides::Overrides;
use crate::world::World;
use crate::{client, list, role, server};

/// The first date of the API, for operations without one.
const FIRST: &str = "2023-01-01";
/// The nesting level from which a value is on one line, whatever its width.
const DEEP: usize = 5;
/// The maximum number of lines of a case; longer ones have each step or response on one line.
const MOST: usize = 24;

/// The inputs of the cases.
pub(crate) struct Sources {
    /// Corrections of examples.
    pub(crate) overrides: Overrides,
    /// The default world.
    pub(crate) world: World,
}

/// Adds the case file of each tag.
pub(crate) fn write(sources: &Sources, files: &mut Files) {
    for tag in Tag::all() {
        let path = format!("fixtures/cases/api/{}.json", slug(tag));
        files.add(path, listed(&of(tag, sources), DEEP, MOST));
    }
}

/// Returns the cases of the operations of a tag.
pub(crate) fn of(tag: Tag, sources: &Sources) -> Vec<Value> {
    let mut cases = Vec::new();
    for operation in tag.operations() {
        cases.extend(client::cases(operation, sources));
        cases.extend(list::case(operation, sources));
        cases.extend(server::cases(operation, sources));
        cases.extend(role::case(operation, sources));
    }
    cases
}

/// Returns a case without its call or flow.
pub(crate) fn head(id: &str, operation: Operation, requires: &str, source: &str) -> Value {
    json!({
        "id": format!("api/{id}"),
        "area": "api",
        "level": "MUST",
        "since": since(operation),
        "requires": requires,
        "source": source,
    })
}

/// Returns the first version with a date.
fn since(operation: Operation) -> &'static str {
    let mut versions = operation.versions().iter();
    let first = versions.find(|version| !version.is_preview());
    first.map_or(FIRST, |version| version.name.as_str())
}

/// Returns the stable versions except the newest one.
pub(crate) fn older(operation: Operation) -> impl Iterator<Item = &'static Version> {
    let newest = operation.version(None).map(|version| version.name.as_str());
    let versions = operation.versions().iter();
    versions.filter(move |version| !version.is_preview() && Some(version.name.as_str()) != newest)
}

/// Returns the media type of a version, in the requested format.
pub(crate) fn media_type(version: &Version) -> String {
    let format = format(version).unwrap_or("json");
    format!("application/vnd.atlas.{}+{format}", version.name)
}

#[cfg(test)]
mod tests;
