//! Alerts and alert configurations.

use atlas_model::ApiError;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::generic::{absent, project_key};
use crate::behaviour::masks::mask;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{Resource, below};
use crate::world::{FIRST_SNAPSHOT, ORG, PROJECT, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("acknowledgeGroupAlert", acknowledge),
    recorded("createGroupAlertConfig", create),
    recorded("deleteGroupAlertConfig", Sandbox::generic),
    documented("getGroupAlertAlertConfigs", configurations_of_alert),
    recorded("getGroupAlert", get),
    recorded("getGroupAlertConfig", get),
    documented("getGroupAlertConfigAlerts", alerts_of_configuration),
    recorded("listAlertConfigMatcherFieldNames", list_field_names),
    recorded("listGroupAlertConfigs", list_configurations),
    recorded("listGroupAlerts", list),
    documented("toggleGroupAlertConfig", toggle),
    recorded("updateGroupAlertConfig", replace),
];

/// The alert of the default world, which is closed.
const ALERT: &str = "32b6e34b3d91647abb20e7c1";
/// The alert configuration of the default world.
const CONFIGURATION: &str = "32b6e34b3d91647abb20e7c2";

/// The event type of the default world's configuration.
const EVENT: &str = "USERS_WITHOUT_MULTI_FACTOR_AUTH";

/// Adds an alert configuration and a closed alert to the project of the default world.
pub(crate) fn furnish(sandbox: &mut Sandbox) {
    let project = project_key(PROJECT);
    let at = FIRST_SNAPSHOT.to_string();
    let configuration = json!({
        "created": at,
        "enabled": true,
        "eventTypeName": EVENT,
        "groupId": PROJECT,
        "id": CONFIGURATION,
        "matchers": [],
        "notifications": [{
            "delayMin": 0,
            "emailEnabled": true,
            "intervalMin": 60,
            "notifierId": "32b6e34b3d91647abb20e7c3",
            "roles": ["GROUP_OWNER"],
            "smsEnabled": false,
            "typeName": "GROUP",
        }],
        "updated": at,
    });
    let alert = json!({
        "alertConfigId": CONFIGURATION,
        "created": at,
        "eventTypeName": EVENT,
        "groupId": PROJECT,
        "id": ALERT,
        "lastNotified": at,
        "orgId": ORG,
        "resolved": at,
        "status": "CLOSED",
        "updated": at,
    });
    for (collection, id, body) in [
        ("alertConfigs", CONFIGURATION, configuration),
        ("alerts", ALERT, alert),
    ] {
        let key = below(&below(&project, collection), id);
        sandbox.store.insert(key, body, FIRST_SNAPSHOT);
    }
}

/// The resource at the whole path.
fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = call.whole_key();
    match sandbox.store.get(&key) {
        Some(resource) => Ok(Answer::exactly(linked(call, &key, resource.body.clone()))),
        None => Err(absent(&key)),
    }
}

/// The alerts of a project, filtered by status if the query has one.
fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let status = call.query("status");
    let fits = |alert: &Resource| status.is_none() || alert.text("status") == status;
    Ok(those_of(sandbox, call, "alerts", fits))
}

/// Acknowledges an alert, or withdraws the acknowledgement.
fn acknowledge(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    get(sandbox, call)?;
    let until = call.text("acknowledgedUntil").filter(|text| {
        let moment = text.parse::<Timestamp>();
        moment.is_ok_and(|moment| moment > call.now)
    });
    let takes_back = call.body.get("unacknowledgeAlert") == Some(&Value::Bool(true));
    let change = match until.filter(|_| !takes_back) {
        Some(until) => json!({
            "acknowledgedUntil": until,
            "acknowledgementComment": call.body["acknowledgementComment"],
            "acknowledgingUsername": call.login,
        }),
        None => json!({
            "acknowledgedUntil": null,
            "acknowledgementComment": null,
            "acknowledgingUsername": null,
        }),
    };
    sandbox.store.merge(&call.whole_key(), &change);
    sandbox.writes += 1;
    get(sandbox, call)
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let id = sandbox.new_hex_id();
    let key = below(&call.whole_key(), &id);
    let body = configuration(sandbox, call, &id, &call.now.to_string());
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    let body = linked(call, &key, sandbox.body(&key));
    Ok(Answer::exactly(body).located(key))
}

fn replace(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    get(sandbox, call)?;
    let key = call.whole_key();
    let created = sandbox.body(&key)["created"].clone();
    let body = configuration(
        sandbox,
        call,
        call.path("alertConfigId"),
        created.as_str().unwrap_or_default(),
    );
    if let Some(resource) = sandbox.store.get_mut(&key) {
        resource.body = body;
    }
    sandbox.writes += 1;
    get(sandbox, call)
}

fn toggle(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    get(sandbox, call)?;
    let mut change = json!({"updated": call.now.to_string()});
    if let Some(enabled) = call.body.get("enabled") {
        change["enabled"] = enabled.clone();
    }
    sandbox.store.merge(&call.whole_key(), &change);
    sandbox.writes += 1;
    get(sandbox, call)
}

/// The configuration of a body, with the ids of its notifiers and with masked secrets of the
/// notified services.
fn configuration(sandbox: &mut Sandbox, call: &Call<'_>, id: &str, created: &str) -> Value {
    let mut body = call.body.clone();
    if !body.is_object() {
        body = json!({});
    }
    body["id"] = id.into();
    body["groupId"] = call.path("groupId").into();
    body["created"] = created.into();
    body["updated"] = call.now.to_string().into();
    for (name, value) in [("enabled", json!(false)), ("matchers", json!([]))] {
        if body.get(name).is_none() {
            body[name] = value;
        }
    }
    let notifications = body.get_mut("notifications").and_then(Value::as_array_mut);
    for notification in notifications.into_iter().flatten() {
        let Value::Object(fields) = notification else {
            continue;
        };
        for (name, value) in fields.iter_mut() {
            if SECRETS.contains(&name.as_str())
                && let Some(text) = value.as_str()
            {
                *value = mask(text).into();
            }
        }
        if !fields.contains_key("notifierId") {
            let id = sandbox.new_hex_id();
            fields.insert("notifierId".to_owned(), id.into());
        }
    }
    body
}

/// The fields of notifications that responses mask.
const SECRETS: [&str; 10] = [
    "apiToken",
    "datadogApiKey",
    "microsoftTeamsWebhookUrl",
    "notificationToken",
    "opsGenieApiKey",
    "serviceKey",
    "victorOpsApiKey",
    "victorOpsRoutingKey",
    "webhookSecret",
    "webhookUrl",
];

/// The matching resources of a collection of the call's project.
fn those_of(
    sandbox: &Sandbox,
    call: &Call<'_>,
    collection: &str,
    fits: impl Fn(&Resource) -> bool,
) -> Answer {
    let collection = below(&call.key(2), collection);
    let all = sandbox.store.children(&collection).into_iter();
    let fitting = all.filter(|(_, resource)| fits(resource));
    let bodies = fitting.map(|(key, it)| linked(call, key, it.body.clone()));
    Answer::list(bodies.collect()).unshaped()
}

fn alerts_of_configuration(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let id = call.path("alertConfigId");
    let fits = |alert: &Resource| alert.text("alertConfigId") == Some(id);
    Ok(those_of(sandbox, call, "alerts", fits))
}

fn list_configurations(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    Ok(those_of(sandbox, call, "alertConfigs", |_| true))
}

fn configurations_of_alert(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let alert = sandbox.body(&below(&below(&call.key(2), "alerts"), call.path("alertId")));
    let id = alert["alertConfigId"].as_str();
    let fits = |configuration: &Resource| configuration.text("id") == id;
    Ok(those_of(sandbox, call, "alertConfigs", fits))
}

/// The field names that matchers of alert configurations accept.
fn list_field_names(_: &mut Sandbox, _: &Call<'_>) -> Result<Answer, ApiError> {
    let names = [
        "TYPE_NAME",
        "HOSTNAME",
        "PORT",
        "HOSTNAME_AND_PORT",
        "REPLICA_SET_NAME",
        "SHARD_NAME",
        "CLUSTER_NAME",
        "APPLICATION_ID",
        "INSTANCE_NAME",
        "PROCESSOR_NAME",
        "RULE_ID",
    ];
    Ok(Answer::exactly(json!(names)))
}
