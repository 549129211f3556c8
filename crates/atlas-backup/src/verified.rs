//! Checking existing files, offline, against their manifests where they have one.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::catalogue::{self, CATALOGUE};
use crate::checksums::Checksums;
use crate::disk::look;
use crate::error::Error;
use crate::folder::{LOCK, is_given_name};
use crate::inspect::inspect;
use crate::manifest::Manifest;
use crate::progress::{Event, Progress, Reporter, silent};
use crate::verify::verify_as;

/// A sound file, and what it was checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verified {
    /// It matches its manifest: length, SHA-256 and structure.
    Manifest(Box<Manifest>),
    /// It has no manifest. Its gzip stream and the tar in it can be read to the end, but whether it
    /// is the file that was downloaded is unknown.
    Structure {
        /// The length of the file in bytes.
        bytes: u64,
        /// The SHA-256 of the file, in hexadecimal digits.
        sha256: String,
    },
}

impl Verified {
    /// Returns the manifest of the file, if it has one.
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Manifest(manifest) => Some(manifest),
            Self::Structure { .. } => None,
        }
    }

    /// Returns the length of the file in bytes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Manifest(manifest) => manifest.bytes,
            Self::Structure { bytes, .. } => *bytes,
        }
    }

    /// Returns the SHA-256 of the file, in hexadecimal digits.
    pub fn sha256(&self) -> &str {
        match self {
            Self::Manifest(manifest) => &manifest.sha256,
            Self::Structure { sha256, .. } => sha256,
        }
    }
}

/// Checks a file against its manifest, offline: the length, the SHA-256, and whether the gzip
/// stream and the tar in it can be read to the end. Without a manifest, only the last.
///
/// # Errors
/// [`Error::Unsound`] if the file is damaged; [`Error::File`] if it cannot be read, or its manifest
/// is invalid.
pub fn verify(path: &Path) -> Result<Verified, Error> {
    verify_with(path, silent)
}

/// Does the same and reports progress: [`Event::Started`] with the length of the file before the
/// first byte, then [`Event::Verified`] every 8 MiB or more and at the end of a sound file.
///
/// The callback is called on this thread, which waits for it; it must not block. Both functions
/// block: an async program should call them on a blocking thread.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use atlas_backup::{Event, verify_with};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("s.tgz");
/// # std::fs::write(&path, "x")?;
/// let mut percent = None;
/// let show = |event: Event| {
///     if let Event::Verified { verified, length: Some(length) } = event {
///         percent = Some(u128::from(verified) * 100 / u128::from(length.max(1)));
///     }
/// };
/// let checked = verify_with(&path, show);
/// # assert!(checked.is_err() && percent.is_none());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The same as [`verify`].
pub fn verify_with(path: &Path, progress: impl FnMut(Event) + Send) -> Result<Verified, Error> {
    let progress: Progress<'_> = &Reporter::new(progress);
    let is_begun = Cell::new(false);
    let tell = |verified, length| {
        if is_begun.replace(true) {
            let length = Some(length);
            progress.tell(Event::Verified { verified, length });
        } else {
            progress.started(Some(length), 0);
        }
    };
    if !has_manifest(path)? {
        let found = inspect(path, &Checksums::default(), tell)?;
        return Ok(Verified::Structure {
            bytes: found.bytes,
            sha256: found.sha256,
        });
    }
    let manifest = Manifest::read(path)?;
    verify_as(path, &manifest, tell)?;
    Ok(Verified::Manifest(Box::new(manifest)))
}

/// Whether the path of a file's manifest exists.
fn has_manifest(path: &Path) -> Result<bool, Error> {
    Ok(look(&Manifest::path_of(path))?.is_some() || Manifest::pending(path).is_some())
}

/// Whether `pull` has kept a folder, also if its snapshots are gone: it leaves a lock and a
/// catalogue in it. A folder whose files this user may not examine counts as one.
pub fn is_pulled_folder(folder: &Path) -> bool {
    let lock = look(&folder.join(LOCK));
    let has_lock = lock.map_or(true, |lock| lock.is_some_and(|found| found.is_file()));
    has_lock || catalogue::files(folder).map_or(true, |files| !files.is_empty())
}

/// Whether a file in a folder has a name that `pull` gives. The folder may be a copy of one that `pull`
/// keeps.
pub fn has_pulled_names(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name());
    names.any(|name| is_given_name(&name))
}

/// Whether a file has a name that `pull` gives.
pub fn is_pulled_name(file: &Path) -> bool {
    file.file_name().is_some_and(is_given_name)
}

/// A file that a folder should have and does not have.
#[derive(Debug)]
pub struct MissingFile {
    /// The path of the file.
    pub path: PathBuf,
    /// Why it should be there.
    pub known_by: KnownBy,
}

/// Why a folder should have a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum KnownBy {
    /// Its manifest exists.
    Manifest,
    /// Something exists at the path of its manifest, and cannot be read as one.
    UnreadableManifest(Error),
    /// The folder's catalogue lists it.
    Catalogue,
}

impl fmt::Display for MissingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.known_by {
            KnownBy::Manifest => f.write_str("the file is missing, but its manifest exists"),
            KnownBy::UnreadableManifest(error) => write!(f, "the file is missing, and {error}"),
            KnownBy::Catalogue => write!(f, "the file is missing, but {CATALOGUE} lists it"),
        }
    }
}

/// Returns the files that a folder should have and does not have, sorted by name.
///
/// Their manifests tell, and the folder's catalogue. A manifest that is older than the catalogue and not
/// in it is left of a removal and does not count. A manifest that cannot be read counts if its name is
/// that of a snapshot file's, and `pull` gave it, keeps the folder, or permission is lacking.
///
/// # Errors
/// [`Error::File`] if the folder or its catalogue cannot be read, or if `pull` keeps the folder and
/// its catalogue is damaged.
pub fn missing_files(folder: &Path) -> Result<Vec<MissingFile>, Error> {
    let unreadable = |error| Error::file(folder, "cannot be read", error);
    let is_pulled = is_pulled_folder(folder);
    check_catalogue(folder)?;
    let catalogue = catalogue::entries(folder)?;
    let listed: BTreeSet<PathBuf> = catalogue.iter().map(|it| folder.join(&it.file)).collect();
    let newest = catalogue.iter().filter_map(|it| downloaded(&it.manifest));
    let newest = newest.max();
    let is_older =
        |it: &Manifest| newest.is_some() && downloaded(it).is_some_and(|it| Some(it) <= newest);
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let manifest = entry.map_err(unreadable)?.path();
        if manifest.extension() != Some("json".as_ref()) {
            continue;
        }
        let file = manifest.with_extension("");
        if is_there(&file)? {
            continue;
        }
        let known_by = match Manifest::read_at(&manifest) {
            // A removal was interrupted: the catalogue, which is written first, does not list the file.
            Ok(manifest) if !listed.contains(&file) && is_older(&manifest) => continue,
            Ok(_) => KnownBy::Manifest,
            Err(error)
                if is_named_as_snapshot(&file)
                    && (is_pulled || error.is_denied() || is_pulled_name(&file)) =>
            {
                KnownBy::UnreadableManifest(error)
            }
            // A file of another program.
            Err(_) => continue,
        };
        files.insert(file, known_by);
    }
    for file in listed {
        if !is_there(&file)? {
            files.entry(file).or_insert(KnownBy::Catalogue);
        }
    }
    let files = files.into_iter();
    Ok(files
        .map(|(path, known_by)| MissingFile { path, known_by })
        .collect())
}

/// Returns the files that the catalogue of a folder lists, with the manifests that they had when it
/// was written; none if the folder has no catalogue.
///
/// # Errors
/// [`Error::File`] if the catalogue cannot be read, or if `pull` keeps the folder and its catalogue
/// is damaged.
pub fn catalogued_files(folder: &Path) -> Result<Vec<(PathBuf, Manifest)>, Error> {
    check_catalogue(folder)?;
    let entries = catalogue::entries(folder)?.into_iter();
    Ok(entries
        .map(|entry| (folder.join(entry.file), entry.manifest))
        .collect())
}

/// Checks the catalogue of a folder that `pull` keeps, or of a copy of one. Another program's file of this
/// name does not begin as a catalogue.
fn check_catalogue(folder: &Path) -> Result<(), Error> {
    if is_pulled_folder(folder) || (has_pulled_names(folder) && catalogue::is_begun(folder)) {
        catalogue::check_form(folder)?;
    }
    Ok(())
}

/// When a file was completed.
fn downloaded(manifest: &Manifest) -> Option<jiff::Timestamp> {
    manifest.downloaded.parse().ok()
}

/// Whether something other than a folder has this path, also a link that leads nowhere.
fn is_there(path: &Path) -> Result<bool, Error> {
    Ok(look(path)?.is_some() && !path.is_dir())
}

/// Returns the snapshot files in a folder, sorted by name: those that end in `.tgz` or `.tar.gz`,
/// and those with a manifest of this program. Subfolders and incomplete files (`.part`) are
/// skipped.
///
/// # Errors
/// [`Error::File`] if the folder cannot be read.
pub fn snapshot_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |error| Error::file(folder, "cannot be read", error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_snapshot = || is_named_as_snapshot(&path) || Manifest::read(&path).is_ok();
        // A symbolic link is followed: the file may have been moved to another disk. A dangling
        // link is a file that cannot be read.
        if !path.is_dir() && is_snapshot() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a file has the ending of snapshot files.
fn is_named_as_snapshot(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    let endings: [&[u8]; 2] = [b".tgz", b".tar.gz"];
    endings.iter().any(|ending| name.ends_with(ending))
}
