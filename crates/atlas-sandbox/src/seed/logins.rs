//! The logins of a seed.

use super::SeedError;
use super::check::{self, value};
use super::form::{Login, Secrets};
use crate::api::generic::{org_key, project_key};
use crate::login::{Account, documented_role};
use crate::world::Sandbox;

/// Rejects a login that belongs to, or is limited to, a resource that does not exist.
pub(super) fn check(sandbox: &Sandbox) -> Result<(), SeedError> {
    for account in sandbox.accounts.all() {
        let is_there = |key: &str| sandbox.store.contains(key);
        let resource = account.resource.as_deref();
        let scope = account.scope.as_deref();
        let problem = if resource.is_some_and(|key| !is_there(key)) {
            format!(
                "the login {} belongs to a resource that does not exist",
                account.name()
            )
        } else if scope.is_some_and(|id| !is_there(&org_key(id)) && !is_there(&project_key(id))) {
            format!(
                "the scope of the login {} is not an existing organization or project",
                account.name()
            )
        } else {
            continue;
        };
        return Err(value("logins".to_owned(), check::one_line(&problem)));
    }
    Ok(())
}

/// Checks a login, which must have credentials that no other login has.
pub(super) fn account(place: &str, login: Login, sandbox: &Sandbox) -> Result<Account, SeedError> {
    for (name, text) in [
        ("publicKey", &login.public_key),
        ("privateKey", &login.private_key),
        ("clientId", &login.client_id),
        ("accessToken", &login.access_token),
    ] {
        let text = text.as_deref();
        text.map_or(Ok(()), |it| check::proof(&format!("{place}.{name}"), it))?;
    }
    let secrets = match &login.client_secret {
        None => &[][..],
        Some(Secrets::One(secret)) => std::slice::from_ref(secret),
        Some(Secrets::Several(secrets)) => secrets,
    };
    for secret in secrets {
        check::proof(&format!("{place}.clientSecret"), secret)?;
    }
    let pair = |one: Option<String>, other: Option<String>, names: &str| match (one, other) {
        (Some(one), Some(other)) => Ok(Some((one, other))),
        (None, None) => Ok(None),
        _ => Err(value(
            place.to_owned(),
            format!("expected both {names}, or neither"),
        )),
    };
    let key = pair(
        login.public_key,
        login.private_key,
        "publicKey and privateKey",
    )?;
    let client = match (login.client_id, login.client_secret) {
        (Some(id), Some(Secrets::One(secret))) => Some((id, vec![secret])),
        (Some(id), Some(Secrets::Several(secrets))) => Some((id, secrets)),
        (None, None) => None,
        _ => {
            let problem = "expected both clientId and clientSecret, or neither".to_owned();
            return Err(value(place.to_owned(), problem));
        }
    };
    if key.is_none() && client.is_none() && login.access_token.is_none() {
        let problem =
            "expected publicKey and privateKey, clientId and clientSecret, or accessToken";
        return Err(value(place.to_owned(), problem.to_owned()));
    }
    let taken = sandbox.accounts.all().iter().any(|known| {
        let same = |one: Option<&String>, other: Option<&String>| one.is_some() && one == other;
        let public = |of: &Option<(String, String)>| of.as_ref().map(|(id, _)| id.clone());
        let id = |of: &Option<(String, Vec<String>)>| of.as_ref().map(|(id, _)| id.clone());
        same(public(&known.key).as_ref(), public(&key).as_ref())
            || same(id(&known.client).as_ref(), id(&client).as_ref())
            || same(known.access_token.as_ref(), login.access_token.as_ref())
    });
    if taken {
        let problem = "another login has the same key, client or token".to_owned();
        return Err(value(place.to_owned(), problem));
    }
    for (index, role) in login.roles.iter().enumerate() {
        check::role(&format!("{place}.roles[{index}]"), &documented_role(role))?;
    }
    Ok(Account {
        access_token: login.access_token,
        key,
        client,
        roles: login
            .roles
            .iter()
            .map(|role| documented_role(role))
            .collect(),
        resource: login.resource,
        scope: check::hex_id(&format!("{place}.scope"), login.scope.as_deref())?,
        ..Account::default()
    })
}
