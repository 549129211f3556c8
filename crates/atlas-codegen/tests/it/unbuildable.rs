//! Descriptions from which no request or command can be built are refused with the place.

use crate::support::{DESCRIPTION, Small};

const PLACE: &str = "paths./api/atlas/v2/groups/{groupId}/things.post";
const SIZE: &str = "{in: query, name: size, schema: {type: integer, default: 1}}";

/// Imports the small description with `from` replaced by `to`, and expects an error.
fn refused(from: &str, to: &str, expected: &str) {
    assert!(DESCRIPTION.contains(from), "{from}");
    refused_text(&DESCRIPTION.replacen(from, to, 1), expected);
}

fn refused_text(description: &str, expected: &str) {
    let small = Small::new(DESCRIPTION);
    let before = small.files();
    let run = small.import(description, &[]);
    assert_eq!(run.code, Some(2), "{expected}: {run:?}");
    let line = run.stderr.lines().last().unwrap();
    assert!(line.ends_with(expected), "{line}\nexpected: {expected}");
    assert!(small.files() == before, "a file changed");
}

fn taken(from: &str, to: &str) {
    let run = Small::new(DESCRIPTION).import(&DESCRIPTION.replacen(from, to, 1), &[]);
    assert_eq!(run.code, Some(0), "{to}: {}", run.stderr);
}

#[test]
fn paths_that_are_not_part_of_a_url_are_refused() {
    for (segment, what) in [
        ("a?b", "\"?\" is not allowed in a segment"),
        ("a#b", "\"#\" is not allowed in a segment"),
        ("\"a b\"", "\" \" is not allowed in a segment"),
        ("a%2Fb", "\"%\" is not allowed in a segment"),
        ("ä", "\"ä\" is not allowed in a segment"),
        ("..", "the segment \"..\""),
        ("a//b", "the segment \"\""),
    ] {
        let path = segment.trim_matches('"');
        let to = format!("\"/api/atlas/v2/groups/{{groupId}}/{path}\":");
        let expected =
            format!(": paths./api/atlas/v2/groups/{{groupId}}/{path}.post: invalid path: {what}");
        refused("/api/atlas/v2/groups/{groupId}/things:", &to, &expected);
    }
    // Another path is another operation, which cannot take the name of the first.
    taken(
        "/things:\n    post:\n      operationId: create",
        "/things.gz:\n    post:\n      operationId: make",
    );
    taken(
        "/things:\n    post:\n      operationId: create",
        ":addThing:\n    post:\n      operationId: make",
    );
}

#[test]
fn two_parameters_in_one_segment_are_refused() {
    let description = DESCRIPTION
        .replacen("{groupId}/things:", "{groupId}.{more}/things:", 1)
        .replacen(
            SIZE,
            "{in: path, name: more, required: true, schema: {type: string}}",
            1,
        );
    refused_text(
        &description,
        "post: invalid path: two parameters in the segment \"{groupId}.{more}\"",
    );
}

#[test]
fn parameters_that_cannot_be_sent_are_refused() {
    for (parameter, what) in [
        (
            "{in: query, name: groupId, schema: {type: string}}",
            "\"groupId\" is in two places: rename one",
        ),
        (
            "{in: query, name: size, schema: {type: object}}",
            "\"size\" is an object: expected a simple value or a list of those",
        ),
        (
            "{in: query, name: size, schema: {$ref: \"#/components/schemas/Thing\"}}",
            "\"size\" is an object: expected a simple value or a list of those",
        ),
        (
            "{in: query, name: size, schema: {type: array, items: {$ref: \"#/components/schemas/Thing\"}}}",
            "\"size\" is an object: expected a simple value or a list of those",
        ),
        (
            "{in: query, name: size, style: deepObject, schema: {type: string}}",
            "\"size\" has a style that is not supported: expected form in queries, or simple",
        ),
        (
            "{in: query, name: size, explode: false, schema: {type: array, items: {type: string}}}",
            "\"size\" is a list: expected one in a query, with explode",
        ),
        (
            "{in: header, name: X-Size, schema: {type: array, items: {type: string}}}",
            "\"X-Size\" is a list: expected one in a query, with explode",
        ),
        (
            "{in: query, name: \"a b\", schema: {type: string}}",
            "\"a b\" has an invalid name: expected letters and digits",
        ),
        (
            "{in: query, name: \"-a\", schema: {type: string}}",
            "\"-a\" has an invalid name: expected letters and digits",
        ),
        (
            "{in: header, name: \"X Size\", schema: {type: string}}",
            "\"X Size\" is not a header name: expected letters, digits and hyphens",
        ),
        (
            "{in: header, name: \"X:\", schema: {type: string}}",
            "\"X:\" is not a header name: expected letters, digits and hyphens",
        ),
    ] {
        let expected = format!(": {PLACE}.parameters: parameter {what}");
        refused(SIZE, parameter, &expected);
    }
    for header in [
        "Authorization",
        "accept",
        "Content-Type",
        "HOST",
        "Content-Length",
    ] {
        let parameter = format!("{{in: header, name: {header}, schema: {{type: string}}}}");
        let expected = format!(
            ": {PLACE}.parameters: parameter \"{header}\" is a header that the client sets: leave it out"
        );
        refused(SIZE, &parameter, &expected);
    }
}

#[test]
fn parameters_with_the_names_of_flags_are_refused() {
    for name in [
        "all",
        "check",
        "file",
        "force",
        "help",
        "output",
        "outputFile",
        "profile",
        "projectId",
        "sandbox",
        "version",
        "watch",
        "watchTimeout",
        "no-token-cache",
        "Watch-timeout",
    ] {
        let parameter = format!("{{in: query, name: {name}, schema: {{type: string}}}}");
        let expected = format!(
            ": {PLACE}.parameters: parameter \"{name}\" has the name of a flag of the command line: rename it"
        );
        refused(SIZE, &parameter, &expected);
    }
    let both = format!("{SIZE}\n        - {{in: header, name: Size-, schema: {{type: string}}}}");
    refused(
        SIZE,
        &both,
        ": parameter \"size\" has the same flag as another one: rename one",
    );
}

#[test]
fn tags_and_short_ids_of_another_command_are_refused() {
    for (tag, command) in [
        ("Search", "search"),
        ("LIST", "list"),
        ("Sun.sets", "sunsets"),
        ("help", "help"),
    ] {
        let expected =
            format!(": {PLACE}.tags: tag \"{tag}\" has the name of the command \"api {command}\"");
        refused("tags: [Things]", &format!("tags: [{tag}]"), &expected);
    }
    refused(
        "tags: [Things]",
        "tags: [\"-\"]",
        ": invalid tag \"-\": expected words",
    );
    let other = |tag: &str, short: &str| {
        format!(
            "paths:\n  /api/atlas/v2/a:\n    get:\n      operationId: getA\n      x-xgen-operation-id-override: {short}\n      tags: [{tag}]\n      responses: {{\"200\": {{content: {{application/vnd.atlas.2023-01-01+json: {{}}}}}}}}\n"
        )
    };
    refused(
        "paths:\n",
        &other("things", "getIt"),
        ": paths./api/atlas/v2/a.get.tags: tags \"Things\" and \"things\" have the same name",
    );
    refused(
        "paths:\n",
        &other("Things", "createGroupThing"),
        ": short id \"createGroupThing\" is taken in tag \"Things\"",
    );
}
