//! Makes example bodies from the schemas.

use atlas_catalog::http::Method;
use atlas_catalog::{Additional, Kind, Operation, Schema, Version};
use serde_json::{Map, Value, json};

use crate::compose::{common, kind, parts};
use crate::overrides::Overrides;
use crate::parameters;
use crate::scalar::{choice, scalar};
use crate::seed::hex;

/// The direction and size of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// A request with the required fields and a few scalars.
    Request,
    /// A response with the documented fields, nested objects to a small depth.
    Response,
    /// A response with the required fields and a few scalars.
    Brief,
}

/// The depth to which objects of a full response have all their documented fields.
const DEEP: usize = 2;
/// The number of optional scalars of a request or a brief response.
const FEW: usize = 2;

/// Returns the example request body of a version; `None` if the operation has none.
pub(crate) fn request(
    operation: Operation,
    version: &Version,
    overrides: &Overrides,
) -> Option<Value> {
    let schema = version.request_schema()?;
    if let Some(body) = overrides.request(operation.id(), &version.name) {
        return Some(body.clone());
    }
    let mut maker = Maker::new(operation, overrides, Extent::Request, 0);
    Some(maker.value(&[schema], "", 0).unwrap_or_else(|| json!({})))
}

/// Returns an example response of a version in JSON; `None` if it has no content or another format.
/// `number` distinguishes several of the same operation.
pub(crate) fn response(
    operation: Operation,
    version: &Version,
    extent: Extent,
    number: usize,
    overrides: &Overrides,
) -> Option<Value> {
    let status = success(version)?;
    let schema = version.schema_of(status, "json")?;
    let mut maker = Maker::new(operation, overrides, extent, number);
    let mut body = maker.value(&[schema], "", 0).unwrap_or_else(|| json!({}));
    if extent == Extent::Response {
        overrides.correct_response(operation.id(), &version.name, &mut body);
    }
    Some(body)
}

/// Returns the documented success status, the first one with content if there is one.
pub(crate) fn success(version: &Version) -> Option<u16> {
    let mut statuses: Vec<u16> = version.statuses().collect();
    statuses.sort_by_key(|status| (version.is_bare(*status), *status));
    statuses.first().copied()
}

/// Returns the variable of the cluster that an operation is for.
pub(crate) fn cluster_kind(operation: Operation) -> &'static str {
    match operation.id() {
        id if id.contains("Flex") => "flex",
        id if id.contains("Tenant") => "tenant",
        id if id.contains("Sharded") => "sharded",
        _ => "dedicated",
    }
}

struct Maker<'a> {
    operation: Operation,
    overrides: &'a Overrides,
    extent: Extent,
    number: usize,
    /// The schemas of the enclosing objects.
    within: Vec<*const Schema>,
    place: Vec<String>,
}

impl<'a> Maker<'a> {
    fn new(operation: Operation, overrides: &'a Overrides, extent: Extent, number: usize) -> Self {
        Self {
            operation,
            overrides,
            extent,
            number,
            within: Vec::new(),
            place: Vec::new(),
        }
    }

    /// Returns a value that matches all schemas; `None` if it would be infinite.
    fn value(&mut self, given: &[&Schema], field: &str, depth: usize) -> Option<Value> {
        let schemas: Vec<&Schema> = given.iter().map(|schema| schema.resolve()).collect();
        let schema = *schemas.last()?;
        let choices = common(&schemas);
        if let (Some(last), true) = (choices.last(), self.number > 1) {
            return Some((*last).clone());
        }
        if !choices.is_empty() {
            return Some(choice(&choices).clone());
        }
        let members = if schema.one_of.is_empty() {
            &schema.any_of
        } else {
            &schema.one_of
        };
        if !members.is_empty() && schema.discriminator.is_none() {
            let mut members = members.iter();
            return members.find_map(|member| self.value(&[member], field, depth));
        }
        match kind(schema) {
            Some(Kind::Object) => self.object(&schemas, depth),
            Some(Kind::Array) => Some(self.array(&schemas, field, depth)),
            None => Some(json!({"example": "value"})),
            Some(_) => {
                if let Some(resource) = self.resource(field) {
                    return Some(resource);
                }
                let place = format!("{}/{}", self.operation, self.place.join("/"));
                let place = match self.number {
                    0 => place,
                    number => format!("{place}/{number}"),
                };
                let value = scalar(schema, field, &place);
                Some(self.numbered(schema, value, &place))
            }
        }
    }

    /// Changes the text of the second example, so that the two differ.
    fn numbered(&self, schema: &Schema, value: Value, place: &str) -> Value {
        let Some(text) = value.as_str().filter(|_| self.number > 1) else {
            return value;
        };
        let most = schema.max_length.unwrap_or(u64::MAX);
        let free = text.to_lowercase().contains("example") || text == "sample";
        match text {
            "${project}" | "${org}" => hex(place, 24).into(),
            "192.0.2.15" => "192.0.2.16".into(),
            "192.0.2.0/24" => "198.51.100.0/24".into(),
            _ if schema.format.as_deref() == Some("date-time") => {
                text.replace("-05-", "-06-").into()
            }
            _ if free && !text.contains("://") && text.chars().count() as u64 + 2 <= most => {
                format!("{text}-{}", self.number).into()
            }
            _ => value,
        }
    }

    /// Returns the resource of the default world that a field names, by the operation's kind of
    /// cluster.
    fn resource(&self, field: &str) -> Option<Value> {
        let kind = cluster_kind(self.operation);
        Some(match field {
            "snapshotId" => format!("${{{kind}.snapshot}}").into(),
            "clusterName" | "instanceName" | "targetClusterName" | "targetDeploymentItemName" => {
                format!("${{{kind}}}").into()
            }
            "roles[]" if self.operation.path().contains("/orgs") => "ORG_MEMBER".into(),
            "roles[]" => "GROUP_READ_ONLY".into(),
            _ => return None,
        })
    }

    fn array(&mut self, schemas: &[&Schema], field: &str, depth: usize) -> Value {
        let items: Vec<&Schema> = schemas
            .iter()
            .filter_map(|schema| schema.items.as_deref())
            .collect();
        let least = schemas.iter().filter_map(|schema| schema.min_items).max();
        let count = least.unwrap_or(0).max(1);
        let mut values = Vec::new();
        for number in 0..count {
            let name = format!("{field}[]");
            let text = items
                .iter()
                .all(|item| kind(item.resolve()) == Some(Kind::String));
            if let Some(value) = self.overrides.field(None, &name).filter(|_| text) {
                values.push(value.clone());
                continue;
            }
            self.place.push(number.to_string());
            values.extend(self.value(&items, &name, depth));
            self.place.pop();
        }
        Value::Array(values)
    }

    fn object(&mut self, schemas: &[&Schema], depth: usize) -> Option<Value> {
        let schema = *schemas.last()?;
        if self.within.iter().any(|one| std::ptr::eq(*one, schema)) || depth > 8 {
            return None;
        }
        self.within.push(schema);
        let fields = self.fields(schemas, depth);
        self.within.pop();
        let fields = fields?;
        Some(Value::Object(fields))
    }

    /// Returns the fields of an object; `None` if a required one cannot be made.
    fn fields(&mut self, schemas: &[&Schema], depth: usize) -> Option<Map<String, Value>> {
        let (parts, tags) = parts(schemas);
        let mut fields = Map::new();
        let partial = depth == 0
            && self.extent == Extent::Request
            && self.operation.method() == Method::PATCH;
        let mut names: Vec<&String> = parts
            .iter()
            .flat_map(|part| part.properties.keys())
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut spare = FEW + usize::from(partial);
        for name in &names {
            let known: Vec<&Schema> = parts
                .iter()
                .filter_map(|part| part.properties.get(*name))
                .collect();
            if self.is_elsewhere(&known) {
                continue;
            }
            let required = parts.iter().any(|part| part.required.contains(name));
            let tag = tags.iter().find(|(tag, _)| tag == *name);
            if tag.is_none() && !required && !self.is_wanted(&known, name, depth, &mut spare) {
                continue;
            }
            let owner = parts
                .iter()
                .rfind(|part| part.properties.contains_key(*name));
            let owner = owner.and_then(|owner| owner.name.as_deref());
            let value = match (self.overrides.field(owner, name), tag) {
                (Some(value), _) => Some(value.clone()),
                (None, Some((_, value))) => Some(Value::String(value.clone())),
                (None, None) if *name == "links" => Some(self.links()),
                (None, None) => {
                    let depth = depth + usize::from(name.as_str() != "results");
                    self.place.push((*name).clone());
                    let value = self.value(&known, name, depth);
                    self.place.pop();
                    value
                }
            };
            match value {
                Some(value) => fields.insert((*name).clone(), value),
                None if required => return None,
                None => continue,
            };
        }
        self.fill(&parts, &names, &mut fields, depth);
        Some(fields)
    }

    /// Adds fields to an object that has too few.
    fn fill(
        &mut self,
        parts: &[&Schema],
        names: &[&String],
        fields: &mut Map<String, Value>,
        depth: usize,
    ) {
        let further = parts
            .iter()
            .find_map(|part| part.additional_properties.as_ref());
        if let (Some(Additional::Schema(schema)), true) = (further, fields.is_empty()) {
            self.place.push("example".to_owned());
            if let Some(value) = self.value(&[schema], "example", depth + 1) {
                fields.insert("example".to_owned(), value);
            }
            self.place.pop();
        }
        if names.is_empty() && further.is_none() {
            fields.insert("example".to_owned(), "value".into());
        }
        let least = parts.iter().filter_map(|part| part.min_properties).max();
        let least = usize::try_from(least.unwrap_or(1)).unwrap_or(1);
        for name in names {
            if fields.len() >= least || depth > 3 {
                break;
            }
            let known: Vec<&Schema> = parts
                .iter()
                .filter_map(|part| part.properties.get(*name))
                .collect();
            if fields.contains_key(*name) || self.is_elsewhere(&known) {
                continue;
            }
            self.place.push((*name).clone());
            if let Some(value) = self.value(&known, name, depth + 1) {
                fields.insert((*name).clone(), value);
            }
            self.place.pop();
        }
    }

    /// Whether a field exists only in the other direction.
    fn is_elsewhere(&self, known: &[&Schema]) -> bool {
        known.iter().any(|schema| match self.extent {
            Extent::Request => schema.read_only,
            Extent::Response | Extent::Brief => schema.write_only,
        })
    }

    /// Whether an optional field is part of the example.
    fn is_wanted(&self, known: &[&Schema], name: &str, depth: usize, spare: &mut usize) -> bool {
        if known
            .iter()
            .any(|schema| schema.deprecated || schema.resolve().deprecated)
        {
            return false;
        }
        if self.extent == Extent::Response && depth <= DEEP {
            return true;
        }
        if self.extent == Extent::Brief
            && depth == 0
            && (matches!(name, "id" | "_id" | "links" | "results") || name.ends_with("Id"))
        {
            return true;
        }
        // Nested objects of a request have only their required fields.
        if depth > 1 || self.extent != Extent::Request && depth > 0 || *spare == 0 {
            return false;
        }
        let plain = known
            .iter()
            .all(|schema| is_plain(schema.resolve(), name, self.extent));
        if plain {
            *spare -= 1;
        }
        plain
    }

    fn links(&self) -> Value {
        let values = parameters::path(self.operation, self.overrides);
        let path = parameters::target(self.operation, &values, "${}");
        json!([{"href": format!("https://cloud.mongodb.com{path}"), "rel": "self"}])
    }
}

/// Whether a user can set a field without a lookup.
fn is_plain(schema: &Schema, name: &str, extent: Extent) -> bool {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let reference = ends(&["Id", "ID", "Ids", "Arn", "ARN", "Uri", "Url", "Key"]);
    let scalar = !matches!(kind(schema), None | Some(Kind::Object | Kind::Array));
    let union = !schema.one_of.is_empty() || !schema.any_of.is_empty();
    let free = schema
        .format
        .as_deref()
        .is_none_or(|format| format.starts_with("int"));
    match extent {
        Extent::Request => scalar && !union && free && !reference && !schema.is_secret(),
        _ => scalar && !union,
    }
}
