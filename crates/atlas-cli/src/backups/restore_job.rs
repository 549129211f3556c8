//! Prints one restore job.

use atlas_model::RestoreJobId;

use super::by_kind::{LINKS, Operations, RESTORE, with_status};
use crate::failure::Failure;
use crate::operation;
use crate::output::Output;
use crate::table;
use crate::target::Target;

/// Requests a restore job and prints it.
pub(super) async fn show(
    target: &Target,
    id: RestoreJobId,
    output: &Output,
    show_link: bool,
) -> Result<(), Failure> {
    let operations = Operations::of(target.kind().await?);
    let request = operations.request(operations.get_restore, target)?;
    let request = request.parameter(operations.restore, id);
    let body = operation::send(&target.connection.client, request).await?;
    output.document(&body, |job| {
        let mut columns = RESTORE.to_vec();
        if show_link {
            columns.push(LINKS);
        }
        Ok(table::of_items(&columns, &[with_status(job.clone())]))
    })
}
