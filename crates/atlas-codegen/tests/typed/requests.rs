//! The requests of typed operations, checked by the catalog.

use std::borrow::Cow;

use atlas_catalog::{Operation, Place, ViolationKind, route};
use bytes::Bytes;
use fastrand::Rng;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::answers::{MOST_FORMS, Wrong, read};
use crate::case::{Case, Given};
use crate::facts::{FACTS, body, operations, version};
use crate::maker::{Fields, Kind, instance};
use crate::path::{difference, same};

/// The parameters of an operation that its type has.
fn parameters(operation: &'static Value) -> impl Iterator<Item = &'static Value> {
    let given = operation["parameters"].as_array().unwrap().iter();
    given
        .map(|given| match given["$ref"].as_str() {
            Some(name) => &FACTS["parameters"][name],
            None => given,
        })
        .filter(|one| {
            one["in"] != "query" || (one["name"] != "envelope" && one["name"] != "pretty")
        })
}

/// Texts for a parameter: two for a list.
fn texts(parameter: &Value, seed: usize) -> Vec<String> {
    let name = parameter["name"].as_str().unwrap();
    let value = instance(&parameter["schema"], name, Fields::All, "readOnly", seed).value;
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match &value {
        Value::Array(items) => items.iter().map(text).collect(),
        value => vec![text(value)],
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap()
}

/// The content of a request as text, by place and name.
fn sent(operation: Operation, request: &http::Request<Bytes>) -> Vec<(String, String)> {
    let target = request.uri();
    let route = route(request.method(), target.path()).unwrap();
    assert_eq!(route.operation, operation, "{target}");
    let mut sent: Vec<(String, String)> = operation
        .path()
        .split('/')
        .zip(target.path().split('/'))
        .filter_map(|(template, segment)| {
            let (name, suffix) = template.strip_prefix('{')?.split_once('}')?;
            Some((
                name.to_owned(),
                decoded(segment.strip_suffix(suffix)?).into_owned(),
            ))
        })
        .collect();
    for pair in target
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap();
        sent.push((decoded(name).into_owned(), decoded(value).into_owned()));
    }
    for parameter in operation.parameters() {
        if parameter.place == Place::Header
            && let Some(value) = request.headers().get(&parameter.name)
        {
            sent.push((parameter.name.clone(), value.to_str().unwrap().to_owned()));
        }
    }
    sent.sort_unstable();
    sent
}

fn judge(
    operation: &'static Value,
    case: &Case,
    fields: Fields,
    seed: usize,
    wrong: &mut Wrong,
) -> usize {
    let known = Operation::find(case.meta.id).unwrap();
    let made = body(operation).map(|schema| instance(schema, case.rust, fields, "readOnly", seed));
    let value = made.as_ref().map(|made| &made.value);
    let sparse = fields == Fields::Required;
    let given = Given {
        parameters: parameters(operation)
            .map(|one| (one["name"].as_str().unwrap().to_owned(), texts(one, seed)))
            .collect(),
        body: value
            .map(|value| Bytes::from(value.to_string()))
            .unwrap_or_default(),
        sparse,
    };
    let request = match (case.ask)(&given) {
        Ok(request) => request,
        Err(error) => {
            wrong.note("not built", case.rust, &error.to_string());
            return 1;
        }
    };
    let needed = |one: &&Value| !sparse || one["in"] == "path" || one["required"] == true;
    let mut expected: Vec<(String, String)> = parameters(operation)
        .filter(needed)
        .flat_map(|one| {
            let name = one["name"].as_str().unwrap();
            texts(one, seed)
                .into_iter()
                .map(|text| (name.to_owned(), text))
        })
        .collect();
    expected.sort_unstable();
    let found = sent(known, &request);
    if found != expected {
        wrong.note(
            "parameters",
            case.rust,
            &format!("{expected:?} became {found:?}"),
        );
    }
    let pairs = found.iter().map(|(name, text)| (&**name, &**text));
    if let Some(violation) = known.check_parameters(pairs).first() {
        wrong.note("parameter refused", case.rust, &violation.to_string());
    }
    let accept = request.headers()["accept"].to_str().unwrap();
    let newest = version(operation)["version"].as_str().unwrap();
    if !accept.starts_with(&format!("application/vnd.atlas.{newest}+")) {
        wrong.note("accept", case.rust, accept);
    }
    let optional = operation["body"] == "optional";
    let value = value.filter(|_| !(sparse && optional));
    let Some(value) = value else {
        assert!(request.body().is_empty(), "{}", case.rust);
        return 1;
    };
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    if !same(value, &body) {
        wrong.note("body", case.rust, &difference(value, &body));
    }
    let typed = known.version(Some(newest)).unwrap();
    let tags = made
        .iter()
        .flat_map(|made| &made.nodes)
        .filter(|node| node.kind == Kind::Tag);
    let tags: Vec<String> = tags.map(|tag| tag.path.as_violation()).collect();
    for violation in known.check_request(typed, Some(&body)) {
        // Some documented tags are read-only, but still select a form.
        let tag = violation.kind() == ViolationKind::ReadOnly
            && tags.iter().any(|tag| tag == violation.path());
        if !tag {
            wrong.note("body refused", case.rust, &violation.to_string());
        }
    }
    made.map_or(1, |made| made.forms)
}

#[test]
fn a_typed_request_has_the_given_values_and_passes_the_catalogs_checks() {
    let mut wrong = Wrong::default();
    for (number, (operation, case)) in operations().enumerate() {
        for fields in [Fields::Required, Fields::Some, Fields::All] {
            let (mut tried, mut wanted) = (0, 2);
            while tried < wanted {
                let forms = judge(operation, case, fields, tried + number * 5, &mut wrong);
                wanted = wanted.max(forms.min(MOST_FORMS));
                tried += 1;
            }
        }
    }
    wrong.none();
}

#[test]
fn invalid_fields_of_a_body_are_found_by_the_catalog() {
    let mut random = Rng::with_seed(11);
    let mut wrong = Wrong::default();
    for (operation, case) in operations() {
        let (Some(schema), Some(decode)) = (body(operation), case.body) else {
            assert!(case.body.is_none(), "{}", case.rust);
            continue;
        };
        let made = instance(
            schema,
            case.rust,
            Fields::All,
            "readOnly",
            random.usize(..40),
        );
        let Value::Object(mut fields) = made.value else {
            continue;
        };
        if fields.is_empty() {
            continue;
        }
        fields.insert("undocumented".to_owned(), json!(1));
        // Fields that a type lacks are not sent.
        let (sent, _) = read(decode, &fields.clone().into()).unwrap();
        let known = Operation::find(case.meta.id).unwrap();
        let typed = known.version(None).unwrap();
        let found = known.check_request(typed, Some(&fields.into()));
        let found: Vec<String> = found
            .iter()
            .filter(|one| one.kind() != ViolationKind::ReadOnly)
            .map(ToString::to_string)
            .collect();
        let free = sent.get("undocumented").is_some() && found.is_empty();
        if !free && found != ["$.undocumented: unknown field"] {
            wrong.note("body", case.rust, &format!("{found:?}"));
        }
    }
    wrong.none();
}
