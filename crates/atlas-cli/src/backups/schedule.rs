//! `atlas backups schedule`: when Atlas takes snapshots of a cluster, and how long it keeps them.

mod item;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::args::{ClusterArgs, ConfirmArgs, NamedCluster, OutputArgs};
use crate::confirm::confirm;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::json_file;
use crate::operation;
use crate::output::{Output, read};
use crate::print::print;
use crate::table::{self, Column};
use item::{Item, replaced};

/// Work with the backup schedule of a dedicated cluster
#[derive(Debug, Subcommand)]
pub(crate) enum Schedule {
    #[command(alias = "get")]
    Describe(Describe),
    #[command(alias = "updates")]
    Update(Box<Update>),
    #[command(alias = "rm")]
    Delete(Delete),
}

impl Schedule {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Describe(command) => command.run(global).await,
            Self::Update(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
        }
    }
}

const GET: &str = "cloudBackups.getBackupSchedule";
const UPDATE: &str = "cloudBackups.updateBackupSchedule";
const DELETE: &str = "cloudBackups.deleteClusterBackupSchedule";

/// Show the backup schedule of a cluster
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups schedule describe Dedicated0 -o json")]
pub(crate) struct Describe {
    #[command(flatten)]
    cluster: NamedCluster,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let connection = Connection::open(global).await?;
        let request = operation::of_cluster(GET, project, &cluster)?;
        let body = operation::send(&connection.client, request).await?;
        show(&body, &output)
    }
}

/// Prints the settings of a schedule, and the items of its policies.
fn show(body: &[u8], output: &Output) -> Result<(), Failure> {
    output.document(body, |schedule| {
        let facts: [Column; 7] = [
            ("CLUSTER", &["clusterName"]),
            ("HOUR (UTC)", &["referenceHourOfDay"]),
            ("MINUTE", &["referenceMinuteOfHour"]),
            ("RESTORE WINDOW DAYS", &["restoreWindowDays"]),
            ("AUTO EXPORT", &["autoExportEnabled"]),
            ("EXPORT BUCKET", &["export.exportBucketId"]),
            ("NEXT SNAPSHOT", &["nextSnapshot"]),
        ];
        let facts = table::of_items(&facts, std::slice::from_ref(schedule));
        let items: Vec<Value> = policies(schedule)
            .flat_map(|policy| {
                let items = policy["policyItems"].as_array().into_iter().flatten();
                items.map(|item| {
                    let mut item = item.clone();
                    if let Some(fields) = item.as_object_mut() {
                        fields.insert("policyId".to_owned(), policy["id"].clone());
                    }
                    item
                })
            })
            .collect();
        let columns: [Column; 6] = [
            ("POLICY", &["policyId"]),
            ("ITEM", &["id"]),
            ("FREQUENCY TYPE", &["frequencyType"]),
            ("FREQUENCY INTERVAL", &["frequencyInterval"]),
            ("RETENTION", &["retentionValue"]),
            ("UNIT", &["retentionUnit"]),
        ];
        Ok(format!("{facts}\n\n{}", table::of_items(&columns, &items)))
    })
}

fn policies(schedule: &Value) -> impl Iterator<Item = &Value> {
    schedule["policies"].as_array().into_iter().flatten()
}

/// Delete the backup schedule of a cluster; Atlas takes no more scheduled snapshots of it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups schedule delete Dedicated0 --force")]
pub(crate) struct Delete {
    #[command(flatten)]
    cluster: NamedCluster,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl Delete {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let request = operation::of_cluster(DELETE, project, &cluster)?;
        operation::check(&request)?;
        let connection = Connection::open(global).await?;
        let warning = format!(
            "Deleting the backup schedule of {cluster} in project {project}: Atlas will take no \
             more scheduled snapshots of it."
        );
        confirm(&self.confirm, warning, "the schedule was not deleted").await?;
        let what = format!("backup schedule of {cluster}");
        operation::delete(&connection.client, request, &what).await
    }
}

/// How often Atlas exports snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportFrequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// Change the backup schedule of a cluster
#[derive(Debug, Args)]
#[command(
    after_help = "Settings without a flag stay unchanged. Concurrent changes of policies can \
                  overwrite each other. schedule describe shows the ids of policies and their \
                  items.\n\nExamples:\n  atlas backups schedule update \
                  --clusterName Dedicated0 --referenceHourOfDay 3 --updateSnapshots\n  atlas backups \
                  schedule update --clusterName Dedicated0 \\\n      --policy \
                  5f4007f327a3bd7b6f4103c5,5f4007f327a3bd7b6f4103c6,daily,1,days,7"
)]
pub(crate) struct Update {
    #[command(flatten)]
    cluster: ClusterArgs,

    /// Replace the policy item that has this id; may be repeated
    #[arg(
        long,
        value_name = "POLICY_ID,ITEM_ID,FREQUENCY_TYPE,INTERVAL,UNIT,RETENTION",
        value_parser = Item::parse
    )]
    policy: Vec<Item>,

    /// Hour of the day in UTC, 0 to 23
    #[arg(long = "referenceHourOfDay", value_name = "HOUR", value_parser = clap::value_parser!(u8).range(..24))]
    hour: Option<u8>,

    /// Minute of the hour, 0 to 59
    #[arg(long = "referenceMinuteOfHour", value_name = "MINUTE", value_parser = clap::value_parser!(u8).range(..60))]
    minute: Option<u8>,

    /// Number of days for which point-in-time restores are possible
    #[arg(long = "restoreWindowDays", value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    restore_window: Option<u16>,

    /// Export snapshots automatically
    #[arg(
        long = "autoExport",
        conflicts_with = "no_auto_export",
        requires_all = ["export_bucket", "export_frequency"]
    )]
    auto_export: bool,

    /// Do not export snapshots automatically
    #[arg(long = "noAutoExport")]
    no_auto_export: bool,

    /// ID of the bucket that snapshots are exported to
    #[arg(long = "exportBucketId", value_name = "ID")]
    export_bucket: Option<String>,

    /// How often snapshots are exported
    #[arg(long = "exportFrequencyType", value_name = "TYPE", value_enum)]
    export_frequency: Option<ExportFrequency>,

    /// Also change the retention of existing snapshots
    #[arg(long = "updateSnapshots", conflicts_with = "not_taken")]
    taken_too: bool,

    /// Keep the retention of existing snapshots
    #[arg(long = "noUpdateSnapshots")]
    not_taken: bool,

    /// Use the names of organization and project in export paths
    #[arg(
        long = "useOrgAndGroupNamesInExportPrefix",
        conflicts_with = "no_names_in_prefix"
    )]
    names_in_prefix: bool,

    /// Use ids in export paths
    #[arg(long = "noUseOrgAndGroupNamesInExportPrefix")]
    no_names_in_prefix: bool,

    /// JSON file with the fields to change, in place of flags
    #[arg(
        short,
        long,
        value_name = "PATH",
        conflicts_with_all = [
            "policy", "hour", "minute", "restore_window", "auto_export", "no_auto_export",
            "export_bucket", "export_frequency", "taken_too", "not_taken",
            "names_in_prefix", "no_names_in_prefix",
        ]
    )]
    file: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

/// Refuses a file that changes nothing, or that would delete all policies.
fn check_file(body: &Value) -> Result<(), Failure> {
    let problem = if body == &json!({}) {
        "the file has no fields; add those to change"
    } else if body["policies"].as_array().is_some_and(Vec::is_empty) {
        "policies is empty, which would delete them all; use schedule delete for that"
    } else {
        return Ok(());
    };
    Err(Failure::Usage(problem.to_owned()))
}

impl Update {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let (cluster, project) = (self.cluster.name()?, self.cluster.project.id(global)?);
        let mut body = match &self.file {
            Some(file) => json_file::object(file).await?,
            None => self.fields()?,
        };
        let about = |name| operation::of_cluster(name, project, &cluster);
        if let Some(file) = &self.file {
            json_file::check(&about(UPDATE)?.json(body.clone()), file)?;
            check_file(&body)?;
        }
        let connection = Connection::open(global).await?;
        if !self.policy.is_empty() {
            let current = operation::send(&connection.client, about(GET)?).await?;
            body["policies"] = replaced(&read(&current)?, &self.policy)?;
        }
        let request = about(UPDATE)?.json(body);
        let body = operation::change(&connection.client, request).await?;
        match output {
            Output::Plain => print(format!("backup schedule of {cluster} updated").as_bytes()),
            _ => show(&body, &output),
        }
    }

    /// The fields that the flags change.
    fn fields(&self) -> Result<Value, Failure> {
        let mut body = json!({});
        let mut set = |field: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[field] = value;
            }
        };
        set("referenceHourOfDay", self.hour.map(Value::from));
        set("referenceMinuteOfHour", self.minute.map(Value::from));
        set("restoreWindowDays", self.restore_window.map(Value::from));
        let switch = |on: bool, off: bool| (on || off).then_some(Value::Bool(on));
        let auto_export = switch(self.auto_export, self.no_auto_export);
        set("autoExportEnabled", auto_export);
        let snapshots = switch(self.taken_too, self.not_taken);
        set("updateSnapshots", snapshots);
        let names = switch(self.names_in_prefix, self.no_names_in_prefix);
        set("useOrgAndGroupNamesInExportPrefix", names);
        let bucket = self.export_bucket.as_deref();
        let frequency = self.export_frequency.and_then(|it| it.to_possible_value());
        if bucket.is_some() || frequency.is_some() {
            let mut export = json!({});
            if let Some(bucket) = bucket {
                export["exportBucketId"] = bucket.into();
            }
            if let Some(frequency) = frequency {
                export["frequencyType"] = frequency.get_name().into();
            }
            set("export", Some(export));
        }
        if body == json!({}) && self.policy.is_empty() {
            return Err(Failure::Usage(
                "nothing to change; pass a flag such as --referenceHourOfDay, or --file".to_owned(),
            ));
        }
        Ok(body)
    }
}
