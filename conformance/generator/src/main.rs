//! Writes the examples and the cases of all operations, and packs the fixtures embedded in the judge.
//!
//! `generate` writes the files; `check` compares them with what `generate` would write.

#![forbid(unsafe_code)]

mod case;
mod client;
mod compose;
mod example;
mod examples;
mod fields;
mod files;
mod json;
mod list;
mod overrides;
mod pack;
mod parameters;
mod provider;
mod read_back;
mod recorded;
mod role;
mod scalar;
mod seed;
mod server;
mod words;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::Sources;
use overrides::Overrides;
use world::World;

const USAGE: &str = "usage: atlas-conformance-generator [--root FOLDER] generate|check";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let mut root = PathBuf::from(".");
    let mut command = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--root" => root = arguments.next().ok_or(USAGE)?.into(),
            _ if command.is_none() => command = Some(argument),
            _ => return Err(USAGE.to_owned()),
        }
    }
    match command.as_deref() {
        Some("generate") => made(&root)?.write(&root),
        Some("check") => made(&root)?.check(&root),
        _ => Err(USAGE.to_owned()),
    }
}

/// Makes all files that `generate` writes.
fn made(root: &Path) -> Result<files::Files, String> {
    let overrides = Overrides::read(&files::read(root, "fixtures/examples-overrides.json")?)
        .map_err(|wrong| format!("invalid fixtures/examples-overrides.json: {wrong}"))?;
    let world = World::read(&files::read(root, "fixtures/world.json")?)
        .map_err(|wrong| format!("invalid fixtures/world.json: {wrong}"))?;
    let sources = Sources { overrides, world };
    let mut files = files::Files::default();
    examples::write(&sources.overrides, &mut files);
    case::write(&sources, &mut files);
    pack::write(root, &mut files)?;
    Ok(files)
}
