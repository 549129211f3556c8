//! Checks that each case can be run and requires only what is in the facts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use atlas_catalog::http::Method;
use atlas_catalog::route;
use serde_json::Map;

use super::*;
use crate::fields::leads_somewhere;
use crate::json::listed;
use crate::parameters::in_path;
use crate::read_back::is_read_back;
use crate::server::statuses;

fn sources() -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path| crate::files::read(&root, path).unwrap();
    Sources {
        overrides: Overrides::read(&read("fixtures/examples-overrides.json")).unwrap(),
        world: World::read(&read("fixtures/world.json")).unwrap(),
    }
}

fn all() -> &'static [Value] {
    static ALL: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let sources = sources();
        Tag::all().flat_map(|tag| of(tag, &sources)).collect()
    });
    &ALL
}

/// Returns the steps of a server case.
fn steps(case: &Value) -> Vec<Value> {
    match case.get("server") {
        Some(server) => vec![server.clone()],
        None => case["flow"]["steps"]
            .as_array()
            .cloned()
            .unwrap_or_default(),
    }
}

fn operation(request: &Value) -> Operation {
    let id = request["operation"].as_str().unwrap();
    let operation = Operation::find(id).unwrap();
    assert_eq!(operation.id(), id);
    operation
}

fn names(parameters: &Value) -> BTreeSet<&str> {
    let parameters = parameters.as_object().map(|object| object.keys());
    parameters
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect()
}

#[test]
fn each_operation_has_its_cases_and_each_case_a_unique_id() {
    let cases = all();
    let ids: BTreeSet<&str> = cases
        .iter()
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), cases.len());
    for operation in Operation::all() {
        for side in ["client", "server"] {
            let id = format!("api/{side}-{operation}");
            assert!(ids.contains(id.as_str()), "{id}");
        }
        let list = format!("api/list-{operation}");
        assert_eq!(ids.contains(list.as_str()), operation.is_paged(), "{list}");
        for version in older(operation) {
            let id = format!("api/client-{operation}-{}", version.name);
            assert!(ids.contains(id.as_str()), "{id}");
        }
    }
    assert_eq!(
        ids.iter().filter(|id| id.starts_with("api/list-")).count(),
        88
    );
    assert_eq!(
        ids.iter().filter(|id| id.starts_with("api/role-")).count(),
        352
    );
}

#[test]
fn no_case_has_25_lines() {
    for case in all() {
        let text = String::from_utf8(listed(std::slice::from_ref(case), DEEP, MOST)).unwrap();
        // Without the brackets of the list.
        assert!(text.lines().count() - 2 < 25, "{text}");
    }
}

#[test]
fn the_parameters_of_each_request_are_those_of_its_path() {
    let sources = sources();
    for case in all() {
        let id = &case["id"];
        for step in steps(case) {
            let request = &step["request"];
            let operation = operation(request);
            let wanted: BTreeSet<&str> = in_path(operation).into_iter().collect();
            assert_eq!(names(&request["parameters"]), wanted, "{id}");
            let body = request.get("json").is_some() || request.get("example").is_some();
            let takes = operation.body() != atlas_catalog::Body::None;
            assert_eq!(body, takes, "{id}: body of {operation}");
            let filled = sources.world.fill_json(&request["parameters"]);
            for (name, value) in filled.as_object().cloned().unwrap_or_default() {
                let value = value.as_str().unwrap();
                if !value.contains("${") {
                    let found = operation.check_parameters([(name.as_str(), value)]);
                    let found = found.iter().find(|violation| violation.path() == name);
                    assert!(found.is_none(), "{id}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn each_variable_is_saved_before_use_from_a_documented_field() {
    let sources = sources();
    for case in all() {
        let id = &case["id"];
        let mut saved = Map::new();
        for step in steps(case) {
            let text = sources.world.fill_json(&step["request"]).to_string();
            let used = text
                .split("${")
                .skip(1)
                .map(|rest| rest.split('}').next().unwrap());
            for name in used {
                assert!(saved.contains_key(name), "{id}: ${{{name}}}");
            }
            let Some(save) = step.get("save").and_then(Value::as_object) else {
                continue;
            };
            let operation = operation(&step["request"]);
            for (name, pointer) in save {
                let pointer = pointer.as_str().unwrap();
                assert!(
                    leads_somewhere(operation, pointer),
                    "{id}: {operation} {pointer}"
                );
                saved.insert(name.clone(), true.into());
            }
            let asks = operation.method() == Method::GET && step.get("save").is_some();
            assert!(!asks || step.get("need").is_some(), "{id}: {operation}");
        }
    }
}

#[test]
fn a_value_that_is_read_back_was_written_by_an_earlier_step() {
    let sources = sources();
    let mut count = 0;
    for case in all() {
        let id = &case["id"];
        let steps = steps(case);
        for (place, step) in steps.iter().enumerate() {
            let Some(number) = step["expect"]["readsBack"].as_u64() else {
                continue;
            };
            let number = usize::try_from(number).unwrap();
            assert!((1..=place).contains(&number), "{id}");
            let written = &steps[number - 1]["request"];
            assert!(
                written.get("json").is_some() || written.get("example").is_some(),
                "{id}"
            );
            let (change, get) = (operation(written), operation(&step["request"]));
            assert!(is_read_back(change, get, &sources), "{id}");
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn each_accepted_status_is_a_success_or_not_found() {
    for case in all() {
        for step in steps(case) {
            let operation = operation(&step["request"]);
            let version = operation.version(None).unwrap();
            let mut known = statuses(operation, version);
            for version in older(operation) {
                known.extend(statuses(operation, version));
            }
            let refused = case["id"].as_str().unwrap().starts_with("api/role-");
            known.extend(if refused { vec![401, 403] } else { vec![404] });
            let accepted = step["expect"]["status"].as_array().unwrap();
            assert!(!accepted.is_empty());
            for status in accepted {
                let status = u16::try_from(status.as_u64().unwrap()).unwrap();
                assert!(known.contains(&status), "{}: {status}", case["id"]);
            }
        }
    }
}

#[test]
fn the_target_of_each_client_case_leads_to_its_operation() {
    for case in all() {
        let Some(client) = case.get("client") else {
            continue;
        };
        let operation = operation(&client["call"]);
        let mut expectations = vec![&client["expect"]];
        expectations.extend(
            client
                .get("or")
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        );
        for expect in expectations {
            for request in expect["requests"].as_array().unwrap() {
                let target = request["target"].as_str().unwrap();
                let path = target.split('?').next().unwrap();
                let path = path.trim_end_matches('/');
                let found = route(&operation.method(), path).unwrap();
                assert_eq!(found.operation, operation, "{target}");
                let found: BTreeMap<&str, String> = found.parameters.into_iter().collect();
                for (name, value) in found {
                    assert_eq!(client["call"]["parameters"][name], value, "{target}");
                }
            }
        }
    }
}

#[test]
fn the_pages_of_a_list_have_items_that_differ() {
    let mut same = Vec::new();
    for case in all() {
        if case["client"]["call"].get("list").is_none() {
            continue;
        }
        let items = |page: usize| case["client"]["answers"][page]["json"]["results"].clone();
        if items(0) == items(1) {
            same.push(case["id"].clone());
        }
        assert!(!items(0).as_array().unwrap().is_empty(), "{}", case["id"]);
    }
    assert_eq!(same, [""; 0]);
}
