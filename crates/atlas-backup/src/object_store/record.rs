//! The content of a lease: its holder, and the open uploads under its key.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use object_store::MultipartId;
use serde::{Deserialize, Serialize};

use super::holder::Holder;
use crate::journal::{FORMAT, Head};

/// The content of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    format: String,
    /// The source: ids of project and snapshot, and the cluster's name.
    pub(super) source: String,
    pub(super) holder: Holder,
    /// How long it lasts after the object was last written.
    pub(super) seconds: u64,
    /// The open uploads, by the keys of their objects.
    #[serde(default)]
    pub(super) uploads: BTreeMap<String, Begun>,
}

/// An open upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) id: MultipartId,
    /// The uploaded file; `None` if it cannot be resumed.
    pub(super) head: Option<Head>,
    /// The length of each part except the last.
    pub(super) part: u64,
    /// The store's tags of the uploaded parts, by index from 0.
    #[serde(default)]
    pub(super) parts: BTreeMap<usize, String>,
}

/// The longest lease that is read: ten thousand parts with tags of 100 bytes.
pub(super) const LONGEST: usize = 2 << 20;
/// The space in it for the uploads of other runs, without the tags of their parts.
const LONGEST_INHERITED: usize = LONGEST / 2;

impl Lease {
    /// A lease of this process, without uploads.
    pub(super) fn new(source: String, length: Duration) -> Self {
        Self {
            format: FORMAT.to_owned(),
            source,
            holder: Holder::this(),
            seconds: length.as_secs().max(1),
            uploads: BTreeMap::new(),
        }
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let lease: Self = serde_json::from_slice(text).ok()?;
        (lease.format == FORMAT).then_some(lease)
    }

    /// The text of the lease, which is never too long to be read: tags that do not fit are left out,
    /// and a run that resumes the upload sends those parts again.
    pub(super) fn text(&self) -> Bytes {
        let mut text = line(self);
        if text.len() > LONGEST {
            let mut shorter = self.clone();
            while text.len() > LONGEST && shorter.shorten() {
                text = line(&shorter);
            }
        }
        text.into()
    }

    /// Leaves out half of the tags of each upload, or half of the uploads if there are no tags;
    /// returns whether anything was left out.
    fn shorten(&mut self) -> bool {
        if self.uploads.values().all(|begun| begun.parts.is_empty()) {
            let is_any_left = !self.uploads.is_empty();
            halve(&mut self.uploads);
            return is_any_left;
        }
        for begun in self.uploads.values_mut() {
            halve(&mut begun.parts);
        }
        true
    }

    /// Ignores uploads beyond a number, and those that leave no space for others.
    pub(super) fn limit(&mut self, most: usize) {
        let mut left = LONGEST_INHERITED;
        let uploads = std::mem::take(&mut self.uploads).into_iter();
        let fitting = uploads.filter(|(key, begun)| {
            let begun = Begun {
                parts: BTreeMap::new(),
                ..begun.clone()
            };
            let rest = left.checked_sub(line(&(key, begun)).len());
            left = rest.unwrap_or(left);
            rest.is_some()
        });
        self.uploads = fitting.take(most).collect();
    }

    /// Records the uploads of an expired lease. Those of another source cannot be resumed.
    pub(super) fn inherit(&mut self, other: Self) {
        self.uploads = other.uploads;
        if other.source != self.source {
            for begun in self.uploads.values_mut() {
                begun.head = None;
                begun.parts.clear();
            }
        }
    }
}

impl Begun {
    /// Whether all recorded parts are parts of a file. A lease can be forged: any other part would
    /// become a part of the object.
    pub(super) fn has_only_parts_of(&self, head: &Head) -> bool {
        let parts = head.length.div_ceil(self.part.max(1));
        self.parts.keys().all(|index| (*index as u64) < parts)
    }
}

/// Removes the second half of the entries.
fn halve<K: Ord, V>(entries: &mut BTreeMap<K, V>) {
    let kept = entries.len() / 2;
    *entries = std::mem::take(entries).into_iter().take(kept).collect();
}

/// The JSON text of a value, in one line.
fn line(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksums::Checksums;

    fn begun(tags: usize, length: usize) -> Begun {
        Begun {
            id: "id".to_owned(),
            head: Some(Head::new(100, Some("\"e\""), None, Checksums::default())),
            part: 10,
            parts: (0..tags).map(|index| (index, "t".repeat(length))).collect(),
        }
    }

    fn lease(uploads: impl IntoIterator<Item = (String, Begun)>) -> Lease {
        let mut lease = Lease::new("source".to_owned(), Duration::from_secs(60));
        lease.uploads = uploads.into_iter().collect();
        lease
    }

    #[test]
    fn a_lease_is_never_too_long_to_be_read_back() {
        for (uploads, tags, length) in [(1, 10_000, 1024), (1000, 30, 100), (40_000, 0, 0)] {
            let named = (0..uploads).map(|index| (format!("s-{index}.tgz"), begun(tags, length)));
            let lease = lease(named);
            let text = lease.text();
            assert!(text.len() <= LONGEST, "{uploads} {tags}: {}", text.len());
            let read = Lease::read(&text).unwrap();
            assert_eq!(read.uploads.len() == uploads, tags > 0);
            let expected = &lease.uploads;
            for (key, begun) in &read.uploads {
                let mut parts = begun.parts.iter();
                assert!(parts.all(|(index, tag)| expected[key].parts.get(index) == Some(tag)));
                assert_eq!(begun.parts.is_empty(), tags == 0);
            }
        }
        let short = lease([("s.tgz".to_owned(), begun(10_000, 100))]);
        assert_eq!(Lease::read(&short.text()), Some(short));
    }

    #[test]
    fn the_uploads_of_other_runs_are_bounded_by_number_and_by_length() {
        let named = |index: usize| (format!("s-{index}.tgz"), begun(3, 10));
        let mut many = lease((0..20_000).map(named));
        many.limit(1000);
        assert_eq!(many.uploads.len(), 1000);
        let long = Begun {
            id: "x".repeat(LONGEST_INHERITED),
            ..begun(0, 0)
        };
        let mut lease = lease([named(1), ("s-0.tgz".to_owned(), long), named(2)]);
        lease.limit(1000);
        assert_eq!(lease.uploads.len(), 2);
        assert_eq!(lease.uploads["s-1.tgz"], named(1).1, "with its tags");
    }

    #[test]
    fn a_part_beyond_the_file_is_refused() {
        let head = Head::new(100, Some("\"e\""), None, Checksums::default());
        assert!(begun(10, 1).has_only_parts_of(&head));
        assert!(!begun(11, 1).has_only_parts_of(&head));
    }
}
