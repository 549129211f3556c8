//! Exported facts give the same bytes when they are imported.

use std::fs;

use crate::support::{fixture, import, json, run, workspace};

#[test]
fn all_operations_exported_as_json_import_to_the_same_bytes() {
    same_bytes("json");
}

#[test]
fn all_operations_exported_as_yaml_import_to_the_same_bytes() {
    same_bytes("yaml");
}

fn same_bytes(format: &str) {
    let facts = fs::read_to_string(fixture("facts.json")).unwrap();
    assert_eq!(
        json(&fixture("facts.json"))["operations"]
            .as_array()
            .unwrap()
            .len(),
        546
    );
    let exported = run(&workspace(), &["export", "--format", format]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), exported.stdout).unwrap();
    let imported = import(file.path());
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let differs = imported
        .stdout
        .lines()
        .zip(facts.lines())
        .find(|(new, old)| new != old);
    assert_eq!(differs, None);
    assert!(imported.stdout == facts);
}

#[test]
fn numbers_that_json_writes_without_exponent_import_as_yaml_writes_them() {
    let exported = run(&workspace(), &["export", "--format", "json"]).stdout;
    assert!(exported.contains("1199145600.0"));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), exported.replace("1199145600.0", "1199145600")).unwrap();
    let facts = fs::read_to_string(fixture("facts.json")).unwrap();
    assert!(import(file.path()).stdout == facts);
}
