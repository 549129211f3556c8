//! The status of the API with the calling login, and the addresses of the service.

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::shape::made_id;
use crate::behaviour::{Behaviour, documented};
use crate::login::Account;
use crate::store::last;
use crate::world::{ORG, PROJECT, Sandbox};

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("getSystemStatus", get),
    documented("listControlPlaneIpAddresses", addresses),
];

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let of_name = |account: &Account| account.name() == call.login;
    let account = sandbox.accounts.find(of_name);
    let resource = account.and_then(|account| account.resource.as_deref());
    let (id, roles): (String, Value) = if let Some(key) = resource {
        (last(key), sandbox.body(key)["roles"].clone())
    } else {
        let roles = account.map_or(&[][..], |account| &account.roles);
        let roles = roles.iter().map(|role| held(role)).collect();
        (made_id(&call.login), roles)
    };
    Ok(Answer::exactly(json!({
        "apiKey": {
            "accessList": [],
            "id": id,
            "publicKey": call.login,
            "roles": roles,
        },
        "appName": "MongoDB Atlas",
        // Newer than the API description: the vendor's clients require it.
        "ipAddress": "127.0.0.1",
        "build": made_id("build"),
        "links": own_links(call, ""),
        "throttling": false,
    })))
}

/// A role of a built-in login, in the form of an API key's roles.
fn held(documented: &str) -> Value {
    let name = match documented {
        "Organization Project Creator" => "ORG_GROUP_CREATOR".to_owned(),
        "Organization Billing Viewer" => "ORG_BILLING_READ_ONLY".to_owned(),
        other => other
            .replace("Organization ", "ORG_")
            .replace("Project ", "GROUP_")
            .replace(' ', "_")
            .to_ascii_uppercase(),
    };
    if name.starts_with("ORG_") {
        json!({"orgId": ORG, "roleName": name})
    } else {
        json!({"groupId": PROJECT, "roleName": name})
    }
}

/// The addresses of the service, reserved for documentation (RFC 5737).
fn addresses(_: &mut Sandbox, _: &Call<'_>) -> Result<Answer, ApiError> {
    let of = |block: &str| {
        json!({
            "aws": {"us-east-1": [format!("{block}.16/28")]},
            "azure": {"eastus2": [format!("{block}.32/28")]},
            "gcp": {"us-east1": [format!("{block}.48/28")]},
        })
    };
    Ok(Answer::exactly(json!({
        "gateways": [],
        "inbound": of("198.51.100"),
        "outbound": of("203.0.113"),
    })))
}

#[cfg(test)]
mod tests {
    use super::held;
    use crate::login::documented_role;

    #[test]
    fn role_names_convert_back_and_forth() {
        for role in [
            "ORG_BILLING_READ_ONLY",
            "ORG_GROUP_CREATOR",
            "ORG_OWNER",
            "GROUP_READ_ONLY",
            "GROUP_BACKUP_EXPORT_OPERATOR",
        ] {
            assert_eq!(held(&documented_role(role))["roleName"], role);
        }
    }
}
