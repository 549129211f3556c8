//! Reads a change back, and names the items of a list.

use atlas_catalog::Operation;
use atlas_catalog::ViolationKind::{Required, WriteOnly};
use atlas_catalog::http::Method;

use crate::case::Sources;
use crate::example;
use crate::fields::items;
use crate::parameters;
use crate::provider::{at, makes_something, need};
use crate::recorded::NOT_READ_BACK;

/// Returns the operation that reads a created resource, and its path parameters.
pub(crate) fn item(creation: Operation) -> Option<(Operation, Vec<&'static str>)> {
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

/// Whether the response documents each field of a change's example body.
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
    violations
        .iter()
        .all(|violation| matches!(violation.kind(), Required | WriteOnly))
}

/// Describes an item of a list: `listGroupAlerts` has `an alert`.
pub(crate) fn held(operation: Operation) -> String {
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
