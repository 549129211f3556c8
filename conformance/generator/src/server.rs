//! Cases for servers: each operation is answered as documented, in each of its versions.

use atlas_catalog::http::Method;
use atlas_catalog::{Body, Operation, Version};
use serde_json::{Map, Value, json};

use crate::case::{Sources, head, media_type, older};
use crate::example;
use crate::examples::format;
use crate::fields::{has_fields, items, place_of};
use crate::parameters;
use crate::provider::{Setup, at, makes_something, need};
use crate::recorded::{
    DOUBTFUL, LISTS, MADE_BY, NOT_READ_BACK, SLOW, STATUSES, STAYS, TAKEN_DOWN, TEXT,
};

/// A date from which on a version that has ended is asked for no more.
const ENDED: &str = "2026-01-01";

/// The operations that read a cluster, whose state tells that it is being deleted.
const CLUSTERS: [&str; 2] = ["getGroupCluster", "getGroupFlexCluster"];

/// The case of the newest version and those of the older ones.
pub(crate) fn cases(operation: Operation, sources: &Sources) -> Vec<Value> {
    let newest = operation.version(None).map(|version| {
        let requires = match operation.method() {
            Method::GET => format!("{operation} answers with its documented fields"),
            Method::DELETE => format!("{operation} removes, and what is removed is not found"),
            _ => format!("{operation} takes its documented body, and the change can be read"),
        };
        let mut case = head(
            &format!("server-{operation}"),
            operation,
            requires,
            &source(operation),
        );
        case["flow"] = json!({"steps": Flow::new(operation, version, sources).steps(false)});
        case
    });
    let older = older(operation).filter(|version| {
        let sunset = version.sunset.as_deref();
        sunset.is_none_or(|sunset| sunset >= ENDED)
    });
    let older = older.map(|version| {
        let name = &version.name;
        let requires = format!("{operation} asked for in version {name} answers in it");
        let source = format!("facts: {operation}, version {name}");
        let mut case = head(
            &format!("server-{operation}-{name}"),
            operation,
            requires,
            &source,
        );
        case["flow"] = json!({"steps": Flow::new(operation, version, sources).steps(true)});
        case
    });
    newest.into_iter().chain(older).collect()
}

fn source(operation: Operation) -> String {
    let mut source = format!("facts: {operation}");
    if let Some((_, status)) = STATUSES.iter().find(|(id, _)| *id == operation.id()) {
        source.push_str(&format!("; recorded: it answers with {status}"));
    }
    if SLOW.contains(&operation.id()) {
        source.push_str("; recorded: what is deleted can be read for a while");
    }
    source
}

/// The statuses of success that are documented or recorded.
pub(crate) fn statuses(operation: Operation, version: &Version) -> Vec<u16> {
    let mut statuses: Vec<u16> = version.statuses().collect();
    let recorded = STATUSES.iter().filter(|(id, _)| *id == operation.id());
    statuses.extend(recorded.map(|(_, status)| *status));
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

/// The parameters of a path without any step before.
pub(crate) fn plausible(operation: Operation, sources: &Sources) -> Map<String, Value> {
    parameters::path(operation, &sources.overrides)
}

/// A request for an operation, with its example body.
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

/// The steps of a case, being put together.
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

    /// Makes what the operation reads, changes or removes, if its own path is where that is made.
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

    /// A list that nothing was put into need not hold anything.
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

    /// Whether the steps before put something into the list.
    fn is_made(&self) -> bool {
        let creation = self.creation();
        creation.is_some_and(|creation| self.setup.has_asked(creation))
    }

    /// What makes a thing where the operation's own path leads.
    fn creation(&self) -> Option<Operation> {
        let operation = self.operation;
        let listed = MADE_BY.iter().find(|(list, _)| *list == operation.id());
        match listed {
            Some((_, id)) => Operation::find(id),
            None => at(&Method::POST, &operation.path()).filter(|one| makes_something(*one)),
        }
    }

    /// Reads what was made, changed or removed.
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
                // What the path of the creation has and that of the reading has not.
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

/// The operation that reads what a creation made, and the parameters that it needs for that.
fn item(creation: Operation) -> Option<(Operation, Vec<&'static str>)> {
    if !makes_something(creation) {
        return None;
    }
    let path = creation.path();
    let get = match creation.id() {
        "createGroupDatabaseUser" => Operation::find("getGroupDatabaseUser"),
        "createOrg" => None,
        _ => {
            let same = at(&Method::GET, &path).filter(|get| items(*get).is_none());
            if let Some(get) = same {
                return Some((get, Vec::new()));
            }
            let mut below = Operation::all().filter(|one| one.method() == Method::GET);
            below.find(|one| {
                let rest = one.path();
                let rest = rest
                    .strip_prefix(&path)
                    .and_then(|rest| rest.strip_prefix("/{"));
                rest.is_some_and(|rest| rest.ends_with('}') && !rest.contains('/'))
            })
        }
    }?;
    Some((get, parameters::in_path(get)))
}

/// Whether an answer documents each field that the example body of a change has.
pub(crate) fn is_read_back(change: Operation, get: Operation, sources: &Sources) -> bool {
    let both = change.version(None).zip(get.version(None));
    let Some((written, read)) = both else {
        return false;
    };
    let Some(body) = example::request(change, written, &sources.overrides) else {
        return false;
    };
    if NOT_READ_BACK.contains(&change.id()) {
        return false;
    }
    let body = sources.world.fill_json(&body);
    let violations = get.check_response(read, 200, &body);
    use atlas_catalog::ViolationKind::{Required, WriteOnly};
    violations
        .iter()
        .all(|violation| matches!(violation.kind(), Required | WriteOnly))
}

/// What a list holds, in words: `listGroupAlerts` holds an alert.
fn held(operation: Operation) -> String {
    let mut words: Vec<String> = Vec::new();
    for character in operation.id().chars() {
        if character.is_ascii_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character.to_ascii_lowercase());
        }
    }
    let scopes = [
        "list",
        "get",
        "search",
        "group",
        "org",
        "cluster",
        "federation",
        "setting",
    ];
    while words.len() > 1 && scopes.contains(&words[0].as_str()) {
        words.remove(0);
    }
    let mut name = words.remove(0);
    for word in words {
        name.push(' ');
        name.push_str(&word);
    }
    let plurals = [
        ("ies", "y"),
        ("sses", "ss"),
        ("xes", "x"),
        ("ss", "ss"),
        ("s", ""),
    ];
    let plural = plurals
        .iter()
        .find_map(|(plural, one)| Some((name.strip_suffix(plural)?, one)));
    let name = plural.map_or(name.clone(), |(stem, one)| format!("{stem}{one}"));
    need(operation.id(), &name)
}
