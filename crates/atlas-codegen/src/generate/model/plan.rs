//! Determines the types that the operations need, their modules and their names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::case::feature;
use super::schema::{Schemas, Shape};
use super::types::Type;
use crate::facts::{Facts, Operation, Version};
use crate::names::Names;

/// The types to generate.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) schemas: Schemas,
    /// The types by their Rust names.
    pub(super) items: BTreeMap<String, Item>,
    /// The Rust name of each schema and each place of an enum.
    names: BTreeMap<String, String>,
    /// The union that a schema is a variant of.
    pub(super) parents: BTreeMap<String, String>,
}

/// A type to generate.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// The schemas or places of the type; several for an enum.
    pub(super) keys: Vec<String>,
    /// The modules whose operations need it, and whether a stable operation does.
    pub(super) modules: BTreeMap<String, bool>,
    /// The methods of the operations that send it.
    pub(super) sent_by: BTreeSet<String>,
    /// The groups of the operations that need it.
    groups: BTreeSet<Option<String>>,
}

/// The operation that needs a type.
#[derive(Clone, Copy)]
struct Need<'a> {
    module: &'a str,
    stable: bool,
    sent_by: Option<&'a str>,
    group: Option<&'a str>,
}

impl Plan {
    pub(super) fn new(
        facts: &Facts,
        raw: &Value,
        overrides: &Value,
        names: &Names,
    ) -> Result<Self, String> {
        let mut plan = Self {
            schemas: Schemas::new(raw, overrides),
            items: BTreeMap::new(),
            names: BTreeMap::new(),
            parents: BTreeMap::new(),
        };
        let mut needs: BTreeMap<String, Item> = BTreeMap::new();
        for operation in &facts.operations {
            let (module, _) = names
                .rust_name(operation)
                .ok_or_else(|| format!("{} has no Rust name", operation.id))?;
            plan.visit_operation(facts, operation, module, &mut needs);
        }
        let taken: BTreeSet<String> = facts
            .operations
            .iter()
            .filter_map(|operation| Some(names.rust_name(operation)?.1.to_owned()))
            .collect();
        plan.names = super::lock::type_names(&plan.schemas, &needs, names, &taken)?;
        for key in needs.keys() {
            if let Shape::Union(union) = &*plan.schemas.shape(key) {
                let arms = union.arms.iter().map(|(arm, _)| (arm.clone(), key.clone()));
                plan.parents.extend(arms);
            }
        }
        for (key, need) in needs {
            let item = plan.items.entry(plan.names[&key].clone()).or_default();
            item.keys.push(key);
            for (tag, stable) in need.modules {
                *item.modules.entry(tag).or_default() |= stable;
            }
            item.sent_by.extend(need.sent_by);
            item.groups.extend(need.groups);
        }
        Ok(plan)
    }

    /// Returns the Rust name of a schema or place.
    pub(super) fn name(&self, key: &str) -> &str {
        self.names.get(key).map_or("Unnamed", String::as_str)
    }

    /// Returns the names of all types, by schema or place.
    pub(super) fn names(&self) -> &BTreeMap<String, String> {
        &self.names
    }

    /// Returns the module of a type.
    pub(super) fn module_of(&self, name: &str) -> String {
        let tags = &self.items[name].modules;
        match tags.keys().next() {
            Some(module) if tags.len() == 1 => module.clone(),
            _ => "shared".to_owned(),
        }
    }

    fn visit_operation(
        &self,
        facts: &Facts,
        operation: &Operation,
        module: &str,
        needs: &mut BTreeMap<String, Item>,
    ) {
        let (version, stable) = typed_version(operation);
        let group = group(operation);
        let need = Need {
            module,
            stable,
            sent_by: None,
            group: group.as_deref(),
        };
        for parameter in &operation.parameters {
            let parameter = facts.parameter(parameter);
            let kind = self.parameter(operation, parameter);
            self.visit(&kind, need, needs);
        }
        if let Some(kind) = self.request(operation, version) {
            let sent_by = Some(operation.method.as_str());
            self.visit(&kind, Need { sent_by, ..need }, needs);
        }
        if let Response::Json(kind) = self.response(operation, version) {
            self.visit(&kind, need, needs);
        }
    }

    fn visit(&self, kind: &Type, need: Need<'_>, needs: &mut BTreeMap<String, Item>) {
        kind.visit(&mut |kind| {
            let (Type::Enum(key) | Type::Named(key)) = kind else {
                return;
            };
            let item = needs.entry(key.clone()).or_default();
            let known = item
                .modules
                .get(need.module)
                .is_some_and(|known| *known >= need.stable)
                && need
                    .sent_by
                    .is_none_or(|method| item.sent_by.contains(method));
            *item.modules.entry(need.module.to_owned()).or_default() |= need.stable;
            item.sent_by.extend(need.sent_by.map(str::to_owned));
            let grouped = item.groups.insert(need.group.map(str::to_owned));
            if (known && !grouped) || matches!(kind, Type::Enum(_)) {
                return;
            }
            match &*self.schemas.shape(key) {
                Shape::Struct(fields) => {
                    for field in fields {
                        self.visit(&field.kind, need, needs);
                    }
                }
                Shape::Union(union) => {
                    for (arm, _) in &union.arms {
                        self.visit(&Type::Named(arm.clone()), need, needs);
                    }
                }
                _ => {}
            }
        });
    }

    /// Returns the type of a parameter.
    pub(super) fn parameter(&self, operation: &Operation, parameter: &Value) -> Type {
        let name = parameter["name"].as_str().unwrap_or_default();
        let place = format!("{} {name}", operation.request_line());
        match (parameter["in"].as_str(), name) {
            (Some("query"), "itemsPerPage") => Type::Core("ItemsPerPage"),
            (Some("query"), "pageNum") => Type::Core("PageNumber"),
            _ => {
                let kind = self.schemas.kind(&parameter["schema"], &place, Some(name));
                match kind {
                    // A secret in a path would appear in every log.
                    Type::Secret => Type::Text,
                    kind => kind,
                }
            }
        }
    }

    /// Returns the type of an operation's request body.
    pub(super) fn request(&self, operation: &Operation, version: &Version) -> Option<Type> {
        let schema = version.request.as_ref()?.get("json")?;
        let place = format!("{} body", operation.request_line());
        (operation.body.is_some() && !schema.is_null())
            .then(|| self.schemas.kind(schema, &place, None))
    }

    /// Returns the response of an operation.
    pub(super) fn response(&self, operation: &Operation, version: &Version) -> Response {
        let place = format!("{} answer", operation.request_line());
        let mut file = None;
        for formats in version.responses.values() {
            for (format, schema) in formats {
                match (format.as_str(), schema) {
                    (_, Value::Null) => {}
                    // One operation responds with PEM and one with XML, under the media type of JSON.
                    ("json", schema) if schema["type"] == "string" => {
                        file = file.or(Some("json"));
                    }
                    ("json", schema) => {
                        return Response::Json(self.schemas.kind(schema, &place, None));
                    }
                    ("gzip", _) => file = Some("gzip"),
                    _ => file = file.or(Some("csv")),
                }
            }
        }
        file.map_or(Response::Nothing, Response::File)
    }
}

/// The response of an operation.
#[derive(Debug, PartialEq)]
pub(super) enum Response {
    Nothing,
    Json(Type),
    /// A file in this format.
    File(&'static str),
}

/// Returns the version that an operation's types have, and whether it is stable.
pub(super) fn typed_version(operation: &Operation) -> (&Version, bool) {
    let stable = |version: &&Version| version.name != "preview";
    match operation.versions.iter().rev().find(stable) {
        Some(version) => (version, true),
        None => (&operation.versions[operation.versions.len() - 1], false),
    }
}

/// Returns the group of an operation: the last segment of its path that is not a parameter.
pub(super) fn group(operation: &Operation) -> Option<String> {
    let last = operation
        .path
        .rsplit('/')
        .find(|segment| !segment.starts_with('{'))?;
    let last = last.split([':', '.']).next().unwrap_or(last);
    Some(super::case::snake(last))
}

impl Item {
    /// Returns the only group of operations that needs the type, if there is one.
    pub(super) fn group(&self, module: &str) -> Option<String> {
        match self.groups.iter().next() {
            Some(group) if self.groups.len() == 1 && module != "shared" => group.clone(),
            _ => None,
        }
    }

    /// Returns the condition under which a type of the module `shared` exists.
    pub(super) fn condition(&self) -> String {
        let features: Vec<String> = self
            .modules
            .iter()
            .map(|(module, stable)| {
                let feature = format!("feature = \"{}\"", feature(module));
                if *stable {
                    feature
                } else {
                    format!("all({feature}, feature = \"preview\")")
                }
            })
            .collect();
        format!("any({})", features.join(", "))
    }

    /// Whether operations of this module need it, with a stable one among them if `stable` is set,
    /// or else none.
    pub(super) fn is_needed_by(&self, module: &str, stable: bool) -> bool {
        self.modules.get(module) == Some(&stable)
    }

    /// Whether only preview operations need it.
    pub(super) fn is_preview(&self) -> bool {
        !self.modules.values().any(|stable| *stable)
    }
}
