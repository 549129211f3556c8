//! Invalid values in a description.

use super::{changed, refused};
use crate::support::{DESCRIPTION, Small};

#[test]
fn a_path_parameter_must_be_required() {
    let text = changed("name: groupId, required: true,", "name: groupId,");
    refused(
        text,
        "parameters[0].required: a path parameter must be required",
    );
}

#[test]
fn a_version_must_be_a_date() {
    for (version, expected) in [
        (
            "2023-13-01+json",
            "invalid version or date \"2023-13-01\": expected preview or a date, such as 2025-03-12",
        ),
        (
            "soon+json",
            "invalid version or date \"soon\": expected preview or a date, such as 2025-03-12",
        ),
        (
            "2023-01-01",
            "invalid media type: expected VERSION+FORMAT at its end",
        ),
        (
            "2023-01-01+xml",
            "invalid format \"xml\": expected json, gzip or csv",
        ),
    ] {
        refused(changed("2023-01-01+json", version), expected);
    }
    let text = changed(
        "2023-01-01+json: {schema",
        "2023-01-01+json: {x-sunset: yesterday, schema",
    );
    refused(
        text,
        "x-sunset: invalid version or date \"yesterday\": expected a date, such as 2025-03-12",
    );
}

#[test]
fn values_of_a_wrong_type_are_refused() {
    for (from, to, expected) in [
        (
            "operationId: createGroupThing",
            "operationId: 7",
            "operationId: expected a string",
        ),
        (
            "operationId: createGroupThing",
            "operationId: a b",
            "operationId: invalid operationId \"a b\": expected letters and digits",
        ),
        (
            "operationId: createGroupThing",
            "summary: x",
            "operationId: missing",
        ),
        (
            "tags: [Things]",
            "tags: []",
            "tags: missing: expected one tag",
        ),
        (
            "enum: [LARGE, SMALL]",
            "enum: LARGE",
            "kind.enum: expected a list",
        ),
        (
            "name: {type: string}",
            "name: []",
            "Thing.properties.name: expected an object",
        ),
        (
            "name: {type: string}",
            "name: {type: string, maxLength: -1}",
            "name.maxLength: expected a whole number",
        ),
        (
            "name: {type: string}",
            "name: {type: strng}",
            "Thing.properties.name.type: invalid type \"strng\": expected array, boolean, integer, \
             number, object or string",
        ),
        (
            "name: {type: string}",
            "name: {type: [string, \"null\"]}",
            "Thing.properties.name.type: expected a string: array, boolean, integer, number, \
             object or string",
        ),
        (
            "name: {type: string}",
            "name: {type: string, format: 7}",
            "Thing.properties.name.format: expected a string",
        ),
        (
            "in: query, name: size",
            "in: query, name: size, style: fancy",
            "parameters[1].style: invalid style \"fancy\": expected deepObject, form, label, \
             matrix, pipeDelimited, simple or spaceDelimited",
        ),
        (
            "in: query, name: size",
            "in: query, name: size, style: deepObject",
            "parameters: parameter \"size\" has a style that is not supported: expected form in \
             queries, or simple",
        ),
        (
            "name: {type: string}",
            "name: {type: string, nullable: 1}",
            "name.nullable: expected true or false",
        ),
        (
            "in: query, name: size",
            "in: cookie, name: size",
            "parameters[1].in: invalid \"cookie\": expected header, path or query",
        ),
        (
            "{in: query, name: size, schema: {type: integer, default: 1}}",
            "{in: query, name: size}",
            "parameters[1].schema: missing",
        ),
    ] {
        let text = changed(from, to);
        let small = Small::new(DESCRIPTION);
        let run = small.import(&text, &[]);
        assert_eq!(run.code, Some(2), "{to}: {run:?}");
        assert!(
            run.stderr.ends_with(&format!("{expected}\n")),
            "{to}: {}",
            run.stderr
        );
    }
}

#[test]
fn a_parameter_in_a_path_may_name_its_default_style() {
    let text = changed("in: path, name", "in: path, style: simple, name");
    let small = Small::new(DESCRIPTION);
    let run = small.import(&text, &[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}
