//! `atlas backups`: snapshots, restores, schedules, exports, compliance, and folders of snapshots.

mod by_kind;
mod compliance;
mod download;
mod exports;
mod pull;
mod restore_job;
mod restores;
mod saved;
mod schedule;
mod snapshots;
mod start;
pub(crate) mod store;
mod verify;

use clap::Subcommand;

use crate::failure::Failure;
use crate::global::Global;
use crate::signals::blocking;

/// Work with backups
#[derive(Debug, Subcommand)]
pub(crate) enum Backups {
    #[command(subcommand, alias = "snapshot")]
    Snapshots(snapshots::Snapshots),
    #[command(subcommand, alias = "restore")]
    Restores(restores::Restores),
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    #[command(subcommand, alias = "export")]
    Exports(exports::Exports),
    #[command(
        subcommand,
        name = "compliancePolicy",
        aliases = ["compliancepolicy", "compliance-policy"]
    )]
    CompliancePolicy(compliance::CompliancePolicy),
    Pull(Box<pull::Pull>),
    Verify(verify::Verify),
}

impl Backups {
    pub(crate) async fn run(self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Snapshots(command) => command.run(global).await,
            Self::Restores(command) => command.run(global).await,
            Self::Schedule(command) => command.run(global).await,
            Self::Exports(command) => command.run(global).await,
            Self::CompliancePolicy(command) => command.run(global).await,
            Self::Pull(command) => command.run(global).await,
            Self::Verify(command) => {
                global.refuse_sandbox()?;
                blocking(move || command.run()).await
            }
        }
    }
}
