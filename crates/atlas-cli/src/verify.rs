//! `atlas backups verify`: whether files are sound, offline.

use clap::{Arg, ArgMatches, Command};

use crate::commands::{output_argument, wants_json_offline};
use crate::escape::escape;
use crate::failure::{Failure, print};

/// `verify`.
pub(crate) fn command() -> Command {
    Command::new("verify")
        .about("Check a downloaded file against the manifest beside it, offline")
        .arg(
            Arg::new("file")
                .required(true)
                .num_args(1..)
                .value_name("FILE")
                .help("The file, or several"),
        )
        .arg(output_argument())
}

/// Checks files. Blocks.
pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let as_json = wants_json_offline(matches)?;
    let files = matches.get_many::<String>("file").into_iter().flatten();
    let mut first = Ok(());
    for file in files {
        let (sound, detail) = match atlas_backup::verify(file.as_ref()) {
            Ok(manifest) => (
                true,
                format!("snapshot {}, {} bytes", manifest.snapshot, manifest.bytes),
            ),
            Err(error) => {
                let failure = Failure::from(error);
                let detail = failure.to_string();
                if first.is_ok() {
                    first = Err(failure);
                }
                (false, detail)
            }
        };
        let line = if as_json {
            serde_json::json!({"file": file, "sound": sound, "detail": detail}).to_string()
        } else {
            let verdict = if sound { "sound" } else { "UNSOUND" };
            escape(&format!("{verdict:<8} {file}: {detail}")).into_owned()
        };
        print(line.as_bytes())?;
    }
    first
}
