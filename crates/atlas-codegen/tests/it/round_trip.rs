//! Exported facts import to the same bytes.

use std::fs;

use crate::support::{DESCRIPTION, Small, fixture, import, import_of, json, run, workspace};

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
    let parsed = json(&fixture("facts.json"));
    assert_eq!(parsed["operations"].as_array().unwrap().len(), 546);
    let exported = run(&workspace(), &["export", "--format", format]);
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), exported.stdout).unwrap();
    let imported = import_of(file.path(), parsed["date"].as_str().unwrap());
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
fn numbers_that_json_writes_without_exponent_are_the_same_numbers() {
    let exported = run(&workspace(), &["export", "--format", "json"]).stdout;
    assert!(exported.contains("1199145600.0"));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), exported.replace("1199145600.0", "1199145600")).unwrap();
    let imported = import(file.path()).stdout;
    assert!(imported.contains("1199145600") && !imported.contains("1199145600.0"));
    fs::write(file.path(), imported).unwrap();
    let (facts, other) = (fixture("facts.json"), file.path().to_str().unwrap());
    let diff = run(&workspace(), &["diff", facts.to_str().unwrap(), other]);
    assert_eq!(
        diff.stdout,
        "0 breaking, 0 removed, 0 behavioural, 0 added\n"
    );
}

#[test]
fn integers_are_imported_exactly_and_exponents_stay_floating_point() {
    let bounds = "minimum: 1000000, maximum: 9007199254740993, default: 1e+06, enum: [1000000, 9223372036854775807, 18446744073709551615, -9007199254740993, 1.1991456e+09, 2.0]";
    let expected = r#""schema":{"default":1000000.0,"enum":[1000000,9223372036854775807,18446744073709551615,-9007199254740993,1199145600.0,2],"maximum":9007199254740993,"minimum":1000000,"type":"integer"}"#;
    let yaml = DESCRIPTION.replacen("default: 1}", &format!("{bounds}}}"), 1);
    let small = Small::new(&yaml);
    let facts = small.read("facts.json");
    assert!(facts.contains(expected), "{facts}");
    for format in ["yaml", "json"] {
        let exported = run(small.root(), &["export", "--format", format]).stdout;
        assert_eq!(small.import(&exported, &[]).code, Some(0));
        assert!(small.read("facts.json") == facts, "{format}");
    }
}
