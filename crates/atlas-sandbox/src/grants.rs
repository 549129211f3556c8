//! The permissions of stored API keys and service accounts: their roles, each limited to its
//! organization or project.

use atlas_catalog::{Operation, Role};
use atlas_model::ApiError;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::login::{Account, documented_role};
use crate::store::{key, last};
use crate::world::{ORG, Sandbox};

/// The required roles of operations that document none.
const ASSUMED: [(&str, &str); 10] = [
    ("createGroup", "Organization Project Creator"),
    ("createGroupClusterBackupTenantRestore", "Project Owner"),
    ("createOrg", "Organization Owner"),
    ("createOrgApiKeyAccessListEntry", "Organization Owner"),
    ("createUser", "Organization Owner"),
    ("deleteOrgApiKeyAccessListEntry", "Organization Owner"),
    ("getGroupClusterBackupTenantRestore", "Project Read Only"),
    ("getGroupClusterBackupTenantSnapshot", "Project Read Only"),
    ("listGroupClusterBackupTenantRestores", "Project Read Only"),
    ("listGroupClusterBackupTenantSnapshots", "Project Read Only"),
];

/// A role of the API, and the organization or project to which it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) scope: String,
    pub(crate) role: String,
}

/// The grants in a list of `{groupId, roleName}` and `{orgId, roleName}`.
pub(crate) fn grants_of(roles: &Value) -> Vec<Grant> {
    let roles = roles.as_array().into_iter().flatten();
    let grants = roles.filter_map(|role| {
        let scope = role.get("groupId").or_else(|| role.get("orgId"))?;
        Some(Grant {
            scope: scope.as_str()?.to_owned(),
            role: role.get("roleName")?.as_str()?.to_owned(),
        })
    });
    grants.collect()
}

/// The projects and organizations in a body, except the sources of live migrations, which may be
/// elsewhere.
fn places_in<'body>(body: &'body Value, places: &mut Vec<&'body str>) {
    const NAMES: [&str; 7] = [
        "clusterGroupId",
        "destinationOrgId",
        "groupId",
        "orgId",
        "projectId",
        "targetGroupId",
        "targetProjectId",
    ];
    match body {
        Value::Array(items) => items.iter().for_each(|item| places_in(item, places)),
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| *name != "source") {
                match value {
                    Value::String(id) if NAMES.contains(&name.as_str()) => places.push(id),
                    value => places_in(value, places),
                }
            }
        }
        _ => {}
    }
}

/// 403 for a missing role.
pub(crate) fn lacks_role(operation: Operation) -> ApiError {
    let assumed = ASSUMED.iter().find(|(id, _)| *id == operation.id());
    let roles = match assumed {
        Some((_, role)) => (*role).to_owned(),
        None => operation.roles().join(" or "),
    };
    let detail = format!("This login lacks the role {roles} here.");
    ApiError::new(StatusCode::FORBIDDEN, "USER_UNAUTHORIZED", detail)
}

impl Sandbox {
    /// The organization of a project, or the organization itself; the default one if neither
    /// exists.
    pub(crate) fn org_of(&self, id: &str) -> String {
        if self.store.contains(&key(["orgs", id])) {
            return id.to_owned();
        }
        let project = self.store.get(&project_key(id));
        let org = project.and_then(|project| project.text("orgId"));
        org.unwrap_or(ORG).to_owned()
    }

    /// Whether the resource of a login still exists.
    pub(crate) fn stands(&self, account: &Account) -> bool {
        let resource = account.resource.as_ref();
        resource.is_none_or(|key| self.store.contains(key))
    }

    /// Whether a secret of a service account, by its index, has not expired.
    pub(crate) fn secret_lives(&self, now: Timestamp, account: &Account, place: usize) -> bool {
        let Some(key) = &account.resource else {
            return true;
        };
        let body = self.body(key);
        let ends = body["secrets"][place]["expiresAt"].as_str();
        let ends: Option<Timestamp> = ends.and_then(|ends| ends.parse().ok());
        ends.is_none_or(|ends| now < ends)
    }

    /// Whether a login has a required role of an operation, or one that includes it, in the called
    /// place and in all others on which the operation would act.
    pub(crate) fn may(&self, account: &Account, call: &Call<'_>) -> bool {
        let documented = call.operation.roles().iter().map(String::as_str);
        let mut required: Vec<&str> = documented.collect();
        if required.is_empty() {
            let assumed = ASSUMED.iter().find(|(id, _)| *id == call.operation.id());
            required.extend(assumed.map(|(_, role)| *role));
        }
        let mut places = vec![self.place_of(call)];
        let mut named = Vec::new();
        places_in(&call.body, &mut named);
        places.extend(named.into_iter().map(|id| Some(self.within(id))));
        let federation = call.text("federationSettingsId");
        places.extend(federation.map(|id| Some(self.orgs_of_federation(id))));
        places
            .iter()
            .all(|place| self.holds(account, place.as_deref(), &required))
    }

    /// The organizations and projects of a call, in any of which a role may apply; `None` if there
    /// are none.
    fn place_of(&self, call: &Call<'_>) -> Option<Vec<String>> {
        let path = |name: &str| Some(call.path(name)).filter(|id| !id.is_empty());
        if let Some(project) = path("groupId") {
            return Some(self.within(project));
        }
        if let Some(org) = path("orgId") {
            return Some(vec![org.to_owned()]);
        }
        if let Some(federation) = path("federationSettingsId") {
            return Some(self.orgs_of_federation(federation));
        }
        match call.operation.id() {
            "createGroup" => Some(call.text("orgId").into_iter().map(str::to_owned).collect()),
            "createUser" => {
                let grants = grants_of(&call.body["roles"]).into_iter();
                Some(grants.flat_map(|it| self.within(&it.scope)).collect())
            }
            _ => None,
        }
    }

    /// A project or an organization, with the organization that contains it.
    fn within(&self, id: &str) -> Vec<String> {
        vec![id.to_owned(), self.org_of(id)]
    }

    /// The organizations connected to a federation.
    fn orgs_of_federation(&self, id: &str) -> Vec<String> {
        let connected = key(["federationSettings", id, "connectedOrgConfigs"]);
        let connected = self.store.children(&connected).into_iter();
        connected.map(|(key, _)| last(key)).collect()
    }

    /// Whether a login has one of the required roles in one of the places. No required roles means
    /// any role; no place means anywhere.
    fn holds(&self, account: &Account, place: Option<&[String]>, required: &[&str]) -> bool {
        let is_here = |scope: &String| place.is_none_or(|place| place.contains(scope));
        let suffices = |role: &str| {
            let role = Role(role);
            required.is_empty() || required.iter().any(|wanted| role.includes(wanted))
        };
        if account.resource.is_none() {
            let here = account.scope.as_ref().is_none_or(is_here);
            return here && (required.is_empty() || account.roles.iter().any(|it| suffices(it)));
        }
        if required.is_empty() && place.is_none() {
            return true;
        }
        let mut grants = self.grants(account).into_iter();
        grants.any(|grant| is_here(&grant.scope) && suffices(&documented_role(&grant.role)))
    }

    /// Whether the caller sees a user: one with a role in an organization that the caller sees.
    pub(crate) fn sees_user(&self, call: &Call<'_>, user: &Value) -> bool {
        let grants = grants_of(&user["roles"]).into_iter();
        self.caller(call).is_none()
            || grants
                .map(|grant| self.org_of(&grant.scope))
                .any(|org| self.sees_org(call, &org))
    }

    /// The grants of a stored login.
    fn grants(&self, account: &Account) -> Vec<Grant> {
        let key = account.resource.as_deref().unwrap_or_default();
        grants_of(&self.body(key)["roles"])
    }

    /// The calling login, if its roles are limited to places.
    fn caller(&self, call: &Call<'_>) -> Option<&Account> {
        let account = self.accounts.by_number(call.account);
        account.filter(|it| it.resource.is_some() || it.scope.is_some())
    }

    /// Whether lists show an organization to the caller.
    pub(crate) fn sees_org(&self, call: &Call<'_>, org: &str) -> bool {
        let Some(account) = self.caller(call) else {
            return true;
        };
        if let Some(scope) = &account.scope {
            return scope == org || self.org_of(scope) == org;
        }
        self.grants(account).iter().any(|it| it.scope == org)
    }

    /// Whether lists show a project to the caller.
    pub(crate) fn sees_project(&self, call: &Call<'_>, project: &str, org: &str) -> bool {
        let Some(account) = self.caller(call) else {
            return true;
        };
        if let Some(scope) = &account.scope {
            return scope == project || scope == org;
        }
        self.grants(account).iter().any(|grant| {
            let role = documented_role(&grant.role);
            let of_org = grant.scope == org && Role(&role).includes("Project Read Only");
            grant.scope == project || of_org
        })
    }

    /// Makes the caller an owner of a project that it created.
    pub(crate) fn own_project(&mut self, call: &Call<'_>, project: &str) {
        self.grant(call, json!({"groupId": project, "roleName": "GROUP_OWNER"}));
    }

    /// Makes the caller an owner of an organization that it created.
    pub(crate) fn own_org(&mut self, call: &Call<'_>, org: &str) {
        self.grant(call, json!({"orgId": org, "roleName": "ORG_OWNER"}));
    }

    fn grant(&mut self, call: &Call<'_>, role: Value) {
        let key = self.caller(call).and_then(|it| it.resource.clone());
        let Some(key) = key else { return };
        if let Some(resource) = self.store.get_mut(&key)
            && let Some(Value::Array(roles)) = resource.body.get_mut("roles")
        {
            roles.push(role);
        }
    }
}
