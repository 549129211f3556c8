//! The command line: what there is, and what does it.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::failure::{EXIT_CODES, Failure};
use crate::settings::{Output, Settings, VARIABLES};
use crate::signals::blocking_with;
use crate::{api, completion, doctor, pull, restores, snapshots, verify};

/// The whole command line.
pub(crate) fn root() -> Command {
    let command = Command::new("atlas")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Gets snapshots out of MongoDB Atlas as files, and calls its API")
        .after_help(format!("{VARIABLES}\n\n{EXIT_CODES}"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(api::command())
        .subcommand(doctor::command())
        .subcommand(completion::command())
        .subcommand(
            group("backups", "Work with backups")
                .subcommand(snapshots::command())
                .subcommand(restores::command())
                .subcommand(pull::command())
                .subcommand(verify::command()),
        )
        .arg(
            Arg::new("profile")
                .long("profile")
                .short('P')
                .value_name("NAME")
                .global(true)
                .help("The profile of atlascli/config.toml; default if it is not given"),
        )
        .arg(
            Arg::new("noTokenCache")
                .long("no-token-cache")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Keep no access token of a service account between runs"),
        )
        .arg(
            Arg::new("allowHttp")
                .long("allow-http")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Allow a base URL of plain http to another machine, for tests only"),
        );
    #[cfg(feature = "sandbox")]
    let command = command.subcommand(crate::serve::command());
    if cfg!(feature = "sandbox") {
        command.arg(
            Arg::new("sandbox")
                .long("sandbox")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Talk to an Atlas inside this process, without an account"),
        )
    } else {
        command
    }
}

/// Runs what was asked for.
pub(crate) async fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let path = path(matches);
    let allowed = path.last().map(|(_, last)| last.get_flag("allowHttp"));
    if allowed == Some(true) {
        crate::environment::allow_http();
    }
    match path.as_slice() {
        [("api", _), path @ ..] => api::run(path).await,
        [("doctor", matches)] => doctor::run(matches).await,
        [("completion", matches)] => blocking_with(matches, completion::run).await,
        [("backups", _), ("snapshots", _), (name, matches)] => snapshots::run(name, matches).await,
        [("backups", _), ("restores", _), (name, matches)]
        | [
            ("backups", _),
            ("restores", _),
            ("start", _),
            (name, matches),
        ] => restores::run(name, matches).await,
        #[cfg(feature = "sandbox")]
        [("sandbox", matches)] => crate::serve::run(matches).await,
        [("backups", _), ("pull", matches)] => pull::run(matches).await,
        [("backups", _), ("verify", matches)] => blocking_with(matches, verify::run).await,
        _ => Err(Failure::Usage(
            "no such command; see atlas --help".to_owned(),
        )),
    }
}

/// A command that only holds others.
pub(crate) fn group(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
}

/// `--output`, `-o`: only `json` for now.
pub(crate) fn output_argument() -> Arg {
    Arg::new("output")
        .long("output")
        .short('o')
        .value_name("FORMAT")
        .value_parser(["json"])
        .help("Print JSON")
}

/// Whether JSON was asked for, by the flag or by a setting. To be asked before anything is sent,
/// since the setting may be wrong.
pub(crate) fn wants_json(matches: &ArgMatches) -> Result<bool, Failure> {
    is_json(matches, &Settings::of(matches))
}

/// As [`wants_json`], for a command that works offline and reads no profile.
pub(crate) fn wants_json_offline(matches: &ArgMatches) -> Result<bool, Failure> {
    is_json(matches, &Settings::offline())
}

fn is_json(matches: &ArgMatches, settings: &Settings) -> Result<bool, Failure> {
    match matches.get_one::<String>("output") {
        Some(output) => Ok(output == "json"),
        None => Ok(settings.output()? == Output::Json),
    }
}

/// `--force`.
pub(crate) fn force_argument() -> Arg {
    Arg::new("force")
        .long("force")
        .action(ArgAction::SetTrue)
        .help("Replace a file that is there already")
}

/// The subcommands that were named, outermost first.
fn path(matches: &ArgMatches) -> Vec<(&str, &ArgMatches)> {
    std::iter::successors(matches.subcommand(), |(_, matches)| matches.subcommand()).collect()
}
