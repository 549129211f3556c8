//! Settings, limits and addresses of projects, and their move to another organization.

use atlas_model::ApiError;
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::api_keys::names_in;
use crate::behaviour::users::{is_in_org, with_role};
use crate::behaviour::{Behaviour, database_users, documented, projects, recorded};
use crate::store::{below, last};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("deleteGroupLimit", delete_limit),
    documented("getGroupIpAddresses", addresses),
    documented("getGroupLimit", get_limit),
    documented("getGroupSettings", get_settings),
    documented("listGroupLimits", list_limits),
    documented("migrateGroup", migrate),
    documented("setGroupLimit", set_limit),
    recorded("updateGroupSettings", update_settings),
];

/// The settings of a project: the recorded ones of a new project, with changes.
fn settings(sandbox: &Sandbox, project: &str) -> Value {
    let mut settings = json!({
        "isClusterAiAssistantEnabled": true,
        "isCollectDatabaseSpecificsStatisticsEnabled": true,
        "isDataExplorerEnabled": true,
        "isDataExplorerGenAIFeaturesEnabled": true,
        "isDataExplorerGenAISampleDocumentPassingEnabled": false,
        "isDataValidationEnabled": true,
        "isExtendedStorageSizesEnabled": false,
        "isNativeRerankingEnabled": false,
        "isPerformanceAdvisorEnabled": true,
        "isRealtimePerformancePanelEnabled": true,
        "isSchemaAdvisorEnabled": true,
    });
    let changed = sandbox.body(&below(&project_key(project), "settings"));
    crate::store::merge(&mut settings, &changed);
    settings
}

fn get_settings(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    Ok(Answer::exactly(settings(sandbox, project)))
}

fn update_settings(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let key = below(&project_key(project), "settings");
    if !sandbox.store.contains(&key) {
        sandbox.write(&key, json!({}), call)?;
    }
    sandbox.store.merge(&key, &call.body);
    Ok(Answer::exactly(settings(sandbox, project)))
}

/// A limit: its name, its default value, its maximum value, and the collection of the project that
/// it counts.
type Limit = (&'static str, Option<i64>, Option<i64>, &'static str);

/// The documented limits of projects. Those of data federation have no value until one is set.
const LIMITS: [Limit; 13] = [
    (
        "atlas.project.deployment.clusters",
        Some(25),
        Some(100),
        "clusters",
    ),
    (
        "atlas.project.deployment.nodesPerPrivateLinkRegion",
        Some(50),
        Some(90),
        "",
    ),
    (
        "atlas.project.deployment.privateServiceConnectionsPerRegionGroup",
        Some(50),
        Some(100),
        "",
    ),
    (
        "atlas.project.deployment.privateServiceConnectionsSubnetMask",
        Some(27),
        Some(27),
        "",
    ),
    (
        "atlas.project.deployment.serverlessMTMs",
        Some(100),
        Some(100),
        "serverless",
    ),
    (
        "atlas.project.security.databaseAccess.customRoles",
        Some(100),
        Some(1400),
        "customDBRoles/roles",
    ),
    (
        "atlas.project.security.databaseAccess.users",
        Some(100),
        Some(900),
        "databaseUsers",
    ),
    (
        "atlas.project.security.networkAccess.crossRegionEntries",
        Some(40),
        Some(220),
        "",
    ),
    (
        "atlas.project.security.networkAccess.entries",
        Some(200),
        Some(220),
        "accessList",
    ),
    ("dataFederation.bytesProcessed.daily", None, None, ""),
    ("dataFederation.bytesProcessed.monthly", None, None, ""),
    ("dataFederation.bytesProcessed.query", None, None, ""),
    ("dataFederation.bytesProcessed.weekly", None, None, ""),
];

/// Limits that can be read by name but are in no documented list.
const UNLISTED: [&str; 2] = [
    "atlas.project.deployment.privateServiceConnectionsPerRegionGroup",
    "atlas.project.deployment.privateServiceConnectionsSubnetMask",
];

fn limit_key(project: &str, name: &str) -> String {
    below(&below(&project_key(project), "limits"), name)
}

/// A limit of a project; `None` if it has no value.
fn limit(sandbox: &Sandbox, project: &str, limit: &Limit) -> Option<Value> {
    let (name, default, most, counted) = limit;
    let set = sandbox.body(&limit_key(project, name))["value"].as_i64();
    let mut shown = json!({"name": name, "value": set.or(*default)?});
    let usage = match *counted {
        "" => None,
        "databaseUsers" => Some(database_users::count(sandbox, project)),
        counted => {
            let collection = format!("{}/{counted}", project_key(project));
            Some(sandbox.store.children(&collection).len())
        }
    };
    if let Some(usage) = usage {
        shown["currentUsage"] = usage.into();
    }
    if let (Some(default), Some(most)) = (default, most) {
        shown["defaultLimit"] = (*default).into();
        shown["maximumLimit"] = (*most).into();
    }
    Some(shown)
}

/// The limit of a project for a kind of resource, by the name of the limit.
pub(crate) fn limit_of(sandbox: &Sandbox, project: &str, name: &str) -> usize {
    let known = LIMITS.iter().find(|(known, ..)| *known == name);
    let shown = known.and_then(|known| limit(sandbox, project, known));
    let value = shown.and_then(|shown| shown["value"].as_u64());
    value.map_or(usize::MAX, |value| {
        usize::try_from(value).unwrap_or(usize::MAX)
    })
}

fn known(call: &Call<'_>) -> Result<&'static Limit, ApiError> {
    let name = call.path("limitName");
    let found = LIMITS.iter().find(|(known, ..)| *known == name);
    found.ok_or_else(|| refuse::missing("limit", name))
}

fn list_limits(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let listed = LIMITS.iter().filter(|(name, ..)| !UNLISTED.contains(name));
    let limits = listed.filter_map(|it| limit(sandbox, project, it));
    Ok(Answer::list(limits.collect()).unshaped())
}

fn get_limit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let shown = limit(sandbox, project, known(call)?);
    let name = call.path("limitName");
    shown
        .map(Answer::exactly)
        .ok_or_else(|| refuse::missing("limit", name))
}

fn set_limit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let known = known(call)?;
    let (name, _, most, _) = known;
    let value = call.body["value"].as_i64().unwrap_or(0);
    if let Some(most) = most.filter(|most| value > *most) {
        let problem = format!("expected at most {most} for {name}");
        return Err(refuse::invalid("value", &problem));
    }
    let key = limit_key(project, name);
    sandbox.write(&key, json!({ "value": value }), call)?;
    let shown = limit(sandbox, project, known).unwrap_or_default();
    Ok(Answer::exactly(shown))
}

fn delete_limit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let (name, ..) = known(call)?;
    sandbox.store.remove(&limit_key(project, name));
    Ok(Answer::empty())
}

/// The addresses of the clusters of a project, from a range reserved for documentation.
fn addresses(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let collection = below(&project_key(project), "clusters");
    let clusters = sandbox.store.children(&collection).into_iter();
    let clusters = clusters.map(|(key, _)| {
        let of_node = |node: u8| {
            let digest = Md5::digest(format!("{key} {node}"));
            format!("203.0.113.{}/32", digest[0])
        };
        let addresses: Vec<String> = (0..3).map(of_node).collect();
        json!({
            "clusterName": last(key),
            "futureInbound": [],
            "futureOutbound": [],
            "inbound": addresses,
            "outbound": addresses,
        })
    });
    let clusters: Vec<Value> = clusters.collect();
    let services = json!({ "clusters": clusters });
    Ok(Answer::exactly(
        json!({"groupId": project, "services": services}),
    ))
}

/// Moves a project to another organization, with its users, but without the teams, API keys and
/// service accounts of the old organization.
fn migrate(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let org = call.text("destinationOrgId").unwrap_or_default();
    sandbox.check_org(org)?;
    let key = project_key(project);
    sandbox.store.merge(&key, &json!({ "orgId": org }));
    for team in teams(sandbox, &key) {
        sandbox.store.remove(&team);
    }
    sandbox.take_back_roles_of_logins(project);
    let users = sandbox.users(|user| {
        let in_project = !names_in(&user["roles"], "groupId", project).is_empty();
        in_project && !is_in_org(user, org)
    });
    let users: Vec<Value> = users.into_iter().cloned().collect();
    for mut user in users {
        with_role(&mut user, "orgId", org, "ORG_MEMBER", true);
        sandbox.keep_user(call, &user)?;
    }
    let moved = projects::shown(call, sandbox.project(project));
    Ok(Answer::exactly(moved))
}

/// The teams with roles in a project; they stay in their organization when it moves.
fn teams(sandbox: &Sandbox, project: &str) -> Vec<String> {
    let collection = below(project, "teams");
    let teams = sandbox.store.children(&collection).into_iter();
    teams.map(|(key, _)| key.to_owned()).collect()
}
