//! Packs `conformance/src/fixtures.bin`: the fixtures that the judge reads at run time, as one
//! compressed object.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use miniz_oxide::deflate::compress_to_vec;
use serde_json::Value;

use crate::files::{Files, read};

/// The path of the pack.
const PACK: &str = "conformance/src/fixtures.bin";
/// The folder of the fixtures; paths in the pack are relative to it.
const FIXTURES: &str = "fixtures";
/// The folders whose JSON files are packed, recursively.
const FOLDERS: [&str; 4] = [
    "cases",
    "examples",
    "downloadGroupClusterBackupTenant",
    "patterns",
];
/// The other packed files.
const FILES: [&str; 3] = ["case.schema.json", "operations.json", "world.json"];

/// Adds the pack. Generated files are included with their new content, others from the tree.
pub(crate) fn write(root: &Path, files: &mut Files) -> Result<(), String> {
    let mut all = BTreeMap::new();
    for path in paths(root)? {
        let full = format!("{FIXTURES}/{path}");
        if files.get(&full).is_none() && !Files::is_generated(&full) {
            all.insert(path, read(root, &full)?);
        }
    }
    for (full, content) in files.all() {
        let path = full
            .strip_prefix(FIXTURES)
            .and_then(|path| path.strip_prefix('/'));
        if let (Some(path), Ok(text)) = (path, std::str::from_utf8(content)) {
            all.insert(path.to_owned(), text.to_owned());
        }
    }
    let packed = packed(&all)?;
    files.add(PACK.to_owned(), packed);
    Ok(())
}

/// Returns a deflated JSON object, with the same bytes on every machine.
fn packed(texts: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
    let mut entries = Vec::with_capacity(texts.len());
    for (path, text) in texts {
        let checked: Result<Value, _> = serde_json::from_str(text);
        checked.map_err(|error| format!("invalid JSON in {FIXTURES}/{path}: {error}"))?;
        entries.push(format!("{}:{}", Value::from(path.as_str()), compact(text)));
    }
    let object = format!("{{{}}}", entries.join(","));
    Ok(compress_to_vec(object.as_bytes(), 9))
}

/// Removes the white space between JSON tokens. The order of keys and the format of numbers are kept.
fn compact(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    json.chars()
        .filter(|&character| {
            let keep = in_text || !character.is_ascii_whitespace();
            if character == '"' && !escaped {
                in_text = !in_text;
            }
            escaped = in_text && character == '\\' && !escaped;
            keep
        })
        .collect()
}

/// Returns the paths of the files in the tree, relative to the folder of the fixtures.
fn paths(root: &Path) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = FILES.map(str::to_owned).to_vec();
    let mut folders: Vec<String> = FOLDERS.map(str::to_owned).to_vec();
    while let Some(folder) = folders.pop() {
        let full = root.join(FIXTURES).join(&folder);
        let failed = |error: std::io::Error| format!("cannot read {}: {error}", full.display());
        for entry in fs::read_dir(&full).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{folder}/{name}");
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(path);
            } else if crate::files::is_json(&name) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn the_pack_contains_each_file_unchanged() {
        let mut files = Files::default();
        let example = "fixtures/examples/made.json";
        files.add(example.to_owned(), b"{\"a\": [1.0, \"b c\"]}\n".to_vec());
        write(&root(), &mut files).unwrap();
        let packed = files.get(PACK).unwrap();
        let bytes = miniz_oxide::inflate::decompress_to_vec(packed).unwrap();
        let all: BTreeMap<String, Value> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            all["examples/made.json"],
            serde_json::json!({"a": [1.0, "b c"]})
        );
        for path in FILES.iter().chain(&["cases/flow.json", "patterns/id.json"]) {
            let text = read(&root(), &format!("fixtures/{path}")).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(all[*path], value, "{path}");
        }
        let page = "downloadGroupClusterBackupTenant/";
        assert!(all.keys().filter(|path| path.starts_with(page)).count() > 5);
        assert!(!all.keys().any(|path| path.starts_with("api/")));
    }

    #[test]
    fn a_file_with_invalid_json_is_named() {
        let texts = BTreeMap::from([("cases/cut.json".to_owned(), "[1,".to_owned())]);
        let error = packed(&texts).unwrap_err();
        assert!(
            error.starts_with("invalid JSON in fixtures/cases/cut.json: EOF"),
            "{error}"
        );
    }

    #[test]
    fn only_the_white_space_between_tokens_is_removed() {
        let json = "{ \"b a\" : \"\\\" c\\\\\" ,\n\t\"a\":[ 1.0, 2e1 ] }";
        assert_eq!(compact(json), "{\"b a\":\"\\\" c\\\\\",\"a\":[1.0,2e1]}");
    }
}
