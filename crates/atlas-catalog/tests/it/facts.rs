//! Every operation, parameter and version of the facts is in the catalog, and nothing else.

use std::collections::BTreeSet;

use atlas_catalog::{FACTS_DATE, Operation, Place, Tag, Version, methods, route};
use serde_json::Value;

pub(crate) fn read(name: &str) -> Value {
    let path = format!("{}/../../fixtures/api/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn operations(facts: &Value) -> &Vec<Value> {
    facts["operations"].as_array().unwrap()
}

#[test]
fn the_date_is_that_of_the_facts() {
    assert_eq!(read("facts.json")["date"], FACTS_DATE);
}

#[test]
fn every_operation_is_found_by_each_of_its_names() {
    let (facts, names) = (read("facts.json"), read("names.json"));
    assert_eq!(Operation::all().len(), 546);
    let ids: BTreeSet<&str> = operations(&facts)
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    for one in operations(&facts) {
        let id = one["id"].as_str().unwrap();
        let operation = Operation::find(id).unwrap();
        assert_eq!(operation.id(), id);
        assert_eq!(operation.path(), one["path"]);
        assert_eq!(operation.method().as_str(), one["method"]);
        assert_eq!(operation.tag().name(), one["tag"]);
        assert_eq!(operation.is_deprecated(), one["deprecated"] == true, "{id}");
        assert_eq!(operation.is_open(), one["security"].is_array(), "{id}");
        let short = one["short"].as_str().unwrap_or(id);
        assert_eq!(operation.short_id(), short);
        let dotted = format!("{}.{short}", operation.tag().camel_case());
        assert_eq!(Operation::find(&dotted), Some(operation), "{dotted}");
        for former in names["formerly"][id].as_array().into_iter().flatten() {
            let former = former.as_str().unwrap();
            if !ids.contains(former) {
                assert_eq!(Operation::find(former), Some(operation), "{former}");
                assert!(operation.former_ids().any(|one| one == former));
            }
        }
    }
    for unknown in [
        "",
        ".",
        "clusters.",
        ".getCluster",
        "getgroupcluster",
        "a.b.c",
        "\u{0}",
    ] {
        assert_eq!(Operation::find(unknown), None, "{unknown:?}");
    }
    assert_eq!(Tag::all().len(), facts["tags"].as_array().unwrap().len());
}

#[test]
fn details_are_those_of_the_facts() {
    let facts = read("facts.json");
    for one in operations(&facts) {
        let id = one["id"].as_str().unwrap();
        let operation = Operation::find(id).unwrap();
        let roles: Vec<Value> = operation
            .roles()
            .iter()
            .map(|role| role.as_str().into())
            .collect();
        assert_eq!(
            Value::Array(roles),
            *one.get("roles").unwrap_or(&Value::Array(vec![])),
            "{id}"
        );
        let given = one["parameters"].as_array().unwrap();
        assert_eq!(operation.parameters().len(), given.len());
        for (parameter, given) in operation.parameters().iter().zip(given) {
            let given = match given["$ref"].as_str() {
                Some(name) => &facts["parameters"][name],
                None => given,
            };
            assert_eq!(parameter.name, given["name"]);
            let place = match given["in"].as_str().unwrap() {
                "path" => Place::Path,
                "query" => Place::Query,
                _ => Place::Header,
            };
            assert_eq!(parameter.place, place);
            assert_eq!(parameter.required, given["required"] == true);
            assert_eq!(parameter.is_repeated(), given["schema"]["type"] == "array");
        }
        let versions = one["versions"].as_array().unwrap();
        assert_eq!(operation.versions().len(), versions.len());
        for (version, given) in operation.versions().iter().zip(versions) {
            assert_eq!(version.name, given["version"]);
            assert_eq!(version.sunset.as_deref(), given["sunset"].as_str());
            assert_eq!(
                version.request_schema().is_some(),
                given["request"]["json"].is_object()
            );
            for (status, formats) in given["responses"].as_object().unwrap() {
                let status: u16 = status.parse().unwrap();
                assert!(version.statuses().any(|one| one == status));
                for (format, schema) in formats.as_object().unwrap() {
                    assert!(version.formats().any(|one| one == format));
                    let schema_there = version.schema_of(status, format).is_some();
                    assert_eq!(schema_there, !schema.is_null(), "{id} {status} {format}");
                }
            }
        }
        let paged = operation.is_paged();
        if paged {
            assert_eq!(one["method"], "GET");
        }
    }
    assert_eq!(Operation::all().filter(|one| one.is_paged()).count(), 88);
}

#[test]
fn every_path_is_routed_to_its_operation() {
    for operation in Operation::all() {
        let mut path = operation.path();
        let mut expected = Vec::new();
        for (number, parameter) in operation.parameters().iter().enumerate() {
            if parameter.place == Place::Path {
                let value = format!("v{number}.~é/");
                let encoded = format!("v{number}.~%C3%A9%2F");
                path = path.replace(&format!("{{{}}}", parameter.name), &encoded);
                expected.push((parameter.name.as_str(), value));
            }
        }
        assert!(!path.contains('{'), "{path}");
        let found = route(&operation.method(), &path).unwrap();
        assert_eq!(found.operation, operation, "{path}");
        let mut parameters = found.parameters.clone();
        parameters.sort_unstable();
        expected.sort_unstable();
        assert_eq!(parameters, expected, "{path}");
        assert!(methods(&path).contains(&operation.method()));
        assert_eq!(route(&operation.method(), &format!("{path}/")), None);
        assert_eq!(route(&http::Method::TRACE, &path), None);
    }
    for path in [
        "",
        "/",
        "*",
        "/api/atlas/v2/nothing",
        "/api/atlas/v2/groups/%ff",
        "/api/atlas/v2/groups/",
    ] {
        assert_eq!(route(&http::Method::GET, path), None, "{path}");
    }
}

#[test]
fn a_version_is_the_newest_that_is_not_newer() {
    let operation = Operation::find("getGroupCluster").unwrap();
    let version = |asked| {
        operation
            .version(asked)
            .map(|version| version.name.as_str())
    };
    assert_eq!(version(None), Some("2024-08-05"));
    assert_eq!(version(Some("2024-08-04")), Some("2023-02-01"));
    assert_eq!(version(Some("2099-01-01")), Some("2024-08-05"));
    assert_eq!(version(Some("2022-12-31")), None);
    for odd in ["preview", "", "latest", "2024-8-5", "２024-08-05"] {
        assert_eq!(version(Some(odd)), None, "{odd}");
    }
    let previews =
        Operation::all().filter(|one| one.version(None).is_some_and(Version::is_preview));
    assert_eq!(previews.count(), 26);
}
