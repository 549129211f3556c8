//! Converts a published API description into facts, and generates the files that the crates embed.
//!
//! `import` reads a description, `export` writes one, `generate` and `check` keep the files
//! generated from `fixtures/api` up to date, `diff` compares two facts files.

#![forbid(unsafe_code)]

mod canonical;
mod check;
mod diff;
mod error;
mod export;
mod facts;
mod format;
mod generate;
mod import;
mod keep;
mod keys;
mod names;
mod read;
mod refresh;
mod store;

use std::error::Error as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use error::Error;
use facts::Facts;
use refresh::Refresh;
use store::{FOLDER, Sources, source_name};

/// Converts a published API description into facts, and generates the files that the crates embed.
///
/// Exit codes: 0 success, or no differences; 1 `check` found files that are out of date, or `diff`
/// found only behavioural changes or additions; 2 an input is invalid, and no file was changed; 3
/// `diff` found at least one breaking change or removal.
#[derive(Debug, Parser)]
#[command(name = "atlas-codegen")]
struct Arguments {
    /// The folder of the workspace.
    #[arg(long, global = true, default_value = ".", value_name = "FOLDER")]
    root: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads an OpenAPI 3.0 description, rewrites the facts and names, and generates everything.
    ///
    /// Prints the changes to standard output. Prints to standard error what it left out, and which
    /// rows of overrides.json and watch.json it added, removed or changed to match the new facts.
    Import {
        /// The description, in YAML or JSON; `-` reads standard input.
        description: PathBuf,
        /// The date on which the description was published.
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = import::date)]
        date: String,
        /// The revision of the description [default: its `info.x-xgen-sha`].
        #[arg(long, value_name = "REVISION")]
        source: Option<String>,
        /// Keeps this operation if the description lacks it; names.json records it.
        #[arg(long, value_name = "ID")]
        keep: Vec<String>,
        /// Prints the facts of the description without changing any file.
        ///
        /// Cannot be combined with --keep, since the current facts are not read.
        #[arg(long, conflicts_with = "keep")]
        print: bool,
    },
    /// Prints the facts as an OpenAPI 3.0 description.
    Export {
        /// The format of the description.
        #[arg(long, value_enum, default_value_t = Format::Yaml)]
        format: Format,
    },
    /// Writes every generated file, and rewrites the sources with sorted keys and one entry per
    /// line.
    Generate,
    /// Compares every generated file with the output of `generate`.
    Check,
    /// Lists the changes between two facts files.
    Diff {
        /// The earlier facts.
        old: PathBuf,
        /// The later facts.
        new: PathBuf,
        /// The format of the changes.
        #[arg(short, long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Yaml,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    let Arguments { root, command } = Arguments::parse();
    let done = match command {
        Command::Import {
            description,
            date,
            source,
            keep,
            print,
        } => import(&root, &description, date, source, keep, print),
        Command::Export { format } => export(&root, format),
        Command::Generate => generate(&root),
        Command::Check => check(&root),
        Command::Diff { old, new, output } => diff(&old, &new, output),
    };
    done.unwrap_or_else(|error| {
        let mut line = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            line = format!("{line}: {cause}");
            source = cause.source();
        }
        let _ = writeln!(io::stderr(), "error: {line}");
        ExitCode::from(2)
    })
}

fn import(
    root: &Path,
    path: &Path,
    date: String,
    source: Option<String>,
    keep: Vec<String>,
    print: bool,
) -> Result<ExitCode, Error> {
    let overrides = store::document(&root.join(FOLDER).join("overrides.json"))?;
    let roles = keys::overrides(&overrides)
        .and_then(|()| import::Roles::from_overrides(&overrides))
        .map_err(|error| error.in_file(source_name("overrides.json")))?;
    let description = store::document(path)?;
    let options = import::Options {
        source,
        date,
        roles,
    };
    let (mut facts, report) = import::import(&description, &options)
        .map_err(|error| error.in_file(path.display().to_string()))?;
    write_text(&mut io::stderr(), &report.text());
    if print {
        write_text(&mut io::stdout(), &facts.to_text());
        return Ok(ExitCode::SUCCESS);
    }

    let mut sources = Sources::load(root)?;
    let old = sources.typed_facts()?;
    let mut names = sources.typed_names()?;
    names.kept.extend(keep);
    let mut notes = keep::keep(&old, &mut facts, &names.kept)
        .map_err(|error| error.in_file(source_name("names.json")))?;
    notes.extend(names.update(&facts));
    say_names(&notes);
    let refresh = Refresh {
        old: &old,
        new: &facts,
        names: &names,
    };
    let value = |text: String| read::value(text.as_bytes());
    // If the corrections do not apply, the check of the sources reports it.
    let schemas = |facts: serde_json::Value, overrides: &serde_json::Value| {
        let corrected = generate::corrected(&facts, overrides).unwrap_or(facts);
        corrected["schemas"].clone()
    };
    let before = schemas(sources.facts.clone(), &sources.overrides);
    say_notes(&refresh.overrides(&mut sources.overrides));
    let after = schemas(value(facts.to_text())?, &sources.overrides);
    say_notes(&refresh.watch(&mut sources.watch, &[before, after]));
    let changes = diff::diff(&old, &facts);
    let sources = Sources {
        facts: value(facts.to_text())?,
        names: value(names.to_text())?,
        ..sources
    };
    let files = check::expected(&sources)?.files;
    write_text(&mut io::stdout(), &changes.to_text());
    write(root, files)?;
    Ok(ExitCode::SUCCESS)
}

fn export(root: &Path, format: Format) -> Result<ExitCode, Error> {
    let facts = facts(&root.join(FOLDER).join("facts.json"))?;
    let description = export::export(&facts);
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&description).unwrap_or_default() + "\n",
        Format::Yaml => serde_saphyr::to_string(&description)
            .map_err(|error| Error::at("yaml", error.to_string()).in_file("export"))?,
    };
    write_text(&mut io::stdout(), &text);
    Ok(ExitCode::SUCCESS)
}

fn generate(root: &Path) -> Result<ExitCode, Error> {
    let sources = Sources::load(root)?;
    let expected = check::expected(&sources)?;
    say_names(&expected.notes);
    write(root, expected.files)?;
    Ok(ExitCode::SUCCESS)
}

fn check(root: &Path) -> Result<ExitCode, Error> {
    let sources = Sources::load(root)?;
    let expected = check::expected(&sources)?;
    say_names(&expected.notes);
    let stale = check::stale(&sources, &expected);
    for line in &stale {
        write_text(&mut io::stderr(), &format!("{line}\n"));
    }
    Ok(ExitCode::from(u8::from(!stale.is_empty())))
}

fn diff(old: &Path, new: &Path, output: Output) -> Result<ExitCode, Error> {
    let diff = diff::diff(&facts(old)?, &facts(new)?);
    match output {
        Output::Text => write_text(&mut io::stdout(), &diff.to_text()),
        Output::Json => write_text(&mut io::stdout(), &format!("{:#}\n", diff.to_json())),
    }
    Ok(ExitCode::from(
        match (diff.is_empty(), diff.is_breaking()) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 3,
        },
    ))
}

fn facts(path: &Path) -> Result<Facts, Error> {
    Facts::from_value(&store::document(path)?)
        .and_then(|facts| import::check(&facts).map(|()| facts))
        .map_err(|error| error.in_file(path.display().to_string()))
}

/// Writes every file, and removes modules that are no longer generated.
fn write(root: &Path, files: Vec<(PathBuf, Vec<u8>)>) -> Result<(), Error> {
    let leftovers = check::leftovers(root, &files);
    for path in store::write_all(files)? {
        let name = path.strip_prefix(root).unwrap_or(&path).display();
        write_text(&mut io::stdout(), &format!("wrote {name}\n"));
    }
    for path in leftovers {
        std::fs::remove_file(&path).map_err(|source| Error::write(&path, source))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display();
        write_text(&mut io::stdout(), &format!("removed {name}\n"));
    }
    Ok(())
}

/// Reports changes in the lock of names.
fn say_names(notes: &[String]) {
    let notes: Vec<String> = notes.iter().map(|note| format!("names: {note}")).collect();
    say_notes(&notes);
}

fn say_notes(notes: &[String]) {
    for note in notes {
        write_text(&mut io::stderr(), &format!("{}\n", error::escaped(note)));
    }
}

/// Writes to a stream that may be closed.
fn write_text(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes());
}
