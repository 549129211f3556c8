//! Values that the server generates, by the documented values, the pattern or the field name.

use atlas_catalog::Schema;

/// The value of an enum for a resource at rest; the first value if none is known.
pub(crate) fn preferred<'a>(values: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let values: Vec<&str> = values.into_iter().collect();
    let at_rest = AT_REST.iter().find(|value| values.contains(value));
    at_rest.copied().or_else(|| values.first().copied())
}

/// The states of resources at rest.
const AT_REST: [&str; 18] = [
    "IDLE",
    "ACTIVE",
    "AVAILABLE",
    "READY",
    "COMPLETED",
    "SUCCEEDED",
    "SUCCESSFUL",
    "SUCCESS",
    "SIMULATING",
    "COMPLETE",
    "STEADY",
    "OK",
    "completed",
    "AWS",
    "REPLICASET",
    "replicaSet",
    "NONE",
    "DEFAULT",
];

/// The value of an enum for a new resource, if one is known.
pub(crate) fn first_of<'a>(values: &[&'a str]) -> Option<&'a str> {
    let first = AT_FIRST.iter().find(|value| values.contains(value))?;
    values.iter().copied().find(|value| value == first)
}

/// The states of new resources.
const AT_FIRST: [&str; 9] = [
    "CREATING",
    "INITIATING",
    "INITIALIZING",
    "PROVISIONING",
    "RESERVATION_REQUESTED",
    "QUEUED",
    "PENDING",
    "RUNNING",
    "IN_PROGRESS",
];

/// An integer for a field.
pub(crate) fn number(schema: &Schema) -> i64 {
    let least = schema.minimum.as_ref().and_then(whole);
    let least = least.map_or(0, |least| {
        least.saturating_add(i64::from(schema.exclusive_minimum))
    });
    let most = schema.maximum.as_ref().and_then(whole);
    least.max(0).min(most.unwrap_or(i64::MAX))
}

/// A bound without its fraction.
fn whole(bound: &serde_json::Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it saturates")]
    bound
        .as_i64()
        .or_else(|| bound.as_f64().map(|it| it as i64))
}

/// A number for a field.
pub(crate) fn number_of(schema: &Schema) -> f64 {
    let least = schema.minimum.as_ref().and_then(serde_json::Number::as_f64);
    let least = least.map_or(0.0, |least| {
        if schema.exclusive_minimum {
            least + 1.0
        } else {
            least
        }
    });
    least.max(0.0)
}

/// A text for a field. `digits` are 32 hexadecimal digits that are specific to the field.
pub(crate) fn text(schema: &Schema, name: &str, digits: &str) -> String {
    if let Some(pattern) = schema.pattern.as_deref()
        && let Some(text) = of_pattern(pattern, digits)
    {
        return text;
    }
    let text = match schema.format.as_deref() {
        Some("email") => "user@sandbox.example".to_owned(),
        Some("uri" | "url") => format!("https://sandbox.example/{}", &digits[..8]),
        Some("uuid") => uuid(digits),
        Some("ipv4") => ADDRESS.to_owned(),
        Some("byte") => "c2FuZGJveA==".to_owned(),
        _ => by_name(name, digits),
    };
    fitted(schema, text, digits)
}

/// The text adjusted to the length bounds of the schema.
fn fitted(schema: &Schema, mut text: String, digits: &str) -> String {
    let least = usize::try_from(schema.min_length.unwrap_or(0)).unwrap_or(0);
    while text.len() < least {
        text.push_str(digits);
    }
    let most = schema
        .max_length
        .and_then(|most| usize::try_from(most).ok());
    if let Some(most) = most
        && text.len() > most.max(least)
    {
        text.truncate(most.max(least));
    }
    text
}

fn by_name(name: &str, digits: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    let word = match lower.as_str() {
        "cloud" | "cloudprovider" | "provider" => "AWS",
        "createdby" | "updatedby" => "user@sandbox.example",
        "currency" => "USD",
        "private" | "standard" => "mongodb://host.sandbox.example:27017",
        "privatesrv" | "standardsrv" => "mongodb+srv://host.sandbox.example",
        "geography" => "US",
        "month" => "1",
        "state" | "statename" | "status" => "ACTIVE",
        "timezone" | "timezoneid" => "Etc/UTC",
        "version" => "v1",
        "year" => "2026",
        _ if has("featurecompatibility") || has("majorversion") => "8.0",
        _ if has("version") => crate::world::MONGODB,
        _ if has("cidr") => "192.0.2.0/24",
        _ if has("ipaddress") => ADDRESS,
        _ if has("region") => "US_EAST_1",
        _ if has("username") || has("email") => "user@sandbox.example",
        _ => "",
    };
    if !word.is_empty() {
        word.to_owned()
    } else if lower == "id" || lower == "_id" || name.ends_with("Id") || name.ends_with("ID") {
        digits[..24].to_owned()
    } else if has("hostname") || lower == "host" {
        format!("host-{}.sandbox.example", &digits[..6])
    } else if has("url") || has("uri") || lower == "link" || lower == "endpoint" {
        format!("https://sandbox.example/{}", &digits[..8])
    } else if has("masked") || has("redacted") {
        format!("****{}", &digits[..4])
    } else if has("secret") || has("token") {
        digits.to_owned()
    } else if lower == "publickey" {
        public_key(digits)
    } else {
        format!("sandbox-{}", &digits[..6])
    }
}

/// The public half of an API key: eight lower-case letters.
fn public_key(digits: &str) -> String {
    let letters = digits.bytes().take(8).map(|digit| match digit {
        b'0'..=b'9' => char::from(b'k' + (digit - b'0')),
        letter => char::from(letter),
    });
    letters.collect()
}

/// A text that matches one of the documented patterns that are enforced.
fn of_pattern(pattern: &str, digits: &str) -> Option<String> {
    let text = match pattern {
        "^([a-f0-9]{24})$" | "^[a-fA-F0-9]{24}$" => digits[..24].to_owned(),
        "^mdb_sa_id_[a-fA-F\\d]{24}$" => format!("mdb_sa_id_{}", &digits[..24]),
        "^([a-f0-9]{20})$" => digits[..20].to_owned(),
        "^([a-f0-9]{8,32})$" | "[0-9a-f]+" => digits[..8].to_owned(),
        "^([a-fA-F0-9]{64})$" => digits.repeat(2),
        "^([0-9a-f]){40}$" => format!("{digits}{}", &digits[..8]),
        "^pls_[0-9a-f]{24}$" => format!("pls_{}", &digits[..24]),
        "^p-[0-9a-z]{24}$" => format!("p-{}", &digits[..24]),
        "^vpce-[0-9a-f]{17}$" => format!("vpce-{}", &digits[..17]),
        "^vpc-[0-9a-f]{17}$" => format!("vpc-{}", &digits[..17]),
        "^([A-Z]{2})$" => "US".to_owned(),
        "^[0-9]{12}$" => "123456789012".to_owned(),
        "^([0-9]*/)?sg-([0-9]*)" => "sg-0123456789".to_owned(),
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" => uuid(digits),
        "([\\d]+\\.[\\d]+\\.[\\d]+)" => crate::world::MONGODB.to_owned(),
        _ if pattern.ends_with("(\\:[0-9]{4,5})$") => {
            format!("h{}.sandbox.example:27017", &digits[..6])
        }
        _ if pattern.starts_with("^(?:(?<cn>") => "CN=user,DC=sandbox,DC=example".to_owned(),
        _ if pattern.starts_with("^[a-z0-9!#$%&") => "user@sandbox.example".to_owned(),
        _ if pattern.starts_with("^/subscriptions/")
            || pattern.starts_with("^\\/subscriptions") =>
        {
            azure_endpoint(digits)
        }
        _ if pattern.starts_with("https:") && pattern.contains("serviceAttachments") => format!(
            "https://www.sandbox.example/compute/projects/p-{0}/regions/us-east1/serviceAttachments/sa-{0}",
            &digits[..8]
        ),
        _ if pattern.contains("25[0-5]") => ADDRESS.to_owned(),
        _ if pattern.contains("(%2[fF]|/)[0-9]{1,3}") => "192.0.2.0/24".to_owned(),
        _ if pattern.starts_with("^([0-9]{1,3}\\.){3}[0-9]{1,3}") => ADDRESS.to_owned(),
        _ if pattern.contains("com\\.amazonaws\\.vpce") => {
            format!("com.amazonaws.vpce.us-east-1.vpce-svc-{}", &digits[..17])
        }
        _ if pattern.starts_with("^nt-") => format!("nt-{}-{}", &digits[..24], &digits[..8]),
        _ if pattern.contains("mongodb-atlas-[0-9a-z]") => format!(
            "mongodb-atlas-{}@p-{}.iam.gserviceaccount.com",
            &digits[..16],
            &digits[..24]
        ),
        _ if pattern.starts_with("^arn:aws:kafka") => "arn:aws:kafka".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// The resource id of a private endpoint at Azure.
fn azure_endpoint(digits: &str) -> String {
    let subscription = uuid(digits);
    format!(
        "/subscriptions/{subscription}/resourceGroups/privatelink/providers/Microsoft.Network/privateEndpoints/sandbox"
    )
}

/// A UUID from 32 hexadecimal digits.
pub(crate) fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let parts = [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ];
    parts.join("-")
}

/// An address reserved for documentation (RFC 5737).
const ADDRESS: &str = "192.0.2.1";
