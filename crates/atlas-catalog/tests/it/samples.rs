//! Values generated from the facts, for tests.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Generates values that mostly match a schema.
pub(crate) struct Maker<'a> {
    pub(crate) schemas: &'a Value,
    pub(crate) random: Rng,
    /// One value in this many is invalid; 0 for none.
    pub(crate) odd: usize,
    /// The fields that this direction lacks: `readOnly` or `writeOnly`.
    pub(crate) without: &'static str,
}

impl Maker<'_> {
    fn resolve<'b>(&'b self, schema: &'b Value) -> &'b Value {
        let mut schema = schema;
        while let Some(name) = schema["$ref"].as_str() {
            schema = &self.schemas[name];
        }
        schema
    }

    /// Generates a value for a schema; the depth of objects is limited.
    pub(crate) fn value(&mut self, schema: &Value, depth: usize) -> Value {
        if self.odd > 0 && self.random.usize(..self.odd) == 0 {
            return self.oddity();
        }
        let nullable = schema["nullable"] == true;
        let schema = self.resolve(schema).clone();
        if (nullable || schema["nullable"] == true) && self.random.usize(..8) == 0 {
            return Value::Null;
        }
        for union in ["oneOf", "anyOf"] {
            if let (Some(members), Value::Null) =
                (schema[union].as_array(), &schema["discriminator"])
            {
                let member = &members[self.random.usize(..members.len())];
                return self.value(member, depth);
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            return values[self.random.usize(..values.len())].clone();
        }
        match schema["type"].as_str() {
            Some("string") => self.text(&schema).into(),
            Some("boolean") => self.random.bool().into(),
            Some("integer" | "number") => self.number(&schema),
            Some("array") => {
                let least = schema["minItems"].as_u64().unwrap_or(0);
                let most = schema["maxItems"].as_u64().unwrap_or(3).min(least + 2);
                let count = if depth == 0 {
                    least
                } else {
                    self.random.u64(least..=most)
                };
                let items =
                    (0..count).map(|_| self.value(&schema["items"], depth.saturating_sub(1)));
                items.collect()
            }
            _ => self.object(&schema, depth),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let mut fields = Map::new();
        self.fill(schema, depth, &mut fields);
        let discriminator = &schema["discriminator"];
        if let Some(mapping) = discriminator["mapping"].as_object() {
            let choices: Vec<(&String, &Value)> = mapping.iter().collect();
            let (value, name) = choices[self.random.usize(..choices.len())];
            if self.odd == 0 || self.random.usize(..self.odd * 2) > 0 {
                let chosen = self.schemas[name.as_str().unwrap()].clone();
                self.fill(&chosen, depth, &mut fields);
                let property = discriminator["propertyName"].as_str().unwrap();
                fields.insert(property.to_owned(), value.as_str().into());
            }
        }
        if schema["properties"].is_null() && schema["allOf"].is_null() && self.random.bool() {
            fields.insert("anything".to_owned(), json!([1, null]));
        }
        Value::Object(fields)
    }

    fn fill(&mut self, schema: &Value, depth: usize, fields: &mut Map<String, Value>) {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let part = self.resolve(part).clone();
            self.fill(&part, depth, fields);
        }
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            if field[self.without] == true {
                continue;
            }
            let wanted = required.contains(&name.as_str());
            let spared = self.odd > 0 && self.random.usize(..self.odd) == 0;
            if (wanted && !spared) || (depth > 0 && self.random.usize(..3) == 0) {
                let value = self.value(field, depth.saturating_sub(1));
                fields.insert(name.clone(), value);
            }
        }
    }

    pub(crate) fn text(&mut self, schema: &Value) -> String {
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
        (0..self.random.u64(least..=most))
            .map(|_| self.random.lowercase())
            .collect()
    }

    fn number(&mut self, schema: &Value) -> Value {
        let least = schema["minimum"].as_f64().unwrap_or(0.0);
        let most = schema["maximum"].as_f64().unwrap_or(least + 100.0);
        let number = least + ((most - least).min(100.0) * self.random.f64()).ceil();
        #[allow(clippy::cast_possible_truncation, reason = "the bounds are small")]
        let whole = number.min(most) as i64;
        whole.into()
    }

    fn oddity(&mut self) -> Value {
        let odd = [
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!(3.0),
            json!(1e300),
            json!(4_294_967_296_u64),
            json!(""),
            json!("odd \u{e9}"),
            json!("2026-13-04T09:42:00Z"),
            json!([]),
            json!(["a", "a"]),
            json!({}),
            json!({"odd": 1}),
        ];
        odd[self.random.usize(..odd.len())].clone()
    }
}

/// A text that matches a documented pattern.
pub(crate) fn of_pattern(pattern: &str) -> &'static str {
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
