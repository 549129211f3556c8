//! The committed sources are in canonical form, agree with each other, and hold no prose.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::{DATE, DESCRIPTION, Small, fixture, json as read, run, workspace};

#[test]
fn nothing_committed_is_out_of_date() {
    let run = run(&workspace(), &["check"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_source_in_another_form_is_out_of_date_until_generate() {
    let small = Small::new(DESCRIPTION);
    for name in ["facts.json", "names.json", "overrides.json"] {
        let right = small.read(name);
        let value: Value = serde_json::from_str(&right).unwrap();
        small.write(name, &format!("{value:#}"));
        let check = run(small.root(), &["check"]);
        assert_eq!(check.code, Some(1), "{name}");
        assert_eq!(
            check.stderr,
            format!(
                "fixtures/api/{name} is out of date: run cargo run -p atlas-codegen -- generate\n"
            )
        );
        let generate = run(small.root(), &["generate"]);
        assert_eq!(generate.stdout, format!("wrote fixtures/api/{name}\n"));
        assert_eq!(small.read(name), right);
    }
}

#[test]
fn a_new_date_of_the_facts_is_generated_into_the_catalog() {
    let small = Small::new(DESCRIPTION);
    let file = small.root().join("crates/atlas-catalog/src/facts_date.rs");
    let constant = |date: &str| format!("\npub const FACTS_DATE: &str = \"{date}\";\n");
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .ends_with(&constant(DATE))
    );
    let facts = small.read("facts.json").replacen(DATE, "2025-04-01", 1);
    small.write("facts.json", &facts);
    let check = run(small.root(), &["check"]);
    assert_eq!(check.code, Some(1));
    assert_eq!(
        check.stderr,
        "crates/atlas-catalog/src/facts_date.rs is out of date: \
         run cargo run -p atlas-codegen -- generate\n"
    );
    assert_eq!(run(small.root(), &["generate"]).code, Some(0));
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .ends_with(&constant("2025-04-01"))
    );
    assert_eq!(run(small.root(), &["check"]).code, Some(0));
}

#[test]
fn sources_that_contradict_each_other_are_refused() {
    let watch = |key: &str, value: Value| {
        let mut entry = json!({"id": "createGroupThing", "get": "createGroupThing",
            "version": "2023-01-01", "params": {}, "until": {"status": 404}});
        entry[key] = value;
        json!([entry])
    };
    let overrides = |key: &str, value: Value| {
        let mut overrides = read(&fixture("overrides.json"));
        overrides["successors"] = json!({});
        overrides["values"] = json!({});
        overrides["patterns"] = json!([]);
        overrides[key] = value;
        overrides
    };
    let role = |includes: Value| json!({"includes": includes, "reason": "for this test"});
    for (name, source, expected) in [
        (
            "watch.json",
            watch("id", json!("nothing")),
            "[0].id: unknown operation \"nothing\"",
        ),
        (
            "watch.json",
            watch("version", json!("2024-01-01")),
            "[0].version: createGroupThing has no version \"2024-01-01\"",
        ),
        (
            "watch.json",
            watch("params", json!({"x": "input:x"})),
            "[0].params: createGroupThing has no parameter \"x\"",
        ),
        (
            "overrides.json",
            overrides("roles", json!({})),
            "roles: createGroupThing needs \"Project Owner\": add it",
        ),
        (
            "overrides.json",
            overrides(
                "roles",
                json!({"Project Owner": role(json!(["Project Chef"]))}),
            ),
            "roles.Project Owner: unknown role \"Project Chef\" in includes: expected another role",
        ),
        (
            "overrides.json",
            overrides(
                "roles",
                json!({"Project Owner": role(json!(["Project Cook"])), "Project Cook": role(json!(["Project Owner"]))}),
            ),
            "roles.Project Cook: includes itself in a circle",
        ),
        (
            "overrides.json",
            overrides("values", json!({"Thing.size": {}})),
            "values.Thing.size: unknown field: expected Schema.field",
        ),
        (
            "overrides.json",
            overrides("values", json!([])),
            "values: missing: expected an object",
        ),
        (
            "overrides.json",
            overrides("values", json!({"Thing.kind": {}})),
            "values.Thing.kind.reason: missing",
        ),
        (
            "overrides.json",
            overrides("roles", json!({"Project Owner": {"reason": "none"}})),
            "roles.Project Owner.includes: missing: expected a list of roles",
        ),
        ("watch.json", json!({}), "line 1: expected a list"),
        ("watch.json", json!([1]), "[0]: expected an object"),
    ] {
        let small = Small::new(DESCRIPTION);
        small.write(name, &source.to_string());
        let check = run(small.root(), &["check"]);
        assert_eq!(check.code, Some(2), "{expected}: {check:?}");
        assert_eq!(
            check.stderr,
            format!("error: fixtures/api/{name}: {expected}\n")
        );
    }
}

#[test]
fn names_of_missing_operations_and_ambiguous_former_ids_are_out_of_date() {
    let small = Small::new(DESCRIPTION);
    let right = small.read("names.json");
    for (formerly, kept, note) in [
        (
            json!({"gone": ["a"]}),
            json!([]),
            "names: gone is gone: removed its former ids\n",
        ),
        (
            json!({}),
            json!(["gone"]),
            "names: gone was listed as kept, but no operation has this id: removed from the list\n",
        ),
    ] {
        let mut names: Value = serde_json::from_str(&right).unwrap();
        names["formerly"] = formerly;
        names["kept"] = kept;
        small.write("names.json", &names.to_string());
        let check = run(small.root(), &["check"]);
        assert_eq!(check.code, Some(1));
        assert!(check.stderr.starts_with(note), "{}", check.stderr);
        assert_eq!(run(small.root(), &["generate"]).code, Some(0));
        assert_eq!(small.read("names.json"), right);
    }
}

#[test]
fn a_missing_source_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let check = run(folder.path(), &["check"]);
    assert_eq!(check.code, Some(2));
    assert!(
        check.stderr.contains("fixtures/api/facts.json: "),
        "{}",
        check.stderr
    );
}

#[test]
fn no_text_of_the_facts_is_a_sentence() {
    fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) if key != "pattern" => found.push(text),
            Value::Array(list) if key != "enum" => {
                for value in list {
                    texts(value, key, found);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    found.push(key);
                    texts(value, key, found);
                }
            }
            _ => {}
        }
    }
    for name in ["facts.json", "names.json", "watch.json"] {
        let source = read(&fixture(name));
        let mut found = Vec::new();
        texts(&source, "", &mut found);
        for text in found {
            // The longest tag has seven words.
            assert!(text.split_whitespace().count() <= 7, "{name}: {text}");
            assert!(
                !text.contains(". ") && !text.ends_with('.'),
                "{name}: {text}"
            );
        }
    }
}

#[test]
fn the_facts_have_the_counted_shapes() {
    let facts = read(&fixture("facts.json"));
    let operations = facts["operations"].as_array().unwrap();
    let count = |wanted: &dyn Fn(&Value) -> bool| {
        operations
            .iter()
            .filter(|operation| wanted(operation))
            .count()
    };
    let versions = |operation: &Value| operation["versions"].as_array().unwrap().clone();
    assert_eq!(facts["tags"].as_array().unwrap().len(), 60);
    assert_eq!(facts["schemas"].as_object().unwrap().len(), 1146);
    let method = |name: &str| count(&|operation| operation["method"] == name);
    // These include six tenant operations past their sunset date: four GETs and two POSTs.
    let counts = ["GET", "POST", "DELETE", "PATCH", "PUT"].map(method);
    assert_eq!(counts, [272, 117, 80, 67, 10]);
    assert_eq!(count(&|operation| operation.get("short").is_none()), 160);
    assert_eq!(count(&|operation| operation.get("roles").is_none()), 23);
    assert_eq!(count(&|operation| versions(operation).len() > 1), 46);
    assert_eq!(
        count(&|operation| versions(operation)
            .iter()
            .any(|version| version["version"] == "preview")),
        36
    );
    let rows: Vec<Value> = operations.iter().flat_map(versions).collect();
    assert_eq!(
        rows.iter()
            .filter(|version| version.get("sunset").is_some())
            .count(),
        106
    );
    let roles: BTreeSet<&str> = operations
        .iter()
        .flat_map(|operation| operation["roles"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let overrides = read(&fixture("overrides.json"));
    let known: BTreeSet<&str> = overrides["roles"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(roles, known);
    assert_eq!(roles.len(), 31);
}

#[test]
fn no_operation_lists_a_role_that_includes_another_of_its_roles() {
    let overrides = read(&fixture("overrides.json"));
    let includes = |role: &str| -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![role.to_owned()];
        while let Some(role) = open.pop() {
            for other in overrides["roles"][&role]["includes"].as_array().unwrap() {
                if found.insert(other.as_str().unwrap().to_owned()) {
                    open.push(other.as_str().unwrap().to_owned());
                }
            }
        }
        found
    };
    let facts = read(&fixture("facts.json"));
    for operation in facts["operations"].as_array().unwrap() {
        let roles: Vec<&str> = operation["roles"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for role in &roles {
            let below = includes(role);
            assert!(
                !roles.iter().any(|other| below.contains(*other)),
                "{operation}"
            );
        }
    }
}

#[test]
fn the_lock_names_every_operation_and_keeps_the_six_that_ended() {
    let facts = read(&fixture("facts.json"));
    let names = read(&fixture("names.json"));
    let operations = facts["operations"].as_array().unwrap();
    assert_eq!(
        names["operations"].as_object().unwrap().len(),
        operations.len()
    );
    assert_eq!(names["formerly"].as_object().unwrap().len(), 320);
    let kept = names["kept"].as_array().unwrap();
    assert_eq!(kept.len(), 6);
    let ended: Vec<&Value> = operations
        .iter()
        .filter(|operation| {
            operation["tag"]
                .as_str()
                .unwrap()
                .starts_with("Shared-Tier")
        })
        .map(|operation| &operation["id"])
        .collect();
    assert_eq!(kept.iter().collect::<Vec<_>>(), ended);
}

#[test]
fn exported_descriptions_contain_only_template_sentences() {
    let exported = run(&workspace(), &["export", "--format", "json"]).stdout;
    let exported: Value = serde_json::from_str(&exported).unwrap();
    let mut sentences = BTreeSet::new();
    for item in exported["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            if let Some(text) = operation["description"].as_str() {
                assert!(text.starts_with("The caller must have the "), "{text}");
            }
            for response in operation["responses"].as_object().unwrap().values() {
                sentences.extend(response["description"].as_str().map(str::to_owned));
            }
        }
    }
    assert_eq!(sentences, BTreeSet::from(["Done.".to_owned()]));
    assert!(
        fs::read_to_string(fixture("README.md"))
            .unwrap()
            .contains("cargo run -p atlas-codegen -- import")
    );
}
