//! The request of a case for servers, built without the code that it may judge.

use bytes::Bytes;
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::case::ServerRequest;
use crate::message::{find, in_path};
use crate::variables::Variables;

/// The newest version that the family has: what is asked for where a case does not say.
const ACCEPT: &str = "application/vnd.atlas.2025-03-12+json";

/// Builds a request with an absolute URL; the error says what is wrong with the case.
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
        (None, None) => return Err("neither an operation nor a target".to_owned()),
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
    let has_body = asked.json.is_some() || asked.body.is_some() || asked.generated.is_some();
    let mut usual = vec![("accept", ACCEPT)];
    if has_body {
        usual.push(("content-type", "application/json"));
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
    let body = match (&asked.json, &asked.body, asked.generated) {
        (Some(json), ..) => variables.fill_json(json).to_string().into(),
        (None, Some(body), _) => variables.fill(body).into(),
        (None, None, Some(bytes)) => Bytes::from(vec![b' '; bytes]),
        (None, None, None) => Bytes::new(),
    };
    request.body(body).map_err(|error| error.to_string())
}

/// What a parameter is where a case does not say: a thing of the first world.
fn usual(operation: &str, parameter: &str, variables: &Variables) -> String {
    let kind = match operation {
        id if id.contains("Flex") => "flex",
        id if id.contains("Tenant") => "tenant",
        id if id.contains("Sharded") => "sharded",
        _ => "dedicated",
    };
    let name = match parameter {
        "groupId" => "project".to_owned(),
        "clusterName" | "name" => kind.to_owned(),
        "snapshotId" => format!("{kind}.snapshot"),
        "databaseName" => "database".to_owned(),
        "collectionName" => "collection".to_owned(),
        _ => "job".to_owned(),
    };
    variables.get(&name).to_owned()
}
