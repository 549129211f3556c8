//! `atlas generate`, hidden: man pages and completion scripts for packages.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Command, Subcommand};
use clap_mangen::Man;

use crate::completion::{SHELLS, called, script};
use crate::escape::is_program_name;
use crate::failure::Failure;
use crate::version::version;

/// Write man pages and completion scripts for packages
#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// Write a man page for each command
    #[command(after_help = "Example:\n  atlas generate man target/man")]
    Man(Folder),
    /// Write the completion script of each shell
    #[command(after_help = "Example:\n  atlas generate completions target/completions")]
    Completions(Folder),
}

/// The folder of the files
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Folder to write to; created if missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,

    /// Name under which the program is installed; defaults to the name that it was called by
    #[arg(long, value_name = "NAME", value_parser = program_name)]
    name: Option<String>,
}

/// Parses a name that can be used in a path and in a script.
fn program_name(text: &str) -> Result<String, String> {
    if is_program_name(text) {
        return Ok(text.to_owned());
    }
    Err("expected ASCII letters, digits, . _ and -, beginning with a letter or digit".to_owned())
}

impl Generate {
    /// Writes the files. Blocks.
    pub(crate) fn run(&self, root: Command) -> Result<(), Failure> {
        let (Self::Man(folder) | Self::Completions(folder)) = self;
        let name = folder.name.clone().unwrap_or_else(called);
        match self {
            Self::Man(folder) => {
                // The pages use this name for themselves and for each other.
                let mut root = root.name(name.clone()).display_name(name.clone());
                root.build();
                folder.page(&root, &name, &name)
            }
            Self::Completions(folder) => SHELLS.iter().try_for_each(|shell| {
                let file = match *shell {
                    "zsh" => format!("_{name}"),
                    "powershell" => format!("_{name}.ps1"),
                    shell => format!("{name}.{shell}"),
                };
                folder.write(&file, &script(shell, &name)?)
            }),
        }
    }
}

impl Folder {
    /// Writes a page for a command and for each of its subcommands, except the operations of the
    /// API, which only `--help` describes.
    fn page(&self, command: &Command, name: &str, root: &str) -> Result<(), Failure> {
        let has_page = |below: &Command| {
            let is_of_api = command.get_name() == "api" && below.has_subcommands();
            !below.is_hide_set() && below.get_name() != "help" && !is_of_api
        };
        let mut page = command
            .clone()
            .name(name.to_owned())
            .display_name(name.to_owned())
            .version(version());
        // A page must name only pages that exist.
        for below in command.get_subcommands().filter(|below| !has_page(below)) {
            page = page.mut_subcommand(below.get_name(), |below| below.hide(true));
        }
        let text = render(page, root)
            .map_err(|error| Failure::File(format!("cannot write a man page: {error}")))?;
        self.write(&format!("{name}.1"), &text)?;
        for below in command.get_subcommands().filter(|below| has_page(below)) {
            self.page(below, &format!("{name}-{}", below.get_name()), root)?;
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

/// Renders the page of a command. Tables and examples after the options are not filled, so that they
/// can be read and copied, and call the program by its installed name.
fn render(page: Command, program: &str) -> io::Result<Vec<u8>> {
    let after = page.get_after_help().map(ToString::to_string);
    let page = page.after_help("");
    let has_commands = page.has_subcommands();
    let man = Man::new(page)
        .source(format!("atlas-rs {}", env!("CARGO_PKG_VERSION")))
        .manual("atlas-rs");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_commands {
        man.render_subcommands_section(&mut text)?;
    }
    let after = after.unwrap_or_default();
    let after = installed(&after, program);
    let (notes, examples) = after
        .find("Example")
        .map_or((after.as_str(), ""), |at| after.split_at(at));
    section(&mut text, "NOTES", notes)?;
    let examples = examples.split_once('\n').unwrap_or_default().1;
    section(&mut text, "EXAMPLES", examples)?;
    man.render_version_section(&mut text)?;
    Ok(text)
}

/// Calls the program in a help text by its installed name.
fn installed(text: &str, program: &str) -> String {
    text.replace(" atlas ", &format!(" {program} "))
        .replace("(atlas ", &format!("({program} "))
}

/// Writes a section of a page. Paragraphs of one line are filled; others stay as they are.
fn section(text: &mut Vec<u8>, name: &str, body: &str) -> io::Result<()> {
    if body.trim().is_empty() {
        return Ok(());
    }
    writeln!(text, ".SH {name}")?;
    for paragraph in body.trim_matches('\n').split("\n\n") {
        let is_filled = !paragraph.contains('\n') && !paragraph.starts_with(' ');
        writeln!(text, ".PP")?;
        if !is_filled {
            writeln!(text, ".nf")?;
        }
        for line in paragraph.lines() {
            let line = line
                .replace('\\', "\\e")
                .replace('-', "\\-")
                .replace('\'', "\\(aq");
            // A leading dot would start a troff request.
            let guard = if line.starts_with('.') { "\\&" } else { "" };
            writeln!(text, "{guard}{line}")?;
        }
        if !is_filled {
            writeln!(text, ".fi")?;
        }
    }
    Ok(())
}
