//! The typed operations with responses that are valid, nearly valid, and invalid.

use std::collections::BTreeSet;

use bytes::Bytes;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::case::{Case, Decode};
use crate::facts::{answer, operations, version};
use crate::maker::{Fields, Instance, Kind, Node, instance};
use crate::path::{Path, difference, same};

/// Fields whose Rust type is arbitrary JSON, since the members of their union differ too much, by
/// the module of the operation.
const ANY: [(&str, &str); 3] = [
    ("alert_configurations", "matchers[]"),
    ("alert_configurations", "metricThreshold"),
    ("alert_configurations", "threshold"),
];

/// The maximum number of forms of a union that are tested for one operation.
pub(crate) const MOST_FORMS: usize = 6;

/// Collects failures, and reports each kind once.
#[derive(Default)]
pub(crate) struct Wrong {
    count: usize,
    lines: BTreeSet<String>,
}

impl Wrong {
    pub(crate) fn note(&mut self, what: &str, place: &str, more: &str) {
        self.count += 1;
        if !self
            .lines
            .iter()
            .any(|line| line.starts_with(&format!("{what} {place}: ")))
        {
            self.lines.insert(format!("{what} {place}: {more}"));
        }
    }

    pub(crate) fn none(self) {
        let lines: Vec<String> = self.lines.into_iter().collect();
        assert!(
            lines.is_empty(),
            "{} cases, in these places:\n{}",
            self.count,
            lines.join("\n")
        );
    }
}

/// Whether a node is, or is within, a node of arbitrary JSON.
pub(crate) fn is_any(case: &Case, node: &Node, nodes: &[Node]) -> bool {
    let module = case.rust.split("::").next().unwrap();
    let fields = ANY.iter().filter(|(known, _)| *known == module);
    let path = node
        .path
        .as_deviation()
        .replace(|c: char| c.is_ascii_digit(), "");
    let mut fields = fields.map(|(_, field)| *field);
    let listed = fields.any(|field| path.split('.').any(|step| step == field));
    let mut any = nodes.iter().filter(|outer| outer.kind == Kind::Any);
    listed || any.any(|outer| node.path.starts_with(&outer.path))
}

/// Values that are invalid for a node.
pub(crate) fn odd(node: &Node, random: &mut Rng) -> Value {
    let choices = match node.kind {
        Kind::Text => vec![json!(5), json!(true), json!({"odd": 1}), json!(["odd"])],
        Kind::Id => vec![json!(5), json!("odd"), json!({"odd": 1}), json!(["odd"])],
        Kind::Integer => vec![json!("5"), json!(1.5), json!(true), json!({}), json!([5])],
        Kind::Number => vec![json!("5"), json!(true), json!({}), json!([5])],
        Kind::Boolean => vec![json!("true"), json!(1), json!({}), json!([true])],
        Kind::List => vec![json!("odd"), json!(5), json!({"odd": 1}), json!(true)],
        Kind::Map => vec![json!("odd"), json!(5), json!(["odd"]), json!(true)],
        Kind::Object => vec![json!("odd"), json!(5), json!([]), json!([{"odd": 1}])],
        Kind::Any | Kind::Tag => panic!("no value of {node:?} is invalid"),
    };
    choices[random.usize(..choices.len())].clone()
}

/// Every operation with a JSON response, with values of its response.
pub(crate) fn answers(fields: Fields, mut each: impl FnMut(&'static Case, Decode, u16, Instance)) {
    let mut count = 0;
    for (operation, case) in operations() {
        let Some((status, schema)) = answer(version(operation)) else {
            assert!(case.answer.is_none(), "{}", case.rust);
            continue;
        };
        let decode = case.answer.unwrap();
        // Operations start with different forms, so that all forms are used.
        let (mut tried, mut wanted) = (0, 2);
        while tried < wanted {
            let seed = tried + count * 5;
            let instance = instance(schema, case.rust, fields, "writeOnly", seed);
            wanted = wanted.max(instance.forms.min(MOST_FORMS));
            each(case, decode, status, instance);
            tried += 1;
        }
        count += 1;
    }
    assert_eq!(count, 444);
}

pub(crate) fn read(decode: Decode, value: &Value) -> Result<(Value, Vec<String>), String> {
    let (value, deviations) =
        decode(&Bytes::from(value.to_string())).map_err(|unfit| unfit.to_string())?;
    let deviations = deviations.iter().map(|one| format!("{one}")).collect();
    Ok((value, deviations))
}

#[test]
fn every_response_may_be_empty() {
    let mut wrong = Wrong::default();
    for (operation, case) in operations() {
        let (Some(decode), Some((_, schema))) = (case.answer, answer(version(operation))) else {
            continue;
        };
        let empty = match schema["type"].as_str() {
            Some("array") => json!([]),
            Some("boolean") => json!(true),
            _ => json!({}),
        };
        match read(decode, &empty) {
            Ok((value, deviations)) if value == empty && deviations.is_empty() => {}
            other => wrong.note("empty", case.rust, &format!("{other:?}")),
        }
    }
    wrong.none();
}

#[test]
fn a_valid_response_is_read_and_written_as_the_same_json() {
    let mut wrong = Wrong::default();
    for fields in [Fields::Required, Fields::Some, Fields::All] {
        answers(fields, |case, decode, _, instance| {
            match read(decode, &instance.value) {
                Ok((value, deviations)) if deviations.is_empty() => {
                    if !same(&instance.value, &value) {
                        wrong.note("lost", case.rust, &difference(&instance.value, &value));
                    }
                }
                other => wrong.note(
                    "not read",
                    case.rust,
                    &format!("{:?}", other.map(|one| one.1)),
                ),
            }
        });
    }
    wrong.none();
}

#[test]
fn undocumented_fields_are_ignored() {
    let mut wrong = Wrong::default();
    answers(Fields::All, |case, decode, _, instance| {
        let mut undocumented = instance.value.clone();
        for node in &instance.nodes {
            if node.kind == Kind::Object && !is_any(case, node, &instance.nodes) {
                node.path.of(&mut undocumented)["undocumented"] = json!({"of": [1, null]});
            }
        }
        match read(decode, &undocumented) {
            Ok((value, deviations)) if deviations.is_empty() => {
                if !same(&instance.value, &value) {
                    wrong.note("changed", case.rust, &difference(&instance.value, &value));
                }
            }
            other => wrong.note(
                "not read",
                case.rust,
                &format!("{:?}", other.map(|one| one.1)),
            ),
        }
    });
    wrong.none();
}

#[test]
fn only_the_invalid_value_is_left_out() {
    let mut wrong = Wrong::default();
    let mut random = Rng::with_seed(7);
    let mut tried = 0;
    answers(Fields::All, |case, decode, _, instance| {
        let nodes: Vec<&Node> = instance
            .nodes
            .iter()
            .filter(|node| node.path != Path::default() && node.kind != Kind::Tag)
            .filter(|node| !is_any(case, node, &instance.nodes))
            .collect();
        for _ in 0..8 {
            let Some(node) = random.choice(&nodes) else {
                return;
            };
            let odd = odd(node, &mut random);
            let mut given = instance.value.clone();
            *node.path.of(&mut given) = odd.clone();
            let mut expected = instance.value.clone();
            node.path.remove(&mut expected);
            tried += 1;
            let path = node.path.as_deviation();
            match read(decode, &given) {
                Err(problem) => wrong.note("unfit", &node.place, &format!("{odd} {problem}")),
                Ok((_, deviations)) if deviations.is_empty() => {
                    wrong.note("accepted", &node.place, &format!("{odd} at {path}"));
                }
                Ok((value, deviations)) => {
                    let [only] = deviations.as_slice() else {
                        wrong.note(
                            "many",
                            &node.place,
                            &format!("{odd} at {path}: {deviations:?}"),
                        );
                        continue;
                    };
                    if !only.starts_with(&format!("{path}: ")) {
                        wrong.note(
                            "elsewhere",
                            &node.place,
                            &format!("{odd} at {path}: {only}"),
                        );
                    } else if !same(&expected, &value) {
                        let difference = difference(&expected, &value);
                        wrong.note(
                            "lost more",
                            &node.place,
                            &format!("{odd} at {path}: {difference}"),
                        );
                    }
                }
            }
        }
    });
    assert!(tried > 8_000, "{tried}");
    wrong.none();
}

#[test]
fn an_undocumented_form_is_kept_unchanged() {
    let mut wrong = Wrong::default();
    let mut tried = 0;
    answers(Fields::All, |case, decode, _, instance| {
        let tags = instance.nodes.iter().filter(|node| node.kind == Kind::Tag);
        let of_unions =
            tags.filter(|tag| tag.union.is_none() && !is_any(case, tag, &instance.nodes));
        for tag in of_unions.take(4) {
            tried += 1;
            let mut given = instance.value.clone();
            *tag.path.of(&mut given) = json!("UNDOCUMENTED");
            let mut object = tag.path.clone();
            object.0.pop();
            object.of(&mut given)["undocumented"] = json!([1, {"of": null}]);
            match read(decode, &given) {
                Ok((value, deviations)) if deviations.is_empty() => {
                    if !same(&given, &value) {
                        wrong.note("changed", &tag.place, &difference(&given, &value));
                    }
                }
                other => wrong.note("not read", &tag.place, &format!("{other:?}")),
            }
        }
    });
    assert!(tried > 300, "{tried}");
    wrong.none();
}

#[test]
fn a_response_of_another_type_is_unfit() {
    answers(Fields::Required, |case, decode, _, instance| {
        let Some(whole) = instance
            .nodes
            .iter()
            .find(|node| node.path == Path::default())
        else {
            return;
        };
        if !is_any(case, whole, &instance.nodes) {
            let odd = if whole.kind == Kind::Boolean {
                json!({})
            } else {
                json!("odd")
            };
            assert!(read(decode, &odd).is_err(), "{}", case.rust);
        }
    });
}
