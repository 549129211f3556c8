//! Client cases: each operation is sent as documented, in each of its versions.

use atlas_catalog::{Body, Operation, Version};
use serde_json::{Map, Value, json};

use crate::case::{Sources, head, media_type, older};
use crate::example::{self, Extent, success};
use crate::parameters::{self, SEGMENT};

/// Returns the case of the newest version and those of the older ones.
pub(crate) fn cases(operation: Operation, sources: &Sources) -> Vec<Value> {
    let newest = operation
        .version(None)
        .and_then(|version| newest(operation, version, sources));
    let older = older(operation).filter_map(|version| earlier(operation, version, sources));
    newest.into_iter().chain(older).collect()
}

/// Returns the case of the newest version, which refers to the examples.
fn newest(operation: Operation, version: &Version, sources: &Sources) -> Option<Value> {
    let mut call = call(operation, version, sources);
    let sent = version.request_schema().is_some() && operation.body() != Body::None;
    if sent {
        call["example"] = true.into();
    }
    let requires = format!("The client sends {operation} as documented and reads the response.");
    let source = format!("facts: {operation}");
    let mut case = head(
        &format!("client-{operation}"),
        operation,
        &requires,
        &source,
    );
    let answer = json!({"documented": success(version)?});
    case["client"] = client(operation, version, &call, &[answer], sent, sources);
    Some(case)
}

/// Returns the case of an older version, which contains its bodies.
fn earlier(operation: Operation, version: &Version, sources: &Sources) -> Option<Value> {
    let Sources { overrides, world } = sources;
    let mut call = call(operation, version, sources);
    let body = example::request(operation, version, overrides);
    let sent = body.is_some();
    if let Some(body) = body {
        call["body"] = world.fill_json(&body);
    }
    let name = &version.name;
    let requires =
        format!("The client requests {operation} in version {name} and reads the response.");
    let source = format!("facts: {operation}, version {name}");
    let mut case = head(
        &format!("client-{operation}-{name}"),
        operation,
        &requires,
        &source,
    );
    let status = success(version)?;
    let answer = answer(operation, version, Extent::Brief, 0, sources)
        .unwrap_or_else(|| bodiless(version, status));
    case["client"] = client(operation, version, &call, &[answer], sent, sources);
    Some(case)
}

/// Returns a response without JSON: without a body, or with a file of the version.
fn bodiless(version: &Version, status: u16) -> Value {
    if version.schema_of(status, "json").is_some() || version.is_bare(status) {
        return json!({"status": status});
    }
    json!({"documented": status, "headers": [["content-type", media_type(version)]]})
}

/// Returns a response with its own body.
pub(crate) fn answer(
    operation: Operation,
    version: &Version,
    extent: Extent,
    number: usize,
    sources: &Sources,
) -> Option<Value> {
    let body = example::response(operation, version, extent, number, &sources.overrides)?;
    let media_type = format!("{};charset=utf-8", media_type(version));
    Some(json!({
        "status": success(version)?,
        "headers": [["content-type", media_type]],
        "json": sources.world.fill_json(&body),
    }))
}

/// Returns the call with its required parameters.
pub(crate) fn call(operation: Operation, version: &Version, sources: &Sources) -> Value {
    let mut call = json!({"operation": operation.id(), "version": version.name});
    let path = path(operation, sources);
    if !path.is_empty() {
        call["parameters"] = Value::Object(path);
    }
    let query = parameters::query(operation, &sources.overrides);
    let query: Map<String, Value> = query
        .into_iter()
        .map(|(name, values)| match values.as_slice() {
            [one] => (name.to_owned(), Value::from(one.as_str())),
            many => (name.to_owned(), many.into()),
        })
        .collect();
    if !query.is_empty() {
        call["query"] = Value::Object(query);
    }
    call
}

/// Returns the path parameters, as the judge sends them to the client.
pub(crate) fn path(operation: Operation, sources: &Sources) -> Map<String, Value> {
    let path = parameters::path(operation, &sources.overrides);
    match sources.world.fill_json(&Value::Object(path)) {
        Value::Object(path) => path,
        _ => Map::new(),
    }
}

/// Returns the target of a call. `plain` are characters that a client need not escape in the path.
pub(crate) fn target(operation: Operation, sources: &Sources, plain: &str) -> String {
    let path = parameters::target(operation, &path(operation, sources), plain);
    let query = parameters::query(operation, &sources.overrides);
    match parameters::query_text(&query).as_str() {
        "" => path,
        query => format!("{path}?{query}"),
    }
}

fn client(
    operation: Operation,
    version: &Version,
    call: &Value,
    answers: &[Value],
    sent: bool,
    sources: &Sources,
) -> Value {
    let expect = |plain: &str| {
        let mut request = json!({
            "method": operation.method().as_str(),
            "target": target(operation, sources, plain),
            "headers": {"accept": media_type(version)},
        });
        if sent {
            request["sent"] = true.into();
        }
        json!({"requests": [request], "outcome": {"kind": "ok"}})
    };
    let mut client = json!({"call": call, "answers": answers, "expect": expect("")});
    // A colon in a path may be sent unescaped, which is another target.
    if target(operation, sources, SEGMENT) != target(operation, sources, "") {
        client["or"] = json!([expect(SEGMENT)]);
    }
    // The root of the API is documented without a trailing slash, but also exists with one.
    if operation.path() == "/api/atlas/v2" {
        let mut other = expect("");
        other["requests"][0]["target"] = "/api/atlas/v2/".into();
        client["or"] = json!([other]);
    }
    client
}
