//! Checks that a response contains the values written by an earlier request.

use atlas_catalog::{Operation, Schema};
use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::conforms::{answered, opened};
use crate::difference::Difference;
use crate::same;

/// Returns the fields of a request body that a response does not contain. Write-only fields,
/// passwords, and fields that are not in the response's schema are skipped.
pub(crate) fn differences(
    written_by: &str,
    written: &Value,
    read_by: &str,
    answer: &Response<Bytes>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let (Some(writer), Some(reader)) = (Operation::find(written_by), Operation::find(read_by))
    else {
        return found;
    };
    let request = writer
        .version(None)
        .and_then(|version| version.request_schema());
    let response = answered(reader, answer).and_then(|version| version.response_schema("json"));
    let (Some(request), Some(response)) = (request, response) else {
        return found;
    };
    let body = serde_json::from_slice(answer.body()).unwrap_or_default();
    let (_, body) = opened(answer.status().as_u16(), body);
    compare("", written, request, &body, response, &mut found);
    found
}

fn compare(
    path: &str,
    written: &Value,
    request: &Schema,
    seen: &Value,
    response: &Schema,
    found: &mut Vec<Difference>,
) {
    match (written, seen) {
        (Value::Object(fields), Value::Object(_)) => {
            for (name, value) in fields {
                let Some(read_as) = property(response, name) else {
                    continue;
                };
                let written_as = property(request, name);
                // Secrets are returned masked or not at all.
                let secret = |it: &Schema| it.write_only || is_password(it);
                if secret(read_as) || written_as.is_some_and(secret) {
                    continue;
                }
                let path = format!("{path}/{name}");
                let seen = seen.get(name).unwrap_or(&Value::Null);
                compare(
                    &path,
                    value,
                    written_as.unwrap_or(request),
                    seen,
                    read_as,
                    found,
                );
            }
        }
        (Value::Array(items), Value::Array(seen)) if items.len() == seen.len() => {
            for (index, (item, seen)) in items.iter().zip(seen).enumerate() {
                let path = format!("{path}/{index}");
                compare(
                    &path,
                    item,
                    items_of(request),
                    seen,
                    items_of(response),
                    found,
                );
            }
        }
        _ if same::value(written, seen) => {}
        _ => {
            let path = if path.is_empty() { "body" } else { path };
            found.push(Difference::new(
                path,
                format!("the written value {written}"),
                seen,
            ));
        }
    }
}

/// Returns the schema of a field, in the schema or in any that it is composed of.
pub(crate) fn property<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    let of_parts = schema.parts().find_map(|part| part.properties.get(name));
    of_parts.or_else(|| {
        let schema = schema.resolve();
        let mut members = schema.one_of.iter().chain(&schema.any_of);
        let of_members = members.find_map(|member| property(member, name));
        of_members.or_else(|| {
            let mapping = schema
                .discriminator
                .iter()
                .flat_map(|it| it.mapping.values());
            let mut variants = mapping.map(|variant| variant.get());
            variants.find_map(|it| it.parts().find_map(|part| part.properties.get(name)))
        })
    })
}

/// Whether responses mask a value.
fn is_password(schema: &Schema) -> bool {
    schema.resolve().format.as_deref() == Some("password")
}

fn items_of(schema: &Schema) -> &Schema {
    let schema = schema.resolve();
    schema.items.as_deref().unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(written: &Value, seen: &Value) -> Vec<String> {
        let (create, get) = ("createGroupFlexCluster", "getGroupFlexCluster");
        let answer = Response::new(Bytes::from(seen.to_string()));
        let found = differences(create, written, get, &answer);
        found.into_iter().map(|it| it.place).collect()
    }

    #[test]
    fn written_values_must_be_read_back_and_others_may_be_added() {
        let tags = json!([{"key": "a", "value": "b"}]);
        let written = json!({
            "name": "a", "terminationProtectionEnabled": true, "tags": tags,
            "providerSettings": {"backingProviderName": "AWS", "regionName": "US_EAST_1"},
        });
        assert_eq!(found(&written, &written), [""; 0]);
        let mut more = written.clone();
        more["stateName"] = "IDLE".into();
        more["providerSettings"]["providerName"] = "FLEX".into();
        assert_eq!(found(&written, &more), [""; 0]);
        let other = json!({"name": "a", "tags": [{"key": "a", "value": "c"}]});
        let expected = [
            "/providerSettings",
            "/tags/0/value",
            "/terminationProtectionEnabled",
        ];
        assert_eq!(found(&written, &other), expected);
        let expected = [
            "/providerSettings",
            "/tags",
            "/terminationProtectionEnabled",
        ];
        // The name is write-only in the request.
        assert_eq!(found(&written, &json!({"tags": []})), expected);
    }

    #[test]
    fn secrets_may_be_returned_masked() {
        let (create, get) = ("createGroupLogIntegration", "getGroupLogIntegration");
        let written = json!({"type": "DATADOG_LOG_EXPORT", "apiKey": "secret", "region": "US1"});
        let seen = json!({"type": "DATADOG_LOG_EXPORT", "apiKey": "**cret", "region": "US3"});
        let answer = Response::new(Bytes::from(seen.to_string()));
        let found = differences(create, &written, get, &answer);
        let places: Vec<_> = found.into_iter().map(|it| it.place).collect();
        assert_eq!(places, ["/region"]);
    }

    #[test]
    fn fields_outside_of_the_response_schema_are_skipped() {
        let written = json!({"name": "a", "noSuchField": 1});
        assert_eq!(found(&written, &json!({"name": "a"})), [""; 0]);
    }
}
