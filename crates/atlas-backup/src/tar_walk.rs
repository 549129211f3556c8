//! Reads a tar archive to its end in constant memory, whatever its headers claim.
//!
//! Supports POSIX ustar and pax (IEEE Std 1003.1-2017, "pax") and the extensions of GNU tar: sizes
//! in base 256, long names and sparse files. Unpacks nothing and reads no names.

use std::io::{self, BufRead, Read};

/// The unit of an archive.
const BLOCK: usize = 512;
/// The longest extended header that is read; all other data is skipped in pieces.
const LONGEST_PAX: u64 = 1 << 20;

/// The maximum number of zeros after the end: tar pads its last record, which is never that long.
const MOST_ZEROS: usize = 64 << 20;

type Block = [u8; BLOCK];

/// Reads an archive with at least one entry, its end marker and the zeros after it. An archive
/// without an end marker, or with data after it, is an error.
pub(crate) fn walk(mut reader: impl BufRead) -> io::Result<()> {
    let mut entries = 0_u64;
    // The size from an extended header for the next entry.
    let mut extended: Option<Option<u64>> = None;
    let mut is_described = false;
    loop {
        let mut block: Block = [0; BLOCK];
        reader.read_exact(&mut block)?;
        if block == [0; BLOCK] {
            break;
        }
        check_sum(&block)?;
        let size = number(&block[124..136])?;
        let is_ustar = &block[257..262] == b"ustar";
        match block[156] {
            b'x' if is_ustar => {
                if extended.is_some() || size > LONGEST_PAX {
                    return Err(broken());
                }
                extended = Some(pax_size(&mut reader, size)?);
                continue;
            }
            b'L' | b'K' if is_ustar => {
                skip(&mut reader, size)?;
                is_described = true;
                continue;
            }
            // The rest of a sparse file's map, before its data.
            b'S' if is_ustar && block[482] != 0 => {
                let mut more: Block = [0; BLOCK];
                loop {
                    reader.read_exact(&mut more)?;
                    if more[504] == 0 {
                        break;
                    }
                }
            }
            _ => {}
        }
        let size = extended.take().flatten().unwrap_or(size);
        skip(&mut reader, size)?;
        (entries, is_described) = (entries.saturating_add(1), false);
    }
    if entries == 0 || extended.is_some() || is_described {
        return Err(broken());
    }
    only_zeros(&mut reader)
}

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Compares a header with its own checksum, whose field counts as spaces.
fn check_sum(block: &Block) -> io::Result<()> {
    let sum = block.iter().enumerate().map(|(at, byte)| match at {
        148..156 => u64::from(b' '),
        _ => u64::from(*byte),
    });
    if sum.sum::<u64>() == octal(&block[148..156]).ok_or_else(broken)? {
        return Ok(());
    }
    Err(broken())
}

/// A number in a header: octal digits, or base 256 after a set bit.
fn number(field: &[u8]) -> io::Result<u64> {
    let octal = || octal(field).ok_or_else(broken);
    let Some((0x80, digits)) = field.split_first().map(|(first, rest)| (*first, rest)) else {
        return octal();
    };
    digits.iter().try_fold(0_u64, |number, byte| {
        let number = number.checked_mul(256).ok_or_else(broken)?;
        Ok(number | u64::from(*byte))
    })
}

/// Octal digits between spaces, up to a zero byte; no digits are 0.
fn octal(field: &[u8]) -> Option<u64> {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    let digits = text.trim_ascii();
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'7' => Some(number.checked_mul(8)? + u64::from(digit - b'0')),
        _ => None,
    })
}

/// The size of the next entry, if an extended header specifies it.
fn pax_size(reader: &mut impl BufRead, size: u64) -> io::Result<Option<u64>> {
    let mut text = Vec::new();
    reader.by_ref().take(size).read_to_end(&mut text)?;
    if text.len() as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    pass(reader, padding(size))?;
    let mut rest: &[u8] = &text;
    let mut found = None;
    while !rest.is_empty() {
        // `LENGTH KEY=VALUE\n`, where the length counts itself.
        let space = rest
            .iter()
            .position(|byte| *byte == b' ')
            .ok_or_else(broken)?;
        let length = decimal(&rest[..space]).and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|length| *length > space + 1 && *length <= rest.len());
        let (record, more) = rest.split_at(length.ok_or_else(broken)?);
        let pair = record[space + 1..].strip_suffix(b"\n").ok_or_else(broken)?;
        if let Some(value) = pair.strip_prefix(b"size=") {
            found = Some(decimal(value).ok_or_else(broken)?);
        }
        rest = more;
    }
    Ok(found)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The number of bytes that pad `size` bytes to a full block.
fn padding(size: u64) -> u64 {
    let block = BLOCK as u64;
    (block - size % block) % block
}

/// Skips data and its padding.
fn skip(reader: &mut impl BufRead, size: u64) -> io::Result<()> {
    pass(reader, size.checked_add(padding(size)).ok_or_else(broken)?)
}

/// Skips bytes without copying them.
fn pass(reader: &mut impl BufRead, mut bytes: u64) -> io::Result<()> {
    while bytes > 0 {
        let ready = ready(reader)?.len() as u64;
        if ready == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let passed = ready.min(bytes);
        reader.consume(usize::try_from(passed).unwrap_or(usize::MAX));
        bytes -= passed;
    }
    Ok(())
}

fn only_zeros(reader: &mut impl BufRead) -> io::Result<()> {
    let mut zeros = 0_usize;
    loop {
        if zeros > MOST_ZEROS {
            return Err(broken());
        }
        let ready = ready(reader)?;
        if ready.iter().any(|byte| *byte != 0) {
            return Err(broken());
        }
        let length = ready.len();
        if length == 0 {
            return Ok(());
        }
        zeros = zeros.saturating_add(length);
        reader.consume(length);
    }
}

/// The next bytes; empty at the end.
fn ready(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Read twice, since a loop cannot return what it borrowed.
            Err(error) => return Err(error),
            Ok(_) => return reader.fill_buf(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tar::{Builder, EntryType, Header};

    use super::*;

    fn archive(entries: &[(EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (kind, data) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_size(data.len() as u64);
            header.set_cksum();
            builder.append(&header, *data).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn is_sound(archive: &[u8]) -> bool {
        walk(archive).is_ok()
    }

    const FILE: EntryType = EntryType::Regular;

    #[test]
    fn archives_of_every_kind_are_read_to_their_end() {
        let data: &[u8] = &[7; 1000];
        let (long, link) = (EntryType::GNULongName, EntryType::GNULongLink);
        for entries in [
            &[(FILE, data)][..],
            &[(FILE, b""), (EntryType::Directory, b""), (FILE, data)],
            &[(long, data), (link, data), (FILE, data)],
            &[(EntryType::XGlobalHeader, b"9 a=bcde\n"), (FILE, data)],
            &[(EntryType::XHeader, b"8 a=bcd\n"), (FILE, data)],
        ] {
            let mut archive = archive(entries);
            assert!(is_sound(&archive));
            archive.extend_from_slice(&[0; 9000]);
            assert!(is_sound(&archive), "tar fills up with zeros");
        }
        let mut builder = Builder::new(Vec::new());
        builder
            .append_pax_extensions([("size", &b"1000"[..])])
            .unwrap();
        let mut header = Header::new_ustar();
        header.set_cksum();
        builder.append(&header, data).unwrap();
        assert!(is_sound(&builder.into_inner().unwrap()));
    }

    #[test]
    fn an_archive_that_is_cut_anywhere_or_followed_by_anything_is_broken() {
        let whole = archive(&[
            (FILE, &[7; 600]),
            (EntryType::XHeader, b"8 a=bcd\n"),
            (FILE, b"x"),
        ]);
        assert!(is_sound(&whole));
        // Only the second block of zeros at the end may be missing.
        for length in 0..whole.len() - BLOCK {
            assert!(!is_sound(&whole[..length]), "{length}");
        }
        assert!(!is_sound(&[&whole[..], b"x"].concat()));
        assert!(
            !is_sound(&[&whole[..], &whole].concat()),
            "a second archive"
        );
        assert!(!is_sound(&archive(&[])), "an empty one");
        assert!(!is_sound(&archive(&[(EntryType::GNULongName, b"n")])));
        assert!(!is_sound(&archive(&[(EntryType::XHeader, b"8 a=bcd\n")])));
    }

    /// Endless zeros after a header, of which a naive reader would hold a part.
    struct Bomb {
        header: io::Cursor<Vec<u8>>,
        given: u64,
    }

    impl Read for Bomb {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = self.header.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.given += buffer.len() as u64;
            assert!(buffer.len() <= 1 << 16, "a buffer of what a header claims");
            buffer.fill(0);
            if self.given > 1 << 28 {
                return Ok(0);
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn the_size_in_a_header_is_never_held_in_memory() {
        for (kind, least, most) in [
            (EntryType::XHeader, 0, 0),
            (EntryType::GNULongName, 1 << 28, u64::MAX),
            (EntryType::GNULongLink, 1 << 28, u64::MAX),
            (FILE, 1 << 28, u64::MAX),
        ] {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(1 << 60);
            header.set_cksum();
            let header = io::Cursor::new(header.as_bytes().to_vec());
            let mut bomb = Bomb { header, given: 0 };
            assert!(walk(io::BufReader::new(&mut bomb)).is_err());
            assert!(
                (least..=most).contains(&bomb.given),
                "{kind:?}: {}",
                bomb.given
            );
        }
    }

    #[test]
    fn sizes_that_overflow_are_broken() {
        let field = |size: u64| {
            let mut field = [0; 12];
            field[0] = 0x80;
            field[4..].copy_from_slice(&size.to_be_bytes());
            field
        };
        assert_eq!(number(&field(u64::MAX)).unwrap(), u64::MAX);
        let mut odd = field(1);
        odd[3] = 1;
        assert!(number(&odd).is_err());
        assert!(number(&[0xff; 12]).is_err(), "a negative one");
        assert!(skip(&mut io::empty(), u64::MAX).is_err());
        for text in ["18446744073709551616", "-1", "+1", ""] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }

    /// Whether the crate `tar` reads it without an error.
    fn is_read_by_tar(bytes: &[u8]) -> bool {
        let mut archive = tar::Archive::new(bytes);
        let mut count = 0;
        let read = archive.entries().and_then(|entries| {
            for entry in entries {
                let mut entry = entry?;
                let size = entry.size();
                if io::copy(&mut entry, &mut io::sink())? != size {
                    return Err(broken());
                }
                count += 1;
            }
            Ok(())
        });
        read.is_ok() && count > 0
    }

    proptest! {
        #[test]
        fn no_input_panics_and_sound_archives_are_sound_for_tar(
            sizes in proptest::collection::vec(0..2000_usize, 1..4),
            at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let data = [7; 2000];
            let entries: Vec<_> = sizes.iter().map(|size| (FILE, &data[..*size])).collect();
            let mut archive = archive(&entries);
            let at = at.index(archive.len());
            archive[at] = byte;
            prop_assert!(!is_sound(&archive) || is_read_by_tar(&archive));
        }
    }
}
