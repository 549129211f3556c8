//! `atlas backups restores start`: restores over a cluster, or prepares a snapshot for download.

use atlas_backup::{ClusterKind, JobView, silent};
use atlas_model::{ClusterName, ProjectId};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::by_kind::{RESTORE, kind_name, with_status};
use super::download::pick;
use super::restore_job::show;
use crate::args::{ClusterArgs, ConfirmArgs, OutputArgs, WaitArgs, parsed};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::global::Global;
use crate::log;
use crate::operation;
use crate::output::Output;
use crate::signals::{self, UnderWay};
use crate::table;
use crate::target::Target;

/// The kind of restore job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
enum Method {
    /// Restore a snapshot over a cluster: everything in that cluster is lost
    Automated,
    /// Prepare a snapshot for download; no cluster is changed
    Download,
    /// Restore a point in time over a cluster: everything in that cluster is lost
    PointInTime,
}

/// Start a restore, or prepare a snapshot for download
#[derive(Debug, Args)]
#[command(
    after_help = "start download does not download the file: atlas backups snapshots download --job \
                  downloads the file of its job, and atlas backups snapshots download does both \
                  steps.\n\nExamples:\n  atlas backups restores start download \
                  --clusterName Cluster0 --snapshotId latest\n  atlas backups restores start automated \
                  --clusterName Dedicated0 --snapshotId 32b6e34b3d91647abb20e7b8 \\\n      \
                  --targetClusterName Staging0 --force\n  atlas backups restores start pointInTime \
                  --clusterName Dedicated0 --pointInTimeUTCSeconds 1777887720 \\\n      \
                  --targetClusterName Staging0 --force"
)]
pub(crate) struct Start {
    /// Kind of restore job
    #[arg(value_enum, value_name = "METHOD")]
    method: Method,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// Snapshot ID, 24 hexadecimal digits; or latest; or before:2026-05-04T09:42:00Z
    #[arg(
        long = "snapshotId",
        value_name = "ID",
        required_if_eq_any([("method", "automated"), ("method", "download")])
    )]
    snapshot_id: Option<String>,

    /// Name of the cluster to restore over
    #[arg(
        long = "targetClusterName",
        value_name = "NAME",
        required_if_eq_any([("method", "automated"), ("method", "pointInTime")])
    )]
    target_cluster_name: Option<String>,

    /// Project ID of that cluster; defaults to that of the snapshot
    #[arg(long = "targetProjectId", value_name = "ID")]
    target_project_id: Option<String>,

    /// Point in time for pointInTime, in seconds since 1970-01-01 UTC
    #[arg(
        long = "pointInTimeUTCSeconds",
        value_name = "SECONDS",
        conflicts_with_all = ["oplog_ts", "oplog_inc"],
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    point_in_time: Option<u32>,

    /// Oplog timestamp for pointInTime, in seconds since 1970-01-01 UTC
    #[arg(
        long = "oplogTs",
        value_name = "SECONDS",
        requires = "oplog_inc",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    oplog_ts: Option<u32>,

    /// Number of the oplog entry within that second, starting at 1
    #[arg(
        long = "oplogInc",
        value_name = "N",
        requires = "oplog_ts",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    oplog_inc: Option<u32>,

    #[command(flatten)]
    confirm: ConfirmArgs,

    #[command(flatten)]
    wait: WaitArgs,

    #[command(flatten)]
    output: OutputArgs,
}

impl Start {
    pub(super) async fn run(&self, global: &Global) -> Result<(), Failure> {
        self.check()?;
        let output = self.output.format(global)?;
        let target = self.cluster.target(global).await?;
        match self.method {
            Method::Download => self.download(&target, &output).await,
            Method::Automated => self.restore(&target, &output).await,
            Method::PointInTime => self.restore_to_moment(&target, &output).await,
        }
    }

    /// Refuses flags that have no effect for the method.
    fn check(&self) -> Result<(), Failure> {
        let of_target = self.target_cluster_name.is_some() || self.target_project_id.is_some();
        let of_moment = self.point_in_time.is_some() || self.oplog_ts.is_some();
        let problem = match self.method {
            Method::Download if of_target => {
                "start download does not restore to a cluster; remove --targetClusterName and \
                 --targetProjectId"
            }
            Method::Download | Method::Automated if of_moment => {
                "--pointInTimeUTCSeconds, --oplogTs and --oplogInc apply to pointInTime only"
            }
            Method::PointInTime if self.snapshot_id.is_some() => {
                "pointInTime restores a point in time, not a snapshot; remove --snapshotId"
            }
            Method::PointInTime if !of_moment => {
                "no point in time; pass --pointInTimeUTCSeconds, or --oplogTs and --oplogInc"
            }
            _ => return Ok(()),
        };
        Err(Failure::Usage(problem.to_owned()))
    }

    async fn download(&self, target: &Target, output: &Output) -> Result<(), Failure> {
        let pick = pick(self.snapshot_id.as_deref().unwrap_or_default())?;
        target.kind_within(&self.wait).await?;
        let policy = self.wait.policy();
        let (project, cluster) = (target.project, &target.cluster);
        let started_job = target
            .backups
            .request_download(project, cluster, &pick, &policy, silent);
        started(target, &started_job.await?, output).await
    }

    /// The cluster to restore over, and its project.
    fn written(&self, target: &Target) -> Result<(ClusterName, ProjectId), Failure> {
        let name = self.target_cluster_name.as_deref().unwrap_or_default();
        let project = match &self.target_project_id {
            Some(id) => parsed("targetProjectId", id)?,
            None => target.project,
        };
        Ok((parsed("targetClusterName", name)?, project))
    }

    async fn confirm(&self, cluster: &ClusterName, project: ProjectId) -> Result<(), Failure> {
        let warning =
            format!("Restoring over {cluster} of project {project}: everything in it is lost.");
        confirm(&self.confirm, warning, "nothing was restored").await
    }

    async fn restore(&self, target: &Target, output: &Output) -> Result<(), Failure> {
        let pick = pick(self.snapshot_id.as_deref().unwrap_or_default())?;
        let (written, of_project) = self.written(target)?;
        self.confirm(&written, of_project).await?;
        target.kind().await?;
        let (project, cluster) = (target.project, &target.cluster);
        signals::begin(UnderWay::Change);
        let restored = target
            .backups
            .restore(project, cluster, &pick, of_project, &written)
            .await;
        signals::begin(match restored {
            Ok(_) => UnderWay::Accepted,
            Err(_) => UnderWay::Nothing,
        });
        started(target, &restored?, output).await
    }

    async fn restore_to_moment(&self, target: &Target, output: &Output) -> Result<(), Failure> {
        let (written, of_project) = self.written(target)?;
        self.confirm(&written, of_project).await?;
        if let kind @ (ClusterKind::Flex | ClusterKind::Tenant) = target.kind().await? {
            return Err(Failure::Usage(format!(
                "{} is a {} cluster, which cannot be restored to a point in time; use start automated",
                target.cluster,
                kind_name(kind)
            )));
        }
        let mut body = json!({
            "deliveryType": "pointInTime",
            "targetClusterName": written.as_str(),
            "targetGroupId": of_project.to_string(),
        });
        let moment = [
            ("pointInTimeUTCSeconds", self.point_in_time),
            ("oplogTs", self.oplog_ts),
            ("oplogInc", self.oplog_inc),
        ];
        for (field, value) in moment {
            if let Some(value) = value {
                body[field] = value.into();
            }
        }
        let request = operation::of_cluster(
            "cloudBackups.createBackupRestoreJob",
            target.project,
            &target.cluster,
        )?
        .json(body);
        let body = operation::create(&target.connection.client, request).await?;
        output.document(&body, |job| Ok(job_table(job)))
    }
}

fn job_table(job: &Value) -> String {
    table::of_items(&RESTORE, &[with_status(job.clone())])
}

/// Requests a started job and prints it. If that fails, it prints what is known: the job was started.
async fn started(target: &Target, job: &JobView, output: &Output) -> Result<(), Failure> {
    let shown = match job.id {
        Some(id) => show(target, id, output, false).await,
        None => Err(Failure::Answer("the response has no id".to_owned())),
    };
    let failure = match shown {
        Err(failure @ (Failure::Call(_) | Failure::Backup(_) | Failure::Answer(_))) => failure,
        shown => return shown,
    };
    log::problem(&format!(
        "the restore job was started, but cannot be shown: {failure}"
    ));
    let id = job.id.map(|id| id.to_string());
    let shown = json!({"id": id, "status": job.status});
    output.value(&shown, || {
        table::of_items(&RESTORE, std::slice::from_ref(&shown))
    })
}
