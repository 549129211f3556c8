//! Makes values of parameters, and targets from them.

use std::fmt::Write as _;

use atlas_catalog::{Operation, Parameter, Place, Schema};
use serde_json::{Map, Value};

use crate::example::cluster_kind;
use crate::overrides::Overrides;
use crate::scalar::{choice, scalar};

/// Returns the names of an operation's path parameters, in the order of the path.
pub(crate) fn in_path(operation: Operation) -> Vec<&'static str> {
    let path = operation.path();
    let parameters = operation.parameters().iter();
    let in_path = parameters.filter(|parameter| parameter.place == Place::Path);
    let mut names: Vec<&str> = in_path.map(|parameter| parameter.name.as_str()).collect();
    names.sort_by_key(|name| path.find(&format!("{{{name}}}")));
    names
}

/// Returns a plausible value of a parameter, with the variables of the default world.
pub(crate) fn value(operation: Operation, parameter: &Parameter, overrides: &Overrides) -> String {
    let name = parameter.name.as_str();
    if let Some(value) = overrides.parameter(operation.id(), name) {
        return value.to_owned();
    }
    let schema = parameter.schema.resolve();
    let schema = schema.items.as_deref().map_or(schema, Schema::resolve);
    let choices = schema.choices();
    if !choices.is_empty() {
        return plain(choice(&choices));
    }
    resource(operation, name).unwrap_or_else(|| plain(&scalar(schema, name, name)))
}

/// Returns the resource of the default world that a parameter names.
pub(crate) fn resource(operation: Operation, name: &str) -> Option<String> {
    let path = operation.path();
    let kind = cluster_kind(operation);
    let serverless = path.contains("/serverless");
    Some(match name {
        "groupId" => "${project}".to_owned(),
        "orgId" => "${org}".to_owned(),
        "clusterName" if !serverless => format!("${{{kind}}}"),
        "name" if path.contains("/flexClusters") => "${flex}".to_owned(),
        "name" if path.contains("/sampleDatasetLoad") => "${dedicated}".to_owned(),
        "snapshotId" if !serverless => format!("${{{kind}.snapshot}}"),
        "databaseName" if path.contains("/clusters/") => "${database}".to_owned(),
        "collectionName" if path.contains("/clusters/") => "${collection}".to_owned(),
        _ => return None,
    })
}

/// Returns the values of all path parameters.
pub(crate) fn path(operation: Operation, overrides: &Overrides) -> Map<String, Value> {
    let names = in_path(operation).into_iter();
    let pairs = names.filter_map(|name| {
        let parameter = operation.parameter(name)?;
        Some((
            name.to_owned(),
            value(operation, parameter, overrides).into(),
        ))
    });
    pairs.collect()
}

/// Returns the required query parameters; arrays have two values.
pub(crate) fn query(
    operation: Operation,
    overrides: &Overrides,
) -> Vec<(&'static str, Vec<String>)> {
    let parameters = operation.parameters().iter();
    let required = parameters.filter(|one| one.place == Place::Query && one.required);
    let pairs = required.map(|parameter| {
        let schema = parameter.schema.resolve();
        let values = match schema.items.as_deref() {
            Some(items) => items.choices().into_iter().take(2).map(plain).collect(),
            None => vec![value(operation, parameter, overrides)],
        };
        (parameter.name.as_str(), values)
    });
    pairs.collect()
}

/// Returns an encoded query, without a question mark.
pub(crate) fn query_text(query: &[(&str, Vec<String>)]) -> String {
    let pairs = query.iter().flat_map(|(name, values)| {
        values
            .iter()
            .map(move |value| format!("{name}={}", encoded(value, "")))
    });
    let pairs: Vec<String> = pairs.collect();
    pairs.join("&")
}

/// Returns the path with each parameter as one percent-encoded segment. `plain` are characters that
/// are not escaped.
pub(crate) fn target(operation: Operation, values: &Map<String, Value>, plain: &str) -> String {
    let mut path = operation.path();
    for (name, value) in values {
        let value = value.as_str().unwrap_or_default();
        path = path.replace(&format!("{{{name}}}"), &encoded(value, plain));
    }
    path
}

/// The characters that RFC 3986 allows in a path segment in addition to unreserved ones.
pub(crate) const SEGMENT: &str = ":@!$&'()*+,;=";

fn encoded(text: &str, plain: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        let unreserved = character.is_ascii_alphanumeric() || "-._~".contains(character);
        if unreserved || plain.contains(character) {
            encoded.push(character);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_one_segment_and_a_suffix_is_kept() {
        let operation = Operation::find("addGroupUserRole").unwrap();
        let values = json!({"groupId": "a/b", "userId": "c:d"});
        let values = values.as_object().unwrap();
        let path = "/api/atlas/v2/groups/a%2Fb/users/c%3Ad:addRole";
        assert_eq!(target(operation, values, ""), path);
        let path = "/api/atlas/v2/groups/a%2Fb/users/c:d:addRole";
        assert_eq!(target(operation, values, SEGMENT), path);
    }

    #[test]
    fn an_array_is_repeated() {
        let operation = Operation::find("listGroupHostFtsMetricMeasurements").unwrap();
        let query = query(operation, &Overrides::default());
        let text = query_text(&query);
        assert_eq!(text.matches("metrics=").count(), 2, "{text}");
    }
}
