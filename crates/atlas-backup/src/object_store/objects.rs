//! A folder of snapshots in an object store: objects, their manifests and the catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use atlas_model::SnapshotId;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::path::Path as Key;
use object_store::{ObjectMeta, UpdateVersion};

use super::Stored;
use super::connection::{Connection, Failed};
use super::folder::StoreFolder;
use super::url::manifest_key;
use crate::catalogue::{self, CATALOGUE, Entry};
use crate::error::Error;
use crate::fault::Fault;
use crate::folder::{Damage, Folder, HeldFile, State, file_name};
use crate::manifest::Manifest;

/// The objects of a folder, as listed.
pub(super) struct Objects {
    at: StoreFolder,
    pub(super) connection: Connection,
    pub(super) held: Folder,
    listed: BTreeMap<String, ObjectMeta>,
    /// The version of the catalogue that was read.
    catalogue: Option<UpdateVersion>,
    text: Bytes,
    /// The names that it lists.
    catalogued: BTreeSet<PathBuf>,
    /// Objects whose manifests are only in the catalogue.
    without_manifest: Vec<(String, Manifest)>,
}

/// The longest catalogue that is read.
const LONGEST_CATALOGUE: usize = 256 << 20;
/// The longest manifest that is read.
const LONGEST_MANIFEST: usize = 1 << 20;
/// The number of manifests that are read concurrently.
const AT_ONCE: usize = 16;
/// How often the catalogue is rewritten when another run has changed it meanwhile.
const TRIES: usize = 5;

impl Objects {
    /// Lists a folder. Objects with a manifest in the catalogue need no separate request.
    pub(super) async fn read(
        at: &StoreFolder,
        connection: Connection,
        held: Folder,
    ) -> Result<(Self, Vec<Damage>), Error> {
        let mut objects = Self {
            at: at.clone(),
            connection,
            held,
            listed: BTreeMap::new(),
            catalogue: None,
            text: Bytes::new(),
            catalogued: BTreeSet::new(),
            without_manifest: Vec::new(),
        };
        let damaged = objects.list().await?;
        Ok((objects, damaged))
    }

    /// Lists the folder, and adds new objects.
    async fn list(&mut self) -> Result<Vec<Damage>, Error> {
        let mut entries = self.read_catalogue().await?;
        self.catalogued = entries.keys().map(PathBuf::from).collect();
        let before = self.known();
        let listing = self.connection.list(&self.at.target.url.key).await;
        let listed = listing.map_err(|failed| self.failed("list", CATALOGUE, failed))?;
        let named = |meta: ObjectMeta| Some((meta.location.filename()?.to_owned(), meta));
        self.listed = listed.into_iter().filter_map(named).collect();
        let (mut files, mut unknown, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for (name, meta) in &self.listed {
            if !is_snapshot(name) {
                continue;
            }
            match entries.remove(name).filter(|entry| is_same(entry, meta)) {
                // The object is unchanged since it was last found sound.
                Some(entry) => {
                    if !self.listed.contains_key(&format!("{name}.json")) {
                        without.push((name.clone(), entry.manifest.clone()));
                    }
                    files.push((name.clone(), entry.manifest, State::Read));
                }
                None if self.listed.contains_key(&format!("{name}.json")) => {
                    unknown.push(name.clone());
                }
                None => {}
            }
        }
        let reads = unknown.into_iter().map(async |name| {
            let manifest = self.manifest(&name).await?;
            Ok::<_, Error>(manifest.map(|manifest| (name, manifest, State::Unchanged)))
        });
        let reads: Vec<_> = reads.collect();
        let mut reads = stream::iter(reads).buffer_unordered(AT_ONCE);
        while let Some(read) = reads.next().await {
            files.extend(read?);
        }
        drop(reads);
        let lone = self
            .listed
            .keys()
            .filter_map(|name| name.strip_suffix(".json"));
        let lone = lone.filter(|name| is_snapshot(name) && !self.listed.contains_key(*name));
        let lone: Vec<String> = lone.map(str::to_owned).collect();
        let mut unheld = Vec::new();
        for name in lone {
            let manifest = self.manifest(&name).await?;
            let own = manifest.filter(|manifest| self.held.is_own(manifest));
            unheld.extend(own.map(|manifest| (PathBuf::from(name), manifest)));
        }
        self.held.set_lone(unheld);
        let mut damaged = Vec::new();
        let gone: Vec<PathBuf> = self.held.files().map(|(path, _)| path.clone()).collect();
        let found: BTreeSet<&str> = files.iter().map(|(name, _, _)| name.as_str()).collect();
        for path in gone {
            if !found.contains(&*path.to_string_lossy()) {
                self.held.forget(&path);
            }
        }
        for (name, manifest, mut state) in files {
            let (path, expected) = (PathBuf::from(&name), manifest.bytes);
            let found = self.listed.get(&name).map_or(0, |meta| meta.size);
            if found != expected && self.held.is_own(&manifest) {
                damaged.push(Damage {
                    snapshot: manifest.snapshot,
                    taken: manifest.taken(),
                    path: self.url_of(&name).into(),
                    error: Fault::Length { found, expected }.into(),
                });
                state = State::Damaged;
            }
            // The results of this run for the same object stay valid.
            let tag = self.listed.get(&name).and_then(|meta| meta.e_tag.as_ref());
            if let Some((known, found, of)) = before.get(&name)
                && *known == manifest
                && (of.is_none() || of.as_ref() == tag)
                && state == State::Unchanged
            {
                state = *found;
            }
            self.held.insert(path, HeldFile { manifest, state });
        }
        Ok(damaged)
    }

    /// The known manifests, states and tags of the objects. One that was just stored has no tag
    /// yet.
    fn known(&self) -> BTreeMap<String, (Manifest, State, Option<String>)> {
        let files = self.held.files().map(|(path, file)| {
            let name = path.to_string_lossy().into_owned();
            let tag = self.listed.get(&name).and_then(|meta| meta.e_tag.clone());
            (name, (file.manifest.clone(), file.state, tag))
        });
        files.collect()
    }

    /// The entries of the catalogue, by name.
    async fn read_catalogue(&mut self) -> Result<BTreeMap<String, Entry>, Error> {
        let key = self.key(CATALOGUE)?;
        let read = self.connection.read(&key, LONGEST_CATALOGUE).await;
        let Some(found) = read.map_err(|failed| self.failed("read", CATALOGUE, failed))? else {
            (self.catalogue, self.text) = (None, Bytes::new());
            return Ok(BTreeMap::new());
        };
        let entries: Vec<Entry> = serde_json::from_slice(&found.body).unwrap_or_default();
        if entries.is_empty() && !catalogue::is_empty(&found.body) {
            return Err(Error::Foreign {
                path: self.url_of(CATALOGUE).into(),
            });
        }
        (self.catalogue, self.text) = (Some(found.version), found.body);
        let named = entries.into_iter().map(|entry| (entry.file.clone(), entry));
        Ok(named.collect())
    }

    /// The manifest of an object, if this program wrote it.
    async fn manifest(&self, name: &str) -> Result<Option<Manifest>, Error> {
        let key = manifest_key(&self.key(name)?);
        let read = self.connection.read(&key, LONGEST_MANIFEST).await;
        let found = read.map_err(|failed| self.failed("read the manifest of", name, failed))?;
        Ok(found.and_then(|found| serde_json::from_slice(&found.body).ok()))
    }

    /// Whether all objects of a snapshot are now present: another run may have stored it.
    pub(super) async fn look_again(&mut self, snapshot: SnapshotId) -> Result<bool, Error> {
        self.list().await?;
        Ok(self.held.has(snapshot))
    }

    /// The names of the snapshots' objects that are incomplete, or were when the folder was listed.
    pub(super) fn begun(&self) -> Vec<String> {
        let parts = self
            .listed
            .keys()
            .filter_map(|name| name.strip_suffix(".part"));
        parts
            .filter(|name| is_snapshot(name))
            .map(str::to_owned)
            .collect()
    }

    /// The incomplete snapshots of which this program may remove some objects, and which no run is storing.
    pub(super) fn rests(&self, held: &Folder) -> Vec<SnapshotId> {
        let is_free = |snapshot: &SnapshotId| {
            let name = file_name(held.taken(*snapshot), *snapshot);
            !self.listed.contains_key(&format!("{name}.part"))
        };
        held.rests().filter(is_free).collect()
    }

    /// Adds objects that were just stored and verified.
    pub(super) fn add(&mut self, stored: &[Stored]) {
        for stored in stored {
            let name = stored.key.rsplit('/').next().unwrap_or(&stored.key);
            let file = HeldFile {
                manifest: stored.manifest.clone(),
                state: State::Read,
            };
            self.held.insert(name.into(), file);
        }
    }

    /// Removes the manifest of a missing object.
    pub(super) async fn remove_lone(&self, path: &Path) -> Result<(), Error> {
        let name = path.to_string_lossy();
        let removed = self
            .connection
            .delete(&manifest_key(&self.key(&name)?))
            .await;
        removed.map_err(|failed| self.failed("remove the manifest of", &name, failed))
    }

    /// Removes the objects of a snapshot, and their manifests, if they are unchanged since they
    /// were listed; returns them.
    pub(super) async fn remove(
        &mut self,
        snapshot: SnapshotId,
    ) -> Result<Vec<(PathBuf, Manifest)>, Error> {
        let mut removed = Vec::new();
        for (path, known) in self.held.removable_files(snapshot) {
            let name = path.to_string_lossy().into_owned();
            let key = self.key(&name)?;
            let failing = |failed| self.failed("remove", &name, failed);
            let found = self.connection.head(&key).await.map_err(failing)?;
            let is_listed = found
                .zip(self.listed.get(&name))
                .is_some_and(|(found, listed)| {
                    (&found.e_tag, found.size) == (&listed.e_tag, listed.size)
                });
            if !is_listed || self.manifest(&name).await?.as_ref() != Some(&known) {
                continue;
            }
            // The object first: a manifest without an object does no harm.
            for key in [key.clone(), manifest_key(&key)] {
                self.connection.delete(&key).await.map_err(failing)?;
            }
            self.listed.remove(&name);
            self.held.forget(&path);
            removed.push((path, known));
        }
        Ok(removed)
    }

    /// Writes missing manifests from the catalogue.
    pub(super) async fn write_manifests(&mut self) -> Result<(), Error> {
        for (name, manifest) in std::mem::take(&mut self.without_manifest) {
            let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
            text.push(b'\n');
            let key = manifest_key(&self.key(&name)?);
            match self.connection.create(&key, text.into()).await {
                Err(failed) if !failed.is_taken() => {
                    return Err(self.failed("write the manifest of", &name, failed));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes the catalogue of the present objects, if it has changed; again if another run has
    /// written it meanwhile.
    pub(super) async fn write_catalogue(&mut self, rests: &[SnapshotId]) -> Result<(), Error> {
        self.write_catalogue_without(&[], rests).await
    }

    /// Writes the catalogue without the objects of these snapshots that are about to be removed.
    pub(super) async fn write_catalogue_without(
        &mut self,
        gone: &[SnapshotId],
        rests: &[SnapshotId],
    ) -> Result<(), Error> {
        for _ in 0..TRIES {
            // Including what other runs have stored.
            self.list().await?;
            let entries = self.entries(gone, rests);
            let key = self.key(CATALOGUE)?;
            if entries.is_empty() {
                return match self.catalogue.take() {
                    Some(_) => {
                        let deleted = self.connection.delete(&key).await;
                        deleted.map_err(|failed| self.failed("remove", CATALOGUE, failed))
                    }
                    None => Ok(()),
                };
            }
            let text: Bytes = catalogue::text(&entries).into();
            if text == self.text {
                return Ok(());
            }
            let written = match &self.catalogue {
                Some(version) => self.connection.replace(&key, text, version).await,
                None => self.connection.create(&key, text).await,
            };
            match written {
                Ok(_) => return Ok(()),
                Err(failed) if failed.is_taken() || failed.is_not_found() => {}
                Err(failed) => return Err(self.failed("write", CATALOGUE, failed)),
            }
        }
        tracing::warn!(
            "the catalogue is not up to date, since other runs keep writing it; the next run updates it"
        );
        Ok(())
    }

    /// The entries of the catalogue. Only objects that were found sound are listed with their tags. As in
    /// a folder, those of unfinished snapshots are not listed.
    fn entries(&self, gone: &[SnapshotId], rests: &[SnapshotId]) -> Vec<Entry> {
        let incomplete = self.held.incomplete().collect();
        let known = &self.catalogued;
        let staying = self.held.staying(incomplete, known, gone, rests);
        let entries = staying.map(|(path, file)| {
            let name = path.to_string_lossy().into_owned();
            let tag = self.listed.get(&name).and_then(|meta| meta.e_tag.clone());
            Entry {
                file: name,
                tag: tag.filter(|_| file.state == State::Read),
                manifest: file.manifest.clone(),
            }
        });
        entries.collect()
    }

    pub(super) fn key(&self, name: &str) -> Result<Key, Error> {
        Ok(self.at.target.url.child(name)?.key)
    }

    pub(super) fn url_of(&self, name: &str) -> String {
        self.at.url_of(name)
    }

    pub(super) fn failed(&self, doing: &'static str, name: &str, failed: Failed) -> Error {
        let hint = self.connection.hint(&failed.failure);
        Error::Store {
            url: self.url_of(name),
            doing,
            hint,
            source: failed.failure,
        }
    }
}

fn is_snapshot(name: &str) -> bool {
    let path = Path::new(name);
    path.extension().is_some_and(|ending| ending == "tgz")
}

/// Whether an object is the one that an entry describes.
fn is_same(entry: &Entry, meta: &ObjectMeta) -> bool {
    entry.tag.is_some() && entry.tag == meta.e_tag && entry.manifest.bytes == meta.size
}
