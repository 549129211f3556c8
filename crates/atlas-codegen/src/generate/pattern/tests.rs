//! Compiled patterns compared with the `regex` crate, and each malformed input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::automaton::Automaton;
use super::parse::{Parsed, parse};
use super::{Error, generate};

fn repository(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
    std::fs::read_to_string(format!("{root}{path}")).expect("a file of the repository")
}

fn compile(pattern: &str) -> Result<Automaton, Error> {
    match parse(pattern)? {
        Parsed::Regular(node) => Automaton::compile(pattern, &node),
        Parsed::Characters(_) => panic!("{pattern} is matched by characters"),
    }
}

/// Runs an automaton.
fn accepts(automaton: &Automaton, text: &str) -> bool {
    let mut state = automaton.start;
    for &byte in text.as_bytes() {
        let class = automaton
            .classes
            .get(usize::from(byte))
            .copied()
            .unwrap_or(0);
        state = automaton.next[usize::from(state) + usize::from(class)];
    }
    state >= automaton.accepting
}

/// Facts with these patterns, one per schema.
fn facts(patterns: &[&str]) -> Value {
    let schemas: Vec<Value> = patterns
        .iter()
        .map(|pattern| json!({"type": "string", "pattern": pattern}))
        .collect();
    json!({"schemas": schemas})
}

fn enforced(pattern: &str) -> Value {
    json!({"pattern": pattern, "enforced": true, "reason": "Because.", "expected": "this"})
}

fn generated(patterns: &[&str], rows: &[Value]) -> Result<String, Error> {
    generate(&facts(patterns), &json!({ "patterns": rows }))
}

#[test]
fn the_committed_table_is_up_to_date_with_the_facts_and_overrides() {
    let read = |path| serde_json::from_str(&repository(path)).unwrap();
    let table = generate(
        &read("fixtures/api/facts.json"),
        &read("fixtures/api/overrides.json"),
    )
    .unwrap();
    assert!(
        table == repository("crates/atlas-pattern/src/table.rs"),
        "crates/atlas-pattern/src/table.rs is out of date: run cargo run -p atlas-codegen"
    );
}

#[test]
fn a_table_lists_only_the_enforced_patterns_ordered_by_source() {
    let rows = [
        enforced("b"),
        json!({"pattern": "(?=x)", "enforced": false, "reason": "A lookahead."}),
        enforced("a"),
        enforced("^([a-f0-9]{24})$"),
        enforced(r"^[\p{L}\p{N}\-' ]{1,9}$"),
    ];
    let patterns = [
        "a",
        "b",
        "(?=x)",
        "^([a-f0-9]{24})$",
        r"^[\p{L}\p{N}\-' ]{1,9}$",
    ];
    let table = generated(&patterns, &rows).unwrap();
    let place = |text: &str| {
        table
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {table}"))
    };
    assert!(place("source: \"a\"") < place("source: \"b\""));
    place("matcher: Matcher::Function(crate::id::is_match)");
    place("matcher: Matcher::Characters(&CHARACTERS_");
    place("Characters = Characters::new(b\" '-\", 1, 9);");
    assert!(!table.contains("(?=x)"), "{table}");
}

#[test]
fn a_property_that_is_named_pattern_is_not_a_pattern() {
    let facts = json!({"schemas": {"regex": {"properties": {"pattern": {"type": "string"}}}}});
    generate(&facts, &json!({"patterns": []})).unwrap();
}

#[test]
fn rows_that_differ_from_the_facts_are_named() {
    let error = generated(&["a", "b"], &[enforced("a")]).unwrap_err();
    assert!(
        matches!(&error, Error::Missing { pattern } if pattern == "b"),
        "{error}"
    );
    let error = generated(&["a"], &[enforced("a"), enforced("b")]).unwrap_err();
    assert!(
        matches!(&error, Error::Unknown { pattern } if pattern == "b"),
        "{error}"
    );
    let error = generated(&["a"], &[enforced("a"), enforced("a")]).unwrap_err();
    assert!(
        matches!(&error, Error::Duplicate { pattern } if pattern == "a"),
        "{error}"
    );
}

#[test]
fn the_error_of_a_malformed_override_has_its_place() {
    let row = |member: &str, value: Value| {
        let mut row = enforced("a");
        row[member] = value;
        json!({ "patterns": [row] })
    };
    let mut nameless = enforced("a");
    nameless.as_object_mut().unwrap().remove("expected");
    let cases = [
        (json!(null), "patterns"),
        (json!({"patterns": {"a": true}}), "patterns"),
        (json!({"patterns": ["a"]}), "patterns[0]"),
        (json!({ "patterns": [nameless] }), "patterns[0].expected"),
        (row("expected", json!("two\nlines")), "patterns[0].expected"),
        (row("expected", json!("")), "patterns[0].expected"),
        (row("enforced", json!(false)), "patterns[0].expected"),
        (row("enforced", json!("yes")), "patterns[0].enforced"),
        (row("reason", json!("")), "patterns[0].reason"),
        (row("pattern", json!(7)), "patterns[0].pattern"),
        (row("reasons", json!("x")), "patterns[0].reasons"),
    ];
    for (overrides, place) in cases {
        let error = generate(&facts(&["a"]), &overrides).unwrap_err();
        assert_eq!(error.place(), place, "{error}");
        let error = error.to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_pattern_outside_the_subset_is_refused_with_its_position() {
    let cases = [
        ("a.b", "dot", 2),
        ("[^a]", "negated", 2),
        ("(?=a)", "lookaround", 2),
        ("(?!a)", "lookaround", 2),
        ("(?<n>a)", "named group", 2),
        ("(?i)a", "flag", 2),
        (r"\bword", "escape", 1),
        (r"a\1", "escape", 2),
        (r"\p{L}", "escape", 1),
        (r"[\p{L}]", "without", 1),
        (r"^[\p{L}\p{N}]+x$", "next to", 3),
        (r"[\p{L}\p{N}]+", "next to", 2),
        (r"[\p{M}]", "property", 2),
        (r"\", "escape", 1),
        ("é", "non-ASCII", 1),
        ("[é]", "non-ASCII", 2),
        ("[z-a]", "range", 4),
        (r"[\d-z]", "range", 5),
        ("[[:alpha:]]", "bracket", 2),
        ("[]", "empty class", 1),
        ("[a", "unclosed class", 1),
        ("(a", "unclosed group", 3),
        ("a)", "parenthesis", 2),
        ("a{", "without a number", 3),
        ("a{2", "unclosed quantifier", 4),
        ("a{3,2}", "out of order", 2),
        ("a{1001}", "above 1000", 6),
        ("a{99999999999999999999999}", "above 1000", 6),
        ("a**", "after a quantifier", 3),
        ("^*", "after an anchor", 2),
        ("*a", "without a meaning", 1),
        ("a}", "without a meaning", 2),
    ];
    for (pattern, problem, position) in cases {
        let error = generated(&[pattern], &[enforced(pattern)]).unwrap_err();
        let Error::Unsupported {
            pattern: named,
            position: found,
            ..
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!((named.as_str(), *found), (pattern, position), "{error}");
        let line = error.to_string();
        assert!(line.contains(problem), "{line} lacks {problem}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn a_pattern_that_needs_too_many_states_is_refused_in_time() {
    for pattern in [
        "^a{255}$",
        "(((a{1000}){1000}){1000}){1000}",
        "((((|){1000}){1000}){1000}){1000}",
        "[ab]*a[ab]{20}",
    ] {
        let error = generated(&[pattern], &[enforced(pattern)]).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }
    let deep = "(".repeat(100_000);
    assert!(matches!(compile(&deep), Err(Error::Unsupported { .. })));
}

#[test]
fn an_automaton_is_minimal() {
    // A dead state, and one for each number of digits read.
    for (pattern, states) in [
        ("^[0-9]{12}$", 14),
        ("^(aa|ab|ba|bb)$", 4),
        ("^(a|b|c)*$", 2),
        ("^a|^a|^a", 3),
        ("", 2),
    ] {
        let automaton = compile(pattern).unwrap();
        let classes = automaton.classes.iter().max().map_or(0, |&last| last + 1);
        let rows = automaton.next.len() / usize::from(classes);
        assert_eq!(rows, states, "{pattern}");
    }
}

#[test]
fn escapes_and_classes_match_only_ascii() {
    for (pattern, inside, outside) in [
        (r"^\d$", "7", "٣"),
        (r"^\w$", "_", "é"),
        (r"^[-\w._()]+$", "a-b_(c).d", "a b"),
        (r"^[a-z-0-9]+$", "a-9", "A"),
        (r"^\/[a-]$", "/-", "/b"),
        (r"^com\.example$", "com.example", "com-example"),
        (r"^[a\]b]$", "]", "\\"),
    ] {
        let automaton = compile(pattern).unwrap();
        assert!(accepts(&automaton, inside), "{pattern} {inside}");
        assert!(!accepts(&automaton, outside), "{pattern} {outside}");
    }
}

/// Patterns of the subset, in the syntax of both this parser and the `regex` crate.
fn patterns() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "-", "0", "[ab]", "[a-c0-9]", r"[\-_]", r"\."]),
        1 => prop::sample::select(vec!["^", "$", ""]),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let quantifier = prop::sample::select(vec![
            "*", "+", "?", "{2}", "{0,2}", "{1,}", "{0}", "*?", "{1,3}?",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|parts| format!("({})", parts.join("|"))),
            (inner, quantifier).prop_map(|(part, quantifier)| format!("(?:{part}){quantifier}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(3000)
    })]

    #[test]
    fn a_compiled_pattern_finds_what_the_regex_crate_finds(
        pattern in patterns(),
        texts in prop::collection::vec("[abc0.\\-_é\n]{0,7}", 20),
    ) {
        let automaton = match compile(&pattern) {
            Ok(automaton) => automaton,
            Err(Error::TooLarge { .. } | Error::Unsupported { .. }) => {
                // Only repeated anchors are outside the subset.
                prop_assume!(false);
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let regex = regex::Regex::new(&pattern).unwrap();
        for text in &texts {
            prop_assert_eq!(
                accepts(&automaton, text), regex.is_match(text), "{} in {:?}", pattern, text
            );
        }
    }

    #[test]
    fn any_text_as_a_pattern_is_compiled_or_refused_in_one_line(
        pattern in r"[\^$a\-0\[\](){}|?*+,\\pdwL19:.é]{0,20}",
    ) {
        if let Err(error) = parse(&pattern) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
