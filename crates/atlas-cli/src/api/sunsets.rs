//! `atlas api sunsets`: what ends when, what to use instead, and where a source tree names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use atlas_transport::atlas_catalog::{Operation, Version};
use clap::{Arg, ArgMatches, Command, value_parser};
use jiff::civil::Date;
use serde_json::json;
use walkdir::WalkDir;

use crate::commands::{output_argument, wants_json_offline};
use crate::failure::{Failure, say};
use crate::show;

/// The largest file that is searched.
const LARGEST: u64 = 4 << 20;
/// Folders that hold what was made or fetched.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "vendor"];

pub(super) fn command() -> Command {
    Command::new("sunsets")
        .about("List the operations and versions that end, and where a source tree names them")
        .arg(
            Arg::new("before")
                .long("before")
                .value_name("DATE")
                .help("Only what ends before this date, such as 2027-01-01"),
        )
        .arg(
            Arg::new("grep")
                .long("grep")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .help("Only what a file of this folder names, with the places"),
        )
        .arg(output_argument())
}

/// A version that ends.
struct Sunset {
    operation: Operation,
    version: &'static Version,
    date: &'static str,
    instead: String,
    places: Vec<String>,
}

pub(super) fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let before = match matches.get_one::<String>("before") {
        Some(text) => Some(date(text)?),
        None => None,
    };
    let mut sunsets: Vec<Sunset> = Operation::all()
        .flat_map(|operation| operation.versions().iter().map(move |one| (operation, one)))
        .filter_map(|(operation, version)| {
            let date = version.sunset.as_deref()?;
            before
                .as_deref()
                .is_none_or(|before| date < before)
                .then(|| Sunset {
                    operation,
                    version,
                    date,
                    instead: instead(operation, version),
                    places: Vec::new(),
                })
        })
        .collect();
    sunsets.sort_by_key(|sunset| (sunset.date, sunset.operation, &sunset.version.name));
    if let Some(folder) = matches.get_one::<PathBuf>("grep") {
        let places = places(folder)?;
        for sunset in &mut sunsets {
            let names = names(sunset.operation);
            let found = names.filter_map(|name| places.get(name)).flatten();
            sunset.places = found.cloned().collect();
        }
        sunsets.retain(|sunset| !sunset.places.is_empty());
        if sunsets.is_empty() {
            say("no operation that ends is named there");
        }
    }
    print(&sunsets, matches)
}

fn date(text: &str) -> Result<String, Failure> {
    text.parse::<Date>()
        .map(|date| date.to_string())
        .map_err(|_| {
            Failure::Usage(format!(
                "invalid --before {text:?}: expected a date such as 2027-01-01"
            ))
        })
}

/// What to use instead of a version.
fn instead(operation: Operation, version: &Version) -> String {
    let newest = operation.version(None);
    match (newest, operation.successor()) {
        (Some(newest), _) if newest.sunset.is_none() && newest.name != version.name => {
            format!("version {}", newest.name)
        }
        (_, Some(successor)) => successor.id().to_owned(),
        _ => "-".to_owned(),
    }
}

/// The names that a source file may have for an operation.
fn names(operation: Operation) -> impl Iterator<Item = &'static str> {
    [operation.id()].into_iter().chain(operation.former_ids())
}

/// A name as Go and Rust spell it.
fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// Where each operation that ends is named, as `FILE:LINE`.
fn places(folder: &Path) -> Result<BTreeMap<&'static str, Vec<String>>, Failure> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::File(format!("cannot read {}: {error}", path.display()))
    };
    if let Err(error) = folder.metadata() {
        return Err(unreadable(folder, &error));
    }
    let wanted: BTreeMap<String, &'static str> = Operation::all()
        .filter(|one| {
            one.versions()
                .iter()
                .any(|version| version.sunset.is_some())
        })
        .flat_map(names)
        .flat_map(|name| [(name.to_owned(), name), (capitalized(name), name)])
        .collect();
    let mut places: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let files = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_str().unwrap_or_default();
            entry.depth() == 0 || !SKIPPED.contains(&name)
        });
    for entry in files {
        let entry = match entry {
            Ok(entry) if entry.file_type().is_file() => entry,
            Ok(_) => continue,
            Err(error) => {
                say(&format!("warning: skipped: {error}"));
                continue;
            }
        };
        let small = entry
            .metadata()
            .is_ok_and(|metadata| metadata.len() <= LARGEST);
        let Some(Ok(text)) = small.then(|| std::fs::read_to_string(entry.path())) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric());
            for word in words {
                if let Some(name) = wanted.get(word) {
                    let place = format!("{}:{}", entry.path().display(), number + 1);
                    places.entry(name).or_default().push(place);
                }
            }
        }
    }
    Ok(places)
}

fn print(sunsets: &[Sunset], matches: &ArgMatches) -> Result<(), Failure> {
    if wants_json_offline(matches)? {
        let rows: Vec<_> = sunsets
            .iter()
            .map(|sunset| {
                json!({
                    "date": sunset.date,
                    "id": sunset.operation.id(),
                    "version": sunset.version.name,
                    "instead": (sunset.instead != "-").then_some(&sunset.instead),
                    "places": sunset.places,
                })
            })
            .collect();
        return show::json(&rows);
    }
    let rows: Vec<[String; 5]> = sunsets
        .iter()
        .map(|sunset| {
            [
                sunset.date.to_owned(),
                sunset.operation.id().to_owned(),
                sunset.version.name.clone(),
                sunset.instead.clone(),
                sunset.places.join(" "),
            ]
        })
        .collect();
    show::table(
        ["ENDS", "OPERATION", "VERSION", "INSTEAD", "NAMED IN"],
        &rows,
    )
}
