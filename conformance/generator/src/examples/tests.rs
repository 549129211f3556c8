//! Checks the examples against the facts.

use std::path::Path;

use super::*;
use crate::world::World;

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn overrides() -> Overrides {
    let text = crate::files::read(&root(), "fixtures/examples-overrides.json").unwrap();
    Overrides::read(&text).unwrap()
}

fn world() -> World {
    World::read(&crate::files::read(&root(), "fixtures/world.json").unwrap()).unwrap()
}

/// Returns the violations in the examples of one version.
fn violations(operation: Operation, version: &Version) -> Vec<String> {
    let (overrides, world) = (overrides(), world());
    let mut found = Vec::new();
    let mut note = |what: &str, violations: Vec<atlas_catalog::Violation>| {
        let violations = violations.iter();
        let wrong = violations.filter(|violation| !violation.kind().is_tolerated());
        found.extend(wrong.map(|wrong| format!("{operation}@{} {what}: {wrong}", version.name)));
    };
    let body = request(operation, version, &overrides);
    let body = body.map(|body| world.fill_json(&body));
    note("request", operation.check_request(version, body.as_ref()));
    let status = success(version).unwrap();
    for (extent, number) in [
        (Extent::Response, 0),
        (Extent::Brief, 0),
        (Extent::Brief, 2),
    ] {
        if let Some(body) = response(operation, version, extent, number, &overrides) {
            let body = world.fill_json(&body);
            note("response", operation.check_response(version, status, &body));
        }
    }
    found
}

#[test]
fn each_example_of_each_version_matches_its_schema() {
    assert_eq!(Operation::all().len(), 546);
    let mut found = Vec::new();
    for operation in Operation::all() {
        for version in operation.versions() {
            found.extend(violations(operation, version));
        }
    }
    assert!(
        found.is_empty(),
        "{} violations:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn an_example_has_no_read_only_or_unknown_field() {
    let (overrides, world) = (overrides(), world());
    for operation in Operation::all() {
        let version = operation.version(None).unwrap();
        let Some(body) = request(operation, version, &overrides) else {
            continue;
        };
        let found = operation.check_request(version, Some(&world.fill_json(&body)));
        assert!(found.is_empty(), "{operation}: {found:?}");
    }
}

#[test]
fn each_operation_has_an_example_and_no_row_corrects_an_unknown_one() {
    let overrides = overrides();
    for operation in Operation::all() {
        assert!(example(operation, &overrides).is_some(), "{operation}");
    }
    for id in overrides.operations() {
        let found = Operation::find(id).map(Operation::id);
        assert_eq!(found, Some(id), "examples-overrides.json");
    }
}
