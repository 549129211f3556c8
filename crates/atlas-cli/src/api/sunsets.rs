//! `atlas api sunsets`: sunset dates, replacements, and where a source tree names the operations.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use atlas_transport::atlas_catalog::{Operation, Version, methods, route};
use clap::{Args, ValueHint};
use jiff::civil::Date;
use serde_json::{Value, json};
use walkdir::WalkDir;

use crate::args::OutputArgs;
use crate::failure::Failure;
use crate::log;
use crate::table::{self, Column};
use crate::usage::short;

/// The largest file that is searched.
const LARGEST: u64 = 4 << 20;
/// Folders of generated or fetched files.
const SKIPPED: [&str; 4] = [".git", "target", "node_modules", "vendor"];

/// List the operations and versions with a sunset date, and where a source tree names them
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  atlas api sunsets --before 2027-01-01 --grep src")]
pub(super) struct Sunsets {
    /// List only sunset dates before this date, such as 2027-01-01
    #[arg(long, value_name = "DATE")]
    before: Option<String>,

    /// List only operations that files in this folder name, with the places: by id (getUser, GetUser,
    /// get_user), by former id, by tag and short id in one line, or by path
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    grep: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

/// A version with a sunset date.
struct Sunset {
    operation: Operation,
    version: &'static Version,
    date: &'static str,
    instead: String,
    places: Vec<String>,
}

pub(super) fn run(args: &Sunsets) -> Result<(), Failure> {
    let before = match &args.before {
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
    if let Some(folder) = &args.grep {
        let places = places(folder)?;
        for sunset in &mut sunsets {
            let found = places.get(sunset.operation.id()).into_iter().flatten();
            sunset.places = found.cloned().collect();
        }
        sunsets.retain(|sunset| !sunset.places.is_empty());
        if sunsets.is_empty() {
            log::note("no file in the folder names an operation with a sunset date");
        }
    }
    print(&sunsets, args)
}

fn date(text: &str) -> Result<String, Failure> {
    text.parse::<Date>()
        .map(|date| date.to_string())
        .map_err(|_| {
            Failure::Usage(format!(
                "invalid --before {:?}: expected a date such as 2027-01-01",
                short(text)
            ))
        })
}

/// The replacement of a version.
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

/// The places that name each operation with a sunset date, as `FILE:LINE`.
fn places(folder: &Path) -> Result<BTreeMap<&'static str, BTreeSet<String>>, Failure> {
    if let Err(error) = folder.metadata() {
        let folder = folder.display();
        return Err(Failure::File(format!("cannot read {folder}: {error}")));
    }
    let names = Names::new();
    let mut places: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
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
                log::warn(&format!("skipped: {error}"));
                continue;
            }
        };
        let path = entry.path().display();
        match entry.metadata() {
            Ok(metadata) if metadata.len() > LARGEST => {
                log::warn(&format!("skipped {path}: larger than {LARGEST} bytes"));
                continue;
            }
            _ => {}
        }
        let bytes = match std::fs::read(entry.path()) {
            Ok(bytes) => bytes,
            Err(error) => {
                log::warn(&format!("skipped {path}: {error}"));
                continue;
            }
        };
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in text.lines().enumerate() {
            for id in names.find(line) {
                let place = format!("{path}:{}", number + 1);
                places.entry(id).or_default().insert(place);
            }
        }
    }
    Ok(places)
}

/// The ways in which source code names the operations with a sunset date.
struct Names {
    /// Ids and former ids as they are, with a capital, and in snake case.
    words: BTreeMap<String, &'static str>,
    /// Short ids, which count only together with their tag.
    short: BTreeMap<&'static str, Vec<Operation>>,
}

impl Names {
    fn new() -> Self {
        let ends = |one: &Operation| {
            one.versions()
                .iter()
                .any(|version| version.sunset.is_some())
        };
        let mut words = BTreeMap::new();
        let mut short: BTreeMap<&'static str, Vec<Operation>> = BTreeMap::new();
        for operation in Operation::all().filter(ends) {
            for name in [operation.id()].into_iter().chain(operation.former_ids()) {
                for spelled in [name.to_owned(), capitalized(name), snake_case(name)] {
                    words.insert(spelled, operation.id());
                }
            }
            short
                .entry(operation.short_id())
                .or_default()
                .push(operation);
        }
        Self { words, short }
    }

    /// The ids of the operations that a line names.
    fn find(&self, line: &str) -> Vec<&'static str> {
        let mut found = Vec::new();
        for word in line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            found.extend(self.words.get(word).copied());
            let short = self.short.get(word).into_iter().flatten();
            let tagged = short.filter(|one| line.contains(one.tag().camel_case()));
            found.extend(tagged.map(|one| one.id()));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "/{}$%:._-<>".contains(c);
        for path in line.split(|c: char| !plain(c)) {
            found.extend(of_path(path));
        }
        found
    }
}

/// The operations with a sunset date that have this path, with any placeholders for its parameters.
fn of_path(text: &str) -> Vec<&'static str> {
    let start = text.find("/groups/").or_else(|| text.find("/orgs/"));
    let Some(start) = start else {
        return Vec::new();
    };
    let path = format!("/api/atlas/v2{}", &text[start..]);
    let path = path.replace('%', "%25");
    let methods = methods(&path);
    let routes = methods.iter().filter_map(|method| route(method, &path));
    let ends = routes.filter(|found| found.operation.sunset().is_some());
    ends.map(|found| found.operation.id()).collect()
}

/// A name as Go and Rust spell a type.
fn capitalized(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// A name as Python spells a function.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

fn print(sunsets: &[Sunset], args: &Sunsets) -> Result<(), Failure> {
    let rows: Vec<Value> = sunsets
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
    args.output.format_offline()?.value(&rows, || {
        let mut columns: Vec<Column> = vec![
            ("ENDS", &["date"]),
            ("OPERATION", &["id"]),
            ("VERSION", &["version"]),
            ("INSTEAD", &["instead"]),
        ];
        if args.grep.is_some() {
            columns.push(("NAMED IN", &["places"]));
        }
        table::of_items(&columns, &rows)
    })
}
