//! `atlas completion SHELL`: small scripts that ask this binary what comes next.
//!
//! The scripts call the binary with the variable `_ATLAS_COMPLETE` and the words so far, so tags,
//! operations and flags are always those of the binary.

use std::path::Path;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, ValueHint};
use clap_complete::env::{CompleteEnv, Shells};

use crate::commands;
use crate::failure::{Failure, print};

/// The variable that a script sets.
const VARIABLE: &str = "_ATLAS_COMPLETE";
const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

pub(crate) fn command() -> Command {
    Command::new("completion")
        .about("Print the completion script of a shell")
        .after_help(
            "Add one of these to the start-up file of the shell:\n  \
             bash        source <(atlas completion bash)\n  \
             zsh         autoload -U compinit; compinit; source <(atlas completion zsh)\n  \
             fish        atlas completion fish | source\n  \
             powershell  atlas completion powershell | Out-String | Invoke-Expression",
        )
        .arg(
            Arg::new("shell")
                .required(true)
                .value_name("SHELL")
                .value_parser(SHELLS)
                .value_hint(ValueHint::Other)
                .help("The shell"),
        )
}

/// Answers a script that asks, and ends the process then. A shell that has gone meanwhile is not an
/// error.
pub(crate) fn answer() {
    let environment = CompleteEnv::with_factory(commands::root).var(VARIABLE);
    let folder = std::env::current_dir().ok();
    match environment.try_complete(std::env::args_os(), folder.as_deref()) {
        Ok(false) => {}
        Ok(true) => std::process::exit(0),
        Err(error) if error.kind() == ErrorKind::Io => std::process::exit(0),
        Err(error) => error.exit(),
    }
}

/// Prints the script of a shell.
pub(crate) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let shell = matches
        .get_one::<String>("shell")
        .map_or("", String::as_str);
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::File(format!("cannot write the completion script: {why}"))
    };
    let binary = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&binary)
        .file_name()
        .and_then(|name| name.to_str());
    let name = name.map_or("atlas", |name| name.strip_suffix(".exe").unwrap_or(name));
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| unusable(&"the shell is not known"))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, name, name, name, &mut script)
        .map_err(|error| unusable(&error))?;
    print(script.trim_ascii_end())
}
