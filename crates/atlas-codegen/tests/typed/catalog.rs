//! The catalog's checks of responses.

use atlas_catalog::{Operation, Violation, ViolationKind};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::answers::{Wrong, answers, odd};
use crate::case::Case;
use crate::maker::{Fields, Kind, Node};
use crate::path::Path;

fn check(case: &Case, status: u16, value: &Value) -> Vec<Violation> {
    let operation = Operation::find(case.meta.id).unwrap();
    operation.check_response(operation.version(None).unwrap(), status, value)
}

fn reported(found: &[Violation]) -> String {
    let lines: Vec<String> = found.iter().take(3).map(ToString::to_string).collect();
    lines.join("; ")
}

#[test]
fn a_valid_response_has_no_violation() {
    let mut wrong = Wrong::default();
    for fields in [Fields::Required, Fields::Some, Fields::All] {
        answers(fields, |case, _, status, instance| {
            let found = check(case, status, &instance.value);
            if !found.is_empty() {
                wrong.note("refused", case.rust, &reported(&found));
            }
        });
    }
    wrong.none();
}

/// Checks that the only violation is of `kind` and at `path`, or at the union that contains it.
fn only(
    wrong: &mut Wrong,
    node: &Node,
    path: &Path,
    kind: ViolationKind,
    found: &[Violation],
    what: &str,
) {
    let [one] = found else {
        return wrong.note(
            "not one",
            &node.place,
            &format!("{what}: {}", reported(found)),
        );
    };
    let at = one.path() == path.as_violation() && one.kind() == kind;
    let of_union = node.union.as_ref().is_some_and(|union| {
        one.path() == union.as_violation() && one.kind() == ViolationKind::Union
    });
    if !at && !of_union {
        wrong.note(
            "elsewhere",
            &node.place,
            &format!("{what}: {one} ({})", one.kind()),
        );
    }
}

#[test]
fn a_value_of_another_type_is_the_only_violation() {
    let mut wrong = Wrong::default();
    let mut random = Rng::with_seed(8);
    answers(Fields::All, |case, _, status, instance| {
        let nodes: Vec<&Node> = instance
            .nodes
            .iter()
            .filter(|node| !matches!(node.kind, Kind::Tag | Kind::Any))
            .filter(|node| {
                let any = |outer: &&Node| outer.kind == Kind::Any;
                !instance
                    .nodes
                    .iter()
                    .filter(any)
                    .any(|any| node.path.starts_with(&any.path))
            })
            .collect();
        for _ in 0..4 {
            let Some(node) = random.choice(&nodes) else {
                return;
            };
            let mut odd = odd(node, &mut random);
            if odd == "odd" && node.kind == Kind::Id {
                odd = json!(5);
            }
            let mut given = instance.value.clone();
            *node.path.of(&mut given) = odd.clone();
            let found = check(case, status, &given);
            let what = format!("{odd} at {}", node.path.as_violation());
            only(
                &mut wrong,
                node,
                &node.path,
                ViolationKind::Type,
                &found,
                &what,
            );
        }
    });
    wrong.none();
}

#[test]
fn an_undocumented_field_is_the_only_violation() {
    let mut wrong = Wrong::default();
    let mut random = Rng::with_seed(9);
    answers(Fields::All, |case, _, status, instance| {
        let objects = instance
            .nodes
            .iter()
            .filter(|node| node.kind == Kind::Object);
        let objects: Vec<&Node> = objects.collect();
        let Some(node) = random.choice(&objects) else {
            return;
        };
        let mut given = instance.value.clone();
        node.path.of(&mut given)["undocumented"] = json!(1);
        let found = check(case, status, &given);
        let path = node.path.field("undocumented");
        only(
            &mut wrong,
            node,
            &path,
            ViolationKind::UnknownField,
            &found,
            case.rust,
        );
    });
    wrong.none();
}

#[test]
fn a_required_field_that_is_missing_is_the_only_violation() {
    let mut wrong = Wrong::default();
    let mut random = Rng::with_seed(10);
    let mut tried = 0;
    answers(Fields::All, |case, _, status, instance| {
        let required: Vec<&Node> = instance
            .nodes
            .iter()
            .filter(|node| node.required && node.kind != Kind::Tag)
            .collect();
        let Some(node) = random.choice(&required) else {
            return;
        };
        tried += 1;
        let mut given = instance.value.clone();
        node.path.remove(&mut given);
        let found = check(case, status, &given);
        only(
            &mut wrong,
            node,
            &node.path,
            ViolationKind::Required,
            &found,
            case.rust,
        );
    });
    assert!(tried > 300, "{tried}");
    wrong.none();
}
