//! `atlas generate`, hidden: man pages and completion scripts for packages.

use std::path::{Path, PathBuf};

use clap::{Args, Command, Subcommand};
use clap_mangen::Man;

use crate::completion::{SHELLS, is_program_name, script};
use crate::failure::Failure;
use crate::version::version;

/// Write what packages of this program contain beside it
#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// Write a man page for each command
    Man(Folder),
    /// Write the completion script of each shell
    Completions(Folder),
}

/// Where the files go
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas generate man target/man")]
pub(crate) struct Folder {
    /// The folder, which is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// The name under which the program is installed
    #[arg(long, value_name = "NAME", default_value = "atlas", value_parser = program_name)]
    name: String,
}

/// A name that can stand in a path and in a script.
fn program_name(text: &str) -> Result<String, String> {
    if is_program_name(text) {
        return Ok(text.to_owned());
    }
    Err("expected ASCII letters, digits, . _ and -, beginning with a letter or digit".to_owned())
}

impl Generate {
    /// Writes the files. Blocks.
    pub(crate) fn run(&self, root: Command) -> Result<(), Failure> {
        match self {
            Self::Man(folder) => {
                // What the pages are called by themselves and by each other.
                let mut root = root
                    .name(folder.name.clone())
                    .display_name(folder.name.clone());
                root.build();
                folder.page(&root, &folder.name)
            }
            Self::Completions(folder) => SHELLS.iter().try_for_each(|shell| {
                let name = &folder.name;
                let file = match *shell {
                    "zsh" => format!("_{name}"),
                    "powershell" => format!("_{name}.ps1"),
                    shell => format!("{name}.{shell}"),
                };
                folder.write(&file, &script(shell, name)?)
            }),
        }
    }
}

impl Folder {
    /// A page for a command and one for each below it, but for the operations of the API, of which
    /// `--help` tells.
    fn page(&self, command: &Command, name: &str) -> Result<(), Failure> {
        let has_page = |below: &Command| {
            let is_of_api = command.get_name() == "api" && below.has_subcommands();
            !below.is_hide_set() && below.get_name() != "help" && !is_of_api
        };
        let mut page = command
            .clone()
            .name(name.to_owned())
            .display_name(name.to_owned())
            .version(version());
        // A page names others, which have to be there.
        for below in command.get_subcommands().filter(|below| !has_page(below)) {
            page = page.mut_subcommand(below.get_name(), |below| below.hide(true));
        }
        let mut text = Vec::new();
        Man::new(page)
            .render(&mut text)
            .map_err(|error| Failure::File(format!("cannot write a man page: {error}")))?;
        self.write(&format!("{name}.1"), &text)?;
        for below in command.get_subcommands().filter(|below| has_page(below)) {
            self.page(below, &format!("{name}-{}", below.get_name()))?;
        }
        Ok(())
    }

    fn write(&self, file: &str, text: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(file);
        let failed = |path: &Path, error: std::io::Error| {
            Failure::File(format!("cannot write {}: {error}", path.display()))
        };
        std::fs::create_dir_all(&self.folder).map_err(|error| failed(&self.folder, error))?;
        std::fs::write(&path, text).map_err(|error| failed(&path, error))
    }
}
