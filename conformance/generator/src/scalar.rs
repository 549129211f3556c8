//! Example texts and numbers, by pattern, format and name.

use atlas_catalog::{Kind, Schema};
use serde_json::{Number, Value};

use crate::seed::{hex, uuid};

/// A scalar that fits a schema. `place` tells it from others of the same field.
pub(crate) fn scalar(schema: &Schema, field: &str, place: &str) -> Value {
    match schema.kind {
        Some(Kind::Integer) => whole(schema, field).into(),
        Some(Kind::Number) => number(schema, field),
        Some(Kind::Boolean) => boolean(schema).into(),
        _ => text(schema, field, place).into(),
    }
}

/// The value of an enum that a user would expect, or the first one.
pub(crate) fn choice<'a>(choices: &[&'a Value]) -> &'a Value {
    let usual = USUAL.iter().find_map(|usual| {
        let is_usual = |choice: &&&Value| choice.as_str() == Some(usual);
        choices.iter().find(is_usual)
    });
    usual.unwrap_or(&choices[0])
}

fn boolean(schema: &Schema) -> bool {
    schema
        .default
        .as_ref()
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

fn whole(schema: &Schema, field: &str) -> i64 {
    let bound = |number: &Option<Number>| {
        let number = number.as_ref()?;
        #[allow(
            clippy::cast_possible_truncation,
            reason = "bounds are whole and small"
        )]
        number
            .as_i64()
            .or_else(|| number.as_f64().map(|float| float as i64))
    };
    let named = NUMBERS.iter().find(|(name, _)| *name == field);
    let default = schema.default.as_ref().and_then(Value::as_i64);
    let mut value = named.map(|(_, value)| *value).or(default).unwrap_or(1);
    if let Some(least) = bound(&schema.minimum) {
        value = value.max(least + i64::from(schema.exclusive_minimum));
    }
    if let Some(most) = bound(&schema.maximum) {
        value = value.min(most - i64::from(schema.exclusive_maximum));
    }
    value
}

fn number(schema: &Schema, field: &str) -> Value {
    let default = schema.default.clone().filter(Value::is_number);
    let named = NUMBERS.iter().any(|(name, _)| *name == field);
    match default {
        Some(default) if !named => default,
        _ => whole(schema, field).into(),
    }
}

fn text(schema: &Schema, field: &str, place: &str) -> String {
    let text = free_text(schema, field, place);
    if text.starts_with("${") {
        return text;
    }
    let length = text.chars().count() as u64;
    let most = schema.max_length.unwrap_or(u64::MAX);
    let least = schema.min_length.unwrap_or(0);
    if length > most {
        return text
            .chars()
            .take(usize::try_from(most).unwrap_or(0))
            .collect();
    }
    if length < least {
        let missing = usize::try_from(least - length).unwrap_or(0);
        return text + &"x".repeat(missing);
    }
    text
}

fn free_text(schema: &Schema, field: &str, place: &str) -> String {
    if let Some(pattern) = schema.pattern.as_deref() {
        if let Some(world) = of_the_world(field) {
            return world.to_owned();
        }
        return of_pattern(pattern, field, place);
    }
    match schema.format.as_deref() {
        Some("date-time") => return moment(field),
        Some("date") => return moment(field)[..10].to_owned(),
        Some("uuid") => return uuid(place),
        Some("email") => return "user@example.com".to_owned(),
        Some("password") => return format!("fake-{}", dashed(field)),
        Some("uri") => return format!("https://example.com/{}", dashed(field)),
        _ => {}
    }
    let secrets = [
        "password",
        "secret",
        "token",
        "apikey",
        "credential",
        "privatekey",
    ];
    let lower = field.to_ascii_lowercase();
    if secrets.iter().any(|word| lower.contains(word)) && !lower.ends_with("id") {
        return format!("fake-{}", dashed(field));
    }
    by_name(field, place)
}

/// A thing that each world has.
fn of_the_world(field: &str) -> Option<&'static str> {
    Some(match field {
        "groupId" | "projectId" | "targetGroupId" | "targetProjectId" => "${project}",
        "orgId" => "${org}",
        _ => return None,
    })
}

fn moment(field: &str) -> String {
    let later = [
        "expir",
        "end",
        "finish",
        "until",
        "delete",
        "sunset",
        "next",
        "scheduled",
    ];
    let lower = field.to_ascii_lowercase();
    let day = if later.iter().any(|word| lower.contains(word)) {
        11
    } else {
        4
    };
    format!("2026-05-{day:02}T09:42:00Z")
}

/// A text for each documented pattern, whether it is enforced or not.
fn of_pattern(pattern: &str, field: &str, place: &str) -> String {
    let begins = |start: &str| pattern.starts_with(start);
    let found = PATTERNS.iter().find(|(start, _)| begins(start));
    let Some((_, sample)) = found else {
        return by_name(field, place);
    };
    if *sample == "{name}" {
        return by_name(field, place);
    }
    let sample = sample.replace("{uuid}", &uuid(place));
    for digits in [17, 20, 24, 32, 40, 64] {
        let slot = format!("{{{digits}}}");
        if sample.contains(&slot) {
            return sample.replace(&slot, &hex(place, digits));
        }
    }
    sample
}

fn by_name(field: &str, place: &str) -> String {
    if let Some(world) = of_the_world(field) {
        return world.to_owned();
    }
    let field = field.trim_end_matches("[]");
    if let Some((_, value)) = TEXTS.iter().find(|(name, _)| *name == field) {
        return (*value).to_owned();
    }
    let ends = |end: &str| field.ends_with(end);
    if field == "id" || field == "_id" || ends("Id") || ends("ID") {
        return hex(place, 24);
    }
    if ends("Url") || ends("Uri") || ends("URL") || ends("URI") {
        return format!("https://example.com/{}", dashed(field));
    }
    if ends("Arn") || ends("ARN") {
        return "arn:aws:iam::123456789012:role/example".to_owned();
    }
    if ends("Date") || ends("Time") {
        return moment(field);
    }
    format!("example-{}", dashed(field))
}

/// `camelCase` as `camel-case`.
fn dashed(field: &str) -> String {
    let mut text = String::new();
    let mut capital = true;
    for character in field.trim_end_matches("[]").chars() {
        if character.is_ascii_uppercase() && !capital {
            text.push('-');
        }
        capital = character.is_ascii_uppercase();
        text.push(if character.is_ascii_alphanumeric() {
            character.to_ascii_lowercase()
        } else {
            '-'
        });
    }
    text
}

/// Values of enums in the order in which they are preferred.
const USUAL: [&str; 18] = [
    "IDLE",
    "ACTIVE",
    "AVAILABLE",
    "COMPLETED",
    "completed",
    "READY",
    "Successful",
    "AWS",
    "US_EAST_1",
    "REPLICASET",
    "M10",
    "DAILY",
    "daily",
    "READ_ONLY",
    "GROUP_READ_ONLY",
    "ORG_MEMBER",
    "PT1M",
    "STARTED",
];

/// Numbers that the name of a field asks for.
const NUMBERS: [(&str, i64); 17] = [
    ("clusterCount", 1),
    ("code", 200),
    ("diskIOPS", 3000),
    ("diskSizeGB", 10),
    ("electableSpecs", 3),
    ("intervalMin", 60),
    ("nodeCount", 3),
    ("numShards", 1),
    ("pageNum", 1),
    ("port", 27017),
    ("priority", 7),
    ("ratio", 1),
    ("referenceHourOfDay", 3),
    ("referenceMinuteOfHour", 15),
    ("retentionValue", 7),
    ("secretExpiresAfterHours", 720),
    ("totalCount", 1),
];

/// Texts that the name of a field asks for.
const TEXTS: &[(&str, &str)] = &[
    ("address", "192.0.2.15"),
    ("authEmail", "user@example.com"),
    ("authorizedUserFirstName", "Ada"),
    ("authorizedUserLastName", "Lovelace"),
    ("awsAccountId", "123456789012"),
    ("body", "An example"),
    ("bucketName", "example-bucket"),
    ("cidrBlock", "192.0.2.0/24"),
    ("city", "Dublin"),
    ("comment", "An example"),
    ("collName", "people"),
    ("collection", "people"),
    ("collectionName", "people"),
    ("country", "IE"),
    ("databaseName", "sample"),
    ("database", "sample"),
    ("db", "sample"),
    ("dbName", "sample"),
    ("desc", "An example"),
    ("description", "An example"),
    ("email", "user@example.com"),
    ("emailAddress", "user@example.com"),
    ("featureCompatibilityVersion", "8.0"),
    ("firstName", "Ada"),
    ("host", "host0.example.com"),
    ("hostname", "host0.example.com"),
    ("hostnameAndPort", "host0.example.com:27017"),
    ("hostnames", "host0.example.com"),
    ("href", "https://cloud.mongodb.com/api/atlas/v2"),
    ("instanceSize", "M10"),
    ("ipAddress", "192.0.2.15"),
    ("key", "example-key"),
    ("lastName", "Lovelace"),
    ("mobileNumber", "2025550123"),
    ("mongoDBMajorVersion", "8.0"),
    ("mongoDBVersion", "8.0.4"),
    ("mongodVersion", "8.0.4"),
    ("name", "Example0"),
    ("namespace", "sample.people"),
    ("publicKey", "abcdefgh"),
    ("region", "US_EAST_1"),
    ("regionName", "US_EAST_1"),
    ("rel", "self"),
    ("replicaSetName", "atlas-abc123-shard-0"),
    ("srvAddress", "mongodb+srv://example.abc123.mongodb.net"),
    ("standard", "mongodb://host0.example.com:27017"),
    ("standardSrv", "mongodb+srv://example.abc123.mongodb.net"),
    ("timeZoneId", "Europe/Dublin"),
    ("url", "https://example.com/hook"),
    ("username", "user@example.com"),
    ("version", "8.0"),
    ("zoneName", "Zone 1"),
];

/// A text for each documented pattern, by how the pattern begins, the longer beginning first. `{N}`
/// stands for N hexadecimal digits, `{name}` for a text by the name of the field.
const PATTERNS: &[(&str, &str)] = &[
    (r"(?:(?:\\+?1", "2025550123"),
    (r"([\d]+\.[\d]+\.[\d]+)", "8.0.4"),
    (
        "/exported_snapshots",
        "/exported_snapshots/{ORG-NAME}/{PROJECT-NAME}/{CLUSTER-NAME}/{SNAPSHOT-INITIATION-DATE}/{TIMESTAMP}",
    ),
    ("1199145600", "1199145600"),
    ("[0-9a-f]+", "{24}"),
    ("[a-z]([-a-z0-9]{0,62}", "example-endpoint"),
    (r"^((([0-9]{1,3}\.){3}", "192.0.2.0/24"),
    ("^((25[0-5]", "192.0.2.15"),
    ("^(?:(?<cn>", "CN=Example,OU=Users,DC=example,DC=com"),
    (r"^(?:[1-9]\\d{3}-", "2026-05-04T09:42:00Z"),
    (r"^([-\w._()])+$", "example-endpoint"),
    ("^([0-9]*/)?sg-", "sg-0123456789"),
    (r"^([0-9]{1,3}\.){3}[0-9]{1,3}(%2[fF]", "192.0.2.15"),
    (
        r"^([0-9]{1,3}\.){3}[0-9]{1,3}|([0-9a-f]{1,4}:)",
        "host0.example.com",
    ),
    (
        r"^([0-9]{1,3}\.){3}[0-9]{1,3}|([0-9a-f]{1,4}\:)",
        "host0.example.com:27017",
    ),
    ("^([0-9a-f]){40}$", "{40}"),
    ("^([A-Z]{2})$", "IE"),
    ("^([a-f0-9]{20})$", "{20}"),
    ("^([a-f0-9]{24})$", "{24}"),
    ("^([a-f0-9]{8,32})$", "{32}"),
    ("^([a-fA-F0-9]{64})$", "{64}"),
    (
        "^/subscriptions/",
        "/subscriptions/{uuid}/resourceGroups/privateLink/providers/Microsoft.Network/privateEndpoints/example",
    ),
    ("^[0-9]{12}$", "123456789012"),
    (
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}%2",
        "{uuid}%2Fexample-group%2Fexample-network",
    ),
    (
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "{uuid}",
    ),
    (r"^[\p{L}\p{N}\-_.(),:&@+']", "{name}"),
    (r"^[\p{L}\p{N}\-_.,' ]*$", "{name}"),
    ("^[a-fA-F0-9]{24}$", "{24}"),
    ("^[a-z0-9!#$%&'*+/=?^_`{|}~-]+", "user@example.com"),
    ("^[a-zA-Z0-9][a-zA-Z0-9-]*$", "{name}"),
    ("^[a-z][0-9a-z-]{4,28}", "example-project"),
    (
        r"^\/subscriptions\/",
        "/subscriptions/{uuid}/resourceGroups/example-group/providers/Microsoft.Network/privateEndpoints/example",
    ),
    (
        "^arn:aws:kafka",
        "arn:aws:kafka:us-east-1:123456789012:cluster/example",
    ),
    (
        r"^com\.amazonaws\.vpce\.",
        "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0",
    ),
    (r"^mdb_sa_id_", "mdb_sa_id_{24}"),
    (
        "^mongodb-atlas-",
        "mongodb-atlas-0123456789abcdef@p-0123456789abcdef01234567.iam.gserviceaccount.com",
    ),
    ("^nt-", "nt-0123456789abcdef01234567-01234567"),
    ("^p-[0-9a-z]{24}$", "p-{24}"),
    ("^pls_[0-9a-f]{24}$", "pls_{24}"),
    ("^vpc-", "vpc-{17}"),
    ("^vpce-", "vpce-{17}"),
    (
        r"https:\/\/([a-z0-9\.]+)+",
        "https://www.googleapis.com/compute/v1/projects/p-example/regions/us-east1/serviceAttachments/example",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns with doubled escapes, which no text that is meant fits.
    const ODD: [&str; 2] = [r"(?:(?:\\+?1", r"^(?:[1-9]\\d{3}-"];

    #[test]
    fn each_documented_pattern_has_a_text_that_fits_it() {
        let facts = include_str!("../../../fixtures/api/overrides.json");
        let facts: Value = serde_json::from_str(facts).unwrap();
        let patterns = facts["patterns"].as_array().unwrap();
        assert_eq!(patterns.len(), 45);
        for row in patterns {
            let pattern = row["pattern"].as_str().unwrap();
            if ODD.iter().any(|odd| pattern.starts_with(odd)) {
                continue;
            }
            let text = of_pattern(pattern, "name", "place");
            let regex = regress::Regex::with_flags(pattern, "u");
            let regex = regex.or_else(|_| regress::Regex::new(pattern)).unwrap();
            assert!(regex.find(&text).is_some(), "{pattern}: {text}");
        }
    }
}
