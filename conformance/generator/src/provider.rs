//! Finds values for path parameters: resources of the default world, an earlier creation, a list, or
//! a plausible value.

use std::collections::BTreeMap;

use atlas_catalog::http::Method;
use atlas_catalog::{Operation, Version};
use serde_json::{Map, Value, json};

use crate::case::Sources;
use crate::example;
use crate::fields::place_of;
use crate::parameters::{in_path, resource, value};
use crate::recorded::{NEEDS, PROVIDERS, REFERENCES};
use crate::server::{asked, statuses};

/// The common prefix of all paths.
const BASE: &str = "/api/atlas/v2";
/// The maximum number of nested steps for a parameter; more are a cycle.
const DEEPEST: usize = 6;

/// The steps before the operation under test, and the values that they save.
pub(crate) struct Setup<'a> {
    sources: &'a Sources,
    pub(crate) steps: Vec<Value>,
    /// The value of each parameter, by the path up to it.
    found: BTreeMap<String, String>,
    /// The operations of the steps.
    asked: Vec<Operation>,
    /// The parameters with only a plausible value.
    pub(crate) weak: Vec<&'static str>,
    depth: usize,
}

impl<'a> Setup<'a> {
    pub(crate) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            steps: Vec::new(),
            found: BTreeMap::new(),
            asked: Vec::new(),
            weak: Vec::new(),
            depth: 0,
        }
    }

    /// Returns the parameters of a path, and adds the steps that find them.
    pub(crate) fn parameters(&mut self, operation: Operation) -> Map<String, Value> {
        let names = in_path(operation).into_iter();
        names
            .map(|name| (name.to_owned(), self.parameter(operation, name).into()))
            .collect()
    }

    /// Whether an operation is already a step.
    pub(crate) fn has_asked(&self, operation: Operation) -> bool {
        self.asked.contains(&operation)
    }

    /// Returns the request of an operation, and adds the steps that its body depends on.
    pub(crate) fn request(
        &mut self,
        operation: Operation,
        version: &Version,
        parameters: Map<String, Value>,
    ) -> Value {
        let mut request = asked(operation, version, parameters, self.sources);
        let references = REFERENCES.iter().filter(|(id, ..)| *id == operation.id());
        for (_, place, provider, pointer) in references {
            let body = request.get("json").cloned();
            let overrides = &self.sources.overrides;
            let body = body.or_else(|| example::request(operation, version, overrides));
            let Some(mut body) = body else { continue };
            let mut steps = place.rsplit('/');
            let name = steps.find(|step| step.parse::<usize>().is_err());
            let name = name.filter(|name| *name != "id").unwrap_or("other");
            let provider = Operation::find(provider);
            let found = provider.and_then(|provider| self.ask(provider, Some((name, pointer))));
            if let (Some(slot), Some(found)) = (body.pointer_mut(place), found) {
                *slot = found.into();
                request["json"] = body;
                if let Some(request) = request.as_object_mut() {
                    request.remove("example");
                }
            }
        }
        request
    }

    /// Whether an earlier creation returns the last parameter of the operation's path.
    pub(crate) fn has_made(&self, operation: Operation) -> bool {
        let found = self.found.get(&operation.path());
        found.is_some_and(|value| value.starts_with("${"))
    }

    fn parameter(&mut self, operation: Operation, name: &'static str) -> String {
        let prefix = prefix(operation, name);
        let spent = matches!(operation.id(), "deleteGroup" | "deleteOrg");
        if let Some(found) = self.found.get(&prefix).filter(|_| !spent) {
            return found.clone();
        }
        let listed = PROVIDERS
            .iter()
            .find(|(path, ..)| prefix == format!("{BASE}{path}"));
        let by_id = |id: &str| Operation::find(id);
        let found = match (listed, operation.id()) {
            (Some((_, id, pointer)), _) => {
                by_id(id).and_then(|provider| self.ask(provider, Some((name, pointer))))
            }
            (None, "deleteOrg") => {
                let provider = by_id("createOrg");
                provider.and_then(|one| self.ask(one, Some((name, "/organization/id"))))
            }
            (None, "addGroupApiKey") if name == "apiUserId" => {
                by_id("createOrgApiKey").and_then(|one| self.ask(one, Some((name, "/id"))))
            }
            _ => match resource(operation, name).filter(|_| !spent) {
                Some(resource) => return resource,
                None => self.by_its_path(operation, name, &prefix),
            },
        };
        let value = found.unwrap_or_else(|| {
            self.weak.push(name);
            self.fixed(operation, name).unwrap_or_else(|| {
                let parameter = operation.parameter(name);
                let overrides = &self.sources.overrides;
                let value = parameter.map(|one| value(operation, one, overrides));
                value.unwrap_or_default()
            })
        });
        self.found.insert(prefix, value.clone());
        value
    }

    /// Returns a documented value, or that in the example of a creation.
    fn fixed(&self, operation: Operation, name: &str) -> Option<String> {
        let overrides = &self.sources.overrides;
        let parameter = operation.parameter(name)?;
        let known = overrides.parameter(operation.id(), name).is_some();
        let documented = !parameter.schema.choices().is_empty();
        (known || documented).then(|| value(operation, parameter, overrides))
    }

    /// Finds a value in the collection that contains the resource: by a creation, or else its list.
    fn by_its_path(
        &mut self,
        operation: Operation,
        name: &'static str,
        prefix: &str,
    ) -> Option<String> {
        let fixed = self.fixed(operation, name);
        let before = prefix.rsplit_once('/').map_or(prefix, |(before, _)| before);
        let mut wider = before;
        while let Some((shorter, last)) = wider.rsplit_once('/') {
            if !last.starts_with('{') {
                break;
            }
            wider = shorter;
        }
        let mut paths = vec![before];
        paths.extend((wider != before).then_some(wider));
        for path in &paths {
            let creation = at(&Method::POST, path).filter(|one| *one != operation);
            let Some(creation) = creation.filter(|one| makes_something(*one)) else {
                continue;
            };
            let place = place_of(creation, name);
            let saved = place.as_deref().filter(|_| fixed.is_none());
            if fixed.is_some() && *path != before {
                continue;
            }
            let found = self.ask(creation, saved.map(|place| (name, place)));
            if fixed.is_some() || saved.is_some() {
                return fixed.or(found);
            }
        }
        if fixed.is_some() {
            return fixed;
        }
        paths.iter().find_map(|path| {
            let list = at(&Method::GET, path).filter(|one| *one != operation)?;
            let place = place_of(list, name)?;
            self.ask(list, Some((name, &place)))
        })
    }

    /// Adds a step, or a saved value to an existing one. Returns the variable that it sets.
    pub(crate) fn ask(
        &mut self,
        provider: Operation,
        save: Option<(&str, &str)>,
    ) -> Option<String> {
        if self.depth > DEEPEST {
            return None;
        }
        let known = self.asked.iter().position(|asked| *asked == provider);
        let place = match known {
            Some(place) => place,
            None => self.add(provider)?,
        };
        let (name, pointer) = save?;
        let step = &mut self.steps[place];
        step["save"][name] = pointer.into();
        if provider.method() == Method::GET {
            step["need"] = need(name, &words(name)).into();
        }
        Some(format!("${{{name}}}"))
    }

    /// Adds the step of an operation after those that it depends on. Returns its index.
    fn add(&mut self, operation: Operation) -> Option<usize> {
        let version = operation.version(None)?;
        self.depth += 1;
        let parameters = self.parameters(operation);
        let request = self.request(operation, version, parameters);
        self.depth -= 1;
        let mut status = statuses(operation, version);
        if operation.id() == "getOrgFederationSettings" {
            // An organization without a federation may have no federation settings.
            status.push(404);
        }
        self.steps
            .push(json!({"request": request, "expect": {"status": status}}));
        self.asked.push(operation);
        Some(self.steps.len() - 1)
    }
}

/// Returns the operation with a method and a path.
pub(crate) fn at(method: &Method, path: &str) -> Option<Operation> {
    Operation::all().find(|one| one.method() == *method && one.path() == path)
}

/// Whether an operation creates a resource that can be read afterwards.
pub(crate) fn makes_something(operation: Operation) -> bool {
    let starts = [
        "create", "add", "start", "take", "request", "verify", "validate",
    ];
    starts.iter().any(|start| operation.id().starts_with(start))
}

/// Returns the path up to a parameter, without the rest of its segment.
fn prefix(operation: Operation, name: &str) -> String {
    let path = operation.path();
    let slot = format!("{{{name}}}");
    match path.split_once(&slot) {
        Some((before, _)) => format!("{before}{slot}"),
        None => path,
    }
}

/// Describes the resource that a list may lack.
pub(crate) fn need(key: &str, words: &str) -> String {
    if let Some((_, text)) = NEEDS.iter().find(|(name, _)| *name == key) {
        return (*text).to_owned();
    }
    let vowel = words.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {words}", if vowel { "an" } else { "a" })
}

/// Returns a parameter's name as words: `alertConfigId` is `alert config`.
fn words(parameter: &str) -> String {
    let mut words = String::new();
    let name = parameter.trim_end_matches("Id").trim_end_matches("Name");
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}
