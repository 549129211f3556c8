//! A model of a folder on a disk that loses its power: the possible contents after a power cut.
//!
//! Bytes of a file last once they are synced, names in a folder once the folder is synced. Later
//! changes may be lost or not.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::strace::{Call, Change};

/// The bytes of files, by their names.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

#[derive(Default, Clone)]
struct Inode {
    /// The bytes that a process sees.
    bytes: Vec<u8>,
    /// The bytes that last.
    synced: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Open {
    File(usize),
    Folder,
}

/// The folder.
pub(crate) struct Disk {
    folder: PathBuf,
    inodes: Vec<Inode>,
    /// Names as a process sees them.
    names: BTreeMap<String, usize>,
    /// Names that last.
    synced: BTreeMap<String, usize>,
    open: HashMap<u32, Open>,
    /// The position of the next write to a descriptor.
    places: HashMap<u32, u64>,
}

impl Disk {
    /// A folder whose files are all synced.
    pub(crate) fn new(folder: &Path, files: &Image) -> Self {
        let mut disk = Self {
            folder: folder.to_owned(),
            inodes: Vec::new(),
            names: BTreeMap::new(),
            synced: BTreeMap::new(),
            open: HashMap::new(),
            places: HashMap::new(),
        };
        for (name, bytes) in files {
            let inode = disk.add();
            disk.inodes[inode].bytes.clone_from(bytes);
            disk.inodes[inode].synced.clone_from(bytes);
            disk.names.insert(name.clone(), inode);
        }
        disk.synced = disk.names.clone();
        disk
    }

    /// The possible contents after a power cut now. Names that were not synced are lost or kept; bytes
    /// that were not synced are lost, replaced by zeros of the same length, or kept in one file only.
    pub(crate) fn images(&self) -> Vec<Image> {
        let synced = |inode: usize| self.inodes[inode].synced.clone();
        let zeros = |inode: usize| {
            let mut bytes = self.inodes[inode].synced.clone();
            bytes.resize(self.inodes[inode].bytes.len(), 0);
            bytes
        };
        let mut images = vec![
            image(&self.synced, synced),
            image(&self.names, synced),
            image(&self.names, zeros),
        ];
        for survivor in self.names.values() {
            let inode = &self.inodes[*survivor];
            if inode.synced != inode.bytes {
                images.push(image(&self.names, |inode| {
                    if inode == *survivor {
                        self.inodes[inode].bytes.clone()
                    } else {
                        zeros(inode)
                    }
                }));
            }
        }
        images
    }

    /// The contents that a process sees.
    pub(crate) fn seen(&self) -> Image {
        image(&self.names, |inode| self.inodes[inode].bytes.clone())
    }

    /// Applies a call; returns whether it changed the possible contents after a cut.
    pub(crate) fn take(&mut self, call: &Call) -> bool {
        match &call.change {
            Change::Open {
                path,
                descriptor,
                creates,
                truncates,
                appends,
            } => return self.opened(path, *descriptor, *creates, *truncates, *appends),
            Change::Close { descriptor } => {
                self.open.remove(descriptor);
                return false;
            }
            Change::Duplicate { old, new } => {
                if let Some(open) = self.open.get(old).copied() {
                    self.open.insert(*new, open);
                }
                return false;
            }
            Change::Seek { descriptor, place } => {
                self.places.insert(*descriptor, *place);
                return false;
            }
            Change::Write {
                descriptor,
                place,
                bytes,
            } => return self.write(*descriptor, *place, bytes),
            Change::Resize { descriptor, length } => {
                let Some(inode) = self.file(*descriptor) else {
                    return false;
                };
                self.inodes[inode].bytes.resize(*length, 0);
            }
            Change::Sync { descriptor } => match self.open.get(descriptor) {
                Some(Open::File(inode)) => {
                    let inode = &mut self.inodes[*inode];
                    inode.synced.clone_from(&inode.bytes);
                }
                Some(Open::Folder) => self.synced = self.names.clone(),
                None => return false,
            },
            Change::Rename {
                from,
                to,
                exchanges,
            } => {
                let (Some(from), Some(to)) = (self.name(from), self.name(to)) else {
                    return false;
                };
                let moved = self.names.remove(&from).expect("the file exists");
                let replaced = self.names.insert(to, moved);
                if let Some(replaced) = replaced.filter(|_| *exchanges) {
                    self.names.insert(from, replaced);
                }
            }
            Change::Link { from, to } => {
                let (Some(inode), Some(to)) = (self.linked(from), self.name(to)) else {
                    return false;
                };
                self.names.insert(to, inode);
            }
            Change::Unlink { path } => {
                let Some(name) = self.name(path) else {
                    return false;
                };
                self.names.remove(&name).expect("the file exists");
            }
            Change::Unknown { path } => {
                assert!(self.name(path).is_none(), "the model lacks {}", call.line);
                return false;
            }
        }
        true
    }

    fn opened(
        &mut self,
        path: &Path,
        descriptor: u32,
        creates: bool,
        truncates: bool,
        appends: bool,
    ) -> bool {
        if path == self.folder {
            self.open.insert(descriptor, Open::Folder);
            return false;
        }
        let Some(name) = self.name(path) else {
            // A file without a name in the folder; it may get a name later.
            let unnamed = path.parent() == Some(&self.folder);
            if unnamed {
                let inode = self.add();
                self.open.insert(descriptor, Open::File(inode));
            }
            return false;
        };
        let known = self.names.get(&name).copied();
        let inode = known.unwrap_or_else(|| {
            assert!(creates, "{name} does not exist");
            let inode = self.add();
            self.names.insert(name, inode);
            inode
        });
        if truncates {
            self.inodes[inode].bytes.clear();
        }
        let changes = truncates || known.is_none();
        let place = if appends { u64::MAX } else { 0 };
        self.places.insert(descriptor, place);
        self.open.insert(descriptor, Open::File(inode));
        changes
    }

    fn write(&mut self, descriptor: u32, place: Option<u64>, written: &[u8]) -> bool {
        let Some(inode) = self.file(descriptor) else {
            return false;
        };
        let bytes = &mut self.inodes[inode].bytes;
        let next = self.places.entry(descriptor).or_default();
        let start = match (place, *next) {
            (Some(place), _) => place,
            (None, u64::MAX) => bytes.len() as u64,
            (None, next) => next,
        };
        let start = usize::try_from(start).unwrap();
        let end = start + written.len();
        if place.is_none() && *next != u64::MAX {
            *next = end as u64;
        }
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(written);
        true
    }

    fn add(&mut self) -> usize {
        self.inodes.push(Inode::default());
        self.inodes.len() - 1
    }

    fn file(&self, descriptor: u32) -> Option<usize> {
        match self.open.get(&descriptor)? {
            Open::File(inode) => Some(*inode),
            Open::Folder => None,
        }
    }

    /// The file that a link is made to, by its name or by a descriptor.
    fn linked(&self, from: &Path) -> Option<usize> {
        if let Ok(descriptor) = from.strip_prefix("/proc/self/fd") {
            return self.file(descriptor.to_str()?.parse().ok()?);
        }
        self.names.get(&self.name(from)?).copied()
    }

    /// The name of a file in the folder.
    fn name(&self, path: &Path) -> Option<String> {
        let name = path.strip_prefix(&self.folder).ok()?;
        let name = name.to_str().unwrap();
        assert!(!name.contains('/'), "the model has one folder: {name}");
        // The kernel's name of a file without a name.
        let unnamed = name.is_empty() || name.starts_with('#');
        (!unnamed).then(|| name.to_owned())
    }
}

fn image(names: &BTreeMap<String, usize>, bytes: impl Fn(usize) -> Vec<u8>) -> Image {
    let names = names.iter();
    names
        .map(|(name, inode)| (name.clone(), bytes(*inode)))
        .collect()
}
