//! Sends any operation to a fresh world: the path names existing resources or ones created for it,
//! and the body has the required fields.

use std::collections::BTreeMap;

use atlas_catalog::{Kind as JsonKind, Operation, Place, Schema, Version};
use bytes::Bytes;
use http::{Method, Response};
use serde_json::{Map, Value, json};

use crate::api::object::Object;
use crate::api::plan::{Plan, find, is_list, shape};
use crate::api::samples;
use crate::login::OWNER;
use crate::world::{
    CLUSTER, DEDICATED_CLUSTER, FLEX_CLUSTER, ORG, PROJECT, SHARDED_CLUSTER, Sandbox,
};

/// A world and the resources created in it.
pub(super) struct Walk {
    sandbox: Sandbox,
    second: i64,
    found: BTreeMap<String, String>,
}

impl Walk {
    pub(super) fn new() -> Self {
        let mut sandbox = Sandbox::new();
        sandbox.limits_rates = false;
        Self {
            sandbox,
            second: 1_777_887_720,
            found: BTreeMap::new(),
        }
    }

    /// The current state of the world.
    pub(super) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The response of an operation in a version.
    pub(super) fn ask(&mut self, operation: Operation, version: &Version) -> Response<Bytes> {
        self.ask_within(operation, version, 4)
    }

    fn ask_within(
        &mut self,
        operation: Operation,
        version: &Version,
        depth: usize,
    ) -> Response<Bytes> {
        let mut request = operation.request().version(version.name.as_str());
        for parameter in operation.parameters() {
            let name = parameter.name.as_str();
            let value = match parameter.place {
                Place::Path => self.of_path(operation, name, depth),
                Place::Query if parameter.required => text(&parameter.schema, name),
                _ => continue,
            };
            request = request.parameter(name, value);
        }
        if let Some(schema) = version.request_schema() {
            let mut body = body(schema, "", 0);
            if body.get("snapshotId").is_some() || operation.path().ends_with("restoreJobs") {
                let snapshot = self.snapshot(operation, depth);
                body["snapshotId"] = snapshot.into();
                body["targetClusterName"] = DEDICATED_CLUSTER.into();
                body["targetGroupId"] = PROJECT.into();
            }
            request = request.json(body);
        }
        let mut request = request
            .build()
            .expect("the parameters and the body are valid");
        let token = format!("Bearer {}", OWNER.access_token);
        request.headers_mut().insert(
            "authorization",
            token.parse().expect("the token is a valid header value"),
        );
        self.second += 100;
        let now = jiff::Timestamp::from_second(self.second).expect("a few seconds after the start");
        self.sandbox.handle(now, request)
    }

    /// The value of a path parameter: a resource of the default world, or one created for it.
    fn of_path(&mut self, operation: Operation, name: &str, depth: usize) -> String {
        let path = operation.path();
        let known = match name {
            "groupId" => Some(PROJECT),
            "orgId" => Some(ORG),
            "clusterName" if path.contains("/tenant/") => Some(CLUSTER),
            "clusterName" if path.contains("shardedCluster") => Some(SHARDED_CLUSTER),
            "clusterName" => Some(DEDICATED_CLUSTER),
            "groupName" | "name" if path.contains("byName") => Some("Sandbox"),
            "name" if path.contains("flexClusters") => Some(FLEX_CLUSTER),
            _ => None,
        };
        if let Some(known) = known {
            return known.to_owned();
        }
        match name {
            "hostname" | "hostName" => return self.of("listGroupProcesses", "/results/0/hostname"),
            "federationSettingsId" => return self.of("getOrgFederationSettings", "/id"),
            _ => {}
        }
        let place = place(&path, name);
        if let Some(found) = self.found.get(&place) {
            return found.clone();
        }
        let found = (depth > 0)
            .then(|| self.found(operation, name, depth - 1))
            .flatten();
        let value = found.unwrap_or_else(|| {
            let parameter = operation.parameter(name);
            parameter.map_or_else(|| "x".to_owned(), |it| text(&it.schema, name))
        });
        self.found.insert(place, value.clone());
        value
    }

    /// A snapshot of the cluster in the path.
    fn snapshot(&mut self, operation: Operation, depth: usize) -> Option<String> {
        let path = shape(&operation.path());
        let (before, after) = path.split_once("/backup")?;
        let tenant = if after.starts_with("/tenant") {
            "/tenant"
        } else {
            ""
        };
        let list = find(&Method::GET, &format!("{before}/backup{tenant}/snapshots"))?;
        let answer = self.ask_within(list, list.version(None)?, depth);
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        body["results"][0]["id"].as_str().map(str::to_owned)
    }

    /// A text in the response of an operation that needs only the default world.
    fn of(&mut self, operation: &str, pointer: &str) -> String {
        let operation = Operation::find(operation).expect("the catalog has the operation");
        let version = operation
            .version(None)
            .expect("every operation has a version");
        let answer = self.ask_within(operation, version, 0);
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let text = body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or("none").to_owned()
    }

    /// The id of a resource that an operation creates or lists.
    fn found(&mut self, operation: Operation, name: &str, depth: usize) -> Option<String> {
        let path = operation.path();
        let collection = path.split(&format!("/{{{name}}}")).next()?;
        let collection = shape(collection);
        let listed = find(&Method::GET, &collection).filter(|it| is_list(*it));
        for source in [find(&Method::POST, &collection), listed] {
            let Some(source) = source else { continue };
            let version = source.version(None)?;
            let answer = self.ask_within(source, version, depth);
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let first = ["/results/0", "/0"].iter().find_map(|at| body.pointer(at));
            let one = first.unwrap_or(&body);
            let plan = Plan::of(source);
            let field = plan.id.iter().find(|(known, _)| *known == name);
            let field = field.map_or("id", |(_, field)| field.as_str());
            if let Some(id) = one.get(field).and_then(Value::as_str) {
                return Some(id.to_owned());
            }
        }
        // It may be created under the name in the path.
        let item = format!("{collection}/{{}}");
        let puts = [find(&Method::POST, &item), find(&Method::PATCH, &item)];
        for put in puts.into_iter().flatten().filter(|put| *put != operation) {
            let schema = &operation.parameter(name)?.schema;
            let value = text(schema, name);
            self.found.insert(place(&path, name), value.clone());
            let answer = self.ask_within(put, put.version(None)?, depth);
            if answer.status().is_success() {
                return Some(value);
            }
        }
        None
    }
}

/// A path up to and including one of its parameters.
fn place(path: &str, name: &str) -> String {
    let before = path.split(&format!("/{{{name}}}")).next();
    format!("{}/{name}", before.unwrap_or_default())
}

/// A text that a schema allows.
fn text(schema: &Schema, name: &str) -> String {
    let choices = schema.choices();
    let texts = choices.iter().filter_map(|choice| choice.as_str());
    if let Some(text) = samples::preferred(texts) {
        return text.to_owned();
    }
    let schema = schema.resolve();
    if let Some(items) = schema.items.as_deref() {
        return text(items, name);
    }
    match schema.kind {
        _ if name == "granularity" => "PT1M".to_owned(),
        Some(JsonKind::Integer | JsonKind::Number) => "1".to_owned(),
        Some(JsonKind::Boolean) => "true".to_owned(),
        _ => match schema.format.as_deref() {
            Some("date-time") => "2026-05-04T09:42:00Z".to_owned(),
            Some("date") => "2026-05-04".to_owned(),
            _ => samples::text(schema, name, DIGITS),
        },
    }
}

const DIGITS: &str = "0123456789abcdef0123456789abcdef";

/// A body with the required fields, and with a name and flags where those are optional.
fn body(schema: &Schema, name: &str, depth: usize) -> Value {
    let choices = schema.choices();
    if let Some(first) = choices.first() {
        let texts = choices.iter().filter_map(|choice| choice.as_str());
        return samples::preferred(texts).map_or_else(|| (*first).clone(), Value::from);
    }
    let schema = schema.resolve();
    match schema.kind {
        Some(JsonKind::String) if name == "orgId" => ORG.into(),
        Some(JsonKind::String) if matches!(name, "groupId" | "targetGroupId") => PROJECT.into(),
        Some(JsonKind::String) if name == "clusterName" => DEDICATED_CLUSTER.into(),
        Some(JsonKind::String) => text(schema, name).into(),
        Some(JsonKind::Integer) if name == "secretExpiresAfterHours" => json!(8),
        Some(JsonKind::Integer | JsonKind::Number) => {
            let least = schema.minimum.as_ref().and_then(serde_json::Number::as_i64);
            json!(least.unwrap_or(0).saturating_add(1))
        }
        Some(JsonKind::Boolean) => true.into(),
        Some(JsonKind::Array) => match schema.items.as_deref() {
            Some(items) if depth < 6 => {
                let least = usize::try_from(schema.min_items.unwrap_or(1)).unwrap_or(1);
                (0..least.max(1))
                    .map(|_| body(items, name, depth + 1))
                    .collect()
            }
            _ => json!([]),
        },
        _ => Value::Object(object(schema, depth)),
    }
}

fn object(schema: &Schema, depth: usize) -> Map<String, Value> {
    let mut given = Map::new();
    for _ in 0..4 {
        let fields = Object::of(schema, &given);
        let missing = fields.discriminators.iter().find_map(|(name, value)| {
            let value = value.filter(|_| !given.contains_key(*name))?;
            Some(((*name).to_owned(), value.to_owned()))
        });
        let Some((name, value)) = missing else { break };
        given.insert(name, value.into());
    }
    let of = given.clone();
    let fields = Object::of(schema, &of);
    for name in fields.names() {
        let Some(field) = fields.field(name) else {
            continue;
        };
        let read_only = field.read_only || field.resolve().read_only;
        let wanted = fields.requires(name) || (depth == 0 && matches!(name, "name" | "enabled"));
        if wanted && !read_only && !given.contains_key(name) && depth < 8 {
            given.insert(name.to_owned(), body(field, name, depth + 1));
        }
    }
    given
}
