//! Authentication and auditing of a project: LDAP, X.509, the audit log.

use atlas_model::ApiError;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::masks::forget_secrets;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::store::{self, Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded(
        "deleteGroupUserSecurityLdapUserToDnMapping",
        delete_dn_mapping,
    ),
    recorded("getGroupAuditLog", get_audit),
    documented("getGroupUserSecurity", get_security),
    recorded("getGroupUserSecurityLdapVerify", get_verification),
    recorded("updateGroupAuditLog", update_audit),
    recorded("updateGroupUserSecurity", update_security),
    recorded("verifyGroupUserSecurityLdap", verify),
];

/// The maximum time until an LDAP verification fails.
const VERIFICATION: SignedDuration = SignedDuration::from_secs(6);

/// The audit log of a project, which is disabled until it is configured.
fn get_audit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let mut audit = json!({
        "auditAuthorizationSuccess": false,
        "configurationType": "NONE",
        "enabled": false,
    });
    store::merge(&mut audit, &sandbox.body(&call.whole_key()));
    Ok(Answer::one(audit))
}

fn update_audit(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = call.whole_key();
    let mut audit = sandbox.body(&key);
    store::merge(&mut audit, &call.body);
    audit["configurationType"] = "FILTER_JSON".into();
    if audit.get("auditFilter").is_none() {
        audit["auditFilter"] = "{}".into();
    }
    sandbox.write(&key, audit, call)?;
    sandbox.writes += 1;
    get_audit(sandbox, call)
}

/// The key of a project's user security settings.
fn security_key(call: &Call<'_>) -> String {
    below(&call.key(2), "userSecurity")
}

fn get_security(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let mut settings = json!({
        "customerX509": {},
        "ldap": {"authenticationEnabled": false, "authorizationEnabled": false},
    });
    deepen(&mut settings, &sandbox.body(&security_key(call)));
    Ok(Answer::one(settings))
}

/// Merges nested settings field by field.
fn deepen(settings: &mut Value, change: &Value) {
    for (name, fields) in change.as_object().into_iter().flatten() {
        match settings.get_mut(name.as_str()).filter(|it| it.is_object()) {
            Some(known) if fields.is_object() => store::merge(known, fields),
            _ => settings[name.as_str()] = fields.clone(),
        }
    }
}

fn update_security(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = security_key(call);
    let mut settings = sandbox.body(&key);
    let mut change = Value::Object(store::object(&call.body));
    if let Some(schema) = call.version.request_schema() {
        forget_secrets(schema, &mut change);
    }
    deepen(&mut settings, &change);
    sandbox.write(&key, settings, call)?;
    sandbox.writes += 1;
    get_security(sandbox, call)
}

fn delete_dn_mapping(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let settings = sandbox.store.get_mut(&security_key(call));
    let ldap = settings.and_then(|settings| settings.body.get_mut("ldap"));
    if let Some(Value::Object(ldap)) = ldap {
        ldap.remove("userToDNMapping");
    }
    sandbox.writes += 1;
    get_security(sandbox, call)
}

/// Starts to verify a connection to an LDAP server, which fails: the sandbox has no LDAP server.
fn verify(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let project = call.path("groupId");
    let clusters = sandbox.store.children(&below(&call.key(2), "clusters"));
    if clusters.is_empty() {
        return Err(refuse::bad_request(
            "LDAP_VERIFY_CONNECTIVITY_NO_AVAILABLE_CLUSTERS",
            format!("Project {project} has no cluster that could reach an LDAP server."),
            &[project],
        ));
    }
    let is_new = |state: Option<&str>| state == Some("CREATING");
    if clusters.iter().all(|(_, it)| is_new(it.text("stateName"))) {
        return Err(refuse::bad_request(
            "LDAP_VERIFY_CONNECTIVITY_NO_AVAILABLE_INSTANCES",
            format!("The clusters of project {project} are not ready yet."),
            &[project],
        ));
    }
    let id = sandbox.new_hex_id();
    let mut request = json!({"authzQueryTemplate": "{USER}?memberOf?base"});
    store::merge(&mut request, &call.body);
    if let Value::Object(request) = &mut request {
        request.remove("bindPassword");
    }
    let key = below(&call.whole_key(), &id);
    let body = json!({
        "groupId": project,
        "request": request,
        "requestId": id,
        "status": "PENDING",
        "validations": [],
    });
    sandbox.write(&key, body, call)?;
    sandbox.writes += 1;
    let at = later(call.now, sandbox.provisioning_time.min(VERIFICATION));
    let failed = Change::Merge(json!({"status": "FAILED"}));
    sandbox.store.schedule(at, &key, failed);
    Ok(verification(sandbox, call, &key))
}

fn get_verification(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_parents(call)?;
    let key = call.whole_key();
    if !sandbox.store.contains(&key) {
        return Err(refuse::missing("LDAP request", call.path("requestId")));
    }
    Ok(verification(sandbox, call, &key))
}

/// A verification in its current state. Atlas shows the query template, although it is documented
/// as write-only.
fn verification(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Answer {
    Answer::exactly(linked(call, key, sandbox.body(key)))
}
