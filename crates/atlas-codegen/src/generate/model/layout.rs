//! Distributes operations and types over files: one for each tag, and several for a large one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::FOLDER;
use super::case::feature;
use super::imports::{Names, imports};
use super::plan::Plan;

/// The number of lines of a large tag, before `rustfmt` breaks some of them.
const LARGE: usize = 4_000;
/// The minimum number of lines of a group of operations with a separate file.
const GROUP: usize = 400;

/// The content of a module.
#[derive(Debug, Default)]
pub(super) struct Module {
    parts: Vec<Part>,
}

/// An operation or a type.
#[derive(Debug)]
struct Part {
    name: String,
    /// The group of operations that it belongs to; none if it belongs to several.
    group: Option<String>,
    text: String,
}

impl Module {
    pub(super) fn add(&mut self, name: &str, group: Option<String>, text: &str) {
        self.parts.push(Part {
            name: name.to_owned(),
            group,
            text: text.to_owned(),
        });
    }

    /// Returns the groups with a separate file.
    fn groups(&self) -> BTreeSet<&str> {
        let lines = |text: &str| text.lines().count();
        if self
            .parts
            .iter()
            .map(|part| lines(&part.text))
            .sum::<usize>()
            < LARGE
        {
            return BTreeSet::new();
        }
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for part in &self.parts {
            if let Some(group) = &part.group {
                *sizes.entry(group).or_default() += lines(&part.text);
            }
        }
        sizes.retain(|_, size| *size >= GROUP);
        sizes.into_keys().collect()
    }

    /// Returns the text of a group, or of everything without a separate file if none is given.
    fn body(&self, groups: &BTreeSet<&str>, group: Option<&str>) -> String {
        let own = |part: &&Part| {
            let of = part.group.as_deref().filter(|of| groups.contains(of));
            of == group
        };
        self.parts
            .iter()
            .filter(own)
            .map(|part| part.text.as_str())
            .collect()
    }
}

/// Returns the files of all modules.
pub(super) fn layout(
    plan: &Plan,
    modules: &BTreeMap<String, Module>,
    tags: &BTreeMap<String, &str>,
) -> Vec<(PathBuf, String)> {
    let shared: BTreeSet<&str> = plan
        .items
        .keys()
        .filter(|name| plan.module_of(name) == "shared")
        .map(String::as_str)
        .collect();
    let mut files = Vec::new();
    for (module, content) in modules {
        let tag = tags.get(module);
        let about = match tag {
            Some(tag) => format!(
                "Operations and types of the tag {tag}, behind the feature `{}`.",
                feature(module)
            ),
            None => "Types that several tags share.".to_owned(),
        };
        let mut groups = content.groups();
        groups.remove(module.as_str());
        let mut body = String::new();
        for group in &groups {
            let _ = write!(body, "#[path = \"{module}/{group}.rs\"]\nmod {group};\n");
        }
        body.push('\n');
        for group in &groups {
            let _ = writeln!(body, "pub use self::{group}::*;");
        }
        body.push('\n');
        body.push_str(&content.body(&groups, None));
        let reexported = |preview: bool| -> Vec<&str> {
            let own = |name: &&str| plan.items[*name].is_needed_by(module, !preview);
            shared.iter().copied().filter(own).collect()
        };
        let names = match tag {
            Some(_) => Names::Reexported([reexported(false), reexported(true)]),
            None => Names::None,
        };
        let beside = content.parts.iter().map(|part| part.name.as_str());
        let text = file(&about, &imports(&body, &names), &body, tag.is_none());
        files.push((PathBuf::from(FOLDER).join(format!("{module}.rs")), text));
        for group in &groups {
            let body = content.body(&groups, Some(group));
            let own = content
                .parts
                .iter()
                .filter(|part| part.group.as_deref() == Some(group));
            let own: BTreeSet<&str> = own.map(|part| part.name.as_str()).collect();
            let around: Vec<&str> = beside
                .clone()
                .chain(reexported(false))
                .chain(reexported(true))
                .filter(|name| !own.contains(name))
                .collect();
            let about = format!("{about} This part: {}.", group.replace('_', " "));
            let text = file(
                &about,
                &imports(&body, &Names::Around(around)),
                &body,
                false,
            );
            let path = Path::new(FOLDER).join(module).join(format!("{group}.rs"));
            files.push((path, text));
        }
    }
    files
}

fn file(about: &str, imports: &str, body: &str, is_shared: bool) -> String {
    let mut text = format!(
        "//! {about}\n\n// Generated by `atlas-codegen` from `fixtures/api`; do not edit.\n\n\
         #![allow(clippy::doc_markdown, reason = \"names of roles and tags\")]\n\
         #![allow(clippy::too_many_lines, reason = \"enums have as many values as Atlas\")]\n\
         #![allow(clippy::large_enum_variant, reason = \"a resource is read once\")]\n"
    );
    if is_shared || body.contains("#[cfg(feature = \"preview\")]") {
        text.push_str("#![allow(unused_imports, reason = \"features decide what is here\")]\n");
    }
    text.push('\n');
    text.push_str(imports);
    text.push_str(body);
    text
}
