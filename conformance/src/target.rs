//! Builds the requests of server cases, without the code under test.

use atlas_catalog::Operation;
use bytes::Bytes;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::case::ServerRequest;
use crate::fixtures::example;
use crate::message::{find, in_path};
use crate::variables::Variables;

/// The default version of requests, unless the operation has a newer one.
const VERSION: &str = "2025-03-12";

/// Returns the default `Accept`: the newest version, in its format.
fn accept(operation: Option<Operation>) -> String {
    let newest = operation.and_then(|operation| operation.version(None));
    let version = newest.map_or(VERSION, |newest| newest.name.as_str().max(VERSION));
    let formats: Vec<&str> = newest.map_or_else(Vec::new, |newest| newest.formats().collect());
    let format = match formats.as_slice() {
        [first, ..] if !formats.contains(&"json") => first,
        _ => "json",
    };
    format!("application/vnd.atlas.{version}+{format}")
}

/// Returns the JSON body of a request, with variables replaced.
pub(crate) fn json_of(asked: &ServerRequest, variables: &Variables) -> Option<Value> {
    let of_example = || example(asked.operation.as_deref()?)?.request.as_ref();
    let body = asked.json.as_ref();
    let body = body.or_else(|| asked.example.then(of_example).flatten())?;
    Some(variables.fill_json(body))
}

/// Builds a request with an absolute URL. The error is the problem of the case.
pub(crate) fn request(
    asked: &ServerRequest,
    variables: &Variables,
    base: &str,
) -> Result<Request<Bytes>, String> {
    let operation = asked.operation.as_deref().map(find).transpose()?;
    let mut target = match (&asked.target, operation) {
        (Some(target), _) => variables.fill(target),
        (None, Some(operation)) => {
            let mut path = operation.path();
            for name in in_path(operation) {
                let given = asked.parameters.get(name).map(|text| variables.fill(text));
                let value = given.unwrap_or_else(|| usual(operation.id(), name, variables));
                let encoded = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
                path = path.replace(&format!("{{{name}}}"), &encoded);
            }
            path
        }
        (None, None) => return Err("the request has neither an operation nor a target".to_owned()),
    };
    if let Some(query) = asked.query.as_deref().filter(|query| !query.is_empty()) {
        target.push('?');
        target.push_str(&variables.fill(query));
    }
    if target.starts_with('/') {
        target.insert_str(0, base);
    }
    let method = asked.method.clone();
    let method = method.or_else(|| Some(operation?.method().to_string()));
    let mut request = Request::builder()
        .method(method.as_deref().unwrap_or("GET"))
        .uri(target);
    let json = json_of(asked, variables);
    let has_body = json.is_some() || asked.body.is_some() || asked.generated.is_some();
    let mut usual = vec![("accept", accept(operation))];
    if has_body {
        usual.push(("content-type", "application/json".to_owned()));
    }
    for (name, value) in usual {
        let named = |known: &String| known.eq_ignore_ascii_case(name);
        if !asked.headers.keys().any(named) {
            request = request.header(name, value);
        }
    }
    for (name, value) in &asked.headers {
        if let Some(value) = value {
            request = request.header(name, variables.fill(value));
        }
    }
    let body = match (json, &asked.body, asked.generated) {
        (Some(json), ..) => json.to_string().into(),
        (None, Some(body), _) => variables.fill(body).into(),
        (None, None, Some(bytes)) => Bytes::from(vec![b' '; bytes]),
        (None, None, None) => Bytes::new(),
    };
    request.body(body).map_err(|error| error.to_string())
}

/// Returns the default of a path parameter: a resource of the default world.
fn usual(operation: &str, parameter: &str, variables: &Variables) -> String {
    let kind = match operation {
        id if id.contains("Flex") => "flex",
        id if id.contains("Tenant") => "tenant",
        id if id.contains("Sharded") => "sharded",
        _ => "dedicated",
    };
    let name = match parameter {
        "groupId" => "project".to_owned(),
        "orgId" => "org".to_owned(),
        "clusterName" | "name" => kind.to_owned(),
        "snapshotId" => format!("{kind}.snapshot"),
        "databaseName" => "database".to_owned(),
        "collectionName" => "collection".to_owned(),
        _ => "job".to_owned(),
    };
    variables.get(&name).to_owned()
}
