//! Reads the documented roles from an operation's description.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::Error;

/// The roles that may become facts, each with every role it includes.
#[derive(Debug, Default)]
pub(crate) struct Roles(BTreeMap<String, BTreeSet<String>>);

impl Roles {
    /// Reads the table `roles` of `overrides.json`.
    pub(crate) fn from_overrides(overrides: &Value) -> Result<Self, Error> {
        let table = overrides.get("roles").and_then(Value::as_object);
        let table =
            table.ok_or_else(|| Error::at("roles", "missing: expected an object of roles"))?;
        let mut direct = BTreeMap::new();
        for (role, entry) in table {
            let included = entry["includes"].as_array().and_then(|list| {
                list.iter()
                    .map(Value::as_str)
                    .collect::<Option<Vec<&str>>>()
            });
            let Some(included) = included else {
                let place = format!("roles.{role}.includes");
                return Err(Error::at(place, "missing: expected a list of roles"));
            };
            if entry["reason"].as_str().is_none_or(str::is_empty) {
                return Err(Error::at(format!("roles.{role}.reason"), "missing"));
            }
            if let Some(other) = included
                .iter()
                .find(|other| *other == role || !table.contains_key(**other))
            {
                let what = format!(
                    "unknown role \"{}\" in includes: expected another role",
                    crate::error::shown(other)
                );
                return Err(Error::at(format!("roles.{role}"), what));
            }
            direct.insert(role.as_str(), included);
        }
        let mut all = BTreeMap::new();
        for role in direct.keys() {
            let mut found = BTreeSet::new();
            let mut open = direct[role].clone();
            while let Some(other) = open.pop() {
                if found.insert(other.to_owned()) {
                    open.extend(&direct[other]);
                }
            }
            if found.contains(*role) {
                return Err(Error::at(
                    format!("roles.{role}"),
                    "includes itself in a circle",
                ));
            }
            all.insert((*role).to_owned(), found);
        }
        Ok(Self(all))
    }

    /// Whether `role` is allowed in the facts.
    pub(crate) fn contains(&self, role: &str) -> bool {
        self.0.contains_key(role)
    }

    /// Keeps the least of several alternatives: a role that includes another one is redundant.
    pub(super) fn least(&self, roles: &[String]) -> Vec<String> {
        let includes_another = |role: &String| {
            self.0
                .get(role)
                .is_some_and(|below| roles.iter().any(|other| below.contains(other)))
        };
        let mut least: Vec<String> = roles
            .iter()
            .filter(|role| !includes_another(role))
            .cloned()
            .collect();
        least.sort();
        least.dedup();
        least
    }
}

/// Returns the least of the roles named after "must have" in any sentence, and the unknown names
/// that resemble roles.
///
/// Only names in `known` are returned as roles, so that no other word of a sentence becomes a fact.
pub(super) fn find(description: &str, known: &Roles) -> (Vec<String>, Vec<String>) {
    let mut roles = Vec::new();
    let mut unknown = Vec::new();
    for sentence in sentences(description) {
        let Some(start) = sentence.find(TRIGGER) else {
            continue;
        };
        for phrase in capitalised(&sentence[start + TRIGGER.len()..]) {
            let mut rest = phrase.as_str();
            while let Some(at) = SCOPES.iter().filter_map(|scope| rest.find(scope)).min() {
                rest = &rest[at..];
                let role = known.0.keys().find(|role| starts_with_role(rest, role));
                if let Some(role) = role {
                    roles.push(role.clone());
                    rest = &rest[role.len()..];
                } else {
                    unknown.push(rest.to_owned());
                    break;
                }
            }
        }
    }
    (known.least(&roles), unknown)
}

/// Splits sentences: a full stop ends one if a space or the end follows.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.split(". "))
}

/// Finds sequences of several capitalised words, such as `Project Data Access Admin`.
fn capitalised(text: &str) -> Vec<String> {
    let mut runs = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == '/') {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.starts_with(|c: char| c.is_ascii_uppercase()) {
            run.push(bare);
        }
        let ends = word.ends_with(|c: char| !c.is_alphanumeric());
        if ends || !bare.starts_with(|c: char| c.is_ascii_uppercase()) {
            runs.push(std::mem::take(&mut run));
        }
    }
    runs.push(run);
    runs.into_iter()
        .filter(|run| run.len() > 1)
        .map(|run| run.join(" "))
        .collect()
}

/// Whether `text` starts with the role, followed by nothing or the next role.
fn starts_with_role(text: &str, role: &str) -> bool {
    text.strip_prefix(role).is_some_and(|rest| {
        let next = rest.trim_start();
        next.is_empty()
            || next.len() < rest.len() && SCOPES.iter().any(|scope| next.starts_with(scope))
    })
}

/// The words before the roles in every published description.
const TRIGGER: &str = "must have";

/// The first word of every role.
const SCOPES: [&str; 2] = ["Organization ", "Project "];
