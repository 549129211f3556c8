//! Reports everything that an import left out.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::error::escaped;

/// Counts of skipped keywords, each with the first place.
#[derive(Debug, Default)]
pub(crate) struct Report {
    left_out: BTreeMap<String, Count>,
    unknown: BTreeMap<String, Count>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Count {
    times: usize,
    first: String,
}

impl Report {
    /// Records a keyword that is not on the allow-list.
    pub(crate) fn keyword(&mut self, key: &str, place: &str) {
        let table = if NO_FACTS.contains(&key) {
            &mut self.left_out
        } else {
            &mut self.unknown
        };
        table
            .entry(key.to_owned())
            .and_modify(|count| count.times += 1)
            .or_insert_with(|| Count {
                times: 1,
                first: place.to_owned(),
            });
    }

    /// Records another note for the user.
    pub(crate) fn note(&mut self, place: &str, what: &str) {
        self.notes.push(format!("{}: {what}", escaped(place)));
    }

    /// Returns one line for each keyword and note.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for (title, table) in [
            ("left out", &self.left_out),
            ("unknown keyword", &self.unknown),
        ] {
            for (key, count) in table {
                let (key, first) = (escaped(key), escaped(&count.first));
                let _ = writeln!(out, "{title}: {key} ({}), first at {first}", count.times);
            }
        }
        for note in &self.notes {
            let _ = writeln!(out, "note: {note}");
        }
        if !self.unknown.is_empty() {
            out.push_str(
                "Each unknown keyword holds facts or prose: add it to an allow-list or to \
                 NO_FACTS in crates/atlas-codegen/src/import.\n",
            );
        }
        out
    }
}

/// Keywords that are known to contain prose, or nothing that the facts use.
const NO_FACTS: &[&str] = &[
    "components",
    "contact",
    "content",
    "description",
    "example",
    "examples",
    "externalDocs",
    "headers",
    "license",
    "links",
    "security",
    "securitySchemes",
    "summary",
    "termsOfService",
    "title",
    "version",
    "x-codeSamples",
    "x-xgen-IPA-exception",
    "x-xgen-changelog",
    "x-xgen-docs-url",
    "x-xgen-owner-team",
    "x-xgen-soa-migration",
];
