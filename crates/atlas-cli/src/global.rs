//! The global options, which any command accepts before or after its name.

use clap::{Arg, Args, Command};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::escape::is_program_name;
use crate::failure::Failure;
use crate::log::LogFormat;
use crate::profile;

/// The global options.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Profile of atlascli/config.toml; defaults to the one named default, or to the only one
    #[arg(
        short = 'P',
        long,
        value_name = "NAME",
        global = true,
        add = ArgValueCandidates::new(profiles)
    )]
    pub(crate) profile: Option<String>,

    /// Do not cache the access token of a service account between runs
    #[arg(long = "no-token-cache", global = true)]
    pub(crate) no_token_cache: bool,

    /// Allow a plain http base URL on another machine, for tests only
    #[arg(long = "allow-http", global = true)]
    pub(crate) allow_http: bool,

    /// Use an embedded sandbox in place of Atlas, without an account
    #[cfg(feature = "sandbox")]
    #[arg(long, global = true)]
    pub(crate) sandbox: bool,

    /// Print only results and errors: no progress and no warnings
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Format of lines on stderr: text, or json with a timestamp, a level and fields
    #[arg(
        long = "log-format",
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub(crate) log_format: LogFormat,
}

/// The profiles that a shell completes.
fn profiles() -> Vec<CompletionCandidate> {
    let names = profile::names().unwrap_or_default();
    // A shell inserts them without quotes.
    let names = names.into_iter().filter(|name| is_program_name(name));
    names.map(CompletionCandidate::new).collect()
}

impl Global {
    /// Whether `--sandbox` was given.
    #[cfg(feature = "sandbox")]
    pub(crate) fn is_in_sandbox(&self) -> bool {
        self.sandbox
    }

    /// A build without the sandbox has no such flag.
    #[cfg(not(feature = "sandbox"))]
    #[allow(
        clippy::unused_self,
        reason = "has the same signature as with the feature"
    )]
    pub(crate) fn is_in_sandbox(&self) -> bool {
        false
    }

    /// Refuses `--profile` with `--sandbox`, which reads no profile.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_in_sandbox() && self.profile.is_some() {
            return Err(Failure::Usage(
                "--sandbox cannot be used with --profile; remove one of them".to_owned(),
            ));
        }
        Ok(())
    }

    /// Refuses `--sandbox` for a command that works offline.
    pub(crate) fn refuse_sandbox(&self) -> Result<(), Failure> {
        if self.is_in_sandbox() {
            return Err(Failure::Usage(
                "--sandbox does not apply: this command does not contact Atlas; remove it"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// The global options that have no effect without a connection.
const OF_CONNECTIONS: [&str; 4] = ["profile", "no_token_cache", "allow_http", "sandbox"];

/// A command that works offline: its help leaves out the options of connections.
pub(crate) fn offline(command: Command) -> Command {
    let global = Global::augment_args(Command::new("global"));
    let hidden: Vec<Arg> = global
        .get_arguments()
        .filter(|argument| OF_CONNECTIONS.contains(&argument.get_id().as_str()))
        .map(|argument| argument.clone().hide(true))
        .collect();
    command.args(hidden)
}
