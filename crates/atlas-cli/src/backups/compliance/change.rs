//! Changes the policy: reads it, changes it and puts it back.

use atlas_model::ProjectId;
use atlas_transport::atlas_catalog::RequestBuilder;
use clap::Args;
use serde_json::Value;

use super::policy::{get, is_set, whole};
use crate::args::{OutputArgs, ProjectArgs, WatchArgs};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::operation;
use crate::output::{Output, read};
use crate::watching;

const UPDATE: &str = "cloudBackups.updateCompliancePolicy";

/// The request that puts a policy. Policies of clusters are not overwritten.
pub(super) fn update(project: ProjectId, policy: Value) -> Result<RequestBuilder, Failure> {
    Ok(operation::of_project(UPDATE, project)?
        .parameter("overwriteBackupPolicies", false)
        .json(policy))
}

/// The arguments of every change of the policy.
#[derive(Debug, Args)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(super) project: ProjectArgs,
    #[command(flatten)]
    watch: WatchArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl Change {
    /// Reads the policy, changes it and puts it back.
    pub(super) async fn run(
        &self,
        global: &Global,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.id(global)?;
        let connection = Connection::open(global).await?;
        let mut policy = read(&get(&connection, project).await?)?;
        if !is_set(&policy) {
            return Err(Failure::Usage(
                "the project has no backup compliance policy; enable it with compliancePolicy enable"
                    .to_owned(),
            ));
        }
        // Atlas responds with null for unset fields, but does not accept null.
        if let Some(fields) = policy.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        change(&mut policy);
        self.put(&connection, project, policy, &output).await
    }

    /// Puts a policy and prints the result.
    pub(super) async fn put(
        &self,
        connection: &Connection,
        project: ProjectId,
        policy: Value,
        output: &Output,
    ) -> Result<(), Failure> {
        let request = update(project, policy)?;
        let mut body = operation::change(&connection.client, request.clone()).await?;
        if self.watch.watch {
            let answer = read(&body)?;
            let seconds = self.watch.watch_timeout;
            let change = watching::Change {
                what: "the backup compliance policy",
                request: &request,
                response: &answer,
                is_creation: false,
            };
            watching::run(&connection.client, change, seconds).await?;
            body = get(connection, project).await?;
        }
        output.document(&body, |policy| Ok(whole(policy)))
    }
}
