//! Entries of the access lists of API keys and service accounts, and code that all access lists
//! share.

use std::net::IpAddr;

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::refuse;
use crate::behaviour::{Behaviour, api_keys, documented, recorded, service_accounts};
use crate::store::below;
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    recorded("createOrgApiKeyAccessListEntry", create),
    recorded("deleteOrgApiKeyAccessListEntry", delete),
    recorded("listOrgApiKeyAccessListEntries", list),
    documented("createGroupServiceAccountAccessList", create),
    documented("createOrgServiceAccountAccessList", create),
    documented("deleteGroupServiceAccountAccessListEntry", delete),
    documented("deleteOrgServiceAccountAccessListEntry", delete),
    documented("getOrgApiKeyAccessListEntry", get),
    documented("listGroupServiceAccountAccessList", list),
    documented("listOrgServiceAccountAccessList", list),
];

/// The maximum number of entries of an access list.
const MOST: usize = 200;

/// An address, or a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    address: IpAddr,
    bits: u8,
}

impl Block {
    /// Parses `192.0.2.15` or `192.0.2.0/24`; the slash may be percent-encoded.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.replace("%2F", "/").replace("%2f", "/");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text.as_str(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = Self::most(address);
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn most(address: IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }

    /// The block in CIDR notation, which is the name of an entry.
    pub(crate) fn cidr(&self) -> String {
        format!("{}/{}", self.address, self.bits)
    }

    /// The address, if the block has only one.
    pub(crate) fn address(&self) -> Option<String> {
        (self.bits == Self::most(self.address)).then(|| self.address.to_string())
    }

    /// The block in a request for an entry.
    pub(crate) fn of_entry(entry: &Value) -> Result<Option<Self>, ApiError> {
        for field in ["cidrBlock", "ipAddress"] {
            if let Some(text) = entry.get(field).and_then(Value::as_str) {
                let block = Self::parse(text);
                let problem = "expected an address or a block, such as 192.0.2.0/24";
                return block
                    .map(Some)
                    .ok_or_else(|| refuse::invalid(field, problem));
            }
        }
        Ok(None)
    }
}

/// The key of the list of a call, whose owner exists.
fn list_key(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let owner = if call.path("apiUserId").is_empty() {
        service_accounts::find(sandbox, call)?
    } else {
        api_keys::find(sandbox, call)?
    };
    Ok(below(&owner, "accessList"))
}

/// The key of the entry of a call.
fn entry_key(sandbox: &Sandbox, call: &Call<'_>) -> Result<String, ApiError> {
    let list = list_key(sandbox, call)?;
    let text = call.path("ipAddress");
    let block = Block::parse(text);
    let key = block.map(|block| below(&list, &block.cidr()));
    key.filter(|key| sandbox.store.contains(key))
        .ok_or_else(|| refuse::missing("access list entry", text))
}

fn create(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let list = list_key(sandbox, call)?;
    let of_key = !call.path("apiUserId").is_empty();
    let entries = call.body.as_array().into_iter().flatten();
    let blocks: Result<Vec<Block>, ApiError> = entries
        .map(|entry| {
            let problem = "expected an address or a block";
            Block::of_entry(entry)?.ok_or_else(|| refuse::invalid("ipAddress", problem))
        })
        .collect();
    for block in blocks? {
        let key = below(&list, &block.cidr());
        if sandbox.store.contains(&key) {
            continue;
        }
        if sandbox.store.children(&list).len() >= MOST {
            return Err(full(MOST));
        }
        let created = call.now.to_string();
        let mut body = if of_key {
            json!({"count": 0, "created": created})
        } else {
            json!({"createdAt": created, "requestCount": 0})
        };
        body["cidrBlock"] = block.cidr().into();
        if let Some(address) = block.address() {
            body["ipAddress"] = address.into();
        }
        sandbox.write(&key, body, call)?;
    }
    Ok(all(sandbox, call, &list))
}

/// 403 for a full list.
pub(crate) fn full(most: usize) -> ApiError {
    let most = most.to_string();
    let detail = format!("An access list may have at most {most} entries.");
    let code = "ATLAS_NETWORK_PERMISSIONS_LIMIT_EXCEEDED";
    refuse::error(http::StatusCode::FORBIDDEN, code, detail, &[&most])
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let list = list_key(sandbox, call)?;
    Ok(all(sandbox, call, &list))
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = entry_key(sandbox, call)?;
    Ok(Answer::exactly(shown(sandbox, call, &key)))
}

fn delete(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let key = entry_key(sandbox, call)?;
    sandbox.store.remove(&key);
    Ok(Answer::empty())
}

fn all(sandbox: &Sandbox, call: &Call<'_>, list: &str) -> Answer {
    let entries = sandbox.store.children(list).into_iter();
    let entries = entries.map(|(key, _)| shown(sandbox, call, key));
    Answer::list(entries.collect()).unshaped()
}

/// An entry as responses show it. It was never used, so it has no time of last use.
fn shown(sandbox: &Sandbox, call: &Call<'_>, key: &str) -> Value {
    let mut body = sandbox.body(key);
    if body.get("count").is_some() {
        body["links"] = own_links(call, key);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn an_address_and_its_block_are_one_entry() {
        let cidr = |text: &str| Block::parse(text).map(|block| block.cidr());
        assert_eq!(cidr("192.0.2.15"), cidr("192.0.2.15%2F32"));
        assert_eq!(cidr("192.0.2.0/24").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(cidr("2001:db8::1").as_deref(), Some("2001:db8::1/128"));
        for text in ["", "192.0.2.0/33", "192.0.2", "sg-0123456789", "::/129"] {
            assert_eq!(cidr(text), None, "{text}");
        }
    }

    #[test]
    fn only_a_block_of_one_address_has_an_address() {
        let address = |text: &str| Block::parse(text).and_then(|block| block.address());
        assert_eq!(address("192.0.2.15/32").as_deref(), Some("192.0.2.15"));
        assert_eq!(address("192.0.2.0/24"), None);
    }
}
