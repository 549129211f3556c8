//! The imports of a generated module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The path of each name that generated code may use.
const IMPORTS: [(&str, &str); 42] = [
    ("BTreeMap", "std::collections::BTreeMap"),
    ("Display", "std::fmt::Display"),
    ("Formatter", "std::fmt::Formatter"),
    ("fmt", "std::fmt"),
    ("CompactString", "compact_str::CompactString"),
    ("Method", "http::Method"),
    ("MapAccess", "serde::de::MapAccess"),
    ("SerializeMap", "serde::ser::SerializeMap"),
    ("Deserialize", "serde::Deserialize"),
    ("Deserializer", "serde::Deserializer"),
    ("Serialize", "serde::Serialize"),
    ("Serializer", "serde::Serializer"),
    ("Json", "crate::json::Json"),
    ("Body", "crate::answer::Body"),
    ("ClusterId", "crate::id::ClusterId"),
    ("ObjectId", "crate::id::ObjectId"),
    ("OrgId", "crate::id::OrgId"),
    ("PolicyItemId", "crate::id::PolicyItemId"),
    ("ProjectId", "crate::id::ProjectId"),
    ("RestoreJobId", "crate::id::RestoreJobId"),
    ("SnapshotId", "crate::id::SnapshotId"),
    ("Link", "crate::link::Link"),
    ("SnapshotUrl", "crate::link::SnapshotUrl"),
    ("OperationMeta", "crate::meta::OperationMeta"),
    ("Version", "crate::meta::Version"),
    ("ClusterName", "crate::name::ClusterName"),
    ("DeploymentItemName", "crate::name::DeploymentItemName"),
    ("NoBody", "crate::operation::NoBody"),
    ("Operation", "crate::operation::Operation"),
    ("Page", "crate::page::Page"),
    ("Paged", "crate::page::Paged"),
    ("ItemsPerPage", "crate::page::ItemsPerPage"),
    ("PageNumber", "crate::page::PageNumber"),
    ("Empty", "crate::payload::Empty"),
    ("RequestWriter", "crate::request::RequestWriter"),
    ("Secret", "crate::secret::Secret"),
    ("Tagged", "crate::tagged::Tagged"),
    ("Timestamp", "crate::timestamp::Timestamp"),
    ("Format", "crate::version::Format"),
    ("open_enum", "crate::open_enum"),
    ("object", "crate::object"),
    ("Object", "crate::object::Object"),
];

/// Names of other generated modules.
#[derive(Debug)]
pub(super) enum Names<'a> {
    /// Names of `shared` that the module re-exports, and those of preview operations.
    Reexported([Vec<&'a str>; 2]),
    /// Names of the enclosing module that a part uses.
    Around(Vec<&'a str>),
    None,
}

/// Returns the imports that a module needs.
pub(super) fn imports(body: &str, names: &Names<'_>) -> String {
    // Variants are not imports, even if they have the same name.
    let variant = |line: &str| line.ends_with(',') && !line.contains([' ', '(', '"', ':']);
    let words: BTreeSet<&str> = body
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("///") && !line.starts_with("Self::") && !variant(line))
        .filter(|line| !(line.contains(" => Self::") && line.contains('"')))
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .collect();
    let mut blocks: [BTreeMap<&str, Vec<&str>>; 3] = Default::default();
    for (name, path) in IMPORTS {
        // Operations have an associated type of that name.
        let used = match name {
            "Body" => body.contains("= Body;"),
            "SerializeMap" => body.contains("map.end()"),
            name => words.contains(name),
        };
        if !used {
            continue;
        }
        let (parent, last) = path.rsplit_once("::").unwrap_or(("", path));
        let block = match path.split("::").next() {
            Some("std") => 0,
            Some("crate") => 2,
            _ => 1,
        };
        blocks[block].entry(parent).or_default().push(last);
    }
    // In rustfmt's order, so that formatting changes nothing else.
    let mut lines: [BTreeMap<String, String>; 3] = Default::default();
    for (block, lines) in blocks.into_iter().zip(&mut lines) {
        for (parent, mut names) in block {
            names.sort_unstable();
            lines.insert(format!("{parent}::{}", listed(&names)), String::new());
        }
    }
    match names {
        Names::Reexported(names) => {
            let gates = ["pub ", "#[cfg(feature = \"preview\")]\npub "];
            for (names, gate) in names.iter().zip(gates) {
                if !names.is_empty() {
                    let path = format!("super::shared::{}", listed(names));
                    lines[2].insert(path, gate.to_owned());
                }
            }
        }
        Names::Around(names) => {
            let mut names: Vec<&str> = names
                .iter()
                .copied()
                .filter(|name| words.contains(name))
                .collect();
            names.sort_unstable();
            names.dedup();
            if !names.is_empty() {
                lines[2].insert(format!("super::{}", listed(&names)), String::new());
            }
        }
        Names::None => {}
    }
    let mut text = String::new();
    for block in lines.iter().filter(|block| !block.is_empty()) {
        let (near, far): (Vec<_>, Vec<_>) = block
            .iter()
            .partition(|(path, _)| path.starts_with("super"));
        for (path, gate) in near.into_iter().chain(far) {
            let _ = writeln!(text, "{gate}use {path};");
        }
        text.push('\n');
    }
    text
}

/// Formats names as a `use` lists them.
fn listed(names: &[&str]) -> String {
    match names {
        [name] => (*name).to_owned(),
        names => format!("{{{}}}", names.join(", ")),
    }
}
