//! Projects.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::generic::{org_key, project_key};
use crate::api::refuse;
use crate::behaviour::users::{user_key, with_role};
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::last;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, MONGODB, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroup", create),
    recorded("deleteGroup", delete),
    recorded("getGroup", get),
    documented("getGroupByName", get_by_name),
    documented("getOrgGroups", list_of_org),
    documented("listClusterDetails", list_cluster_details),
    recorded("listGroups", list),
    recorded("updateGroup", update),
];

/// The maximum number of projects of an organization.
const MOST: usize = 250;

/// A new project.
pub(crate) fn document(id: &str, org: &str, name: &str) -> Value {
    json!({
        "created": FIRST_SNAPSHOT.to_string(),
        "id": id,
        "name": name,
        "orgId": org,
        "withDefaultAlertsSettings": true,
    })
}

impl Sandbox {
    /// A project with its number of clusters.
    pub(crate) fn project(&self, id: &str) -> Value {
        let mut body = self.body(&project_key(id));
        let key = project_key(id);
        let clusters = ["clusters", "flexClusters"].map(|kind| {
            let collection = format!("{key}/{kind}");
            self.store.children(&collection).len()
        });
        body["clusterCount"] = clusters.iter().sum::<usize>().into();
        body
    }

    /// All projects, or those of an organization.
    fn projects(&self, org: Option<&str>) -> Vec<Value> {
        let all = self.store.children("/groups").into_iter();
        all.filter(|(_, project)| org.is_none_or(|org| project.text("orgId") == Some(org)))
            .map(|(key, _)| self.project(&last(key)))
            .collect()
    }
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    Ok(shown_all(call, seen(sandbox, call, sandbox.projects(None))))
}

/// The projects that are visible to the caller.
fn seen(sandbox: &Sandbox, call: &Call<'_>, mut projects: Vec<Value>) -> Vec<Value> {
    projects.retain(|project| {
        let text = |field: &str| project[field].as_str().unwrap_or_default();
        sandbox.sees_project(call, text("id"), text("orgId"))
    });
    projects
}

fn list_of_org(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let mut projects = seen(sandbox, call, sandbox.projects(Some(call.path("orgId"))));
    if let Some(part) = call.query("name") {
        let has = |project: &Value| {
            let name = project.get("name").and_then(Value::as_str);
            name.is_some_and(|name| name.contains(part))
        };
        projects.retain(has);
    }
    Ok(shown_all(call, projects))
}

/// A project as responses show it: with a link, and without fields that are documented defaults.
pub(crate) fn shown(call: &Call<'_>, project: Value) -> Value {
    let key = project_key(project["id"].as_str().unwrap_or_default());
    linked(call, &key, project)
}

fn shown_all(call: &Call<'_>, projects: Vec<Value>) -> Answer {
    let projects = projects.into_iter().map(|it| shown(call, it));
    Answer::list(projects.collect()).unshaped()
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("groupId");
    sandbox.check_project(id)?;
    Ok(Answer::exactly(shown(call, sandbox.project(id))))
}

/// Whether a project is visible to the caller.
fn sees(sandbox: &Sandbox, call: &Call<'_>, project: &Value) -> bool {
    let text = |name: &str| project[name].as_str().unwrap_or_default();
    sandbox.sees_project(call, text("id"), text("orgId"))
}

/// Refuses an invalid name of a project or an organization.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > LONGEST_NAME || name.contains(char::is_control) {
        let problem =
            format!("expected 1 to {LONGEST_NAME} characters, none of them a control character");
        return Err(refuse::invalid("name", &problem));
    }
    Ok(())
}

/// Refuses a name that another project of the organization has.
fn check_is_free(of_org: &[Value], name: &str, own: &str) -> Result<(), ApiError> {
    let is_other = |project: &&Value| project["name"] == name && project["id"] != own;
    if of_org.iter().any(|project| is_other(&project)) {
        let detail = format!("There is a project {name} in the organization already.");
        return Err(refuse::conflict("GROUP_ALREADY_EXISTS", detail, &[name]));
    }
    Ok(())
}

/// The maximum length of the name of a project or an organization, in characters.
const LONGEST_NAME: usize = 64;

fn get_by_name(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let name = call.path("groupName");
    let found = sandbox
        .projects(None)
        .into_iter()
        .filter(|project| sees(sandbox, call, project))
        .find(|project| project.get("name").and_then(Value::as_str) == Some(name));
    let Some(project) = found else {
        let detail = format!("There is no project {name}.");
        return Err(refuse::not_found("GROUP_NAME_NOT_FOUND", detail, &[name]));
    };
    Ok(Answer::exactly(shown(call, project)))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let org = call.text("orgId").unwrap_or_default();
    let name = call.text("name").unwrap_or_default();
    sandbox.check_org(org)?;
    check_name(name)?;
    let of_org = sandbox.projects(Some(org));
    check_is_free(&of_org, name, "")?;
    if of_org.len() >= MOST {
        let most = MOST.to_string();
        let detail = format!("Organization {org} may have at most {most} projects.");
        let code = "MAX_GROUPS_PER_ORG_EXCEEDED";
        return Err(refuse::bad_request(code, detail, &[&most, org]));
    }
    let id = sandbox.new_hex_id();
    let mut body = call.body.clone();
    if body.get("withDefaultAlertsSettings").is_none() {
        body["withDefaultAlertsSettings"] = true.into();
    }
    body["id"] = id.clone().into();
    body["created"] = call.now.to_string().into();
    let owner = owner(sandbox, call)?;
    sandbox.write(&project_key(&id), body, call)?;
    if let Some(mut user) = owner {
        with_role(&mut user, "groupId", &id, "GROUP_OWNER", true);
        sandbox.keep_user(call, &user)?;
    }
    sandbox.own_project(call, &id);
    // The `Location` of Atlas is not the URL of the project.
    let answer = Answer::exactly(shown(call, sandbox.project(&id)));
    Ok(answer.located("/groups".to_owned()))
}

/// The owner of a new project.
fn owner(sandbox: &Sandbox, call: &Call<'_>) -> Result<Option<Value>, ApiError> {
    let Some(id) = call.query("projectOwnerId") else {
        return Ok(None);
    };
    let Some(user) = sandbox.store.get(&user_key(id)) else {
        let detail = format!("There is no user {id}.");
        return Err(refuse::not_found("USER_NOT_FOUND", detail, &[id]));
    };
    Ok(Some(user.body.clone()))
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("groupId");
    sandbox.check_project(id)?;
    if let Some(name) = call.text("name") {
        check_name(name)?;
        let of_org = sandbox.projects(Some(&sandbox.org_of(id)));
        check_is_free(&of_org, name, id)?;
    }
    sandbox.store.merge(&project_key(id), &call.body);
    let mut project = sandbox.project(id);
    if project.get("tags").is_none() {
        project["tags"] = json!([]);
    }
    Ok(Answer::exactly(shown(call, project)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let id = call.path("groupId");
    sandbox.check_project(id)?;
    let clusters = sandbox.project(id)["clusterCount"].as_u64().unwrap_or(0);
    if clusters > 0 {
        let detail = format!("Project {id} has {clusters} clusters; delete them first.");
        let code = "CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS";
        return Err(refuse::conflict(code, detail, &[]));
    }
    sandbox.writes += 1;
    sandbox.store.remove(&project_key(id));
    sandbox.take_back_roles("groupId", id);
    sandbox.backups.retain(|(project, _), _| project != id);
    Ok(Answer::empty())
}

/// The clusters of all projects, in short form.
fn list_cluster_details(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let seen = sandbox.projects(None).into_iter();
    let seen = seen.filter(|project| sees(sandbox, call, project));
    let projects = seen.map(|project| {
        let id = project["id"].as_str().unwrap_or_default();
        let org = project["orgId"].as_str().unwrap_or_default();
        let org_name = sandbox.body(&org_key(org))["name"].clone();
        let key = project_key(id);
        let clusters = ["clusters", "flexClusters"].into_iter().flat_map(|kind| {
            let collection = format!("{key}/{kind}");
            let clusters = sandbox.store.children(&collection);
            let summaries = clusters.into_iter().map(|(key, cluster)| {
                let name = last(key);
                let backups = sandbox.backups(id, &name);
                let sizes = backups.map(|it| it.snapshots.values().map(|it| it.size));
                let sharded =
                    backups.is_some_and(|it| matches!(it.kind, ClusterKind::Sharded { .. }));
                json!({
                    "alertCount": 0,
                    "authEnabled": true,
                    "availability": "available",
                    "backupEnabled": true,
                    "clusterId": cluster.field("id"),
                    "dataSizeBytes": sizes.and_then(Iterator::max).unwrap_or(0),
                    "name": name,
                    "nodeCount": 3,
                    "sslEnabled": true,
                    "type": if sharded { "SHARDED_CLUSTER" } else { "REPLICA_SET" },
                    "versions": [MONGODB],
                })
            });
            summaries.collect::<Vec<_>>()
        });
        json!({
            "clusters": clusters.collect::<Vec<_>>(),
            "groupId": id,
            "groupName": project["name"],
            "orgId": org,
            "orgName": org_name,
            "planType": "Atlas",
            "tags": [],
        })
    });
    let projects = projects.collect();
    Ok(Answer::list(projects))
}
