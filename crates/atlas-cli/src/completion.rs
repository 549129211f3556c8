//! `atlas completion SHELL`: scripts with which shells complete the command line.
//!
//! The scripts call the binary with the variable `_ATLAS_COMPLETE` and the words so far, so tags,
//! operations and flags are always those of the binary.

use std::path::Path;

use clap::error::ErrorKind;
use clap::{Args, Command, ValueHint};
use clap_complete::env::{CompleteEnv, Shells};

use crate::escape::is_program_name;
use crate::failure::Failure;
use crate::print::print;

/// The variable that a script sets.
const VARIABLE: &str = "_ATLAS_COMPLETE";
pub(crate) const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "powershell"];

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = "Add one of these to the start-up file of the shell:\n  \
                  bash        source <(atlas completion bash)\n  \
                  zsh         autoload -U compinit; compinit; source <(atlas completion zsh)\n  \
                  fish        atlas completion fish | source\n  \
                  powershell  atlas completion powershell | Out-String | Invoke-Expression\n\n\
                  Example:\n  source <(atlas completion bash)")]
pub(crate) struct Completion {
    /// Shell to complete for
    #[arg(value_name = "SHELL", value_parser = SHELLS, value_hint = ValueHint::Other)]
    shell: String,

    /// Accepted for scripts of the official command line; has no effect
    #[arg(long = "no-descriptions", hide = true)]
    no_descriptions: bool,
}

/// Answers a completion request of a shell and ends the process; returns if there is none. A closed
/// pipe is not an error.
pub(crate) fn answer(root: fn() -> Command) {
    let environment = CompleteEnv::with_factory(root).var(VARIABLE);
    let folder = std::env::current_dir().ok();
    match environment.try_complete(std::env::args_os(), folder.as_deref()) {
        Ok(false) => {}
        Ok(true) => std::process::exit(0),
        Err(error) if error.kind() == ErrorKind::Io => std::process::exit(0),
        Err(error) => error.exit(),
    }
}

impl Completion {
    /// Prints the script.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        print(script(&self.shell, &called())?.trim_ascii_end())
    }
}

/// The name that this program was called by, or `atlas` if a script would have to quote it.
pub(crate) fn called() -> String {
    let binary = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&binary)
        .file_name()
        .and_then(|name| name.to_str());
    let name = name.map_or("atlas", |name| name.strip_suffix(".exe").unwrap_or(name));
    let name = if is_program_name(name) { name } else { "atlas" };
    name.to_owned()
}

/// The completion script of a shell for a binary of that name.
pub(crate) fn script(shell: &str, name: &str) -> Result<Vec<u8>, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::File(format!("cannot write the completion script: {why}"))
    };
    let shells = Shells::builtins();
    let completer = shells
        .completer(shell)
        .ok_or_else(|| unusable(&"unknown shell"))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, name, name, name, &mut script)
        .map_err(|error| unusable(&error))?;
    Ok(script)
}
