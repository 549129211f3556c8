//! Checks of bodies, compared with the `jsonschema` crate on generated instances.
//!
//! The facts are converted to JSON Schema here, independently of the catalog. Fields of the other
//! direction are left out on both sides; the rules of direction, unknown fields and overrides have
//! separate tests.

use atlas_catalog::{Operation, Violation, ViolationKind};
use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::contradictions;
use crate::facts::{operations, read};
use crate::samples::Maker;

/// The number of instances for each body.
const INSTANCES: usize = 40;

/// Converts the facts for one direction.
struct Converter<'a> {
    facts: &'a Value,
    without: &'static str,
    /// Whether unknown fields are refused.
    closed: bool,
}

impl Converter<'_> {
    /// A schema with all schemas that it refers to.
    fn whole(&self, schema: &Value) -> Value {
        let root = self.schema(schema, true);
        let mut names = Vec::new();
        references(&root, &mut names);
        let mut definitions = Map::new();
        while let Some(name) = names.pop() {
            if definitions.contains_key(&name) {
                continue;
            }
            let (plain, choosing) = match name.strip_suffix("~plain") {
                Some(plain) => (plain, false),
                None => (name.as_str(), true),
            };
            let schema = self.schema(&self.facts["schemas"][plain], choosing);
            references(&schema, &mut names);
            definitions.insert(name, schema);
        }
        json!({"$defs": definitions, "allOf": [root]})
    }

    /// `choosing` states whether unions and discriminators are converted, or only the keywords next
    /// to them.
    fn schema(&self, schema: &Value, choosing: bool) -> Value {
        let mut converted = self.composed(schema, choosing);
        if self.closed && choosing && self.has_fields(schema) {
            converted["unevaluatedProperties"] = json!(false);
        }
        nullable(converted, schema["nullable"] == true)
    }

    /// Whether an object has documented fields, so that others are unknown.
    fn has_fields(&self, schema: &Value) -> bool {
        let parts = schema["allOf"].as_array().into_iter().flatten();
        let part = |part: &Value| match part["$ref"].as_str() {
            Some(name) => self.has_fields(&self.facts["schemas"][name]),
            None => self.has_fields(part),
        };
        schema["$ref"].is_null()
            && (schema["properties"].is_object() || parts.into_iter().any(part))
    }

    fn composed(&self, schema: &Value, choosing: bool) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            return json!({"$ref": format!("#/$defs/{name}")});
        }
        let mut all = vec![self.own(schema, choosing)];
        for part in schema["allOf"].as_array().into_iter().flatten() {
            all.push(match part["$ref"].as_str() {
                Some(name) => json!({"$ref": format!("#/$defs/{name}~plain")}),
                None => self.composed(part, true),
            });
        }
        if choosing {
            self.choose(schema, &mut all);
        }
        json!({"allOf": all})
    }

    fn choose(&self, schema: &Value, all: &mut Vec<Value>) {
        let discriminator = &schema["discriminator"];
        let Some(property) = discriminator["propertyName"].as_str() else {
            for union in ["oneOf", "anyOf"] {
                if let Some(members) = schema[union].as_array() {
                    let members = members.iter().map(|member| self.schema(member, true));
                    all.push(json!({"anyOf": members.collect::<Vec<_>>()}));
                }
            }
            return;
        };
        let mapping = discriminator["mapping"].as_object().unwrap();
        for (value, name) in mapping {
            let name = name.as_str().unwrap();
            all.push(json!({
                "if": {"properties": {property: {"const": value}}, "required": [property]},
                "then": {"$ref": format!("#/$defs/{name}")},
            }));
        }
        if self.without == "readOnly" && schema["properties"][property]["readOnly"] != true {
            all.push(json!({"required": [property]}));
        }
        let mut field = &schema["properties"][property];
        while let Some(name) = field["$ref"].as_str() {
            field = &self.facts["schemas"][name];
        }
        if field["enum"].is_null() {
            let values: Vec<&String> = mapping.keys().collect();
            all.push(json!({
                "if": {"properties": {property: {"type": "string"}}, "required": [property]},
                "then": {"properties": {property: {"enum": values}}},
            }));
        }
    }

    fn own(&self, schema: &Value, choosing: bool) -> Value {
        let mut own = Map::new();
        let is_union = choosing
            && schema["discriminator"].is_null()
            && (schema["oneOf"].is_array() || schema["anyOf"].is_array());
        let composed = ["properties", "allOf", "discriminator"];
        let keys = [
            "properties",
            "additionalProperties",
            "allOf",
            "oneOf",
            "anyOf",
            "discriminator",
        ];
        // An object without documented fields may contain any JSON.
        if schema["type"] == "object" && keys.iter().all(|key| schema[*key].is_null()) {
            return json!({});
        }
        match schema["type"].as_str() {
            _ if is_union => {}
            Some(kind) => drop(own.insert("type".to_owned(), kind.into())),
            None if composed.iter().any(|key| !schema[*key].is_null()) => {
                own.insert("type".to_owned(), "object".into());
            }
            None => {}
        }
        let same = [
            "enum",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "uniqueItems",
            "minProperties",
            "maxProperties",
        ];
        for key in same {
            if !schema[key].is_null() && !is_union {
                own.insert(key.to_owned(), schema[key].clone());
            }
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && atlas_pattern::Pattern::find(pattern).is_some()
        {
            own.insert("pattern".to_owned(), pattern.into());
        }
        for (bound, exclusive) in [
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ] {
            if !schema[bound].is_null() {
                let key = if schema[exclusive] == true {
                    exclusive
                } else {
                    bound
                };
                own.insert(key.to_owned(), schema[bound].clone());
            }
        }
        let range = match schema["format"].as_str() {
            Some("int32") => json!({"minimum": i32::MIN, "maximum": i32::MAX}),
            Some("int64") => json!({"minimum": i64::MIN, "maximum": i64::MAX}),
            Some(format @ ("date-time" | "date" | "uuid")) => json!({"format": format}),
            _ => json!({}),
        };
        let required = schema["required"].as_array().into_iter().flatten();
        let required: Vec<&Value> = required
            .filter(|name| schema["properties"][name.as_str().unwrap()][self.without] != true)
            .collect();
        own.insert("required".to_owned(), json!(required));
        if let Some(properties) = schema["properties"].as_object()
            && !is_union
        {
            let kept = properties
                .iter()
                .filter(|(_, field)| field[self.without] != true);
            let kept = kept.map(|(name, field)| (name.clone(), self.schema(field, true)));
            own.insert("properties".to_owned(), Value::Object(kept.collect()));
        }
        if let additional @ Value::Object(_) = &schema["additionalProperties"] {
            own.insert(
                "additionalProperties".to_owned(),
                self.schema(additional, true),
            );
        }
        if !schema["items"].is_null() {
            own.insert("items".to_owned(), self.schema(&schema["items"], true));
        }
        json!({"allOf": [own, range]})
    }
}

/// The names of the definitions that a schema refers to.
fn references(schema: &Value, names: &mut Vec<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            names.extend(
                name.and_then(|name| name.strip_prefix("#/$defs/"))
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| references(value, names));
        }
        _ => {}
    }
}

fn nullable(schema: Value, nullable: bool) -> Value {
    if nullable {
        json!({"anyOf": [{"type": "null"}, schema]})
    } else {
        schema
    }
}

/// The facts with the overrides of values, without the fields of one direction.
fn corrected(without: &str) -> Value {
    let (mut facts, overrides) = (read("facts.json"), read("overrides.json"));
    for (place, correction) in overrides["values"].as_object().unwrap() {
        let (schema, field) = place.split_once('.').unwrap();
        let (field, element) = match field.strip_suffix("[]") {
            Some(field) => (field, true),
            None => (field, false),
        };
        let schema = &mut facts["schemas"][schema];
        let composed = schema["properties"].get(field).is_none();
        let parts = if composed {
            schema["allOf"].as_array_mut().unwrap()
        } else {
            &mut vec![]
        };
        let part = parts
            .iter()
            .position(|part| part["properties"].get(field).is_some());
        let schema = match part {
            Some(part) => &mut schema["allOf"][part],
            None => schema,
        };
        let mut field = &mut schema["properties"][field];
        if element {
            field = &mut field["items"];
        }
        let relaxed = correction["relax"].as_array().into_iter().flatten();
        for keyword in relaxed {
            let keyword = keyword.as_str().unwrap();
            // Requests differ only in direction.
            if without == "writeOnly" || keyword == "writeOnly" {
                field.as_object_mut().unwrap().remove(keyword);
            }
        }
        if !correction["values"].is_null() && without == "writeOnly" {
            let more = json!({"enum": correction["values"], "type": "string"});
            let read_only = field["readOnly"] == true;
            *field = json!({"anyOf": [field.clone(), more], "readOnly": read_only});
        }
    }
    let roles = &mut facts["schemas"]["DatabaseUserRole"]["properties"]["roleName"];
    roles.as_object_mut().unwrap().remove("enum").unwrap();
    contradictions::list_tags(&mut facts);
    facts
}

#[test]
fn body_checks_agree_with_json_schema() {
    let (mut fitting, mut odd) = (0, 0);
    for (without, direction) in [("readOnly", "request"), ("writeOnly", "response")] {
        let facts = corrected(without);
        let converter = |closed| Converter {
            facts: &facts,
            without,
            closed,
        };
        let without_values = contradictions::without_values(&facts);
        let open = Converter {
            facts: &without_values,
            ..converter(false)
        };
        let mut maker = Maker {
            schemas: &facts["schemas"],
            random: Rng::with_seed(7),
            odd: 0,
            without,
        };
        for one in operations(&facts) {
            let operation = Operation::find(one["id"].as_str().unwrap()).unwrap();
            // A change may omit required fields; that has its own test.
            if direction == "request" && one["method"] == "PATCH" {
                continue;
            }
            for (version, given) in operation
                .versions()
                .iter()
                .zip(one["versions"].as_array().unwrap())
            {
                for (status, schema) in bodies(given, direction) {
                    let validator = jsonschema::options()
                        .should_validate_formats(true)
                        .build(&converter(false).whole(schema))
                        .unwrap();
                    let closed = jsonschema::options()
                        .should_validate_formats(true)
                        .build(&converter(true).whole(schema))
                        .unwrap();
                    let listed = contradictions::TAGS.contains(&operation.tag().name());
                    let open_values = listed.then(|| {
                        jsonschema::options()
                            .should_validate_formats(true)
                            .build(&open.whole(schema))
                            .unwrap()
                    });
                    for number in 0..INSTANCES {
                        maker.odd = if number % 2 == 0 { 0 } else { 12 };
                        let instance = maker.value(schema, 4);
                        let found = match status {
                            None => operation.check_request(version, Some(&instance)),
                            Some(status) => operation.check_response(version, status, &instance),
                        };
                        let counted: Vec<&Violation> = found
                            .iter()
                            .filter(|one| !one.kind().is_tolerated())
                            .collect();
                        let mut fits = validator.is_valid(&instance);
                        // A union's member that has all fields takes precedence over one that does not.
                        let of_unions =
                            counted.iter().all(|one| one.kind() == ViolationKind::Union);
                        if fits && of_unions && !closed.is_valid(&instance) {
                            fits = counted.is_empty();
                        }
                        if let (false, true, Some(open)) = (fits, counted.is_empty(), &open_values)
                        {
                            fits = open.is_valid(&instance);
                        }
                        assert_eq!(
                            counted.is_empty(),
                            fits,
                            "{operation} {} {direction}: {counted:?} or {:?}\n{instance}",
                            version.name,
                            validator
                                .iter_errors(&instance)
                                .next()
                                .map(|one| one.to_string()),
                        );
                        *(if fits { &mut fitting } else { &mut odd }) += 1;
                    }
                }
            }
        }
    }
    assert!(
        fitting > 10_000 && odd > 1_000,
        "{fitting} valid, {odd} invalid"
    );
}

/// The JSON bodies of a version, with the status of responses.
fn bodies<'a>(version: &'a Value, direction: &str) -> Vec<(Option<u16>, &'a Value)> {
    if direction == "request" {
        let schema = &version["request"]["json"];
        return if schema.is_object() {
            vec![(None, schema)]
        } else {
            Vec::new()
        };
    }
    let responses = version["responses"].as_object().unwrap().iter();
    responses
        .filter(|(_, formats)| formats["json"].is_object())
        .map(|(status, formats)| (Some(status.parse().unwrap()), &formats["json"]))
        .collect()
}
