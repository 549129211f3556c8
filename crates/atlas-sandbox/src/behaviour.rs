//! Operations with their own behaviour, one module for each kind of resource.
//!
//! Each module lists its operations in `BEHAVIOURS`, with handler and fidelity. The engine alone
//! serves the operations that are in no list.

use std::collections::HashMap;
use std::sync::LazyLock;

use atlas_catalog::Operation;
use atlas_model::ApiError;

use crate::api::answer::Answer;
use crate::api::call::Call;
use crate::api::fidelity::Fidelity;
use crate::world::Sandbox;

pub(crate) mod access_entries;
mod access_list;
mod ai_model_keys;
pub(crate) mod alerts;
mod api_keys;
mod billing;
mod cloud_access;
mod cluster_settings;
pub(crate) mod clusters;
mod collection_restores;
mod collection_statistics;
mod compliance;
mod custom_roles;
mod data_federation;
mod database_users;
mod databases;
mod encryption;
mod events;
mod exports;
pub(crate) mod federation;
pub(crate) mod flex;
mod flex_backups;
mod identity_providers;
mod integrations;
mod invitations;
mod invoice_reports;
mod legacy_backups;
mod limits;
mod link_tokens;
mod live_migrations;
mod log_export;
mod maintenance;
pub(crate) mod masks;
mod measurements;
mod mongodb_versions;
mod network;
mod online_archives;
mod org_users;
mod organizations;
mod performance_advisor;
mod private_endpoints;
mod processes;
mod project_settings;
mod project_users;
pub(crate) mod projects;
mod provider_regions;
mod query_shapes;
mod resource_policies;
mod restore_jobs;
mod sample_data;
mod schedules;
mod search_indexes;
mod search_nodes;
mod security;
mod service_accounts;
mod snapshots;
mod streams;
mod system_status;
mod teams;
mod tenant;
pub(crate) mod users;

/// The handler of an operation.
pub(crate) type Handler = fn(&mut Sandbox, &Call<'_>) -> Result<Answer, ApiError>;

/// An operation with its own behaviour.
pub(crate) struct Behaviour {
    id: &'static str,
    pub(crate) fidelity: Fidelity,
    pub(crate) handler: Handler,
}

/// Behaviour that was checked against recorded responses.
pub(crate) const fn recorded(id: &'static str, handler: Handler) -> Behaviour {
    Behaviour {
        id,
        fidelity: Fidelity::Recorded,
        handler,
    }
}

/// Behaviour made from the documentation.
pub(crate) const fn documented(id: &'static str, handler: Handler) -> Behaviour {
    Behaviour {
        id,
        fidelity: Fidelity::Documented,
        handler,
    }
}

/// All lists.
const LISTS: &[&[Behaviour]] = &[
    access_entries::BEHAVIOURS,
    access_list::BEHAVIOURS,
    ai_model_keys::BEHAVIOURS,
    alerts::BEHAVIOURS,
    api_keys::BEHAVIOURS,
    billing::BEHAVIOURS,
    cloud_access::BEHAVIOURS,
    cluster_settings::BEHAVIOURS,
    clusters::BEHAVIOURS,
    collection_restores::BEHAVIOURS,
    collection_statistics::BEHAVIOURS,
    compliance::BEHAVIOURS,
    custom_roles::BEHAVIOURS,
    data_federation::BEHAVIOURS,
    database_users::BEHAVIOURS,
    databases::BEHAVIOURS,
    encryption::BEHAVIOURS,
    events::BEHAVIOURS,
    exports::BEHAVIOURS,
    federation::BEHAVIOURS,
    flex::BEHAVIOURS,
    flex_backups::BEHAVIOURS,
    identity_providers::BEHAVIOURS,
    integrations::BEHAVIOURS,
    invitations::BEHAVIOURS,
    invoice_reports::BEHAVIOURS,
    legacy_backups::BEHAVIOURS,
    limits::BEHAVIOURS,
    link_tokens::BEHAVIOURS,
    live_migrations::BEHAVIOURS,
    log_export::BEHAVIOURS,
    maintenance::BEHAVIOURS,
    measurements::BEHAVIOURS,
    mongodb_versions::BEHAVIOURS,
    network::BEHAVIOURS,
    online_archives::BEHAVIOURS,
    org_users::BEHAVIOURS,
    organizations::BEHAVIOURS,
    performance_advisor::BEHAVIOURS,
    private_endpoints::BEHAVIOURS,
    processes::BEHAVIOURS,
    project_settings::BEHAVIOURS,
    project_users::BEHAVIOURS,
    projects::BEHAVIOURS,
    provider_regions::BEHAVIOURS,
    query_shapes::BEHAVIOURS,
    resource_policies::BEHAVIOURS,
    restore_jobs::BEHAVIOURS,
    sample_data::BEHAVIOURS,
    schedules::BEHAVIOURS,
    search_indexes::BEHAVIOURS,
    search_nodes::BEHAVIOURS,
    security::BEHAVIOURS,
    service_accounts::BEHAVIOURS,
    snapshots::BEHAVIOURS,
    streams::BEHAVIOURS,
    system_status::BEHAVIOURS,
    teams::BEHAVIOURS,
    tenant::BEHAVIOURS,
    users::BEHAVIOURS,
];

/// The behaviour of an operation, if it has its own.
pub(crate) fn behaviour(operation: Operation) -> Option<&'static Behaviour> {
    static BY_ID: LazyLock<HashMap<&'static str, &'static Behaviour>> = LazyLock::new(|| {
        let all = LISTS.iter().copied().flatten();
        all.map(|behaviour| (behaviour.id, behaviour)).collect()
    });
    BY_ID.get(operation.id()).copied()
}

#[cfg(test)]
mod tests {
    use super::LISTS;
    use atlas_catalog::Operation;
    use std::collections::BTreeSet;

    #[test]
    fn each_behaviour_belongs_to_one_existing_operation() {
        let mut seen = BTreeSet::new();
        for behaviour in LISTS.iter().copied().flatten() {
            let found = Operation::find(behaviour.id).map(Operation::id);
            assert_eq!(found, Some(behaviour.id));
            assert!(seen.insert(behaviour.id), "{} twice", behaviour.id);
        }
    }
}
