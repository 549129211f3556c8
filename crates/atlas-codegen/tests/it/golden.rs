//! A small description for each shape in the published one, with the expected facts.

use std::fs;

use crate::support::{Run, fixture, import, run};

/// Imports a description of `fixtures/api/golden`, and compares the facts byte for byte. Then
/// exports the facts and imports them again.
fn golden(name: &str) -> Run {
    let expected = fixture("golden").join(format!("{name}.facts.json"));
    let expected = fs::read_to_string(expected).unwrap();
    let imported = import(&fixture("golden").join(format!("{name}.yaml")));
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    assert_eq!(imported.stdout, expected);

    let folder = tempfile::tempdir().unwrap();
    let facts = folder.path().join("fixtures/api/facts.json");
    fs::create_dir_all(facts.parent().unwrap()).unwrap();
    fs::write(facts, &expected).unwrap();
    let exported = run(folder.path(), &["export"]);
    let description = folder.path().join("description.yaml");
    fs::write(&description, exported.stdout).unwrap();
    assert_eq!(import(&description).stdout, expected);
    imported
}

macro_rules! shapes {
    ($($name:ident: $file:literal,)*) => {
        $(#[test]
        fn $name() {
            golden($file);
        })*

        #[test]
        fn every_golden_description_is_tried() {
            let files = fs::read_dir(fixture("golden")).unwrap();
            let mut names: Vec<String> = files
                .filter_map(|entry| {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    name.strip_suffix(".yaml").map(str::to_owned)
                })
                .collect();
            names.sort();
            let mut tried = vec![$($file),*];
            tried.extend(["prose", "roles", "several-versions", "shared-schemas"]);
            tried.sort_unstable();
            assert_eq!(names, tried);
        }
    };
}

shapes! {
    a_preview_is_a_version_with_its_name: "preview-only",
    each_success_code_keeps_its_schema_and_one_without_content_is_bare: "several-success-codes",
    gzip_and_csv_are_formats_of_a_version: "gzip-and-csv",
    text_behind_a_path_name_stays: "path-suffix",
    an_array_parameter_keeps_style_and_explode: "repeated-arrays",
    a_query_parameter_can_be_required_and_bounds_keep_their_numbers: "required-query",
    shared_parameters_are_references_and_replace_those_of_the_path: "paging",
    an_array_can_be_a_whole_answer: "bare-arrays",
    required_fields_are_sorted_and_read_only_ones_stay_among_them: "read-only-required",
    a_discriminator_beside_a_union_keeps_both: "discriminator-with-union",
    a_discriminator_stands_without_a_union: "discriminator-alone",
    unions_stand_without_a_discriminator: "unions-without-discriminator",
    a_schema_may_contain_itself: "recursion",
    write_only_fields_are_marked: "write-only",
    nullable_schemas_and_defaults_of_null_stay: "nullable",
    header_parameters_come_first: "header-parameters",
    a_body_that_is_not_required_is_optional: "optional-body",
    an_empty_security_says_that_no_login_is_needed: "no-login",
    a_parameter_a_body_and_a_role_become_facts: "small",
    short_ids_verbs_and_custom_methods_are_kept: "naming-hints",
}

#[test]
fn each_version_has_its_own_schemas_and_sunset_and_upcoming_ones_are_reported() {
    let run = golden("several-versions");
    let expected = "sunset 2027-07-01, but 2027-08-01 elsewhere: took the earlier\n";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("2099-01-01.upcoming+json: an upcoming version: left out\n")
    );
}

#[test]
fn shared_schemas_appear_once_and_references_are_resolved() {
    let run = golden("shared-schemas");
    // The bodies of errors are the same everywhere, and not part of the facts.
    let place = "paths./api/atlas/v2/a.get.responses.404";
    let expected = format!("left out: content (2), first at {place}\n");
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    assert!(
        run.stderr.contains("more than one tag: took the first\n"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("tag \"Unused\" has no operation: left out\n")
    );
}

#[test]
fn roles_are_the_least_of_the_alternatives_and_unknown_ones_are_reported() {
    let run = golden("roles");
    for (path, role) in [
        ("c", "Organization Teapot Warden"),
        ("d", "Project Owner Deluxe"),
    ] {
        let expected = format!("paths./api/atlas/v2/{path}.get: unknown role \"{role}\": add it");
        assert!(run.stderr.contains(&expected), "{}", run.stderr);
    }
}

#[test]
fn prose_is_left_out_and_each_keyword_is_reported_with_its_first_place() {
    let run = golden("prose");
    for line in [
        "left out: description (2), first at paths./api/atlas/v2/things.get.parameters[0]\n",
        "left out: example (3), first at paths./api/atlas/v2/things.get.parameters[0]\n",
        "left out: summary (2), first at paths./api/atlas/v2/things\n",
        "left out: title (2), first at info\n",
        "unknown keyword: x-unheard-of (1), first at description\n",
        "unknown keyword: x-new-keyword (1), first at paths./api/atlas/v2/things.get.responses.200",
        ".default: a default of many words was left out as prose\n",
    ] {
        assert!(run.stderr.contains(line), "{line}\n{}", run.stderr);
    }
}
