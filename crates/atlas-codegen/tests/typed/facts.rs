//! The committed facts, and the typed version of each operation.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;

use crate::case::Case;
use crate::table::CASES;

pub(crate) static FACTS: LazyLock<Value> = LazyLock::new(|| read("facts.json"));

pub(crate) static OVERRIDES: LazyLock<Value> = LazyLock::new(|| read("overrides.json"));

pub(crate) fn read(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/api");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// Each operation of the facts with its row of the table.
pub(crate) fn operations() -> impl Iterator<Item = (&'static Value, &'static Case)> {
    let operations = FACTS["operations"].as_array().unwrap();
    assert_eq!(operations.len(), CASES.len());
    operations.iter().zip(&CASES).inspect(|(operation, case)| {
        assert_eq!(operation["id"], case.meta.id, "{}", case.rust);
    })
}

/// The version of the types: the newest stable one, or the preview.
pub(crate) fn version(operation: &'static Value) -> &'static Value {
    let versions = operation["versions"].as_array().unwrap();
    let mut stable = versions
        .iter()
        .rev()
        .filter(|one| one["version"] != "preview");
    stable.next().unwrap_or_else(|| versions.last().unwrap())
}

/// The schema of the JSON response, with its status, if there is one.
pub(crate) fn answer(version: &'static Value) -> Option<(u16, &'static Value)> {
    let mut responses = version["responses"].as_object().unwrap().iter();
    responses.find_map(|(status, formats)| {
        let schema = formats.get("json").filter(|schema| schema.is_object())?;
        // One operation responds with PEM and one with XML, under the media type of JSON.
        (schema["type"] != "string").then(|| (status.parse().unwrap(), schema))
    })
}

/// The schema of the body, if there is one.
pub(crate) fn body(operation: &'static Value) -> Option<&'static Value> {
    let schema = &version(operation)["request"]["json"];
    (schema.is_object() && operation["body"].is_string()).then_some(schema)
}
