//! Database users, and the X.509 certificates that Atlas manages for them.

use atlas_model::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::api::answer::{Answer, linked};
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::project_settings::limit_of;
use crate::behaviour::users::unknown;
use crate::behaviour::{Behaviour, recorded};
use crate::store::{Change, below};
use crate::time::later;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createGroupDatabaseUser", create),
    recorded("createGroupDatabaseUserCert", create_certificate),
    recorded("deleteGroupDatabaseUser", delete),
    recorded("getGroupDatabaseUser", get),
    recorded("listGroupDatabaseUserCerts", list_certificates),
    recorded("listGroupDatabaseUsers", list),
    recorded("updateGroupDatabaseUser", update),
];

/// The authentication databases of users.
const DATABASES: [&str; 2] = ["admin", "$external"];

/// The maximum number of certificates of a user.
const MOST_CERTIFICATES: usize = 100;

fn collection(project: &str, database: &str) -> String {
    below(&below(&project_key(project), "databaseUsers"), database)
}

/// The key of the user of a call.
fn find(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let name = call.path("username");
    let key = below(&collection(project, call.path("databaseName")), name);
    if sandbox.store.contains(&key) {
        Ok(key)
    } else {
        Err(unknown(name))
    }
}

/// The keys of the users of a project, in the order of creation.
fn keys(sandbox: &Sandbox, project: &str) -> Vec<String> {
    let users = DATABASES.iter().flat_map(|database| {
        let collection = collection(project, database);
        let users = sandbox.store.children(&collection).into_iter();
        let users = users.map(|(key, user)| (user.created, key.to_owned()));
        users.collect::<Vec<_>>()
    });
    let mut users: Vec<(Timestamp, String)> = users.collect();
    users.sort_by_key(|(created, _)| *created);
    users.into_iter().map(|(_, key)| key).collect()
}

/// The number of users of a project.
pub(crate) fn count(sandbox: &Sandbox, project: &str) -> usize {
    let collections = DATABASES.map(|database| collection(project, database));
    let counts = collections
        .iter()
        .map(|it| sandbox.store.children(it).len());
    counts.sum()
}

/// A user as responses show it. The password is neither stored nor returned.
fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    linked(call, key, sandbox.body(key))
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let users = keys(sandbox, project).into_iter();
    let users = users.map(|key| shown(sandbox, call, &key));
    Ok(Answer::list(users.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let name = call.text("username").unwrap_or_default();
    let database = call.text("databaseName").unwrap_or("admin");
    let key = below(&collection(project, database), name);
    if sandbox.store.contains(&key) {
        let detail = format!("There is a user {name} already.");
        return Err(refuse::conflict("USER_ALREADY_EXISTS", detail, &[name]));
    }
    let most = limit_of(
        sandbox,
        project,
        "atlas.project.security.databaseAccess.users",
    );
    if count(sandbox, project) >= most {
        let most = most.to_string();
        let detail = format!("A project may have at most {most} database users.");
        let code = "GROUP_USERS_LIMIT_EXCEEDED";
        return Err(refuse::error(
            http::StatusCode::FORBIDDEN,
            code,
            detail,
            &[&most],
        ));
    }
    let mut user = json!({
        "awsIAMType": "NONE",
        "databaseName": database,
        "groupId": project,
        "labels": [],
        "ldapAuthType": "NONE",
        "oidcAuthType": "NONE",
        "roles": [],
        "scopes": [],
        "username": name,
        "x509Type": "NONE",
    });
    change(&mut user, call);
    sandbox.write(&key, user, call)?;
    end_in_time(sandbox, call, &key)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

/// Copies the fields of a request into a user, except the password and the names.
fn change(user: &mut Value, call: &Call<'_>) {
    let mut fields = crate::store::object(&call.body);
    for fixed in ["password", "groupId", "username", "databaseName"] {
        fields.remove(fixed);
    }
    crate::store::merge(user, &Value::Object(fields));
}

/// Schedules the deletion of a user with an end date.
fn end_in_time(sandbox: &mut Sandbox, call: &Call<'_>, key: &str) -> Result<(), ApiError> {
    sandbox.store.unschedule(key);
    let body = sandbox.body(key);
    let ends = body["deleteAfterDate"].as_str();
    let ends: Option<Timestamp> = ends.and_then(|ends| ends.parse().ok());
    let Some(ends) = ends else { return Ok(()) };
    if ends <= call.now {
        sandbox.store.remove(key);
        return Err(refuse::invalid("deleteAfterDate", "is in the past"));
    }
    sandbox.store.schedule(ends, key, Change::Remove);
    Ok(())
}

fn update(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    for (field, code) in [
        ("username", "DATABASE_USERNAME_CANNOT_BE_CHANGED"),
        ("databaseName", "DATABASE_NAME_CANNOT_BE_CHANGED"),
    ] {
        if call
            .text(field)
            .is_some_and(|asked| asked != call.path(field))
        {
            let detail = format!("The {field} of a database user cannot be changed.");
            return Err(refuse::conflict(code, detail, &[]));
        }
    }
    let mut user = sandbox.body(&key);
    change(&mut user, call);
    let ends = user["deleteAfterDate"].as_str();
    let ends: Option<Timestamp> = ends.and_then(|ends| ends.parse().ok());
    if ends.is_some_and(|ends| ends <= call.now) {
        return Err(refuse::invalid("deleteAfterDate", "is in the past"));
    }
    sandbox.store.merge(&key, &user);
    end_in_time(sandbox, call, &key)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = find(sandbox, call)?;
    sandbox.store.remove(&key);
    let certificates = certificates(call);
    sandbox.store.remove(&certificates);
    Ok(Answer::empty())
}

/// The key of the certificates of the call's user. It is not below the user's key, since the path
/// of a certificate does not contain the database.
fn certificates(call: &Call<'_>) -> String {
    let all = below(&project_key(call.path("groupId")), "databaseUserCerts");
    below(&all, call.path("username"))
}

/// Returns 404 unless the user of a certificate exists, in any database.
fn check_user(sandbox: &Sandbox, call: &Call<'_>) -> Result<(), ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let name = call.path("username");
    let keys = DATABASES.map(|database| below(&collection(project, database), name));
    let is_there = keys.iter().any(|key| sandbox.store.contains(key));
    if is_there { Ok(()) } else { Err(unknown(name)) }
}

fn list_certificates(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_user(sandbox, call)?;
    let collection = certificates(call);
    let certificates = sandbox.store.children(&collection).into_iter();
    let certificates = certificates.map(|(_, it)| it.body.clone());
    Ok(Answer::list(certificates.collect()))
}

/// Creates a certificate. Its text has the format of PEM, but does not verify.
fn create_certificate(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    check_user(sandbox, call)?;
    let collection = certificates(call);
    if sandbox.store.children(&collection).len() >= MOST_CERTIFICATES {
        let most = MOST_CERTIFICATES.to_string();
        let detail = format!("A database user may have at most {most} certificates.");
        return Err(refuse::conflict(
            "MAX_CERTIFICATES_REACHED",
            detail,
            &[&most],
        ));
    }
    let months = call.body["monthsUntilExpiration"].as_i64().unwrap_or(3);
    let days = months.clamp(1, 24).saturating_mul(30);
    sandbox.issued += 1;
    let number = sandbox.issued;
    let name = call.path("username");
    let body = json!({
        "_id": number,
        "createdAt": call.now.to_string(),
        "groupId": call.path("groupId"),
        "notAfter": later(call.now, SignedDuration::from_hours(24 * days)).to_string(),
        "subject": format!("CN={name}"),
    });
    let key = below(&collection, &number.to_string());
    sandbox.write(&key, body, call)?;
    let text = pem("CERTIFICATE", &key) + &pem("PRIVATE KEY", &format!("{key} private"));
    Ok(Answer::bytes(text))
}

/// A PEM block, deterministic for a seed.
fn pem(label: &str, seed: &str) -> String {
    let bytes: Vec<u8> = (0..12)
        .flat_map(|part| Md5::digest(format!("{seed} {part}")).to_vec())
        .collect();
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(bytes).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
