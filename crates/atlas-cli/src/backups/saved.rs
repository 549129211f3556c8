//! Prints the line of a downloaded file.

use atlas_backup::Manifest;
use serde_json::json;

use crate::escape::escape;
use crate::failure::Failure;
use crate::log;
use crate::output::{ForPeople, Output};
use crate::print::print;

/// Prints the line of a downloaded file, unless `--quiet` was given.
pub(super) fn print_saved(name: &str, manifest: &Manifest, output: &Output) -> Result<(), Failure> {
    if output.is_plain() && log::is_quiet() {
        return Ok(());
    }
    print(saved_line(name, manifest, output)?.as_bytes())
}

/// The line of a downloaded file.
pub(super) fn saved_line(
    name: &str,
    manifest: &Manifest,
    output: &Output,
) -> Result<String, Failure> {
    let line = json!({
        "snapshotId": manifest.snapshot.to_string(),
        "clusterName": manifest.cluster.as_str(),
        "file": name,
        "bytes": manifest.bytes,
        "sha256": manifest.sha256,
        "shard": manifest.shard,
    });
    let line = output.line(&line).unwrap_or_else(|ForPeople| {
        let (snapshot, bytes) = (manifest.snapshot, manifest.bytes);
        let line = format!("{name}: snapshot {snapshot}, {bytes} bytes");
        Some(escape(&line).into_owned())
    });
    line.ok_or_else(|| {
        Failure::Answer(format!(
            "{name} was downloaded, but --output selects nothing of it"
        ))
    })
}
