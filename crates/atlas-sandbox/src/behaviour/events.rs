//! Events, derived from the resources of a project.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use atlas_catalog::{Operation, Schema};
use atlas_model::ApiError;
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked, url};
use crate::api::call::Call;
use crate::api::generic::{org_key, project_key};
use crate::api::refuse;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::login::OWNER;
use crate::store::{below, last};
use crate::world::{Sandbox, hex};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getGroupActivityFeed", feed_of_project),
    documented("getGroupEvent", get_of_project),
    documented("getOrgActivityFeed", feed_of_org),
    documented("getOrgEvent", get_of_org),
    documented("listEventTypes", list_types),
    recorded("listGroupEvents", list_of_project),
    recorded("listOrgEvents", list_of_org),
];

/// The collections of a project whose resources each have a creation event.
const KINDS: [(&str, &str); 5] = [
    ("alertConfigs", "ALERT_CONFIG_ADDED_AUDIT"),
    ("clusters", "CLUSTER_CREATED"),
    ("databaseUsers/admin", "MONGODB_USER_ADDED"),
    ("accessList", "NETWORK_PERMISSION_ENTRY_ADDED"),
    ("flexClusters", "CLUSTER_CREATED"),
];

/// An event: its time, the key below which it can be read, and its body.
type Event = (Timestamp, String, Value);

/// The creation event of a resource.
fn event(place: &str, made: &str, at: Timestamp, name: &str) -> Event {
    let mut id = hex(&Md5::digest(format!("event {made}")));
    id.truncate(24);
    let body = json!({
        "created": at.to_string(),
        "eventTypeName": name,
        "id": id,
        "isGlobalAdmin": false,
        "publicKey": OWNER.public_key,
        "remoteAddress": "192.0.2.1",
    });
    (at, below(&format!("{place}/events"), &id), body)
}

impl Sandbox {
    /// The events of a project, the newest first.
    fn events_of_project(&self, project: &str) -> Vec<Event> {
        let place = project_key(project);
        let Some(own) = self.store.get(&place) else {
            return Vec::new();
        };
        let org = own.text("orgId").unwrap_or_default();
        let first = event(&place, &place, own.created, "GROUP_CREATED");
        let mut events = vec![first];
        for (kind, name) in KINDS {
            for (key, resource) in self.store.children(&format!("{place}/{kind}")) {
                let mut event = event(&place, key, resource.created, name);
                match name {
                    "ALERT_CONFIG_ADDED_AUDIT" => {
                        event.2["alertConfigId"] = last(key).into();
                    }
                    "CLUSTER_CREATED" => event.2["clusterName"] = last(key).into(),
                    "MONGODB_USER_ADDED" => event.2["dbUserUsername"] = last(key).into(),
                    _ => event.2["whitelistEntry"] = last(key).into(),
                }
                events.push(event);
            }
        }
        for (_, _, body) in &mut events {
            body["groupId"] = project.into();
            body["orgId"] = org.into();
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.0));
        events
    }

    /// The events of an organization, the newest first.
    fn events_of_org(&self, org: &str) -> Vec<Event> {
        let place = org_key(org);
        let Some(own) = self.store.get(&place) else {
            return Vec::new();
        };
        let mut events = vec![event(&place, &place, own.created, "ORG_CREATED")];
        for (key, project) in self.store.children("/groups") {
            if project.text("orgId") == Some(org) {
                let made = format!("{place}{key}");
                let mut event = event(&place, &made, project.created, "GROUP_CREATED");
                event.2["groupId"] = last(key).into();
                events.push(event);
            }
        }
        for (_, _, body) in &mut events {
            body["orgId"] = org.into();
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.0));
        events
    }
}

/// An event as responses show it.
fn shown(call: &Call<'_>, (at, key, mut body): Event) -> Value {
    if call.is_set("includeRaw") {
        body["raw"] = json!({
            "cre": at.to_string(),
            "description": body["eventTypeName"],
            "id": body["id"],
            "orgId": body["orgId"],
            "severity": "INFO",
        });
    }
    // Not documented: this field only serves the filter.
    body.as_object_mut().map(|body| body.remove("clusterName"));
    linked(call, &key, body)
}

/// The events that match the query.
fn chosen(call: &Call<'_>, events: Vec<Event>) -> Answer {
    let asked = |name: &str| -> BTreeSet<&str> {
        let pairs = call.query.iter().filter(|(known, _)| known == name);
        pairs.map(|(_, value)| value.as_str()).collect()
    };
    let (kinds, not) = (asked("eventType"), asked("excludedEventType"));
    let clusters = asked("clusterNames");
    let moment = |name: &str| call.query(name).and_then(|it| it.parse::<Timestamp>().ok());
    let (from, to) = (moment("minDate"), moment("maxDate"));
    let fits = |(at, _, body): &Event| {
        let kind = body["eventTypeName"].as_str().unwrap_or_default();
        let cluster = body["clusterName"].as_str().unwrap_or_default();
        (kinds.is_empty() || kinds.contains(kind))
            && !not.contains(kind)
            && (clusters.is_empty() || clusters.contains(cluster))
            && from.is_none_or(|from| *at >= from)
            && to.is_none_or(|to| *at <= to)
    };
    let fitting = events.into_iter().filter(fits);
    Answer::list(fitting.map(|event| shown(call, event)).collect()).unshaped()
}

/// The event that the path names.
fn one(call: &Call<'_>, events: Vec<Event>) -> Result<Answer, ApiError> {
    let id = call.path("eventId");
    let mut events = events.into_iter();
    match events.find(|(_, _, body)| body["id"] == id) {
        Some(event) => Ok(Answer::exactly(shown(call, event))),
        None => Err(refuse::missing("event", id)),
    }
}

fn list_of_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let events = sandbox.events_of_project(call.path("groupId"));
    Ok(chosen(call, events))
}

fn get_of_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    one(call, sandbox.events_of_project(call.path("groupId")))
}

fn list_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let events = sandbox.events_of_org(call.path("orgId"));
    Ok(chosen(call, events))
}

fn get_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    one(call, sandbox.events_of_org(call.path("orgId")))
}

/// A link to the events in the web interface.
fn feed(call: &Call<'_>, place: &str) -> Answer {
    let query = call.target.query;
    let mark = if query.is_empty() { "" } else { "?" };
    let base = call.target.base;
    let link = url(&format!("{base}/v2{place}/activity{mark}{query}"));
    Answer::exactly(json!({ "link": link }))
}

fn feed_of_project(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    Ok(feed(call, &format!("/{}#", call.path("groupId"))))
}

fn feed_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    Ok(feed(call, &format!("#/org/{}", call.path("orgId"))))
}

/// All documented types of events, with a description made from the name.
fn list_types(_: &mut Sandbox, _: &Call<'_>) -> Result<Answer, ApiError> {
    static TYPES: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let names = ["listGroupEvents", "listOrgEvents"].into_iter();
        let schemas = names.filter_map(|id| {
            let parameter = Operation::find(id)?.parameter("eventType")?;
            parameter.schema.resolve().items.as_deref()
        });
        let names: BTreeSet<&str> = schemas.flat_map(texts).collect();
        let alertable = alertable();
        let of_name = |name: &&str| {
            json!({
                "alertable": alertable.contains(name),
                "description": sentence(name),
                "eventType": name,
            })
        };
        names.iter().map(of_name).collect()
    });
    Ok(Answer::list(TYPES.clone()))
}

/// The strings among the values of a schema.
fn texts(schema: &'static Schema) -> Vec<&'static str> {
    let choices = schema.choices().into_iter();
    choices.filter_map(Value::as_str).collect()
}

/// The events that alert configurations support.
fn alertable() -> BTreeSet<&'static str> {
    let create = Operation::find("createGroupAlertConfig");
    let version = create.and_then(|create| create.version(None));
    let schema = version.and_then(|version| version.request_schema());
    let members = schema.into_iter().flat_map(|it| &it.resolve().one_of);
    let parts = members.flat_map(Schema::parts);
    let fields = parts.filter_map(|part| part.properties.get("eventTypeName"));
    fields.flat_map(texts).collect()
}

/// The words of an event name: `CLUSTER_CREATED` becomes `Cluster created`.
fn sentence(name: &str) -> String {
    let lower = name.replace('_', " ").to_ascii_lowercase();
    let mut characters = lower.chars();
    match characters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + characters.as_str(),
        None => lower,
    }
}
