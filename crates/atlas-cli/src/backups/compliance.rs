//! `atlas backups compliancePolicy`: rules for the backups of a project that only MongoDB Support can lift.

mod change;
mod policy;
mod retention;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::{ConfirmArgs, OutputArgs, ProjectArgs};
use crate::confirm::confirm;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::global::Global;
use crate::json_file;
use crate::output::read;
use change::{Change, update};
use policy::{all_items, get, is_set, on_demand, rules, scheduled, whole};
use retention::{Frequency, Kept, name};

/// The warning before a policy is enabled.
const LASTING: &str = "only MongoDB Support can disable it.";

/// Work with the backup compliance policy of a project
#[derive(Debug, Subcommand)]
pub(crate) enum CompliancePolicy {
    #[command(alias = "get")]
    Describe(Describe),
    Enable(Enable),
    Setup(Setup),
    #[command(
        subcommand,
        name = "copyProtection",
        aliases = ["copyprotection", "copy-protection"]
    )]
    CopyProtection(CopyProtection),
    #[command(
        subcommand,
        name = "encryptionAtRest",
        aliases = ["encryptionatrest", "encryption-at-rest"]
    )]
    EncryptionAtRest(EncryptionAtRest),
    #[command(
        subcommand,
        name = "pointInTimeRestores",
        aliases = [
            "pointintimerestores",             "point-in-time-restores", "pointInTimeRestore", "pointintimerestore",
            "point-in-time-restore",
        ]
    )]
    PointInTimeRestores(PointInTimeRestores),
    #[command(subcommand, alias = "policy")]
    Policies(Policies),
}

/// Require copies of snapshots in other regions, or stop requiring them
#[derive(Debug, Subcommand)]
pub(crate) enum CopyProtection {
    /// Require copies
    #[command(
        after_help = "Example:\n  atlas backups compliancePolicy copyProtection enable --watch"
    )]
    Enable(Change),
    /// Stop requiring copies
    #[command(after_help = "Example:\n  atlas backups compliancePolicy copyProtection disable")]
    Disable(Change),
}

/// Require encryption with customer-managed keys, or stop requiring it
#[derive(Debug, Subcommand)]
pub(crate) enum EncryptionAtRest {
    /// Require encryption
    #[command(
        after_help = "Example:\n  atlas backups compliancePolicy encryptionAtRest enable --watch"
    )]
    Enable(Change),
    /// Stop requiring encryption
    #[command(after_help = "Example:\n  atlas backups compliancePolicy encryptionAtRest disable")]
    Disable(Change),
}

/// Require point-in-time restores
#[derive(Debug, Subcommand)]
pub(crate) enum PointInTimeRestores {
    Enable(EnableRestores),
}

/// Work with the individual rules of the policy
#[derive(Debug, Subcommand)]
pub(crate) enum Policies {
    #[command(alias = "get")]
    Describe(DescribeItems),
    #[command(
        subcommand,
        name = "ondemand",
        alias = "onDemand",
        about = "Work with the rule for snapshots on demand"
    )]
    OnDemand(OnDemand),
    #[command(subcommand)]
    Scheduled(Scheduled),
}

/// The rule for snapshots on demand.
#[derive(Debug, Subcommand)]
pub(crate) enum OnDemand {
    #[command(
        alias = "get",
        about = "Show the rule for snapshots on demand",
        after_help = "Example:\n  atlas backups compliancePolicy policies ondemand describe"
    )]
    Describe(DescribeItems),
    /// Create the rule for snapshots on demand
    #[command(
        after_help = "Example:\n  atlas backups compliancePolicy policies ondemand create \
                      --retentionUnit weeks --retentionValue 2"
    )]
    Create(Retention),
    /// Change the rule for snapshots on demand
    #[command(
        after_help = "Example:\n  atlas backups compliancePolicy policies ondemand update \
                      --retentionUnit weeks --retentionValue 3"
    )]
    Update(Retention),
}

/// Work with the rules for scheduled snapshots
#[derive(Debug, Subcommand)]
pub(crate) enum Scheduled {
    #[command(
        alias = "get",
        about = "Show the rules for scheduled snapshots",
        after_help = "Example:\n  atlas backups compliancePolicy policies scheduled describe"
    )]
    Describe(DescribeItems),
    Create(CreateScheduled),
}

impl CompliancePolicy {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        let flag = |field: &'static str, value: bool| {
            move |policy: &mut Value| policy[field] = Value::Bool(value)
        };
        let copies = "copyProtectionEnabled";
        let encryption = "encryptionAtRestEnabled";
        match self {
            Self::Describe(command) => command.run(global).await,
            Self::Enable(command) => command.run(global).await,
            Self::Setup(command) => command.run(global).await,
            Self::CopyProtection(CopyProtection::Enable(change)) => {
                change.run(global, flag(copies, true)).await
            }
            Self::CopyProtection(CopyProtection::Disable(change)) => {
                change.run(global, flag(copies, false)).await
            }
            Self::EncryptionAtRest(EncryptionAtRest::Enable(change)) => {
                change.run(global, flag(encryption, true)).await
            }
            Self::EncryptionAtRest(EncryptionAtRest::Disable(change)) => {
                change.run(global, flag(encryption, false)).await
            }
            Self::PointInTimeRestores(PointInTimeRestores::Enable(command)) => {
                let days = command.days;
                let set = move |policy: &mut Value| {
                    policy["pitEnabled"] = Value::Bool(true);
                    policy["restoreWindowDays"] = days.into();
                };
                command.change.run(global, set).await
            }
            Self::Policies(command) => command.run(global).await,
        }
    }
}

impl Policies {
    async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Describe(command) => command.run(global, all_items).await,
            Self::OnDemand(OnDemand::Describe(command)) => command.run(global, on_demand).await,
            Self::OnDemand(OnDemand::Create(command) | OnDemand::Update(command)) => {
                let item = json!({
                    "frequencyType": "ondemand",
                    "frequencyInterval": 0,
                    "retentionUnit": command.kept.unit(),
                    "retentionValue": command.kept.value,
                });
                let set = move |policy: &mut Value| policy["onDemandPolicyItem"] = item;
                command.change.run(global, set).await
            }
            Self::Scheduled(Scheduled::Describe(command)) => command.run(global, scheduled).await,
            Self::Scheduled(Scheduled::Create(command)) => {
                let item = json!({
                    "frequencyType": name(&command.frequency),
                    "frequencyInterval": command.interval,
                    "retentionUnit": command.kept.unit(),
                    "retentionValue": command.kept.value,
                });
                let set =
                    move |policy: &mut Value| match policy["scheduledPolicyItems"].as_array_mut() {
                        Some(items) => items.push(item),
                        None => policy["scheduledPolicyItems"] = json!([item]),
                    };
                command.change.run(global, set).await
            }
        }
    }
}

/// Show the policy of a project
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups compliancePolicy describe -o json")]
pub(crate) struct Describe {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Describe {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.id(global)?;
        let connection = Connection::open(global).await?;
        let body = get(&connection, project).await?;
        output.document(&body, |policy| Ok(whole(policy)))
    }
}

/// Show the rules of the policy
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas backups compliancePolicy policies describe")]
pub(crate) struct DescribeItems {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl DescribeItems {
    async fn run(&self, global: &Global, items: fn(&Value) -> Vec<Value>) -> Result<(), Failure> {
        let output = self.output.format(global)?;
        let project = self.project.id(global)?;
        let connection = Connection::open(global).await?;
        let body = get(&connection, project).await?;
        output.document(&body, |policy| Ok(rules(&items(policy))))
    }
}

/// Enable the policy without rules; only MongoDB Support can disable it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups compliancePolicy enable --authorizedEmail \
                  ada@example.com \\\n      --authorizedUserFirstName Ada --authorizedUserLastName \
                  Lovelace"
)]
pub(crate) struct Enable {
    /// E-mail address of the person who may request changes
    #[arg(long = "authorizedEmail", value_name = "ADDRESS", value_parser = address)]
    email: String,
    /// First name of that person
    #[arg(long = "authorizedUserFirstName", value_name = "NAME")]
    first: String,
    /// Last name of that person
    #[arg(long = "authorizedUserLastName", value_name = "NAME")]
    last: String,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    change: Change,
}

fn address(text: &str) -> Result<String, String> {
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() && !text.contains(' ') => {
            Ok(text.to_owned())
        }
        _ => Err("expected an e-mail address, such as ada@example.com".to_owned()),
    }
}

impl Enable {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.change.output.format(global)?;
        let project = self.change.project.id(global)?;
        let connection = Connection::open(global).await?;
        if is_set(&read(&get(&connection, project).await?)?) {
            return Err(Failure::Usage(
                "the project already has a backup compliance policy; change it with \
                 copyProtection, encryptionAtRest, pointInTimeRestores, policies or setup"
                    .to_owned(),
            ));
        }
        let warning =
            format!("Enabling the backup compliance policy of project {project}: {LASTING}");
        confirm(&self.confirm, warning, "the policy was not enabled").await?;
        let policy = json!({
            "authorizedEmail": self.email,
            "authorizedUserFirstName": self.first,
            "authorizedUserLastName": self.last,
        });
        self.change.put(&connection, project, policy, &output).await
    }
}

/// Set the whole policy from a file; only MongoDB Support can disable it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups compliancePolicy setup --file policy.json --force"
)]
pub(crate) struct Setup {
    /// JSON file with the policy
    #[arg(short, long, value_name = "PATH")]
    file: PathBuf,
    #[command(flatten)]
    confirm: ConfirmArgs,
    #[command(flatten)]
    change: Change,
}

impl Setup {
    async fn run(&self, global: &Global) -> Result<(), Failure> {
        let output = self.change.output.format(global)?;
        let project = self.change.project.id(global)?;
        let policy = json_file::object(&self.file).await?;
        let request = update(project, policy.clone())?;
        json_file::check(&request, &self.file)?;
        let connection = Connection::open(global).await?;
        let warning =
            format!("Setting the backup compliance policy of project {project}: {LASTING}");
        confirm(&self.confirm, warning, "the policy was not set").await?;
        self.change.put(&connection, project, policy, &output).await
    }
}

/// Require point-in-time restores for a number of days
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups compliancePolicy pointInTimeRestores enable \
                  --restoreWindowDays 7"
)]
pub(crate) struct EnableRestores {
    /// Number of days for which restores must be possible
    #[arg(long = "restoreWindowDays", value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    #[command(flatten)]
    change: Change,
}

/// The rule for snapshots on demand
#[derive(Debug, Args)]
pub(crate) struct Retention {
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    change: Change,
}

/// Add a rule for scheduled snapshots
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  atlas backups compliancePolicy policies scheduled create --frequencyType \
                  daily --frequencyInterval 1 \\\n      --retentionUnit days --retentionValue 7"
)]
pub(crate) struct CreateScheduled {
    /// How often snapshots are taken
    #[arg(long = "frequencyType", value_name = "TYPE", value_enum)]
    frequency: Frequency,
    /// Number of hours or days between snapshots, or the day of the week or month
    #[arg(long = "frequencyInterval", value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    interval: u8,
    #[command(flatten)]
    kept: Kept,
    #[command(flatten)]
    change: Change,
}
