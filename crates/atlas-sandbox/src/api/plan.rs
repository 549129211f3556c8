//! The effect of an operation on the resource store, derived from its method, path and schemas.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use atlas_catalog::{Kind as JsonKind, Operation, Schema};
use http::Method;

use crate::api::call::FIRST_SEGMENT;
use crate::api::samples;

/// The kind of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lists a collection.
    List,
    /// Reads a resource of a collection.
    Item,
    /// Reads a single resource without an id, such as settings.
    Singleton,
    /// Creates a resource of a collection.
    Create,
    /// Creates a resource under the name in the path.
    Put,
    /// Changes fields of a resource.
    Change,
    /// Replaces a resource.
    Replace,
    /// Deletes a resource.
    Remove,
    /// Does something else and returns the resource that it acts on.
    Act,
    /// Returns a file.
    File,
}

/// A plan for an operation.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    /// For a collection: the path parameters of its resources, each with the corresponding field.
    pub(crate) id: Vec<(&'static str, String)>,
    /// The operation that reads a resource of the collection.
    pub(crate) item: Option<Operation>,
    /// Whether an operation creates resources of the collection.
    pub(crate) is_made: bool,
    /// Whether an operation reads the same path.
    pub(crate) is_read: bool,
    /// Whether an operation lists the collection.
    pub(crate) is_listed: bool,
    /// The path below `/api/atlas/v2`, without a trailing `:verb`.
    pub(crate) segments: Vec<Segment>,
    /// The required parents: the number of segments of each and the operation that reads it.
    pub(crate) parents: Vec<(usize, Operation)>,
    /// For an operation that creates something: its states.
    pub(crate) moves: Option<Moves>,
}

/// The state of a new resource, and the state that follows when it is ready.
#[derive(Debug)]
pub(crate) struct Moves {
    pub(crate) field: String,
    pub(crate) first: String,
    pub(crate) rest: String,
}

impl Moves {
    /// The states of a created resource, if the response includes a state.
    fn of(operation: Operation) -> Option<Self> {
        let version = operation.versions().first()?;
        let schema = item_schema(version.response_schema("json")?);
        let fields = ["state", "status", "stateName", "statusName"];
        let members = schema.one_of.iter().chain(&schema.any_of);
        let mut parts = schema.parts().chain(members.flat_map(Schema::parts));
        let (field, states) = parts.find_map(|part| {
            fields.iter().find_map(|field| {
                let states = part.properties.get(*field)?;
                Some((*field, states.choices()))
            })
        })?;
        let states: Vec<&str> = states.iter().filter_map(|state| state.as_str()).collect();
        let first = samples::first_of(&states)?;
        let rest = samples::preferred(states.iter().copied())?;
        (first != rest).then(|| Self {
            field: field.to_owned(),
            first: first.to_owned(),
            rest: rest.to_owned(),
        })
    }
}

/// A segment of a path.
#[derive(Debug)]
pub(crate) enum Segment {
    Literal(String),
    /// A parameter, with or without text around it.
    Parameter(String),
}

impl Plan {
    /// The plan of an operation.
    pub(crate) fn of(operation: Operation) -> &'static Self {
        static PLANS: LazyLock<HashMap<&'static str, OnceLock<Plan>>> = LazyLock::new(|| {
            let all = Operation::all();
            all.map(|operation| (operation.id(), OnceLock::new()))
                .collect()
        });
        static NONE: OnceLock<Plan> = OnceLock::new();
        let slot = PLANS.get(operation.id()).unwrap_or(&NONE);
        slot.get_or_init(|| Self::make(operation))
    }

    fn make(operation: Operation) -> Self {
        let path = shape(&operation.path());
        let last = last(operation);
        let is_item = last.starts_with('{');
        let (collection, item) = if is_item {
            let (collection, _) = path.rsplit_once('/').unwrap_or_default();
            (collection.to_owned(), Some(operation))
        } else {
            (path.clone(), item_of(&path))
        };
        let is_made = find(&Method::POST, &collection).is_some();
        let is_listed = find(&Method::GET, &collection).is_some_and(is_list);
        let kind = kind(operation, is_item, item.is_some() || is_listed);
        let id = item.map_or_else(Vec::new, |item| id_of(operation, item, &collection));
        Self {
            kind,
            id,
            item: item.filter(|item| item.method() == Method::GET),
            is_made,
            is_listed,
            is_read: !last.contains(':') && find(&Method::GET, &path).is_some(),
            segments: segments(&operation.path()),
            parents: parents(operation),
            moves: Some(kind)
                .filter(|kind| *kind == Kind::Create)
                .and_then(|_| Moves::of(operation)),
        }
    }
}

fn kind(operation: Operation, is_item: bool, is_collection: bool) -> Kind {
    let acts = last(operation).contains(':');
    let answers_json = operation
        .version(None)
        .is_some_and(|version| version.formats().any(|format| format == "json"));
    match operation.method() {
        _ if !answers_json => Kind::File,
        Method::GET if is_list(operation) => Kind::List,
        _ if acts => Kind::Act,
        Method::GET if is_item => Kind::Item,
        Method::GET => Kind::Singleton,
        Method::POST if is_item => Kind::Put,
        Method::POST if is_collection => Kind::Create,
        Method::POST => Kind::Act,
        Method::PUT => Kind::Replace,
        Method::PATCH => Kind::Change,
        _ => Kind::Remove,
    }
}

/// The schema of one resource in the response of an operation: of a list, that of an item.
pub(crate) fn item_schema(schema: &Schema) -> &Schema {
    let schema = schema.resolve();
    if let Some(items) = schema.items.as_deref() {
        return items.resolve();
    }
    let results = schema
        .parts()
        .find_map(|part| part.properties.get("results"));
    let items = results.and_then(|results| results.resolve().items.as_deref());
    items.map_or(schema, Schema::resolve)
}

/// Whether the response of an operation is a page or an array.
pub(crate) fn is_list(operation: Operation) -> bool {
    let version = operation.version(None);
    let schema = version.and_then(|version| version.response_schema("json"));
    schema.is_some_and(|schema| is_page(schema) || schema.resolve().kind == Some(JsonKind::Array))
}

/// Whether a schema is a page.
pub(crate) fn is_page(schema: &Schema) -> bool {
    let results = schema
        .parts()
        .find_map(|part| part.properties.get("results"));
    results.is_some_and(|results| results.resolve().items.is_some())
}

/// The path with empty braces and without a trailing `:verb`.
pub(crate) fn shape(path: &str) -> String {
    let mut shape = String::new();
    for segment in path.split('/').skip(FIRST_SEGMENT) {
        shape.push('/');
        match segment.split_once('{') {
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                shape.push_str(before);
                shape.push_str("{}");
                shape.push_str(after.split(':').next().unwrap_or_default());
            }
            None => shape.push_str(segment.split(':').next().unwrap_or_default()),
        }
    }
    shape
}

fn segments(path: &str) -> Vec<Segment> {
    let segments = path.split('/').skip(FIRST_SEGMENT);
    segments
        .map(|segment| match segment.split_once('{') {
            Some((_, rest)) => {
                Segment::Parameter(rest.split('}').next().unwrap_or_default().to_owned())
            }
            None => Segment::Literal(segment.split(':').next().unwrap_or_default().to_owned()),
        })
        .collect()
}

/// The last segment of a path.
fn last(operation: Operation) -> String {
    let path = operation.path();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The operation with this method and a path without a `:verb`.
pub(crate) fn find(method: &Method, path: &str) -> Option<Operation> {
    static INDEX: LazyLock<BTreeMap<(String, String), Operation>> = LazyLock::new(|| {
        let plain = Operation::all().filter(|operation| !last(*operation).contains(':'));
        let keyed = plain.map(|it| ((it.method().to_string(), shape(&it.path())), it));
        keyed.collect()
    });
    INDEX.get(&(method.to_string(), path.to_owned())).copied()
}

/// The operation on one resource of a collection: the one that reads it, otherwise the one that
/// deletes it.
fn item_of(collection: &str) -> Option<Operation> {
    let one = format!("{collection}/{{}}");
    let two = format!("{collection}/{{}}/{{}}");
    let get = find(&Method::GET, &one)
        .filter(|get| !is_list(*get))
        .or_else(|| find(&Method::DELETE, &one))
        .or_else(|| find(&Method::PATCH, &one));
    get.or_else(|| find(&Method::GET, &two).filter(|get| !is_list(*get)))
}

/// The parameters that follow the path of a collection, each with the corresponding field.
fn id_of(operation: Operation, item: Operation, collection: &str) -> Vec<(&'static str, String)> {
    let above = collection.split('/').filter(|it| !it.is_empty()).count();
    let path = item.path();
    let below = path.split('/').skip(FIRST_SEGMENT + above);
    let names = below.filter_map(|segment| {
        let (_, rest) = segment.split_once('{')?;
        let (name, _) = rest.split_once('}')?;
        item.parameters()
            .iter()
            .find(|known| known.name == name)
            .map(|known| known.name.as_str())
    });
    names
        .map(|name| (name, field_of(operation, item, name)))
        .collect()
}

/// The field of a resource that corresponds to a path parameter.
fn field_of(operation: Operation, item: Operation, name: &str) -> String {
    let schemas = [item, operation].into_iter().filter_map(|operation| {
        let version = operation.version(None)?;
        version.response_schema("json").map(item_schema)
    });
    let schemas: Vec<&Schema> = schemas.collect();
    let has = |field: &str| {
        let mut parts = schemas.iter().flat_map(|schema| {
            let members = schema.one_of.iter().chain(&schema.any_of);
            schema.parts().chain(members.flat_map(Schema::parts))
        });
        parts.any(|part| part.properties.contains_key(field))
    };
    let short = ["Id", "ID", "Name"]
        .into_iter()
        .find(|end| name.ends_with(end));
    let mut likely = vec![name.to_owned()];
    match short {
        Some("Name") => likely.push("name".to_owned()),
        _ => likely.extend(["id", "_id"].map(str::to_owned)),
    }
    if let Some(upper) = name.strip_suffix("Id") {
        likely.push(format!("{upper}ID"));
    }
    let lower = name.to_ascii_lowercase();
    let found = likely.iter().find(|field| has(field)).cloned();
    let ends_alike = || {
        let parts = schemas.iter().flat_map(|schema| schema.parts());
        let mut fields = parts.flat_map(|part| part.properties.keys());
        fields
            .find(|field| lower.ends_with(&field.to_ascii_lowercase()))
            .cloned()
    };
    found.or_else(ends_alike).unwrap_or_else(|| name.to_owned())
}

/// The required parents of the resource of an operation: the number of segments of each and the
/// operation that reads it.
fn parents(operation: Operation) -> Vec<(usize, Operation)> {
    let path = shape(&operation.path());
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let own = segments.len();
    let acts = last(operation).contains(':');
    let above = if acts { own } else { own.saturating_sub(1) };
    (1..=above)
        .filter(|count| {
            segments
                .get(count.saturating_sub(1))
                .is_some_and(|it| it.starts_with('{'))
        })
        .filter_map(|count| {
            let prefix = format!("/{}", segments.get(..count)?.join("/"));
            find(&Method::GET, &prefix).map(|operation| (count, operation))
        })
        .collect()
}
