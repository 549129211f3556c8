//! Requests the policy, and renders it as tables.

use atlas_model::ProjectId;
use atlas_model::bytes::Bytes;
use serde_json::Value;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::operation;
use crate::table::{self, Column};

const GET: &str = "cloudBackups.getCompliancePolicy";

pub(super) async fn get(connection: &Connection, project: ProjectId) -> Result<Bytes, Failure> {
    let request = operation::of_project(GET, project)?;
    operation::send(&connection.client, request).await
}

/// Whether a project has a policy: without one, the response has no `projectId`.
pub(super) fn is_set(policy: &Value) -> bool {
    policy["projectId"].is_string()
}

pub(super) fn scheduled(policy: &Value) -> Vec<Value> {
    let items = policy["scheduledPolicyItems"].as_array();
    items.cloned().unwrap_or_default()
}

pub(super) fn on_demand(policy: &Value) -> Vec<Value> {
    let item = &policy["onDemandPolicyItem"];
    let item = item.is_object().then(|| item.clone());
    item.into_iter().collect()
}

pub(super) fn all_items(policy: &Value) -> Vec<Value> {
    let mut items = scheduled(policy);
    items.extend(on_demand(policy));
    items
}

pub(super) fn rules(items: &[Value]) -> String {
    let columns: [Column; 5] = [
        ("ID", &["id"]),
        ("FREQUENCY INTERVAL", &["frequencyInterval"]),
        ("FREQUENCY TYPE", &["frequencyType"]),
        ("RETENTION", &["retentionValue"]),
        ("UNIT", &["retentionUnit"]),
    ];
    table::of_items(&columns, items)
}

pub(super) fn whole(policy: &Value) -> String {
    let facts: [Column; 9] = [
        ("PROJECT", &["projectId"]),
        ("STATE", &["state"]),
        ("AUTHORIZED E-MAIL", &["authorizedEmail"]),
        ("FIRST NAME", &["authorizedUserFirstName"]),
        ("LAST NAME", &["authorizedUserLastName"]),
        ("COPY PROTECTION", &["copyProtectionEnabled"]),
        ("ENCRYPTION AT REST", &["encryptionAtRestEnabled"]),
        ("POINT IN TIME", &["pitEnabled"]),
        ("RESTORE WINDOW DAYS", &["restoreWindowDays"]),
    ];
    let rows = facts.iter().map(|(head, fields)| {
        let value = table::cell(policy, fields);
        vec![(*head).to_owned(), value]
    });
    let facts = table::of_rows(["SETTING", "VALUE"].into_iter(), rows);
    format!("{facts}\n\n{}", rules(&all_items(policy)))
}
