//! The parts that all cases share.

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
/// How many levels down a case is on one line whatever its width.
const DEEP: usize = 5;
/// How many lines a case may have; longer ones have each step or answer on one line.
const MOST: usize = 24;

/// The inputs of the cases.
pub(crate) struct Sources {
    /// Corrections of examples.
    pub(crate) overrides: Overrides,
    /// The default world.
    pub(crate) world: World,
}

/// Adds the file of each tag.
pub(crate) fn write(sources: &Sources, files: &mut Files) {
    for tag in Tag::all() {
        let path = format!("fixtures/cases/api/{}.json", slug(tag));
        files.add(path, listed(&of(tag, sources), DEEP, MOST));
    }
}

/// The cases of the operations of a tag.
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

/// A case without what it asks.
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

/// The first version that has a date.
fn since(operation: Operation) -> &'static str {
    let mut versions = operation.versions().iter();
    let first = versions.find(|version| !version.is_preview());
    first.map_or(FIRST, |version| version.name.as_str())
}

/// The stable versions before the newest one.
pub(crate) fn older(operation: Operation) -> impl Iterator<Item = &'static Version> {
    let newest = operation.version(None).map(|version| version.name.as_str());
    let versions = operation.versions().iter();
    versions.filter(move |version| !version.is_preview() && Some(version.name.as_str()) != newest)
}

/// The media type of a version, in the format that is asked for.
pub(crate) fn media_type(version: &Version) -> String {
    let format = format(version).unwrap_or("json");
    format!("application/vnd.atlas.{}+{format}", version.name)
}

#[cfg(test)]
mod tests;
