//! The processes of dedicated clusters, derived from the clusters: their databases, disks, logs and
//! logins.

use std::fmt::Write as _;

use atlas_model::ApiError;
use serde_json::{Value, json};

use crate::api::answer::{Answer, own_links};
use crate::api::call::Call;
use crate::api::generic::project_key;
use crate::api::refuse;
use crate::behaviour::clusters::document::{self, MONGOD_PORT, MONGOS_PORT};
use crate::behaviour::databases::DATABASES;
use crate::behaviour::{Behaviour, documented, recorded};
use crate::gzip;
use crate::store::{below, key};
use crate::world::Sandbox;

pub(crate) const BEHAVIOURS: &[Behaviour] = &[
    documented("downloadGroupClusterLog", log),
    documented("getGroupDbAccessHistoryCluster", cluster_logins),
    documented("getGroupDbAccessHistoryProcess", process_logins),
    recorded("getGroupProcess", get),
    documented("getGroupProcessDatabase", database),
    documented("getGroupProcessDisk", disk),
    recorded("listGroupProcessDatabases", databases),
    recorded("listGroupProcessDisks", disks),
    recorded("listGroupProcesses", list),
];

/// A process of a cluster.
pub(crate) struct Process {
    pub(crate) host: String,
    pub(crate) port: u16,
    kind: &'static str,
    replica_set: Option<String>,
    shard: Option<String>,
    cluster: String,
    created: String,
    version: String,
}

impl Process {
    /// The id: host and port.
    pub(crate) fn id(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The names of the databases of a process.
fn database_names() -> impl Iterator<Item = &'static str> {
    let own = ["admin", "config", "local"].into_iter();
    own.chain(DATABASES.iter().map(|(name, _)| *name))
}

/// The disks of every process.
const DISKS: [&str; 1] = ["data"];

impl Sandbox {
    /// The processes of a project, by cluster.
    pub(crate) fn processes(&self, project: &str) -> Vec<Process> {
        let clusters = below(&project_key(project), "clusters");
        let mut processes = Vec::new();
        for (_, cluster) in self.store.children(&clusters) {
            let body = &cluster.body;
            // A cluster that is not ready has no addresses yet.
            let is_ready = body["connectionStrings"]["standard"].is_string();
            if !is_ready || document::is_tenant(body) || body["paused"] == true {
                continue;
            }
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let sharded = body["clusterType"] != "REPLICASET";
            for (shard, hosts) in document::hosts(body).into_iter().enumerate() {
                for (member, host) in hosts.into_iter().enumerate() {
                    let process = |port, kind, in_set: bool| Process {
                        host: host.clone(),
                        port,
                        kind,
                        replica_set: in_set.then(|| document::replica_set(body, shard)),
                        shard: (in_set && sharded).then(|| document::replica_set(body, shard)),
                        cluster: text("name"),
                        created: text("createDate"),
                        version: text("mongoDBVersion"),
                    };
                    if sharded {
                        processes.push(process(MONGOS_PORT, "SHARD_MONGOS", false));
                    }
                    let kind = match (sharded, member) {
                        (false, 0) => "REPLICA_PRIMARY",
                        (false, _) => "REPLICA_SECONDARY",
                        (true, 0) => "SHARD_PRIMARY",
                        (true, _) => "SHARD_SECONDARY",
                    };
                    processes.push(process(MONGOD_PORT, kind, true));
                }
            }
        }
        processes
    }

    /// The process with the given id.
    pub(crate) fn process(&self, project: &str, id: &str) -> Result<Process, ApiError> {
        self.check_project(project)?;
        let mut processes = self.processes(project).into_iter();
        let id = id.to_ascii_lowercase();
        let found = processes.find(|process| process.id() == id);
        found.ok_or_else(|| refuse::missing("process", id))
    }
}

/// The process that the path names.
pub(crate) fn named(sandbox: &Sandbox, call: &Call<'_>) -> Result<Process, ApiError> {
    sandbox.process(call.path("groupId"), call.path("processId"))
}

fn shown(call: &Call<'_>, process: &Process) -> Value {
    let (project, id) = (call.path("groupId"), process.id());
    let own = key(["groups", project, "processes", &id]);
    let mut shown = json!({
        "created": process.created,
        "groupId": project,
        "hostname": process.host,
        "id": id,
        "lastPing": call.now.to_string(),
        "links": own_links(call, &own),
        "port": process.port,
        "typeName": process.kind,
        "userAlias": process.host,
        "version": process.version,
    });
    if let Some(name) = &process.replica_set {
        shown["replicaSetName"] = name.clone().into();
    }
    if let Some(name) = &process.shard {
        shown["shardName"] = name.clone().into();
    }
    shown
}

fn list(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    sandbox.check_project(call.path("groupId"))?;
    let processes = sandbox.processes(call.path("groupId")).into_iter();
    let processes = processes.map(|process| shown(call, &process));
    Ok(Answer::list(processes.collect()).unshaped())
}

fn get(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    Ok(Answer::exactly(shown(call, &process)))
}

/// A resource below a process, with a link to itself.
fn part(call: &Call<'_>, process: &Process, kind: &str, field: &str, name: &str) -> Value {
    let (project, id) = (call.path("groupId"), process.id());
    let own = key(["groups", project, "processes", &id, kind, name]);
    let mut part = json!({ "links": own_links(call, &own) });
    part[field] = name.into();
    part
}

fn databases(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let databases =
        database_names().map(|name| part(call, &process, "databases", "databaseName", name));
    Ok(Answer::list(databases.collect()).unshaped())
}

/// Returns 404 unless the process has the database that the path names.
pub(crate) fn check_database<'a>(call: &'a Call<'_>) -> Result<&'a str, ApiError> {
    let name = call.path("databaseName");
    if database_names().any(|known| known == name) {
        Ok(name)
    } else {
        Err(refuse::missing("database", name))
    }
}

fn database(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let name = check_database(call)?;
    let database = part(call, &process, "databases", "databaseName", name);
    Ok(Answer::exactly(database))
}

fn disks(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let disks = DISKS
        .iter()
        .map(|name| part(call, &process, "disks", "partitionName", name));
    Ok(Answer::list(disks.collect()).unshaped())
}

/// Returns 404 unless the process has the disk that the path names.
pub(crate) fn check_disk<'a>(call: &'a Call<'_>) -> Result<&'a str, ApiError> {
    let name = call.path("partitionName");
    if DISKS.contains(&name) {
        Ok(name)
    } else {
        Err(refuse::missing("disk partition", name))
    }
}

fn disk(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let process = named(sandbox, call)?;
    let name = check_disk(call)?;
    Ok(Answer::exactly(part(
        call,
        &process,
        "disks",
        "partitionName",
        name,
    )))
}

/// The number of lines of a log.
const LINES: i64 = 12;

/// The log of a host: some lines in the requested period.
fn log(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let host = call.path("hostName").to_ascii_lowercase();
    let router = call.path("logName").starts_with("mongos");
    let of_host = sandbox.processes(project).into_iter();
    let mut of_host = of_host.filter(|process| process.host == host);
    if !of_host.any(|process| (process.port == MONGOS_PORT) == router) {
        return Err(refuse::missing("log of host", host));
    }
    let number = |name: &str| call.query(name).and_then(|text| text.parse::<i64>().ok());
    let end = number("endDate").unwrap_or_else(|| call.now.as_second());
    let start = number("startDate").unwrap_or_else(|| end.saturating_sub(24 * 3600));
    let step = end.saturating_sub(start).max(0) / LINES;
    let mut text = String::new();
    for line in 0..LINES {
        let at = start.saturating_add(step.saturating_mul(line));
        let Ok(at) = jiff::Timestamp::from_second(at) else {
            break;
        };
        let entry = json!({
            "t": {"$date": at.to_string()},
            "s": "I",
            "c": "NETWORK",
            "id": 22943 + line,
            "ctx": "listener",
            "msg": "Connection accepted",
            "attr": {"connectionCount": line + 1, "remote": format!("192.0.2.1:{}", 40_000 + line)},
        });
        let _ = writeln!(text, "{entry}");
    }
    Ok(Answer::bytes(gzip::of(text.as_bytes())))
}

/// The logins to a cluster: a successful one.
fn logins(call: &Call<'_>, hosts: &[String]) -> Answer {
    let logins = hosts.iter().take(1).map(|host| {
        json!({
            "authResult": true,
            "authSource": "admin",
            "groupId": call.path("groupId"),
            "hostname": host,
            "ipAddress": "192.0.2.1",
            "logLine": format!("{{\"c\":\"ACCESS\",\"msg\":\"Successfully authenticated\",\"attr\":{{\"client\":\"192.0.2.1:40000\"}},\"t\":\"{}\"}}", call.now),
            "timestamp": call.now.to_string(),
            "username": "sandbox",
        })
    });
    let wanted = call.query("authResult") != Some("false");
    let logins: Vec<Value> = logins.filter(|_| wanted).collect();
    Answer::exactly(json!({ "accessLogs": logins }))
}

fn cluster_logins(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let (project, name) = (call.path("groupId"), call.path("clusterName"));
    sandbox.check_project(project)?;
    if !sandbox.lives(project, name) {
        return Err(refuse::no_cluster(name, project));
    }
    let of_cluster = sandbox.processes(project).into_iter();
    let of_cluster = of_cluster.filter(|process| process.cluster == name);
    let hosts: Vec<String> = of_cluster.map(|process| process.host).collect();
    Ok(logins(call, &hosts))
}

fn process_logins(sandbox: &mut Sandbox, call: &Call<'_>) -> Result<Answer, ApiError> {
    let project = call.path("groupId");
    sandbox.check_project(project)?;
    let host = call.path("hostname").to_ascii_lowercase();
    if !sandbox.processes(project).iter().any(|it| it.host == host) {
        return Err(refuse::missing("host", host));
    }
    Ok(logins(call, &[host]))
}
