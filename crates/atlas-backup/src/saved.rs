//! Giving a complete file its name, and its manifest.
//!
//! ```text
//! out.part (synced), out.part.json          the download
//! + out.json.part (synced)                  the manifest waits
//! out.part -> out                           one rename; with the waiting manifest, out is sound
//! - out.part.json
//! out.json.part -> out.json                 one rename
//! ```
//!
//! After an interruption between any two of these steps, either the old file exists with its
//! manifest, or the new one with the waiting manifest, which [`Manifest::read`] finds and
//! [`settle`] renames.

use std::io;
use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;

use crate::disk::{self, is_own, look, rename_new, same_file, set_aside};
use crate::error::Error;
use crate::job::Place;
use crate::journal::{self, Head};
use crate::manifest::{Manifest, is_free_or_manifest};
use crate::part_lock::{PartLock, part_of, refuse_foreign_part};
use crate::progress::{Event, Progress};
use crate::teller::Teller;
use crate::verify::verify_as;
use crate::windows_names;

/// A file that is complete and sound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The path of the file.
    pub path: PathBuf,
    /// The description of the file; the manifest next to it has the same content.
    pub manifest: Manifest,
}

/// The treatment of an existing file of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// An error.
    Refuse,
    /// Replace it.
    Replace,
    /// Rename it.
    SetAside,
}

/// Checks, without a request, that a file can be written to `out`.
///
/// [`Backups::download`](crate::Backups::download) does this itself.
///
/// # Errors
/// [`Error::Usage`] if `out` is empty, names a folder, exists and is not a regular file, or is
/// a reserved name of Windows on Windows;
/// [`Error::Exists`] if the file exists and `replace` is `false`; [`Error::Foreign`] if a file of
/// another program is at the path of the manifest or the partial file and `replace` is `false`;
/// [`Error::File`] if the folder is missing.
pub fn check_output(out: &Path, replace: bool) -> Result<(), Error> {
    let usage = |problem: &str| Error::Usage {
        what: format!("{} {problem}", out.display()),
    };
    if out.as_os_str().is_empty() {
        return Err(Error::Usage {
            what: "the output path is empty; name a file".to_owned(),
        });
    }
    if disk::ends_as_folder(out) || out.file_name().is_none() || out.is_dir() {
        return Err(usage("is a directory; move it away, or name a file in it"));
    }
    windows_names::check(out)?;
    let folder = disk::folder(out);
    std::fs::metadata(folder).map_err(|error| {
        let doing = "cannot be created: its folder cannot be opened";
        Error::file(out, doing, error)
    })?;
    if let Some(found) = look(out)? {
        // An interrupted run has not renamed the manifest yet; the next one does.
        if !replace && Manifest::pending(out).is_none() {
            return Err(Error::Exists {
                path: out.to_owned(),
            });
        }
        if !found.is_file() {
            return Err(usage(
                "is not a regular file and cannot be replaced; choose another name",
            ));
        }
    }
    let waiting = Manifest::pending_path_of(out);
    // The longest of the names: a name that is too long is detected here.
    look(&journal::path_of(&part_of(out, 10)))?;
    if replace {
        return Ok(());
    }
    for path in [Manifest::path_of(out), waiting] {
        if !is_free_or_manifest(&path)? {
            return Err(Error::Foreign { path });
        }
    }
    refuse_foreign_part(out)
}

/// Gives a complete and synced partial file its name, and writes its manifest.
pub(crate) fn complete(
    part: &PartLock,
    out: &Path,
    mut manifest: Manifest,
    existing: Existing,
    progress: Progress<'_>,
) -> Result<Manifest, Error> {
    let failing = |source| Error::file(out, "cannot be completed", source);
    manifest.stamp(&part.file().metadata().map_err(failing)?);
    // A waiting manifest of the existing file is its only one, and must not be overwritten.
    settle(out)?;
    if Manifest::pending(out).is_some() {
        make_way(&Manifest::path_of(out), existing, progress)?;
        settle(out)?;
    }
    let waiting = Manifest::pending_path_of(out);
    make_way(&waiting, existing, progress)?;
    if let Err(error) = manifest.write_at(&waiting) {
        let _ = std::fs::remove_file(&waiting);
        return Err(error);
    }
    // The file that has the name now may be another program's.
    if let Err(error) = part.check_name() {
        let _ = std::fs::remove_file(&waiting);
        return Err(Error::file(part.path(), "cannot be renamed", error));
    }
    let named = match existing {
        Existing::Replace => std::fs::rename(part.path(), out),
        Existing::Refuse => rename_new(part.path(), out),
        Existing::SetAside => {
            if look(out)?.is_some() {
                let kept_as = set_aside(out)?;
                progress.tell(Event::SetAside {
                    path: out.to_owned(),
                    kept_as,
                });
            }
            rename_new(part.path(), out)
        }
    };
    if let Err(error) = named {
        let _ = std::fs::remove_file(&waiting);
        return Err(failing(error));
    }
    let _ = journal::remove(part.path());
    make_way(&Manifest::path_of(out), existing, progress)?;
    std::fs::rename(&waiting, Manifest::path_of(out)).map_err(failing)?;
    disk::sync_folder(out)?;
    Ok(manifest)
}

/// Makes way for a manifest: one of this program is overwritten, any other file is renamed.
fn make_way(path: &Path, existing: Existing, progress: Progress<'_>) -> Result<(), Error> {
    if is_free_or_manifest(path)? {
        return Ok(());
    }
    if existing == Existing::Refuse {
        return Err(Error::Foreign {
            path: path.to_owned(),
        });
    }
    let kept_as = set_aside(path)?;
    progress.tell(Event::SetAside {
        path: path.to_owned(),
        kept_as,
    });
    Ok(())
}

/// Completes the steps that an interrupted run left: see the top of this file.
pub(crate) fn settle(out: &Path) -> Result<(), Error> {
    #[cfg(test)]
    disk::counter::add("settle");
    let failing = |source| Error::file(out, "cannot be completed", source);
    if look(out)?.is_none() {
        return Ok(());
    }
    let part = part_of(out, 0);
    if look(&part)?.is_some_and(|found| found.is_file()) && same_file(&part, out) {
        std::fs::remove_file(&part).map_err(failing)?;
    }
    let journal = journal::path_of(&part);
    let ours = look(&journal)?.is_some_and(|found| is_own(&found, &journal))
        && Head::read(&part).is_some();
    if ours && look(&part)?.is_none() {
        std::fs::remove_file(&journal).map_err(failing)?;
    }
    if Manifest::pending(out).is_some() && is_free_or_manifest(&Manifest::path_of(out))? {
        std::fs::rename(Manifest::pending_path_of(out), Manifest::path_of(out)).map_err(failing)?;
    }
    Ok(())
}

/// The file that an interrupted run completed, if it is of the same snapshot.
pub(crate) async fn finished(
    out: &Path,
    place: &Place<'_>,
    snapshot: SnapshotId,
    teller: &Teller,
) -> Result<Option<Saved>, Error> {
    let teller = teller.clone();
    let (path, project, cluster) = (out.to_owned(), place.project, place.cluster.clone());
    let finishing = tokio::task::spawn_blocking(move || {
        let Some(mut manifest) = Manifest::pending(&path) else {
            return Ok(None);
        };
        settle(&path)?;
        let is_it = manifest.snapshot == snapshot && manifest.files == 1;
        if !is_it || manifest.project != project || manifest.cluster != cluster {
            return Ok(None);
        }
        recheck(&path, &mut manifest, true, &teller)?;
        Ok(Some(Saved { path, manifest }))
    });
    let finished = finishing.await;
    finished.map_err(|error| Error::file(out, "cannot be read", error.into()))?
}

/// Checks whether a file still matches its manifest: by length, time and inode, and by reading it
/// if these differ or `read` is set. The manifest is then updated.
///
/// # Errors
/// [`Error::Unsound`] if it does not match, [`Error::File`] if it cannot be read.
pub(crate) fn recheck(
    out: &Path,
    manifest: &mut Manifest,
    read: bool,
    teller: &Teller,
) -> Result<(), Error> {
    let metadata = || {
        out.metadata()
            .map_err(|error| Error::file(out, "cannot be read", error))
    };
    let before = metadata()?;
    let fits = manifest.fits(&before);
    if fits && !read {
        return Ok(());
    }
    if !before.is_file() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        return Err(Error::file(out, "cannot be read", error));
    }
    verify_as(out, manifest, teller.checking(out))?;
    if !fits {
        manifest.stamp(&before);
        // If this fails, the file is read again next time.
        if let Err(error) = manifest.write_at(&Manifest::path_of(out)) {
            tracing::warn!(%error, "cannot update the manifest of a sound file");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Reporter, silent};

    const NOTE: &str = r#"{"snapshot":"32b6e34b3d91647abb20e7b8","cluster":"C",
        "project":"32b6e34b3d91647abb20e7b8","kind":"flex","downloaded":"","bytes":1,"sha256":"x"}"#;

    fn note(sha256: &str) -> Manifest {
        let mut manifest: Manifest = serde_json::from_str(NOTE).unwrap();
        sha256.clone_into(&mut manifest.sha256);
        manifest
    }

    /// An interrupted run between file and manifest, then a run that fails before the file.
    #[test]
    fn a_waiting_manifest_of_a_file_outlives_the_next_run() {
        for json in ["old", "foreign", "none"] {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("x");
            std::fs::write(&out, "2").unwrap();
            let mut second = note("second");
            second.stamp(&out.metadata().unwrap());
            second.write_at(&Manifest::pending_path_of(&out)).unwrap();
            match json {
                "old" => note("first").write_at(&Manifest::path_of(&out)).unwrap(),
                "foreign" => std::fs::write(Manifest::path_of(&out), "precious").unwrap(),
                _ => {}
            }
            let source = "32b6e34b3d91647abb20e7b8/C/32b6e34b3d91647abb20e7b8/";
            let part = PartLock::take(&out, source, true).unwrap();
            std::fs::remove_file(part.path()).unwrap();
            let quiet = &Reporter::new(silent);
            let failed = complete(&part, &out, note("third"), Existing::Replace, quiet);
            assert!(failed.is_err(), "the partial file is missing");
            assert_eq!(Manifest::read(&out).unwrap().sha256, "second", "{json}");
        }
    }
}
