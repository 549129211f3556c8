//! Server cases: each operation has the documented response, in each of its versions.

use atlas_catalog::http::Method;
use atlas_catalog::{Body, Operation, Version};
use serde_json::{Map, Value, json};

use crate::case::{Sources, head, media_type, older};
use crate::example;
use crate::examples::format;
use crate::fields::{has_fields, items, place_of};
use crate::parameters;
use crate::provider::{Setup, at, makes_something};
use crate::read_back::{held, is_read_back, item};
use crate::recorded::{DOUBTFUL, LISTS, MADE_BY, SLOW, STATUSES, STAYS, TAKEN_DOWN, TEXT};

/// The publication date of the description.
const PUBLISHED: &str = "2026-08-21";

/// The operations that read a cluster, whose state shows a deletion in progress.
const CLUSTERS: [&str; 2] = ["getGroupCluster", "getGroupFlexCluster"];

/// Returns the case of the newest version and those of the older ones.
pub(crate) fn cases(operation: Operation, sources: &Sources) -> Vec<Value> {
    let newest = operation.version(None).map(|version| {
        let steps = Flow::new(operation, version, sources).steps(false);
        let (id, source) = (format!("server-{operation}"), source(operation));
        let mut case = head(&id, operation, &requires(operation, &steps), &source);
        // Recorded facts count for the operation under test, not for the first one requested.
        let first = steps.first().map(|step| &step["request"]["operation"]);
        if source.contains("recorded: ") && first.is_some_and(|first| first != operation.id()) {
            case["about"] = operation.id().into();
        }
        if has_ended(version) {
            case["level"] = "MAY".into();
        }
        case["flow"] = json!({"steps": steps});
        case
    });
    let older = older(operation).filter(|version| !has_ended(version));
    let older = older.map(|version| {
        let name = &version.name;
        let requires =
            format!("The server responds to {operation} in version {name} if that is requested.");
        let source = format!("facts: {operation}, version {name}");
        let id = format!("server-{operation}-{name}");
        let mut case = head(&id, operation, &requires, &source);
        case["flow"] = json!({"steps": Flow::new(operation, version, sources).steps(true)});
        case
    });
    newest.into_iter().chain(older).collect()
}

/// Whether the sunset date of a version was before the publication of the facts: a server need not
/// support it.
pub(crate) fn has_ended(version: &Version) -> bool {
    let sunset = version.sunset.as_deref();
    sunset.is_some_and(|sunset| sunset <= PUBLISHED)
}

/// Describes the requirement of the steps in a sentence.
fn requires(operation: Operation, steps: &[Value]) -> String {
    let last = steps.last();
    let own = last.is_some_and(|step| step["request"]["operation"] == operation.id());
    let expect = last.map(|step| &step["expect"]);
    let has = |key: &str| expect.is_some_and(|expect| expect.get(key).is_some());
    let unknown = expect.is_some_and(|expect| expect["status"] == json!([404]));
    match (operation.method(), own) {
        (_, true) if has("filled") => {
            format!("The server responds to {operation} with its documented fields.")
        }
        (_, true) => format!("The server responds to {operation} as documented."),
        (Method::DELETE, false) if unknown => {
            format!("The server does not find the resource after {operation}.")
        }
        (Method::DELETE, false) => {
            format!("The server deletes the resource or no longer finds it after {operation}.")
        }
        (_, false) if has("readsBack") => {
            format!("The server returns each field that {operation} wrote.")
        }
        (_, false) => {
            format!("The server responds to {operation} as documented, and the result can be read.")
        }
    }
}

fn source(operation: Operation) -> String {
    let mut parts = vec![format!("facts: {operation}")];
    let ended = operation.version(None).filter(|version| has_ended(version));
    if let Some(sunset) = ended.and_then(|version| version.sunset.as_deref()) {
        parts.push(format!("facts: sunset of {operation} on {sunset}"));
    }
    let known = STATUSES.iter().find(|(id, _)| *id == operation.id());
    if let Some((_, status)) = known {
        parts.push(format!("recorded: it answers with {status}"));
    }
    if SLOW.contains(&operation.id()) {
        parts.push("recorded: a deleted resource can be read for a while".to_owned());
    }
    parts.join("; ")
}

/// Returns the documented and recorded success statuses.
pub(crate) fn statuses(operation: Operation, version: &Version) -> Vec<u16> {
    let mut statuses: Vec<u16> = version.statuses().collect();
    let recorded = STATUSES.iter().filter(|(id, _)| *id == operation.id());
    statuses.extend(recorded.map(|(_, status)| *status));
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// Returns plausible path parameters, without steps.
pub(crate) fn plausible(operation: Operation, sources: &Sources) -> Map<String, Value> {
    parameters::path(operation, &sources.overrides)
}

/// Returns a request for an operation, with its example body.
pub(crate) fn asked(
    operation: Operation,
    version: &Version,
    parameters: Map<String, Value>,
    sources: &Sources,
) -> Value {
    let mut request = json!({"operation": operation.id()});
    if !parameters.is_empty() {
        request["parameters"] = Value::Object(parameters);
    }
    let query = parameters::query(operation, &sources.overrides);
    if !query.is_empty() {
        request["query"] = parameters::query_text(&query).into();
    }
    let newest = operation
        .version(None)
        .is_some_and(|newest| newest.name == version.name);
    let json = format(version).is_none_or(|format| format == "json");
    if version.is_preview() || !newest || !json {
        request["headers"] = json!({"accept": media_type(version)});
    }
    if operation.body() == Body::None {
        return request;
    }
    if newest {
        request["example"] = true.into();
    } else if let Some(body) = example::request(operation, version, &sources.overrides) {
        request["json"] = body;
    }
    request
}

/// Builds the steps of a case.
struct Flow<'a> {
    operation: Operation,
    version: &'static Version,
    sources: &'a Sources,
    setup: Setup<'a>,
}

impl<'a> Flow<'a> {
    fn new(operation: Operation, version: &'static Version, sources: &'a Sources) -> Self {
        let setup = Setup::new(sources);
        Self {
            operation,
            version,
            sources,
            setup,
        }
    }

    fn steps(mut self, in_version: bool) -> Vec<Value> {
        let operation = self.operation;
        let parameters = self.setup.parameters(operation);
        if DOUBTFUL.contains(&operation.id()) {
            self.setup.weak.push("id");
        }
        self.made_before();
        let request = self
            .setup
            .request(operation, self.version, parameters.clone());
        let mut main = json!({
            "request": request,
            "expect": self.expected(in_version),
        });
        if !in_version && self.setup.weak.is_empty() {
            self.needed(&mut main);
        }
        let mut steps = std::mem::take(&mut self.setup.steps);
        let number = steps.len() + 1;
        let after = if in_version || !self.setup.weak.is_empty() {
            None
        } else {
            self.after(&mut main, parameters, number)
        };
        steps.push(main);
        steps.extend(after);
        steps
    }

    /// Adds the creation of the resource that the operation reads, changes or removes, if it is made
    /// at the operation's path.
    fn made_before(&mut self) {
        let operation = self.operation;
        let creation = self.creation().filter(|one| *one != operation);
        let Some(creation) = creation else { return };
        let in_world = LISTS.contains(&operation.id());
        let is_made = self.setup.has_asked(creation) || self.setup.has_made(operation);
        let listed = MADE_BY.iter().any(|(list, _)| *list == operation.id());
        if (operation.method() != Method::POST || listed) && !in_world && !is_made {
            self.setup.ask(creation, None);
        }
    }

    fn expected(&self, in_version: bool) -> Value {
        let (operation, version) = (self.operation, self.version);
        let mut status = statuses(operation, version);
        if !self.setup.weak.is_empty() {
            status.push(404);
            return json!({"status": status});
        }
        let mut expect = json!({"status": status});
        let format = format(version).unwrap_or("json");
        let content = version.statuses().any(|status| !version.is_bare(status));
        if format != "json" || in_version && content {
            let name = &version.name;
            expect["headerMatches"] =
                json!({"content-type": format!(r"^application/vnd\.atlas\.{name}\+{format}")});
        }
        let text = TEXT.contains(&operation.id());
        if format == "json" && content && !text {
            expect["conforms"] = true.into();
        }
        let bare = version.statuses().any(|status| version.is_bare(status));
        if format == "json" && content && !bare && !in_version && !text && has_fields(operation) {
            expect["filled"] = true.into();
        }
        expect
    }

    /// Allows a list to be empty if no step has created an item.
    fn needed(&self, main: &mut Value) {
        let operation = self.operation;
        let Some((pointer, _)) = items(operation) else {
            return;
        };
        let in_world =
            LISTS.contains(&operation.id()) || !self.setup.steps.is_empty() && self.is_made();
        if operation.method() != Method::GET || in_world {
            return;
        }
        if let Some(expect) = main["expect"].as_object_mut() {
            expect.remove("filled");
        }
        main["save"] = json!({"item": pointer});
        main["need"] = held(operation).into();
    }

    /// Whether an earlier step created an item of the list.
    fn is_made(&self) -> bool {
        let creation = self.creation();
        creation.is_some_and(|creation| self.setup.has_asked(creation))
    }

    /// Returns the operation that creates a resource at the operation's path.
    fn creation(&self) -> Option<Operation> {
        let operation = self.operation;
        let listed = MADE_BY.iter().find(|(list, _)| *list == operation.id());
        match listed {
            Some((_, id)) => Operation::find(id),
            None => at(&Method::POST, &operation.path()).filter(|one| makes_something(*one)),
        }
    }

    /// Returns a step that reads the created, changed or removed resource.
    fn after(
        &mut self,
        main: &mut Value,
        mut parameters: Map<String, Value>,
        number: usize,
    ) -> Option<Value> {
        let operation = self.operation;
        let path = operation.path();
        match operation.method() {
            Method::POST => {
                let (get, names) = item(operation)?;
                for name in names {
                    if parameters.contains_key(name) {
                        continue;
                    }
                    let fixed = self.sources.overrides.parameter(get.id(), name);
                    let value = match (fixed, place_of(operation, name)) {
                        (Some(fixed), _) => fixed.to_owned(),
                        (None, Some(place)) => {
                            main["save"][name] = place.into();
                            format!("${{{name}}}")
                        }
                        (None, None) => return None,
                    };
                    parameters.insert(name.to_owned(), value.into());
                }
                // Remove the parameters that only the path of the creation has.
                parameters.retain(|name, _| get.parameter(name).is_some());
                self.read_back(get, parameters, number)
            }
            Method::PATCH | Method::PUT => {
                self.read_back(at(&Method::GET, &path)?, parameters, number)
            }
            Method::DELETE if path.ends_with('}') && !STAYS.contains(&operation.id()) => {
                let get = at(&Method::GET, &path)?;
                let version = get.version(None)?;
                let request = asked(get, version, parameters, self.sources);
                let slow = SLOW.contains(&operation.id()) || TAKEN_DOWN.contains(&operation.id());
                let later = statuses(operation, self.version).contains(&202);
                let expect = if CLUSTERS.contains(&get.id()) {
                    json!({"status": [200, 404], "bodyWithout": ["\"IDLE\""]})
                } else if slow || later {
                    json!({"status": [200, 404]})
                } else {
                    json!({"status": [404], "error": "?"})
                };
                Some(json!({"request": request, "expect": expect}))
            }
            _ => None,
        }
    }

    fn read_back(
        &self,
        get: Operation,
        parameters: Map<String, Value>,
        number: usize,
    ) -> Option<Value> {
        let version = get.version(None)?;
        let mut expect = json!({"status": statuses(get, version), "conforms": true});
        if is_read_back(self.operation, get, self.sources) {
            expect["readsBack"] = number.into();
        }
        Some(json!({"request": asked(get, version, parameters, self.sources), "expect": expect}))
    }
}
