//! Sentences are left out or refused in every place of a fact.

use crate::support::{DESCRIPTION, Small};

const PROSE: &str = "one two three four five six seven eight nine";
const NAME: &str = "name: {type: string}";

fn changed(from: &str, to: &str) -> String {
    assert!(DESCRIPTION.contains(from), "{from}");
    DESCRIPTION.replacen(from, to, 1)
}

#[test]
fn prose_among_the_keywords_of_a_schema_is_left_out_and_reported() {
    for (keyword, what) in [
        (format!("default: {PROSE}"), "a default"),
        (format!("default: [a, {PROSE}]"), "a default"),
        (format!("default: {{a: [{{b: {PROSE}}}]}}"), "a default"),
        (format!("default: {{{PROSE}: 1}}"), "a default"),
        (format!("enum: [a, {PROSE}]"), "an enum"),
        (format!("enum: [{{a: {PROSE}}}]"), "an enum"),
        (format!("enum: [{}]", "a".repeat(121)), "an enum"),
        (format!("format: {PROSE}"), "a format"),
        ("format: two words".to_owned(), "a format"),
        (format!("pattern: {PROSE}"), "a pattern"),
        (format!("pattern: {}", "a".repeat(1001)), "a pattern"),
    ] {
        let small = Small::new(DESCRIPTION);
        let text = changed(NAME, &format!("name: {{type: string, {keyword}}}"));
        let run = small.import(&text, &[]);
        assert_eq!(run.code, Some(0), "{keyword}: {}", run.stderr);
        let place = keyword.split(':').next().unwrap();
        let note = format!(
            "note: components.schemas.Thing.properties.name.{place}: {what} of many words was left out as prose\n"
        );
        assert!(run.stderr.contains(&note), "{keyword}: {}", run.stderr);
        let expected = r#""name":{"type":"string"}"#;
        assert!(small.read("facts.json").contains(expected), "{keyword}");
    }
}

#[test]
fn values_of_a_few_words_and_patterns_with_spaces_are_kept() {
    let field = r#"name: {type: string, format: date-time, pattern: "^[a-z ]+( [a-z]+)?$", default: two words, enum: [two words, "<a custom role name>"]}"#;
    let small = Small::new(DESCRIPTION);
    let run = small.import(&changed(NAME, field), &["--print"]);
    assert_eq!((run.code, run.stderr.contains("prose")), (Some(0), false));
    let expected = r#""name":{"default":"two words","enum":["two words","<a custom role name>"],"format":"date-time","pattern":"^[a-z ]+( [a-z]+)?$","type":"string"}"#;
    assert!(run.stdout.contains(expected), "{}", run.stdout);
}

#[test]
fn names_that_are_prose_are_refused() {
    let short = "operationId: createGroupThing\n      x-xgen-operation-id-override:";
    let verb = "operationId: createGroupThing\n      x-xgen-method-verb-override:";
    let preview = format!("2023-01-01+json: {{x-xgen-preview: {{name: {PROSE}}}, schema");
    let servers = "x-xgen-sha: small}\nservers:\n  - url:";
    let name = "expected at most 8 words and 120 characters";
    let identifier = "expected letters and digits, 120 at most";
    let url = "expected one such as https://cloud.mongodb.com";
    for (from, to, expected) in [
        (
            "tags: [Things]",
            format!("tags: [{PROSE}]"),
            format!("tags: invalid tag \"{PROSE}\": expected at most 8 words"),
        ),
        (
            "tags: [Things]",
            "tags: [\"Things: all!\"]".to_owned(),
            "tags: invalid tag \"Things: all!\": expected at most 8 words".to_owned(),
        ),
        (
            "operationId: createGroupThing",
            format!("{short} two words"),
            format!("override: invalid identifier \"two words\": {identifier}"),
        ),
        (
            "operationId: createGroupThing",
            format!("{verb} {{verb: two words}}"),
            format!("verb: invalid identifier \"two words\": {identifier}"),
        ),
        (
            "x-xgen-sha: small",
            "x-xgen-sha: two words".to_owned(),
            format!("info.x-xgen-sha: invalid identifier \"two words\": {identifier}"),
        ),
        (
            "x-xgen-sha: small}",
            format!("{servers} {PROSE}"),
            format!("servers[0].url: invalid URL \"{PROSE}\": {url}"),
        ),
        (
            "x-xgen-sha: small}",
            format!("{servers} \"https://a b\""),
            format!("servers[0].url: invalid URL \"https://a b\": {url}"),
        ),
        (
            NAME,
            format!("{PROSE}: {{type: string}}"),
            format!("Thing.properties: invalid name \"{PROSE}\": {name}"),
        ),
        (
            "      properties:",
            format!("      required: [{PROSE}]\n      properties:"),
            format!("Thing.required: invalid name \"{PROSE}\": {name}"),
        ),
        (
            "    Thing:\n",
            format!("    {PROSE}: {{type: string}}\n    Thing:\n"),
            format!("components.schemas: invalid name \"{PROSE}\": {name}"),
        ),
        (
            "      properties:",
            format!("      discriminator: {{propertyName: {PROSE}}}\n      properties:"),
            format!("Thing.discriminator: invalid name \"{PROSE}\": {name}"),
        ),
        (
            "      properties:",
            format!(
                "      discriminator: {{propertyName: kind, mapping: {{{PROSE}: \"#/components/schemas/Thing\"}}}}\n      properties:"
            ),
            format!("Thing.discriminator.mapping: invalid name \"{PROSE}\": {name}"),
        ),
        (
            "name: size",
            format!("name: {PROSE}"),
            format!("parameters[1].name: invalid name \"{PROSE}\": {name}"),
        ),
        (
            "2023-01-01+json: {schema",
            preview,
            format!("x-xgen-preview.name: invalid name \"{PROSE}\": {name}"),
        ),
    ] {
        let small = Small::new(DESCRIPTION);
        let before = small.files();
        let run = small.import(&changed(from, &to), &[]);
        assert_eq!(run.code, Some(2), "{to}: {run:?}");
        let line = run.stderr.lines().last().unwrap();
        assert!(line.ends_with(&expected), "{line}\nexpected: {expected}");
        assert!(small.files() == before, "a file changed");
    }
}
