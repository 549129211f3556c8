//! `atlas backups exports`: the buckets that Atlas exports snapshots to, and the export jobs.

use atlas_model::{ObjectId, SnapshotId};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::{
    ClusterArgs, ConfirmArgs, NamedCluster, OutputArgs, PageArgs, ProjectArgs, WaitArgs, parsed,
};
use crate::confirm::confirm;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::operation;
use crate::table::{self, Column};
use crate::watching;

/// Work with exports of snapshots to your own buckets
#[derive(Debug, Subcommand)]
pub(crate) enum Exports {
    #[command(subcommand, alias = "bucket")]
    Buckets(Buckets),
    #[command(subcommand, alias = "job")]
    Jobs(Jobs),
}

/// Work with the buckets that snapshots are exported to
#[derive(Debug, Subcommand)]
pub(crate) enum Buckets {
    #[command(alias = "ls")]
    List(ListBuckets),
    #[command(alias = "get")]
    Describe(DescribeBucket),
    Create(CreateBucket),
    #[command(alias = "rm")]
    Delete(DeleteBucket),
}

/// Work with the jobs that export snapshots
#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    #[command(alias = "ls")]
    List(ListJobs),
    #[command(alias = "get")]
    Describe(DescribeJob),
    Create(CreateJob),
    Watch(WatchJob),
}

impl Exports {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Buckets(Buckets::List(command)) => command.run(global).await,
            Self::Buckets(Buckets::Describe(command)) => command.run(global).await,
            Self::Buckets(Buckets::Create(command)) => command.run(global).await,
            Self::Buckets(Buckets::Delete(command)) => command.run(global).await,
            Self::Jobs(Jobs::List(command)) => command.run(global).await,
            Self::Jobs(Jobs::Describe(command)) => command.run(global).await,
            Self::Jobs(Jobs::Create(command)) => command.run(global).await,
            Self::Jobs(Jobs::Watch(command)) => command.run(global).await,
        }
    }
}

const BUCKET: [Column; 4] = [
    ("ID", &["_id", "id"]),
    ("BUCKET NAME", &["bucketName"]),
    ("CLOUD PROVIDER", &["cloudProvider"]),
    ("IAM ROLE ID", &["iamRoleId"]),
];
const JOB: [Column; 4] = [
    ("ID", &["id"]),
    ("EXPORT BUCKET ID", &["exportBucketId"]),
    ("STATE", &["state"]),
    ("SNAPSHOT ID", &["snapshotId"]),
];
/// The operation whose facts define when a job has ended.
const CREATE_JOB: &str = "cloudBackups.createBackupExport";

/// List the buckets of a project
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups exports buckets list")]
pub(crate) struct ListBuckets {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ListBuckets {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.id(global)?;
        let connection = Connection::open(global).await?;
        let request = operation::of_project("cloudBackups.listExportBuckets", project)?;
        let client = &connection.client;
        operation::print_page(client, request, &self.page, &output, |items| {
            table::of_items(&BUCKET, items)
        })
        .await
    }
}

/// A bucket of a project.
#[derive(Debug, Args)]
struct BucketArgs {
    /// Bucket ID, 24 hexadecimal digits
    #[arg(long = "bucketId", value_name = "ID")]
    id: String,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Show one bucket
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups exports buckets describe --bucketId \
                  32b6e34b3d91647abb20e7b8"
)]
pub(crate) struct DescribeBucket {
    #[command(flatten)]
    bucket: BucketArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl DescribeBucket {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.bucket.project.id(global)?;
        let connection = Connection::open(global).await?;
        let request = operation::of_project("cloudBackups.getExportBucket", project)?
            .parameter("exportBucketId", &self.bucket.id);
        operation::print_one(&connection.client, request, &output, &BUCKET).await
    }
}

/// Allow Atlas to export to an AWS bucket
#[derive(Debug, Args)]
#[command(
    after_help = "For buckets of other providers, use atlas api cloudBackups createExportBucket.\n\n\
                  Example:\n  atlas backups exports buckets create my-bucket --cloudProvider AWS \
                  --iamRoleId 32b6e34b3d91647abb20e7b8"
)]
pub(crate) struct CreateBucket {
    /// Name of the bucket
    #[arg(value_name = "BUCKET_NAME")]
    name: String,
    /// Cloud provider of the bucket
    #[arg(long = "cloudProvider", value_name = "PROVIDER", ignore_case = true, value_parser = ["AWS"])]
    provider: String,
    /// ID of the AWS IAM role that Atlas uses, 24 hexadecimal digits
    #[arg(long = "iamRoleId", value_name = "ID")]
    role: String,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl CreateBucket {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.id(global)?;
        let _: ObjectId = parsed("iamRoleId", &self.role)?;
        let connection = Connection::open(global).await?;
        let request =
            operation::of_project("cloudBackups.createExportBucket", project)?.json(json!({
                "bucketName": self.name,
                "cloudProvider": self.provider.to_ascii_uppercase(),
                "iamRoleId": self.role,
            }));
        let body = operation::create(&connection.client, request).await?;
        output.document(&body, |bucket| {
            let id = table::cell(bucket, &["_id", "id"]);
            Ok(format!("export bucket {id} created for {}", self.name))
        })
    }
}

/// Remove a bucket from Atlas; its contents stay
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups exports buckets delete --bucketId \
                  32b6e34b3d91647abb20e7b8 --force"
)]
pub(crate) struct DeleteBucket {
    #[command(flatten)]
    bucket: BucketArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl DeleteBucket {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let project = self.bucket.project.id(global)?;
        let id = &self.bucket.id;
        let request = operation::of_project("cloudBackups.deleteExportBucket", project)?
            .parameter("exportBucketId", id);
        operation::check(&request)?;
        let connection = Connection::open(global).await?;
        let warning = format!(
            "Deleting export bucket {id} of project {project}: Atlas will no longer export to it."
        );
        confirm(&self.confirm, warning, "the bucket was not deleted").await?;
        operation::delete(&connection.client, request, &format!("export bucket {id}")).await
    }
}

/// List the export jobs of a cluster
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups exports jobs list Dedicated0")]
pub(crate) struct ListJobs {
    #[command(flatten)]
    cluster: NamedCluster,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ListJobs {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let connection = Connection::open(global).await?;
        let request = operation::of_cluster("cloudBackups.listBackupExports", project, &cluster)?;
        let client = &connection.client;
        operation::print_page(client, request, &self.page, &output, |items| {
            table::of_items(&JOB, items)
        })
        .await
    }
}

/// Show one export job
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups exports jobs describe --clusterName Dedicated0 --exportId \
                  32b6e34b3d91647abb20e7b8"
)]
pub(crate) struct DescribeJob {
    /// Export job ID, 24 hexadecimal digits
    #[arg(long = "exportId", value_name = "ID")]
    id: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl DescribeJob {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let connection = Connection::open(global).await?;
        let request = operation::of_cluster("cloudBackups.getBackupExport", project, &cluster)?
            .parameter("exportId", &self.id);
        operation::print_one(&connection.client, request, &output, &JOB).await
    }
}

/// Export a snapshot to a bucket
#[derive(Debug, Args)]
#[command(
    after_help = "This command ends once the job is queued; atlas backups exports jobs watch waits until it \
                  has ended.\n\nExample:\n  atlas backups exports jobs create --clusterName Dedicated0 \\\n      \
                  --bucketId 32b6e34b3d91647abb20e7b8 --snapshotId 5f4007f327a3bd7b6f4103c5 \
                  --customData team=data"
)]
pub(crate) struct CreateJob {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Bucket ID, 24 hexadecimal digits
    #[arg(long = "bucketId", value_name = "ID")]
    bucket: String,
    /// Snapshot ID, 24 hexadecimal digits
    #[arg(long = "snapshotId", value_name = "ID")]
    snapshot: String,
    /// Label of the export; separate several with commas, or repeat the flag
    #[arg(
        long = "customData",
        value_name = "KEY=VALUE",
        value_delimiter = ',',
        value_parser = label
    )]
    data: Vec<Value>,
    #[command(flatten)]
    output: OutputArgs,
}

fn label(text: &str) -> Result<Value, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok(json!({"key": key, "value": value})),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

impl CreateJob {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let _: ObjectId = parsed("bucketId", &self.bucket)?;
        let _: SnapshotId = parsed("snapshotId", &self.snapshot)?;
        let connection = Connection::open(global).await?;
        let mut body = json!({"exportBucketId": self.bucket, "snapshotId": self.snapshot});
        if !self.data.is_empty() {
            body["customData"] = self.data.clone().into();
        }
        let request = operation::of_cluster(CREATE_JOB, project, &cluster)?.json(body);
        let body = operation::create(&connection.client, request).await?;
        output.document(&body, |job| {
            let id = table::cell(job, &["id"]);
            Ok(format!(
                "export job {id} created for bucket {}",
                self.bucket
            ))
        })
    }
}

/// Wait until an export job has ended
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 9 if the job failed or was cancelled, with 10 if it has not ended in \
                  time.\n\nExample:\n  atlas backups exports jobs watch 32b6e34b3d91647abb20e7b8 \
                  --clusterName Dedicated0"
)]
pub(crate) struct WatchJob {
    /// Export job ID, 24 hexadecimal digits
    #[arg(value_name = "EXPORT_JOB_ID")]
    id: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl WatchJob {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let connection = Connection::open(global).await?;
        // The facts of the operation that creates a job define when the job has ended.
        let change = watching::Change {
            what: &format!("export job {}", self.id),
            request: &operation::of_cluster(CREATE_JOB, project, &cluster)?,
            response: &json!({"id": self.id}),
            is_creation: false,
        };
        watching::run(&connection.client, change, self.wait.timeout).await?;
        let request = operation::of_cluster("cloudBackups.getBackupExport", project, &cluster)?
            .parameter("exportId", &self.id);
        operation::print_one(&connection.client, request, &output, &JOB).await
    }
}
