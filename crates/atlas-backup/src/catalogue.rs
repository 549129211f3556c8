//! The catalogue of a folder: `catalogue.json`, which lists its files with their manifests.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{BufReader, Read as _};
use std::path::Path;

use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::disk::{look, open_small, read_small, write_whole};
use crate::error::Error;
use crate::manifest::Manifest;

/// The name of the catalogue in a folder.
pub(crate) const CATALOGUE: &str = "catalogue.json";
/// The longest catalogue that is read, in pieces; a longer one belongs to another program.
const LONGEST: u64 = 256 << 20;
/// The entry of one file in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) file: String,
    /// The tag of an object, in a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
    #[serde(flatten)]
    pub(crate) manifest: Manifest,
}

/// The text of a catalogue.
pub(crate) fn text(entries: &[Entry]) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(entries).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Writes the catalogue of a folder's files, unless it is up to date; an empty folder has none.
pub(crate) fn write<'a>(
    folder: &Path,
    files: impl Iterator<Item = (&'a Path, &'a Manifest)>,
) -> Result<(), Error> {
    let named = |path: &Path| {
        let name = path.file_name();
        name.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let entries: Vec<Entry> = files
        .map(|(path, manifest)| Entry {
            file: named(path),
            tag: None,
            manifest: manifest.clone(),
        })
        .collect();
    let path = folder.join(CATALOGUE);
    if entries.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(&path, "cannot be removed", error))
            }
            _ => Ok(()),
        };
    }
    let text = text(&entries);
    if read_small(&path, text.len() as u64).is_ok_and(|known| known == text) {
        return Ok(());
    }
    write_whole(&path, &text)
}

/// Checks that a file at the path of a folder's catalogue is a catalogue.
pub(crate) fn check(folder: &Path) -> Result<(), Error> {
    let path = folder.join(CATALOGUE);
    match look(&path)? {
        None => Ok(()),
        Some(found) if found.is_file() && is_denied(&path) => Err(denied(&path)),
        Some(found) if found.is_file() && is_catalogue(&path) => Ok(()),
        Some(_) => Err(Error::Foreign { path }),
    }
}

/// Checks that the catalogue of a folder that `pull` keeps is whole, if there is one: each entry names a
/// file of its own.
pub(crate) fn check_form(folder: &Path) -> Result<(), Error> {
    let path = folder.join(CATALOGUE);
    let is_whole = |names: Vec<String>| {
        let mut seen = BTreeSet::new();
        names.iter().all(|name| is_plain(name) && seen.insert(name))
    };
    if look(&path)?.is_none() || names(&path).is_some_and(is_whole) {
        return Ok(());
    }
    if is_denied(&path) {
        return Err(denied(&path));
    }
    let step = "is damaged, so that missing files cannot be told; move it away and run pull again";
    Err(Error::file(
        &path,
        step,
        std::io::ErrorKind::InvalidData.into(),
    ))
}

fn denied(path: &Path) -> Error {
    let error = std::io::ErrorKind::PermissionDenied.into();
    let step = "cannot be read; make it readable for the user of this run";
    Error::file(path, step, error)
}

/// The names of the files in a folder's catalogue; none if there is no catalogue, or another
/// program's file in its place.
pub(crate) fn files(folder: &Path) -> Result<Vec<String>, Error> {
    let path = folder.join(CATALOGUE);
    if is_denied(&path) {
        return Err(denied(&path));
    }
    let mut names = names(&path).unwrap_or_default();
    names.retain(|name| is_plain(name));
    Ok(names)
}

/// The entries of a folder's catalogue; none where [`files`] has none.
pub(crate) fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let path = folder.join(CATALOGUE);
    if is_denied(&path) {
        return Err(denied(&path));
    }
    let mut entries = read(&path, |entry| entry).unwrap_or_default();
    entries.retain(|entry| is_plain(&entry.file));
    Ok(entries)
}

/// Whether the file at the path of a folder's catalogue is empty or begins as a catalogue does.
pub(crate) fn is_begun(folder: &Path) -> bool {
    let start = open_small(&folder.join(CATALOGUE), LONGEST).and_then(|file| {
        let mut start = Vec::new();
        file.take(64).read_to_end(&mut start)?;
        Ok(start)
    });
    start.is_ok_and(|start| matches!(start.trim_ascii_start().first(), None | Some(b'[')))
}

/// Whether a text is empty or the catalogue of an empty folder, as version 0.1 wrote it. Replacing
/// it loses no data.
pub(crate) fn is_empty(text: &[u8]) -> bool {
    matches!(text.trim_ascii(), b"" | b"[]")
}

/// Whether the permission to read a file is lacking.
fn is_denied(path: &Path) -> bool {
    open_small(path, LONGEST)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Whether a file is a catalogue with at least one entry, or is empty.
fn is_catalogue(path: &Path) -> bool {
    read_small(path, 16).is_ok_and(|text| is_empty(&text))
        || names(path).is_some_and(|names| !names.is_empty())
}

/// The names in a catalogue; `None` if the file is none. One entry at a time is in memory.
fn names(path: &Path) -> Option<Vec<String>> {
    read(path, |entry| entry.file)
}

/// What `kept` keeps of each entry of a catalogue; `None` if the file is none.
fn read<T>(path: &Path, kept: fn(Entry) -> T) -> Option<Vec<T>> {
    let file = open_small(path, LONGEST).ok()?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(file));
    let entries = json.deserialize_seq(Entries { kept }).ok()?;
    json.end().ok()?;
    Some(entries)
}

/// Whether a file in the folder of a catalogue can have this name.
fn is_plain(name: &str) -> bool {
    name != CATALOGUE && Path::new(name).file_name() == Some(name.as_ref())
}

/// Reads the entries.
struct Entries<T> {
    kept: fn(Entry) -> T,
}

impl<'de, T> Visitor<'de> for Entries<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the entries of a catalogue")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        let mut read = Vec::new();
        while let Some(entry) = entries.next_element::<Entry>()? {
            read.push((self.kept)(entry));
        }
        Ok(read)
    }
}
