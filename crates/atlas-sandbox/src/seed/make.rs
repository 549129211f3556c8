//! Creates a world from a seed.

use atlas_model::{ClusterName, RestoreJobId, SnapshotId};
use jiff::SignedDuration;
use serde_json::{Number, Value, json};

use super::check::{self, Checked, value};
use super::form::{Cluster, Delivery, Job, Kind, Project, Seed, Settings};
use super::{SeedError, logins, paths};
use crate::api::generic::{org_key, project_key};
use crate::api::shape::made_id;
use crate::backups::Job as KeptJob;
use crate::behaviour::projects;
use crate::find::{cluster_key, flex_key};
use crate::settings::Settings as Kept;
use crate::store::{Change, merge};
use crate::time::later;
use crate::world::{ClusterKind, FIRST_SNAPSHOT, ORG, Sandbox};

/// Creates the world of a seed.
pub(super) fn world(seed: Seed, kept: Option<Kept>) -> Result<Sandbox, SeedError> {
    let mut sandbox = if seed.projects.is_some() {
        Sandbox::empty()
    } else {
        Sandbox::new()
    };
    if let Some(kept) = kept {
        sandbox.adopt(kept);
    }
    if let Some(clock) = &seed.clock {
        sandbox.seed_clock = Some(check::time("clock", clock)?);
    }
    settings(&seed.settings, &mut sandbox)?;
    let mut checked = Checked::default();
    if let Some(organizations) = seed.organizations {
        sandbox.store.remove(&org_key(ORG));
        // The resources contain the user and the federation, if they are to exist.
        sandbox.store.remove("/users");
        sandbox.store.remove("/federationSettings");
        for (index, organization) in organizations.into_iter().enumerate() {
            let place = format!("organizations[{index}]");
            let name = organization.name.unwrap_or_else(|| "Sandbox".to_owned());
            let made = made_id(&format!("organization {index} {name}"));
            let id = check::hex_id(&place, organization.id.as_deref())?.unwrap_or(made);
            checked.organization(&place, &id, &name)?;
            let mut body = json!({"id": id, "isDeleted": false, "name": name});
            check::own_fields(&format!("{place}.body"), organization.body.as_ref())?;
            merge_body(&mut body, organization.body.as_ref());
            check::types(&format!("{place}.body"), "getOrg", &body)?;
            sandbox.store.insert(org_key(&id), body, FIRST_SNAPSHOT);
        }
        if seed.projects.is_none() && !sandbox.store.contains(&org_key(ORG)) {
            let problem = format!("the default project needs {ORG}; list it, or give projects");
            return Err(value("organizations".to_owned(), problem));
        }
    }
    for (index, login) in seed.logins.into_iter().enumerate() {
        let place = format!("logins[{index}]");
        let account = logins::account(&place, login, &sandbox)?;
        checked.login(&place)?;
        sandbox.accounts.add(account);
    }
    for (index, project) in seed.projects.into_iter().flatten().enumerate() {
        add_project(&mut sandbox, &mut checked, index, project)?;
    }
    for (index, resource) in seed.resources.into_iter().enumerate() {
        let place = format!("resources[{index}]");
        let key = paths::key(&place, &resource.path)?;
        checked.resource(&place, &key)?;
        check::is_object(&format!("{place}.body"), &resource.body)?;
        // An exported world includes the sandbox's internal resources.
        if seed.made.is_none() {
            paths::check(&place, &key)?;
            paths::check_parents(&place, &key, &sandbox)?;
        }
        let created = resource.created.as_deref();
        let created = created.map(|text| check::time(&format!("{place}.created"), text));
        let created = created.transpose()?.unwrap_or(FIRST_SNAPSHOT);
        sandbox.store.insert(key, resource.body, created);
    }
    logins::check(&sandbox)?;
    for (index, change) in seed.scheduled.into_iter().enumerate() {
        let place = format!("scheduled[{index}]");
        checked.change(&place)?;
        let key = paths::key(&place, &change.path)?;
        let at = check::time(&format!("{place}.at"), &change.at)?;
        if !sandbox.store.contains(&key) {
            let problem = "the world has no resource with this path".to_owned();
            return Err(value(format!("{place}.path"), problem));
        }
        // An exported world may have several.
        if seed.made.is_none() {
            checked.change_at(&place, &key, at)?;
        }
        let what = match (change.merge, change.remove) {
            (Some(fields), false) => {
                check_merge(&format!("{place}.merge"), &key, &fields)?;
                Change::Merge(fields)
            }
            (None, true) => Change::Remove,
            _ => {
                let problem = "expected either merge or remove".to_owned();
                return Err(value(place, problem));
            }
        };
        sandbox.store.schedule(at, &key, what);
    }
    if let Some(made) = &seed.made {
        let made = check::number(|| "made".to_owned(), made, 0..=1 << 53)?;
        sandbox.issued = sandbox.issued.max(made);
    }
    Ok(sandbox)
}

/// Rejects a change after which the world could not be exported as a seed.
fn check_merge(path: &str, key: &str, fields: &Value) -> Result<(), SeedError> {
    check::is_object(path, fields)?;
    let segments: Vec<&str> = key.split('/').skip(1).collect();
    let operation = match segments[..] {
        ["orgs", _] => "getOrg",
        ["groups", _] => "getGroup",
        ["groups", _, "clusters", _] => "getGroupCluster",
        ["groups", _, "flexClusters", _] => "getGroupFlexCluster",
        _ => return Ok(()),
    };
    check::own_fields(path, Some(fields))?;
    check::types(path, operation, fields)?;
    match fields["stateName"].as_str() {
        Some(state) => check::state(path, state),
        None => Ok(()),
    }
}

fn settings(given: &Settings, sandbox: &mut Sandbox) -> Result<(), SeedError> {
    let count = |name: &str, number: &Option<Number>| {
        let number = number.as_ref();
        let path = || format!("settings.{name}");
        let count = number.map(|it| check::number(path, it, 0..=u32::MAX.into()));
        count.transpose()
    };
    let time = |name: &str, number: &Option<Number>| {
        let seconds = count(name, number)?;
        let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
        Ok::<_, SeedError>(seconds.map(SignedDuration::from_secs))
    };
    if let Some(enforce) = given.enforce_sunset {
        sandbox.enforce_sunset(enforce);
    }
    if let Some(limit) = given.limit_rates {
        sandbox.limit_rates(limit);
    }
    if let Some(accept) = given.oauth_form {
        sandbox.accept_form_credentials(accept);
    }
    if let Some(name) = &given.min_fidelity {
        let path = || "settings.minFidelity".to_owned();
        let least = name.parse().map_err(|_| {
            let problem = "expected generic, documented or recorded".to_owned();
            value(path(), problem)
        })?;
        sandbox.set_min_fidelity(least);
    }
    if let Some(lifetime) = time("nonceSeconds", &given.nonce_seconds)? {
        sandbox.set_nonce_lifetime(lifetime);
    }
    if let Some(delay) = time("downloadSeconds", &given.download_seconds)? {
        sandbox.set_download_delay(delay);
    }
    if let Some(pause) = time("downloadPauseSeconds", &given.download_pause_seconds)? {
        sandbox.set_download_pause(pause);
    }
    if let Some(time) = time("restoreSeconds", &given.restore_seconds)? {
        sandbox.set_restore_time(time);
    }
    if let Some(time) = time("provisioningSeconds", &given.provisioning_seconds)? {
        sandbox.set_provisioning_time(time);
    }
    if let Some(jobs) = count("failingJobs", &given.failing_jobs)? {
        sandbox.fail_next_jobs(u32::try_from(jobs).unwrap_or(u32::MAX));
    }
    Ok(())
}

fn add_project(
    sandbox: &mut Sandbox,
    checked: &mut Checked,
    index: usize,
    project: Project,
) -> Result<(), SeedError> {
    let place = format!("projects[{index}]");
    let name = project.name.as_deref().unwrap_or("Sandbox");
    let made = || made_id(&format!("project {index} {name}"));
    let id = check::hex_id(&place, project.id.as_deref())?.unwrap_or_else(made);
    checked.project(&place, &id, name)?;
    let first = sandbox
        .store
        .children("/orgs")
        .first()
        .map(|(key, _)| crate::store::last(key));
    let org = check::hex_id(&place, project.organization.as_deref())?
        .or(first)
        .unwrap_or_else(|| ORG.to_owned());
    if !sandbox.store.contains(&org_key(&org)) {
        let problem = format!("the seed has no organization {org}");
        return Err(value(format!("{place}.organization"), problem));
    }
    let mut body = projects::document(&id, &org, name);
    check::own_fields(&format!("{place}.body"), project.body.as_ref())?;
    merge_body(&mut body, project.body.as_ref());
    check::types(&format!("{place}.body"), "getGroup", &body)?;
    let created = check::moment(&body, "created");
    sandbox.store.insert(project_key(&id), body, created);
    for (index, cluster) in project.clusters.into_iter().enumerate() {
        let place = format!("{place}.clusters[{index}]");
        add_cluster(sandbox, checked, &place, &id, cluster)?;
    }
    Ok(())
}

fn add_cluster(
    sandbox: &mut Sandbox,
    checked: &mut Checked,
    place: &str,
    project: &str,
    cluster: Cluster,
) -> Result<(), SeedError> {
    let name: ClusterName = cluster.name.parse().map_err(|error| {
        let shown: String = cluster.name.chars().take(64).collect();
        value(format!("{place}.name"), format!("{shown:?}: {error}"))
    })?;
    checked.cluster(place, project, &name)?;
    let kind = match &cluster.kind {
        Kind::Tenant => ClusterKind::Tenant,
        Kind::Flex => ClusterKind::Flex,
        Kind::ReplicaSet => ClusterKind::ReplicaSet,
        Kind::Sharded(shards) => ClusterKind::Sharded {
            shards: check::shards(place, shards)?,
        },
    };
    checked.shards(place, kind)?;
    let outlived = matches!(kind, ClusterKind::ReplicaSet | ClusterKind::Sharded { .. });
    if cluster.deleted && !outlived {
        let problem = "a deleted cluster of this kind has no backups; omit it";
        return Err(value(format!("{place}.deleted"), problem.to_owned()));
    }
    let Ok(id) = project.parse() else {
        return Ok(());
    };
    sandbox.add_cluster(id, name.clone(), kind);
    let key = match kind {
        ClusterKind::Flex => flex_key(project, name.as_str()),
        _ => cluster_key(project, name.as_str()),
    };
    if let Some(resource) = sandbox.store.get_mut(&key) {
        merge_body(&mut resource.body, cluster.body.as_ref());
        if let Some(state) = &cluster.state {
            check::state(place, state)?;
            resource.body["stateName"] = state.clone().into();
            if state == "CREATING" {
                // A new cluster has no addresses yet.
                resource.body["connectionStrings"] = json!({});
            }
        }
        resource.created = check::moment(&resource.body, "createDate");
        let id = if kind == ClusterKind::Flex {
            "getGroupFlexCluster"
        } else {
            "getGroupCluster"
        };
        check::types(&format!("{place}.body"), id, &resource.body)?;
    }
    let mut ids = check::Ids::default();
    for (index, snapshot) in cluster.snapshots.into_iter().enumerate() {
        let place = format!("{place}.snapshots[{index}]");
        let made = || made_id(&format!("snapshot {project} {name} {index}"));
        let id = check::hex_id(&place, snapshot.id.as_deref())?.unwrap_or_else(made);
        ids.insert(&place, &id)?;
        checked.files(&place, kind)?;
        let bytes = check::bytes(&place, &snapshot.bytes)?;
        let finished = check::finished(&place, snapshot.finished.as_deref())?;
        let (Ok(project), Ok(id)) = (project.parse(), id.parse::<SnapshotId>()) else {
            continue;
        };
        sandbox.add_snapshot_at(project, &name, id, bytes, finished);
        let asked = snapshot.asked.as_deref();
        let asked = asked.map(|text| check::time(&format!("{place}.asked"), text));
        let asked = asked.transpose()?;
        let keep = snapshot.keep_days.as_ref();
        let keep = keep
            .map(|days| check::number(|| format!("{place}.keepDays"), days, 0..=u32::MAX.into()));
        let keep = keep.transpose()?;
        let backups = sandbox.backups_mut(&project.to_string(), name.as_str());
        if let Some(kept) = backups.and_then(|backups| backups.snapshots.get_mut(&id)) {
            kept.asked = asked;
            kept.description = snapshot.description;
            kept.keep_days = keep.and_then(|days| i64::try_from(days).ok()).unwrap_or(8);
        }
    }
    for (index, job) in cluster.jobs.into_iter().enumerate() {
        let place = format!("{place}.jobs[{index}]");
        checked.job(&place)?;
        add_job(sandbox, &place, index, project, name.as_str(), job)?;
    }
    if cluster.deleted {
        sandbox.forget_cluster(project, name.as_str());
    }
    Ok(())
}

fn add_job(
    sandbox: &mut Sandbox,
    place: &str,
    index: usize,
    project: &str,
    cluster: &str,
    job: Job,
) -> Result<(), SeedError> {
    let asked = check::time(&format!("{place}.asked"), &job.asked)?;
    let seconds = job.seconds.as_ref();
    let seconds = seconds
        .map(|it| check::number(|| format!("{place}.seconds"), it, 0..=u32::MAX.into()))
        .transpose()?;
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    let takes = SignedDuration::from_secs(seconds.unwrap_or(0));
    let made = || made_id(&format!("job {project} {cluster} {index}"));
    let id = check::hex_id(place, job.id.as_deref())?.unwrap_or_else(made);
    let target_project = check::hex_id(place, job.target_project.as_deref())?;
    let snapshot = check::hex_id(&format!("{place}.snapshot"), Some(&job.snapshot))?;
    let snapshot = snapshot.and_then(|id| id.parse::<SnapshotId>().ok());
    let backups = sandbox.backups(project, cluster);
    let found = snapshot.and_then(|id| {
        let kept = backups?.snapshots.get(&id)?;
        Some((id, kept.finished, kept.files.clone()))
    });
    let (Some((snapshot, finished, files)), Ok(id)) = (found, id.parse::<RestoreJobId>()) else {
        let problem = format!("the cluster has no snapshot {:?}", job.snapshot);
        return Err(value(
            format!("{place}.snapshot"),
            check::one_line(&problem),
        ));
    };
    if backups.is_some_and(|it| it.jobs.contains_key(&id)) {
        let problem = format!("duplicate job {id} of the cluster");
        return Err(value(format!("{place}.id"), problem));
    }
    let is_download = job.delivery == Delivery::Download;
    let is_dedicated = backups.is_some_and(|it| {
        matches!(
            it.kind,
            ClusterKind::ReplicaSet | ClusterKind::Sharded { .. }
        )
    });
    let life = SignedDuration::from_hours(if is_dedicated { 1 } else { 4 });
    let links_end = later(later(asked, takes), life);
    let signatures = if is_download {
        let files = files.into_iter();
        files
            .map(|file| sandbox.new_link(asked, links_end, file))
            .collect()
    } else {
        Vec::new()
    };
    let kept = KeptJob {
        snapshot,
        snapshot_finished: finished,
        asked,
        takes,
        fails: job.fails,
        cancelled: job.cancelled,
        delivery: job.delivery.as_str(),
        point: job.point.map(|[second, increment]| (second, increment)),
        signatures,
        links_end,
        target: job.target,
        target_project,
    };
    if let Some(backups) = sandbox.backups_mut(project, cluster) {
        backups.jobs.insert(id, kept);
    }
    Ok(())
}

/// Replaces fields of a resource's body.
fn merge_body(body: &mut Value, given: Option<&Value>) {
    if let Some(given) = given.filter(|given| given.is_object()) {
        merge(body, given);
    }
}
