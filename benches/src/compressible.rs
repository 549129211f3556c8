//! Makes a realistic snapshot: a gzipped tar of data that compresses to half its size.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Returns the path of a snapshot of about `bytes` compressed bytes, always with the same content. It
/// is made once and kept in a folder.
///
/// # Panics
/// Panics if the file cannot be written.
pub fn compressible(folder: &Path, bytes: u64) -> PathBuf {
    let path = folder.join(format!("compressible-{bytes}.tgz"));
    if !path.exists() {
        make(&path, bytes).expect("cannot write the snapshot");
    }
    path
}

fn make(path: &Path, bytes: u64) -> io::Result<()> {
    let part = path.with_extension("part");
    let file = Counted {
        file: BufWriter::new(File::create(&part)?),
        written: 0,
    };
    let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::new(6)));
    let mut random = Rng::with_seed(bytes);
    let words: Vec<String> = (0..2000).map(|_| word(&mut random)).collect();
    // Each file has at most 64 MiB.
    let size = usize::try_from(bytes / 64)
        .unwrap_or(usize::MAX)
        .clamp(1 << 10, 64 << 20);
    let mut text = String::with_capacity(size + 1024);
    let mut number = 0;
    while archive.get_ref().get_ref().written < bytes {
        text.clear();
        while text.len() < size {
            document(&mut text, &words, &mut random);
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        let name = format!("collection-{number}.wt");
        archive.append_data(&mut header, name, text.as_bytes())?;
        number += 1;
    }
    archive.into_inner()?.finish()?.file.flush()?;
    std::fs::rename(part, path)
}

/// Adds a line of words, numbers and hexadecimal digits.
fn document(text: &mut String, words: &[String], random: &mut Rng) {
    let _ = write!(text, "{:024x} {}", random.u128(..) >> 32, random.u32(..));
    for _ in 0..random.usize(10..24) {
        let _ = write!(text, " {}", words[random.usize(..words.len())]);
    }
    let _ = writeln!(text, " {:032x}", random.u128(..));
}

fn word(random: &mut Rng) -> String {
    (0..random.usize(3..11))
        .map(|_| random.lowercase())
        .collect()
}

/// A file and its length.
struct Counted {
    file: BufWriter<File>,
    written: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn it_has_the_requested_length_and_the_same_content_and_compresses_to_about_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = compressible(folder.path(), 1 << 20);
        let first = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(std::fs::read(compressible(folder.path(), 1 << 20)).unwrap() == first);
        let long = first.len() as u64;
        assert!((1 << 20..11 << 17).contains(&long), "{long}");
        let mut tar = Vec::new();
        GzDecoder::new(&first[..]).read_to_end(&mut tar).unwrap();
        let ratio = tar.len() * 100 / first.len();
        assert!((190..=215).contains(&ratio), "{ratio} %");
        let mut archive = tar::Archive::new(&tar[..]);
        assert!(archive.entries().unwrap().all(|entry| entry.is_ok()));
    }
}
