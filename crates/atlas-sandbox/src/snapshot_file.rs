//! Snapshot files: gzipped tars of any size, deterministic for a snapshot, never held in memory.
//!
//! ```text
//! file  = gzip header, stored blocks, CRC-32 and length (RFC 1952; RFC 1951 section 3.2.4)
//! tar   = metadata.json, collection-0.wt, two empty records
//! data  = units of 64 KiB, each with its own number before shared noise
//! ```
//!
//! Every byte depends only on its offset, so any range can be generated on its own.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use atlas_model::SnapshotId;
use crc32fast::Hasher;

use crate::checksum;

/// The file of one snapshot, a few kilobytes until it is read.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFile {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    snapshot: SnapshotId,
    edition: u32,
    /// The tar before the data.
    front: Vec<u8>,
    /// The length of the data.
    data: u64,
    /// The tar after the data.
    back: Vec<u8>,
    /// Shared by all readers and dropped with the last one.
    noise: Mutex<Weak<Vec<u8>>>,
    /// Computed on the first read.
    crc: OnceLock<u32>,
    etag: String,
}

/// A reader of a file.
#[derive(Debug)]
pub(crate) struct Reader {
    inner: Arc<Inner>,
    noise: Arc<Vec<u8>>,
}

/// The maximum data of a file, in bytes: 1 TiB.
pub(crate) const MAX_DATA: u64 = 1 << 40;

/// The maximum length of a stored block.
const BLOCK: u64 = 65_535;
/// The length of a stored block's header: its kind, its length and the length's complement.
const BLOCK_FRONT: u64 = 5;
/// The length of a unit of data.
const UNIT: usize = 65_536;
/// The length of a unit's number.
const NUMBER: usize = 8;
/// The gzip header: no name, no time.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const RECORD: u64 = 512;

impl SnapshotFile {
    /// The file of a snapshot with `data` incompressible bytes, at most [`MAX_DATA`]; another
    /// `edition` has other bytes and another tag.
    pub(crate) fn new(snapshot: SnapshotId, data: u64, edition: u32) -> Self {
        let data = data.min(MAX_DATA);
        let metadata = format!("{{\"snapshotId\":\"{snapshot}\",\"bytes\":{data}}}\n");
        let mut front = record("metadata.json", metadata.len() as u64);
        front.extend_from_slice(metadata.as_bytes());
        front.resize(usize::try_from(padded(front.len() as u64)).unwrap_or(0), 0);
        front.extend(record("collection-0.wt", data));
        let back = vec![0; usize::try_from(padded(data) - data + 2 * RECORD).unwrap_or(0)];
        let inner = Inner {
            snapshot,
            edition,
            front,
            data,
            back,
            noise: Mutex::default(),
            crc: OnceLock::new(),
            etag: format!("\"{snapshot}-{data}-{edition}\""),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The length of the file.
    pub(crate) fn length(&self) -> u64 {
        let tar = self.inner.tar_length();
        HEADER.len() as u64 + blocks(tar) * BLOCK_FRONT + tar + 8
    }

    /// The entity tag.
    pub(crate) fn etag(&self) -> &str {
        &self.inner.etag
    }

    /// Starts reading.
    pub(crate) fn reader(&self) -> Reader {
        let inner = self.inner.clone();
        let mut shared = inner.noise.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shared.upgrade();
        let noise = known.unwrap_or_else(|| Arc::new(noise(inner.snapshot, inner.edition)));
        *shared = Arc::downgrade(&noise);
        drop(shared);
        Reader { inner, noise }
    }
}

impl Reader {
    /// Fills `out` with the bytes from `offset` on; returns their number.
    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() {
            let read = self.read_once(offset + filled as u64, &mut out[filled..]);
            if read == 0 {
                break;
            }
            filled += read;
        }
        filled
    }

    fn read_once(&self, offset: u64, out: &mut [u8]) -> usize {
        if let Some(rest) = tail(&HEADER, offset) {
            return copy(rest, out);
        }
        let inner = &*self.inner;
        let tar = inner.tar_length();
        let offset = offset - HEADER.len() as u64;
        let (block, within) = (
            offset / (BLOCK_FRONT + BLOCK),
            offset % (BLOCK_FRONT + BLOCK),
        );
        if block < blocks(tar) {
            let start = block * BLOCK;
            let length = BLOCK.min(tar - start);
            if let Some(rest) = tail(&block_front(length, block + 1 == blocks(tar)), within) {
                return copy(rest, out);
            }
            let at = within - BLOCK_FRONT;
            if at < length {
                let room = usize::try_from(length - at)
                    .unwrap_or(usize::MAX)
                    .min(out.len());
                self.tar(start + at, &mut out[..room]);
                return room;
            }
        }
        let end = offset - (blocks(tar) * BLOCK_FRONT + tar);
        // The length modulo 2³² (RFC 1952 section 2.3.1).
        #[allow(clippy::cast_possible_truncation, reason = "as the format has it")]
        let size = tar as u32;
        let crc = *inner.crc.get_or_init(|| self.checksum());
        let trailer = [crc.to_le_bytes(), size.to_le_bytes()].concat();
        tail(&trailer, end).map_or(0, |rest| copy(rest, out))
    }

    /// Fills `out` with the tar from `offset` on.
    fn tar(&self, offset: u64, out: &mut [u8]) {
        let mut filled = 0;
        while filled < out.len() {
            let at = offset + filled as u64;
            let room = &mut out[filled..];
            let front = self.inner.front.len() as u64;
            filled += if let Some(rest) = tail(&self.inner.front, at) {
                copy(rest, room)
            } else if at < front + self.inner.data {
                let at = at - front;
                let left = usize::try_from(self.inner.data - at).unwrap_or(usize::MAX);
                let room_left = left.min(room.len());
                self.unit(at, &mut room[..room_left])
            } else {
                tail(&self.inner.back, at - front - self.inner.data)
                    .map_or(room.len(), |rest| copy(rest, room))
            };
        }
    }

    /// Fills `out` with data from `offset` on, up to the end of its unit.
    fn unit(&self, offset: u64, out: &mut [u8]) -> usize {
        let unit = UNIT as u64;
        let within = offset % unit;
        let number = (offset / unit).to_le_bytes();
        match tail(&number, within) {
            Some(rest) => copy(rest, out),
            None => tail(&self.noise, within - NUMBER as u64).map_or(0, |rest| copy(rest, out)),
        }
    }

    /// The CRC-32 of the tar, combined from those of its parts.
    fn checksum(&self) -> u32 {
        let inner = &*self.inner;
        let mut noise = Hasher::new();
        noise.update(&self.noise);
        let unit = |number: u64| {
            let mut hasher = Hasher::new();
            hasher.update(&number.to_le_bytes());
            hasher.combine(&noise);
            hasher.finalize()
        };
        let (length, units) = (UNIT as u64, inner.data / UNIT as u64);
        let units_crc = checksum::of_units(unit, length, units);
        let mut whole = Hasher::new();
        whole.update(&inner.front);
        whole.combine(&Hasher::new_with_initial_len(units_crc, units * length));
        let mut rest = vec![0; usize::try_from(inner.data % length).unwrap_or(0)];
        self.tar(inner.front.len() as u64 + units * length, &mut rest);
        whole.update(&rest);
        whole.update(&inner.back);
        whole.finalize()
    }
}

impl Inner {
    fn tar_length(&self) -> u64 {
        self.front.len() as u64 + self.data + self.back.len() as u64
    }
}

/// The header record of a file in a tar.
fn record(name: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    // The names are short enough.
    let _ = header.set_path(name);
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn padded(length: u64) -> u64 {
    length.div_ceil(RECORD) * RECORD
}

fn blocks(tar: u64) -> u64 {
    tar.div_ceil(BLOCK)
}

fn block_front(length: u64, last: bool) -> [u8; 5] {
    #[allow(clippy::cast_possible_truncation, reason = "a block is no longer")]
    let length = length as u16;
    let [low, high] = length.to_le_bytes();
    [u8::from(last), low, high, !low, !high]
}

/// The rest of a part from an offset on, if the offset is within it.
fn tail(part: &[u8], offset: u64) -> Option<&[u8]> {
    let rest = part.get(usize::try_from(offset).ok()?..)?;
    (!rest.is_empty()).then_some(rest)
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let length = from.len().min(to.len());
    to[..length].copy_from_slice(&from[..length]);
    length
}

/// Bytes without a pattern, by xorshift.
fn noise(snapshot: SnapshotId, edition: u32) -> Vec<u8> {
    let seed = snapshot
        .to_bytes()
        .iter()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
            state.rotate_left(8) ^ u64::from(*byte)
        });
    let mut state = (seed ^ u64::from(edition).rotate_left(32)) | 1;
    let mut bytes = Vec::with_capacity(UNIT);
    while bytes.len() < UNIT - NUMBER {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(UNIT - NUMBER);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn file(data: u64) -> SnapshotFile {
        SnapshotFile::new(SnapshotId::from_bytes([7; 12]), data, 0)
    }

    fn whole(file: &SnapshotFile) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(file.length()).unwrap() + 10];
        let read = file.reader().read(0, &mut bytes);
        assert_eq!(read as u64, file.length());
        bytes.truncate(read);
        bytes
    }

    #[test]
    fn a_file_of_any_size_is_a_sound_gzipped_tar() {
        for data in [
            0,
            1,
            511,
            512,
            513,
            65_535,
            65_536,
            65_537,
            1 << 20,
            3_000_001,
        ] {
            let bytes = whole(&file(data));
            let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
            let mut sizes = Vec::new();
            for entry in tar.entries().unwrap() {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                sizes.push(content.len() as u64);
            }
            assert_eq!(sizes[1], data);
            // To the end, so that the checksum is looked at.
            let mut rest = Vec::new();
            let mut gzip = flate2::read::GzDecoder::new(&bytes[..]);
            gzip.read_to_end(&mut rest).unwrap();
        }
    }

    #[test]
    fn any_range_is_what_the_whole_file_has_there() {
        let file = file(200_000);
        let bytes = whole(&file);
        for (offset, length) in [
            (0, 1),
            (9, 3),
            (65_540, 20),
            (65_549, 1),
            (131_000, 70_000),
            (bytes.len() - 9, 9),
            (bytes.len() - 1, 5),
        ] {
            let mut part = vec![0; length];
            let read = file.reader().read(offset as u64, &mut part);
            let end = bytes.len().min(offset + length);
            assert_eq!(&part[..read], &bytes[offset..end], "{offset}, {length}");
        }
        assert_eq!(file.reader().read(file.length(), &mut [0; 9]), 0);
    }

    #[test]
    fn the_end_of_the_largest_file_is_read_at_once() {
        for data in [MAX_DATA - 1, MAX_DATA, u64::MAX] {
            let file = file(data);
            let mut end = [0; 8];
            assert_eq!(file.reader().read(file.length() - 8, &mut end), 8);
            assert_eq!(file.reader().read(u64::MAX, &mut end), 0);
        }
    }

    #[test]
    fn no_two_units_and_no_two_editions_are_alike() {
        let bytes = whole(&file(300_000));
        let unit = |number: usize| &bytes[100_000 + number * 64_000..][..64_000];
        assert_ne!(unit(0), unit(1));
        let other = SnapshotFile::new(SnapshotId::from_bytes([7; 12]), 300_000, 1);
        assert_ne!(whole(&other), bytes);
        assert_ne!(other.etag(), file(300_000).etag());
    }
}
