//! Operations without their own behaviour, served from the resource store.

use atlas_catalog::{Operation, Schema};
use atlas_model::ApiError;
use http::Method;
use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::plan::{Kind, Plan, is_page, item_schema};
use crate::api::{files, refuse, samples};
use crate::store::{self, Change, MAX_RESOURCES, below, key, last};
use crate::time::later;
use crate::world::{Sandbox, hex};

impl Sandbox {
    /// Runs an operation on the resource store.
    pub(crate) fn generic(&mut self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let plan = call.plan;
        self.check_parents(call)?;
        match plan.kind {
            Kind::List => Ok(Answer::list(self.list_of(call, &call.whole_key(), plan))),
            Kind::Item => {
                let key = call.whole_key();
                self.known(call, &key, plan)?;
                Ok(Answer::one(with_path(call, plan, self.body(&key))))
            }
            Kind::Singleton => Ok(Answer::one(self.body(&call.whole_key()))),
            Kind::Create => self.create(call),
            Kind::Put | Kind::Replace => {
                let key = call.whole_key();
                let body = with_path(call, plan, call.body.clone());
                self.write(&key, body, call)?;
                Ok(self.after_write(call, &key))
            }
            Kind::Change => self.change(call, plan),
            Kind::Remove => {
                let key = call.whole_key();
                if !plan.id.is_empty() {
                    self.known(call, &key, plan)?;
                }
                let removed = self.store.remove(&key).map(|it| it.body);
                if removed.is_none() && plan.is_listed && !plan.is_made {
                    let (collection, _) = key.rsplit_once('/').unwrap_or_default();
                    self.write(&gone_key(collection), json!({}), call)?;
                }
                Ok(shown(call, removed.unwrap_or_default()))
            }
            Kind::Act => self.act(call, plan),
            Kind::File => Ok(files::of(call)),
        }
    }

    /// Performs an action on a resource. If the resource can be read under the same path, the
    /// request's body is stored.
    fn act(&mut self, call: &Call<'_>, plan: &Plan) -> Result<Answer, ApiError> {
        let key = call.whole_key();
        if plan.is_listed && !plan.id.is_empty() {
            self.known(call, &key, plan)?;
        }
        let changes = call.operation.method() != Method::GET && call.body.is_object();
        if changes && (plan.is_read || self.store.contains(&key)) {
            let mut body = self.body(&key);
            store::merge(&mut body, &call.body);
            self.write(&key, body, call)?;
        }
        let mut body = self.body(&key);
        if call.body.is_object() {
            store::merge(&mut body, &call.body);
        }
        Ok(shown(call, body))
    }

    /// Creates a resource of a collection, as a generic create does. Returns the resource, or the
    /// whole list if that is what the operation returns.
    pub(crate) fn create(&mut self, call: &Call<'_>) -> Result<Answer, ApiError> {
        let collection = call.whole_key();
        let bodies = match &call.body {
            Value::Array(items) => items.clone(),
            other => vec![other.clone()],
        };
        let mut last_key = None;
        for body in bodies {
            let key = self.make(call, &collection, &body)?;
            last_key = Some(key);
        }
        let Some(key) = last_key else {
            return Ok(shown(call, Value::Null));
        };
        Ok(self.after_write(call, &key))
    }

    /// Creates one resource below a collection and returns its key.
    pub(crate) fn make(
        &mut self,
        call: &Call<'_>,
        collection: &str,
        body: &Value,
    ) -> Result<String, ApiError> {
        let plan = call.plan;
        let mut body = Value::Object(store::object(body));
        let mut key = collection.to_owned();
        for (name, field) in &plan.id {
            let given = body.get(field).filter(|value| !value.is_null());
            let id = match given {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => {
                    let id = self.fresh_id(plan.item.unwrap_or(call.operation), name, field);
                    body[field] = id.clone().into();
                    id
                }
            };
            key = below(&key, &id);
        }
        if plan.id.is_empty() {
            let id = self.new_hex_id();
            key = below(&key, &id);
        }
        if self.store.contains(&key) {
            return Err(refuse::taken(&kind_of(collection), &last(&key)));
        }
        let Some(moves) = &plan.moves else {
            self.write(&key, body, call)?;
            return Ok(key);
        };
        body[&moves.field] = moves.first.clone().into();
        self.write(&key, body, call)?;
        let at = later(call.now, self.provisioning_time);
        let rest = Change::Merge(json!({ &moves.field: moves.rest }));
        self.store.schedule(at, &key, rest);
        Ok(key)
    }

    /// Writes a resource into the store, unless the store is full.
    pub(crate) fn write(
        &mut self,
        key: &str,
        body: Value,
        call: &Call<'_>,
    ) -> Result<(), ApiError> {
        if self.store.len() >= MAX_RESOURCES && !self.store.contains(key) {
            let detail =
                format!("The sandbox has its maximum of {MAX_RESOURCES} resources; delete some.");
            return Err(refuse::conflict("SANDBOX_FULL", detail, &[]));
        }
        self.store.insert(key.to_owned(), body, call.now);
        Ok(())
    }

    fn change(&mut self, call: &Call<'_>, plan: &Plan) -> Result<Answer, ApiError> {
        let key = call.whole_key();
        if plan.id.is_empty() {
            if !self.store.contains(&key) {
                self.write(&key, json!({}), call)?;
            }
        } else {
            self.known(call, &key, plan)?;
            if !self.store.contains(&key) {
                let body = with_path(call, plan, json!({}));
                self.write(&key, body, call)?;
            }
        }
        self.store.merge(&key, &call.body);
        Ok(self.after_write(call, &key))
    }

    /// Returns 404 unless a resource exists, either in the store or as a built-in one.
    fn known(&self, call: &Call<'_>, key: &str, plan: &Plan) -> Result<(), ApiError> {
        if self.store.contains(key) {
            return Ok(());
        }
        let standing = !plan.is_made
            && (!plan.is_listed || {
                let (collection, _) = key.rsplit_once('/').unwrap_or_default();
                let id = plan.id.last().map(|(name, field)| {
                    standing_id(plan.item.unwrap_or(call.operation), name, field, collection)
                });
                id.is_some_and(|id| id == last(key)) && !self.store.contains(&gone_key(collection))
            });
        if standing { Ok(()) } else { Err(absent(key)) }
    }

    /// The key of the resource that the path names; 404 if it or one of its parents does not exist.
    pub(crate) fn find_named(&self, call: &Call<'_>) -> Result<String, ApiError> {
        self.check_parents(call)?;
        let key = call.whole_key();
        if self.store.contains(&key) {
            Ok(key)
        } else {
            Err(absent(&key))
        }
    }

    /// Returns 404 unless all parents of a resource exist.
    pub(crate) fn check_parents(&self, call: &Call<'_>) -> Result<(), ApiError> {
        for (count, operation) in &call.plan.parents {
            let key = call.key(*count);
            self.known_parent(call, &key, *operation)?;
        }
        Ok(())
    }

    fn known_parent(
        &self,
        call: &Call<'_>,
        key: &str,
        operation: Operation,
    ) -> Result<(), ApiError> {
        // Processes are not in the store: they exist with their clusters.
        if operation.id() == "getGroupProcess" {
            let (project, id) = (call.path("groupId"), call.path("processId"));
            return self.process(project, id).map(drop);
        }
        self.known(call, key, Plan::of(operation))
    }

    /// The resources of a collection, filtered by the query. A collection without a create
    /// operation has one built-in resource.
    pub(crate) fn list_of(&self, call: &Call<'_>, collection: &str, plan: &Plan) -> Vec<Value> {
        let stored = self.store.children(collection);
        if stored.is_empty() && !plan.is_made && !self.store.contains(&gone_key(collection)) {
            return vec![standing(call, plan, collection)];
        }
        let bodies = stored
            .into_iter()
            .map(|(_, resource)| resource.body.clone());
        let wanted: Vec<(&String, &String)> = call
            .query
            .iter()
            .filter(|(name, _)| !OPTIONS.contains(&name.as_str()))
            .map(|(name, value)| (name, value))
            .collect();
        bodies.filter(|body| fits(body, &wanted)).collect()
    }

    /// The body of a resource; an empty object if it was never written.
    pub(crate) fn body(&self, key: &str) -> Value {
        let stored = self.store.get(key).map(|resource| resource.body.clone());
        stored.unwrap_or_else(|| json!({}))
    }

    /// The response to a write: the resource, the list that contains it, or an empty body.
    pub(crate) fn after_write(&self, call: &Call<'_>, key: &str) -> Answer {
        let schema = call.version.response_schema("json");
        if schema.is_some_and(|schema| is_page(schema) || schema.resolve().items.is_some()) {
            let (collection, _) = key.rsplit_once('/').unwrap_or_default();
            let listed = self.store.children(collection).into_iter();
            return Answer::list(listed.map(|(_, it)| it.body.clone()).collect());
        }
        shown(call, self.body(key))
    }

    /// A new id in the format of the path parameter.
    fn fresh_id(&mut self, operation: Operation, name: &str, field: &str) -> String {
        let digits = self.next_token("id");
        match operation.parameter(name) {
            Some(parameter) => of_form(&parameter.schema, field, &digits),
            None => digits[..24].to_owned(),
        }
    }

    /// A new id of 24 hexadecimal digits.
    pub(crate) fn new_hex_id(&mut self) -> String {
        hex(&self.new_id())
    }
}

/// A resource as an answer; an empty one if the operation returns no content.
pub(crate) fn shown(call: &Call<'_>, body: Value) -> Answer {
    match call.version.response_schema("json") {
        None => Answer::empty(),
        Some(schema) if is_page(schema) || schema.resolve().items.is_some() => {
            let item = item_schema(schema);
            let empty = body.as_object().is_none_or(Map::is_empty);
            let items = if empty && item.properties.is_empty() {
                Vec::new()
            } else {
                vec![body]
            };
            Answer::list(items)
        }
        Some(_) => Answer::one(body),
    }
}

/// The key that marks the built-in resource of a collection as deleted.
fn gone_key(collection: &str) -> String {
    format!("{collection}/~/gone")
}

/// The query parameters that do not filter.
const OPTIONS: [&str; 5] = [
    "pageNum",
    "itemsPerPage",
    "includeCount",
    "envelope",
    "pretty",
];

/// Whether a resource matches a query, as far as it has fields of those names.
fn fits(body: &Value, wanted: &[(&String, &String)]) -> bool {
    wanted.iter().all(|(name, _)| {
        let Some(field) = body.get(name.as_str()) else {
            return true;
        };
        let text = match field {
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) => field.to_string(),
            _ => return true,
        };
        let mut asked = wanted.iter().filter(|(other, _)| other == name);
        asked.any(|(_, value)| **value == text)
    })
}

/// The built-in resource of a collection without a create operation.
fn standing(call: &Call<'_>, plan: &Plan, collection: &str) -> Value {
    let mut body = json!({});
    if let Some((name, field)) = plan.id.last() {
        let item = plan.item.unwrap_or(call.operation);
        body[field] = standing_id(item, name, field, collection).into();
    }
    let schema = call.version.response_schema("json").map(item_schema);
    match schema {
        Some(schema) if schema.properties.is_empty() && schema.parts().count() == 1 => {
            let digits = hex(&Md5::digest(collection));
            match schema.kind {
                Some(atlas_catalog::Kind::String) => samples::text(schema, "", &digits).into(),
                _ => body,
            }
        }
        _ => body,
    }
}

/// The id of the built-in resource of a collection.
fn standing_id(item: Operation, name: &str, field: &str, collection: &str) -> String {
    let digits = hex(&Md5::digest(collection));
    match item.parameter(name) {
        Some(parameter) => of_form(&parameter.schema, field, &digits),
        None => digits[..24].to_owned(),
    }
}

/// A value for a path parameter.
fn of_form(schema: &Schema, field: &str, digits: &str) -> String {
    let choices = schema.choices();
    let texts = choices.iter().filter_map(|choice| choice.as_str());
    match samples::preferred(texts) {
        Some(text) => text.to_owned(),
        None => samples::text(schema.resolve(), field, digits),
    }
}

/// The body with the fields that the path determines.
fn with_path(call: &Call<'_>, plan: &Plan, mut body: Value) -> Value {
    if !body.is_object() {
        body = json!({});
    }
    for (name, field) in &plan.id {
        if body.get(field).is_none() {
            body[field] = call.path(name).into();
        }
    }
    body
}

/// 404 for a resource, with the code of its kind.
pub(crate) fn absent(key: &str) -> ApiError {
    let segments: Vec<&str> = key.split('/').skip(1).collect();
    let id = last(key);
    match segments.as_slice() {
        ["groups", _] => refuse::no_project(&id),
        ["orgs", _] => refuse::no_org(&id),
        ["groups", project, "clusters" | "flexClusters", _] => refuse::no_cluster(&id, project),
        _ => {
            let collection = key.rsplit_once('/').map_or("", |(before, _)| before);
            refuse::missing(&kind_of(collection), id)
        }
    }
}

/// The name of a resource of a collection: `databaseUsers` becomes `database user`.
pub(crate) fn kind_of(collection: &str) -> String {
    let segment = last(collection);
    let mut kind = String::new();
    for character in segment.chars() {
        if character.is_ascii_uppercase() && !kind.ends_with(|it: char| it.is_ascii_uppercase()) {
            kind.push(' ');
        }
        kind.push(character.to_ascii_lowercase());
    }
    if let Some(stem) = kind.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let ends = ["sses", "xes"].iter().any(|end| kind.ends_with(end));
    let plural = if ends { "es" } else { "s" };
    match kind.strip_suffix(plural) {
        Some(stem) if !kind.ends_with("ss") => stem.to_owned(),
        _ => kind,
    }
}

/// The key of an organization.
pub(crate) fn org_key(org: &str) -> String {
    key(["orgs", org])
}

/// The key of a project.
pub(crate) fn project_key(project: &str) -> String {
    key(["groups", project])
}
