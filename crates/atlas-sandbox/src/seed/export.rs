//! Exports a world as a seed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::form::{
    Cluster, Delivery, Job, Kind, Login, Organization, Project, Resource, Scheduled, Secrets, Seed,
    Settings, Snapshot,
};
use crate::api::fidelity::Fidelity;
use crate::backups::Backups;
use crate::behaviour::{clusters, flex, projects};
use crate::find::{cluster_key, flex_key};
use crate::login::{Account, OWNER, READER};
use crate::store::{Change, last};
use crate::world::{ClusterKind, FIRST_SNAPSHOT, Sandbox};

impl Sandbox {
    /// The world as a seed, with its counters.
    pub(crate) fn shown_world(&self, now: Timestamp) -> Value {
        let mut seed = self.exported(now);
        seed.counters = Some(json!({
            "requests": self.requests,
            "writes": self.writes,
            "servedBytes": self.served_bytes(),
        }));
        serde_json::to_value(seed).unwrap_or_default()
    }

    pub(super) fn exported(&self, now: Timestamp) -> Seed {
        let organizations = self.store.children("/orgs").into_iter();
        let organizations = organizations.map(|(key, organization)| Organization {
            id: Some(last(key)),
            name: organization.text("name").map(str::to_owned),
            body: Some(without(&organization.body, &["id", "name"])),
        });
        let projects = self.store.children("/groups").into_iter();
        let projects = projects.map(|(key, project)| {
            let id = last(key);
            let org = project.text("orgId").unwrap_or_default().to_owned();
            let name = project.text("name").unwrap_or_default().to_owned();
            Project {
                body: differing(&projects::document(&id, &org, &name), &project.body),
                clusters: self.exported_clusters(now, &id),
                id: Some(id),
                name: Some(name),
                organization: Some(org),
            }
        });
        let standing = [OWNER, READER].map(|login| login.access_token);
        let logins = self.accounts.all().iter().filter(|account| {
            let token = account.access_token.as_deref();
            token.is_none_or(|token| !standing.contains(&token))
        });
        Seed {
            schema: None,
            clock: Some(now.to_string()),
            made: Some(self.issued.into()),
            settings: self.exported_settings(),
            organizations: Some(organizations.collect()),
            logins: logins.map(login).collect(),
            projects: Some(projects.collect()),
            resources: self.exported_resources(),
            scheduled: self.exported_changes(),
            counters: None,
        }
    }

    fn exported_settings(&self) -> Settings {
        let seconds = |time: jiff::SignedDuration| Some(time.as_secs().max(0).into());
        let least = self.min_fidelity;
        Settings {
            enforce_sunset: Some(self.enforce_sunset),
            limit_rates: Some(self.limits_rates),
            oauth_form: Some(self.form_credentials),
            min_fidelity: (least > Fidelity::Generic).then(|| least.to_string()),
            nonce_seconds: seconds(self.nonce_lifetime),
            download_seconds: seconds(self.download_delay),
            download_pause_seconds: seconds(self.download_pause),
            restore_seconds: seconds(self.restore_time),
            provisioning_seconds: seconds(self.provisioning_time),
            failing_jobs: Some(self.failing_jobs.into()),
        }
    }

    fn exported_clusters(&self, now: Timestamp, project: &str) -> Vec<Cluster> {
        let mut clusters: Vec<(u64, Cluster)> = Vec::new();
        for ((of, name), backups) in &self.backups {
            if of != project {
                continue;
            }
            let (key, made) = match backups.kind {
                ClusterKind::Flex => (
                    flex_key(project, name),
                    flex::document(project, name, &made_cluster_id(project, name)),
                ),
                kind => (
                    cluster_key(project, name),
                    clusters::document(project, name, &made_cluster_id(project, name), kind),
                ),
            };
            let resource = self.store.get(&key);
            let outlived = matches!(
                backups.kind,
                ClusterKind::ReplicaSet | ClusterKind::Sharded { .. }
            );
            if resource.is_none() && !outlived {
                continue;
            }
            let cluster = Cluster {
                name: name.clone(),
                kind: kind(backups.kind),
                state: None,
                deleted: resource.is_none(),
                body: resource.and_then(|resource| differing(&made, &resource.body)),
                snapshots: snapshots(backups),
                jobs: jobs(backups, now),
            };
            clusters.push((resource.map_or(0, crate::store::Resource::born), cluster));
        }
        clusters.sort_by_key(|(born, _)| *born);
        clusters.into_iter().map(|(_, cluster)| cluster).collect()
    }

    /// All resources other than organizations, projects and clusters, in the order of creation.
    fn exported_resources(&self) -> Vec<Resource> {
        let mut resources: Vec<_> = self
            .store
            .all()
            .filter(|(key, _)| !self.is_exported_elsewhere(key))
            .collect();
        resources.sort_by_key(|(_, resource)| resource.born());
        let resources = resources.into_iter();
        resources
            .map(|(key, resource)| Resource {
                path: key.to_owned(),
                created: (resource.created != FIRST_SNAPSHOT).then(|| resource.created.to_string()),
                body: resource.body.clone(),
            })
            .collect()
    }

    fn is_exported_elsewhere(&self, key: &str) -> bool {
        let segments: Vec<&str> = key.split('/').skip(1).collect();
        match segments.as_slice() {
            ["orgs" | "groups", _] => true,
            ["groups", project, "clusters" | "flexClusters", name] => {
                self.backups(project, name).is_some()
            }
            _ => false,
        }
    }

    fn exported_changes(&self) -> Vec<Scheduled> {
        let changes = self.store.scheduled();
        changes
            .filter(|(_, key, _)| self.store.contains(key))
            .map(|(at, key, change)| Scheduled {
                at: at.to_string(),
                path: key.to_owned(),
                merge: match change {
                    Change::Merge(fields) => Some(fields.clone()),
                    Change::Remove => None,
                },
                remove: matches!(change, Change::Remove),
            })
            .collect()
    }
}

fn made_cluster_id(project: &str, name: &str) -> String {
    crate::world::cluster_id(project, name)
}

fn login(account: &Account) -> Login {
    let key = account.key.clone();
    let (public_key, private_key) = key.map_or((None, None), |(public, private)| {
        (Some(public), Some(private))
    });
    let client = account.client.clone();
    let (client_id, client_secret) = client.map_or((None, None), |(id, mut secrets)| {
        let secrets = match secrets.len() {
            1 => Secrets::One(secrets.remove(0)),
            _ => Secrets::Several(secrets),
        };
        (Some(id), Some(secrets))
    });
    Login {
        roles: account.roles.clone(),
        public_key,
        private_key,
        client_id,
        client_secret,
        access_token: account.access_token.clone(),
        resource: account.resource.clone(),
        scope: account.scope.clone(),
    }
}

fn kind(kind: ClusterKind) -> Kind {
    match kind {
        ClusterKind::Tenant => Kind::Tenant,
        ClusterKind::Flex => Kind::Flex,
        ClusterKind::ReplicaSet => Kind::ReplicaSet,
        ClusterKind::Sharded { shards } => Kind::Sharded(shards.into()),
    }
}

fn snapshots(backups: &Backups) -> Vec<Snapshot> {
    let snapshots = backups.snapshots.iter();
    snapshots
        .map(|(id, kept)| Snapshot {
            id: Some(id.to_string()),
            bytes: kept.size.into(),
            asked: kept.asked.map(|asked| asked.to_string()),
            finished: Some(kept.finished.to_string()),
            description: kept.description.clone(),
            keep_days: Some(kept.keep_days.max(0).into()),
        })
        .collect()
}

fn jobs(backups: &Backups, now: Timestamp) -> Vec<Job> {
    let jobs = backups.jobs.iter();
    jobs.filter(|(_, job)| backups.snapshots.contains_key(&job.snapshot))
        .map(|(id, job)| Job {
            id: Some(id.to_string()),
            snapshot: job.snapshot.to_string(),
            delivery: match job.delivery {
                "download" => Delivery::Download,
                "pointInTime" => Delivery::PointInTime,
                _ => Delivery::Automated,
            },
            asked: job.asked.to_string(),
            seconds: Some(job.takes.as_secs().max(0).into()),
            fails: job.fails,
            cancelled: job.cancelled,
            target: job.target.clone(),
            target_project: job.target_project.clone(),
            point: job.point.map(|(second, increment)| [second, increment]),
            status: Some(job.shown_status(now)),
        })
        .collect()
}

/// The fields in which a resource differs from the default one; null for a missing field.
fn differing(made: &Value, kept: &Value) -> Option<Value> {
    let (Some(made), Some(kept)) = (made.as_object(), kept.as_object()) else {
        return Some(kept.clone());
    };
    let mut fields = Map::new();
    for (name, value) in kept {
        if made.get(name) != Some(value) {
            fields.insert(name.clone(), value.clone());
        }
    }
    for name in made.keys().filter(|name| !kept.contains_key(*name)) {
        fields.insert(name.clone(), Value::Null);
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn without(body: &Value, names: &[&str]) -> Value {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !names.contains(&name.as_str()));
    }
    body
}
