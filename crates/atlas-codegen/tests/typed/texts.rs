//! Strings that match a schema.

use fastrand::Rng;
use serde_json::Value;

/// Returns a string that matches a schema.
pub(crate) fn text(schema: &Value, random: &mut Rng) -> String {
    if let Some(pattern) = schema["pattern"].as_str() {
        return of_pattern(pattern).to_owned();
    }
    match schema["format"].as_str() {
        Some("date-time") => return "2026-05-04T09:42:00Z".to_owned(),
        Some("date") => return "2026-05-04".to_owned(),
        Some("uuid") => return "123e4567-e89b-12d3-a456-426614174000".to_owned(),
        _ => {}
    }
    let least = schema["minLength"].as_u64().unwrap_or(1);
    let most = schema["maxLength"].as_u64().unwrap_or(12).min(least + 6);
    let length = random.u64(least..=most.max(least));
    (0..length).map(|_| random.lowercase()).collect()
}

/// Returns a string that matches a documented pattern.
fn of_pattern(pattern: &str) -> &'static str {
    match pattern {
        "^[a-zA-Z0-9][a-zA-Z0-9-]*$" => "Cluster0",
        "^([a-f0-9]{24})$" | "^[a-fA-F0-9]{24}$" => "32b6e34b3d91647abb20e7b8",
        "^([a-f0-9]{20})$" => "32b6e34b3d91647abb20",
        "^mdb_sa_id_[a-fA-F\\d]{24}$" => "mdb_sa_id_32b6e34b3d91647abb20e7b8",
        "([\\d]+\\.[\\d]+\\.[\\d]+)" => "8.0.4",
        "^[\\p{L}\\p{N}\\-_.(),:&@+']{1,64}$" => "N\u{fc}-\u{96ea}_(1)",
        "^[\\p{L}\\p{N}\\-_.,' ]*$" => "a \u{e9} b",
        "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" => {
            "123e4567-e89b-12d3-a456-426614174000"
        }
        "^vpce-[0-9a-f]{17}$" => "vpce-0123456789abcdef0",
        "^vpc-[0-9a-f]{17}$" => "vpc-0123456789abcdef0",
        "^([a-fA-F0-9]{64})$" => "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "^([-\\w._()])+$" => "a-b._()",
        "^([A-Z]{2})$" => "DE",
        "^pls_[0-9a-f]{24}$" => "pls_32b6e34b3d91647abb20e7b8",
        "^p-[0-9a-z]{24}$" => "p-32b6e34b3d91647abb20e7b8",
        "^([0-9a-f]){40}$" => "0123456789abcdef0123456789abcdef01234567",
        "[0-9a-f]+" => "0a",
        "^[0-9]{12}$" => "123456789012",
        "^nt-[0-9a-f]{24}-[0-9a-z]{8}$" => "nt-32b6e34b3d91647abb20e7b8-abcdefg0",
        "^([a-f0-9]{8,32})$" => "0123456789ab",
        "^com\\.amazonaws\\.vpce\\.[a-z-0-9]+\\.vpce-svc-[0-9a-f]{17}"
        | "^com\\.amazonaws\\.vpce\\.[a-z-0-9]+\\.vpce-svc-[0-9a-f]{17}|pls_[0-9a-f]{24}$" => {
            "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
        }
        "^([0-9]*/)?sg-([0-9]*)" => "sg-1",
        "^arn:aws:kafka" => "arn:aws:kafka:us-east-1",
        _ => "192.0.2.1",
    }
}
