//! Invalid inputs: one line with the place, exit code 2, and no file written.

mod values;

use std::fmt::Write;

use crate::support::{DATE, DESCRIPTION, Small, fixture, run};

/// Imports `description`, and expects the error `expected` and no changed file.
fn refused(description: impl AsRef<[u8]>, expected: &str) {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let run = small.import_bytes(description.as_ref(), &[]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let line = run.stderr.strip_suffix('\n').unwrap();
    assert!(
        !line.contains('\n') && line.starts_with("error: "),
        "{line}"
    );
    assert!(line.ends_with(expected), "{line}\nexpected: {expected}");
    assert_eq!(run.stdout, "");
    assert!(small.files() == before, "a file changed");
}

fn changed(from: &str, to: &str) -> String {
    assert!(DESCRIPTION.contains(from), "{from}");
    DESCRIPTION.replacen(from, to, 1)
}

#[test]
fn an_empty_file_is_refused() {
    refused("", ": line 1: the file is empty: expected YAML or JSON");
    refused(
        " \n\n",
        ": line 1: the file is empty: expected YAML or JSON",
    );
}

#[test]
fn a_page_of_html_is_refused() {
    let expected = ": line 1: this is HTML or XML: download the raw YAML or JSON file instead";
    refused("\n<!DOCTYPE html>\n<html></html>", expected);
}

#[test]
fn text_that_is_not_an_object_is_refused() {
    refused("just some words", ": line 1: not a YAML or JSON object");
    refused("[1, 2]", ": line 1: not a YAML or JSON object");
}

#[test]
fn broken_yaml_is_refused_with_its_line() {
    let small = Small::new(DESCRIPTION);
    let run = small.import("openapi: 3.0.1\npaths:\n  - a\n b: [\n", &[]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains(": line "), "{}", run.stderr);
    assert!(run.stderr.contains(": invalid YAML: "), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn broken_json_is_refused_with_line_and_column() {
    let expected = ": line 2 column 1: invalid JSON: EOF while parsing a value";
    refused("{\"openapi\": \"3.0.1\",\n", expected);
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    refused(
        b"openapi: \xff",
        ": byte 9: not UTF-8: convert the file to UTF-8",
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let small = Small::new(DESCRIPTION);
    let run = small.import(&format!("\u{feff}{DESCRIPTION}"), &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn aliases_that_expand_without_end_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        let list = vec![below; 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{list}]").unwrap();
    }
    let small = Small::new(DESCRIPTION);
    let run = small.import(&bomb, &[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains(": invalid YAML: "), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn nesting_without_end_is_refused() {
    for (open, what) in [("[", "YAML"), ("{\"a\":", "JSON")] {
        let text = format!(
            "{}{}",
            if open == "[" { "a: " } else { "" },
            open.repeat(100_000)
        );
        let small = Small::new(DESCRIPTION);
        let run = small.import(&text, &[]);
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!(": invalid {what}: ")),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_file_that_does_not_exist_is_named() {
    let small = Small::new(DESCRIPTION);
    let run = run(small.root(), &["import", "nowhere.yaml", "--date", DATE]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.starts_with("error: cannot read nowhere.yaml: "),
        "{}",
        run.stderr
    );
}

#[test]
fn other_versions_of_openapi_are_refused() {
    let swagger = changed("openapi: 3.0.1", "swagger: \"2.0\"");
    refused(
        swagger,
        ": swagger: this is OpenAPI 2.0: expected OpenAPI 3.0",
    );
    let newer = changed("openapi: 3.0.1", "openapi: 3.1.0");
    refused(
        newer,
        ": openapi: this is OpenAPI 3.1.0: expected OpenAPI 3.0",
    );
    refused("info: {}", ": openapi: missing: expected OpenAPI 3.0");
}

#[test]
fn a_description_without_paths_is_refused() {
    let text = "openapi: 3.0.1\ninfo: {x-xgen-sha: x}\n";
    refused(text, ": paths: missing: expected the API's paths");
    refused(format!("{text}paths: []\n"), ": paths: expected an object");
}

#[test]
fn a_description_without_revision_requires_one_as_an_argument() {
    let text = changed(", x-xgen-sha: small", "");
    let expected = ": info.x-xgen-sha: missing: pass the revision of the description by --source";
    refused(&text, expected);
    let small = Small::new(DESCRIPTION);
    assert_eq!(small.import(&text, &["--source", "0123"]).code, Some(0));
    assert!(
        small
            .read("facts.json")
            .starts_with(r#"{"openapi":"3.0.1","source":"0123","#)
    );
}

#[test]
fn an_import_needs_the_date_of_the_description() {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let path = fixture("golden/small.yaml");
    let import = ["import", path.to_str().unwrap()];
    let run = run(small.root(), &import);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("--date <YYYY-MM-DD>"), "{}", run.stderr);
    for date in [
        "",
        "yesterday",
        "2025-02-29",
        "2025-3-12",
        "20250312",
        "2025-03-12T00:00",
    ] {
        let run = crate::support::run(small.root(), &[&import[..], &["--date", date]].concat());
        assert_eq!(run.code, Some(2), "{run:?}");
        let expected = "for '--date <YYYY-MM-DD>'";
        assert!(run.stderr.contains(expected), "{date}: {}", run.stderr);
    }
    assert!(small.files() == before, "a file changed");
}

#[test]
fn facts_with_an_invalid_date_or_none_are_refused() {
    let small = Small::new(DESCRIPTION);
    let facts = small.read("facts.json");
    let date = format!("\"date\":\"{DATE}\",");
    for (other, expected) in [
        (
            "\"date\":\"2025-02-29\",",
            "facts.json: date: invalid date \"2025-02-29\": expected YYYY-MM-DD, such as 2025-03-12\n",
        ),
        (
            "",
            "facts.json: facts: not a facts file: missing field `date`\n",
        ),
    ] {
        small.write("facts.json", &facts.replacen(&date, other, 1));
        for command in ["generate", "check", "export"] {
            let run = run(small.root(), &[command]);
            assert_eq!(run.code, Some(2), "{run:?}");
            assert!(run.stderr.ends_with(expected), "{}", run.stderr);
        }
    }
}

#[test]
fn a_reference_to_nothing_is_refused() {
    let text = changed(
        "name: {type: string}",
        "name: {$ref: \"#/components/schemas/Nme\"}",
    );
    let place = "components.schemas.Thing.properties.name";
    refused(
        text,
        &format!(": {place}: #/components/schemas/Nme does not exist: add it"),
    );

    let text = changed(
        "{in: query, name: size,",
        "{$ref: \"#/components/parameters/size\"}\n#",
    );
    let place = "paths./api/atlas/v2/groups/{groupId}/things.post.parameters[1]";
    refused(
        text,
        &format!(": {place}: #/components/parameters/size does not exist: add it"),
    );

    let text = changed("name: {type: string}", "name: {$ref: other.yaml}");
    let expected = "name: invalid reference \"other.yaml\": expected #/components/schemas/NAME";
    refused(text, expected);

    let text = changed(
        "{description: No.}",
        "{$ref: \"#/components/responses/no\"}",
    );
    refused(
        text,
        "responses.400: #/components/responses/no does not exist: add it",
    );
}

#[test]
fn a_mapping_to_nothing_is_refused() {
    let discriminator =
        "discriminator: {propertyName: kind, mapping: {A: \"#/components/schemas/A\"}}";
    let text = changed(
        "      type: object",
        &format!("      type: object\n      {discriminator}"),
    );
    let place = "components.schemas.Thing.discriminator.mapping.A";
    refused(
        text,
        &format!(": {place}: #/components/schemas/A does not exist: add it"),
    );
}

#[test]
fn a_duplicate_operation_id_is_refused() {
    let other = "paths:\n  /api/atlas/v2/a:\n    get:\n      operationId: createGroupThing\n      tags: [T]\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    refused(
        changed("paths:\n", other),
        "duplicate operationId \"createGroupThing\": also at paths./api/atlas/v2/a.get",
    );
}

#[test]
fn a_duplicate_path_is_refused() {
    let other = "paths:\n  /api/atlas/v2/groups/{groupId}/things: {}\n";
    let small = Small::new(DESCRIPTION);
    let run = small.import(&changed("paths:\n", other), &[]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.to_lowercase().contains("duplicate"),
        "{}",
        run.stderr
    );
    let found = ": line 5 column 3: invalid YAML: duplicate key \"/api/atlas/v2/groups/{groupId}/things\": remove one\n";
    assert!(run.stderr.ends_with(found), "{}", run.stderr);
    let json = r#"{"openapi": "3.0.1", "paths": {"/a": {}, "/a": {}}}"#;
    let expected = "duplicate key \"/a\": remove one";
    refused(json, expected);
}

#[test]
fn paths_that_differ_only_in_parameter_names_are_refused() {
    let other = "paths:\n  /api/atlas/v2/groups/{id}/things:\n    post:\n      operationId: other\n      tags: [T]\n      parameters:\n        - {in: path, name: id, required: true, schema: {type: string}}\n      responses: {\"200\": {content: {application/vnd.atlas.2023-01-01+json: {}}}}\n";
    let place = "paths./api/atlas/v2/groups/{groupId}/things.post";
    let first = "paths./api/atlas/v2/groups/{id}/things.post";
    // The error names the other path, whichever comes first.
    let small = Small::new(DESCRIPTION);
    let run = small.import(&changed("paths:\n", other), &[]);
    assert_eq!(run.code, Some(2));
    let forward = format!("{first}: same method and path as {place}\n");
    let backward = format!("{place}: same method and path as {first}\n");
    assert!(
        run.stderr.ends_with(&forward) || run.stderr.ends_with(&backward),
        "{}",
        run.stderr
    );
}

#[test]
fn a_name_in_the_path_without_parameter_is_refused() {
    let text = changed("name: groupId", "name: group");
    let place = "paths./api/atlas/v2/groups/{groupId}/things.post";
    refused(
        text,
        &format!(": {place}: path parameter \"group\" is not in the path"),
    );
    let text = changed(
        "{in: path, name: groupId, required: true,",
        "{in: query, name: groupId,",
    );
    refused(
        text,
        &format!(": {place}: {{groupId}} in the path has no parameter: declare it"),
    );
    let text = changed("{groupId}/things:", "{groupId/things:");
    refused(text, "invalid path: braces do not match");
}

#[test]
fn control_characters_are_escaped() {
    let text = changed(
        "operationId: createGroupThing",
        "operationId: \"a\\u001b[31m\\u0007\\u202e\\u009b\"",
    );
    let expected =
        r#"invalid operationId "a\u{1b}[31m\u{7}\u{202e}\u{9b}": expected letters and digits"#;
    refused(text, &format!("operationId: {expected}"));
}

#[test]
fn places_are_escaped_too() {
    let text = changed(
        "    Thing:\n      type",
        "    \"A\\u001b[2J\": []\n    Thing:\n      type",
    );
    refused(text, "components.schemas.A\\u{1b}[2J: expected an object");
}
