//! The embedded facts: an index that is read in place, and details that are inflated on use.
//!
//! `atlas-codegen` writes the file and describes its layout. The file is part of this crate and
//! therefore trusted; a test opens every record of it.

use std::sync::OnceLock;

static FILE: &[u8] = include_bytes!("facts.bin");

/// The maximum number of blocks of details; a test fails if the file has more.
const MAX_BLOCKS: usize = 64;
static BLOCKS: [OnceLock<Block>; MAX_BLOCKS] = [const { OnceLock::new() }; MAX_BLOCKS];

/// The sections of the file, in order.
#[derive(Clone, Copy)]
enum Section {
    Text,
    Tags,
    Operations,
    Segments,
    Paths,
    ById,
    Former,
    Routes,
    Blocks,
    Data,
}

/// An inflated block of JSON lines.
struct Block {
    text: Box<str>,
    /// The offsets of the lines, and the end of the last one.
    lines: Box<[u32]>,
}

/// A tag in the index.
pub(crate) struct TagRecord {
    pub(crate) name: &'static str,
    pub(crate) camel: &'static str,
    pub(crate) first: u16,
    pub(crate) count: u16,
}

/// An operation in the index.
pub(crate) struct OperationRecord {
    pub(crate) short: &'static str,
    pub(crate) path: u16,
    pub(crate) segments: u8,
    pub(crate) tag: u8,
    pub(crate) method: u8,
    pub(crate) flags: u8,
    pub(crate) block: u16,
    pub(crate) line: u16,
}

const TEXT: usize = 6;
const TAG: usize = 2 * TEXT + 4;
const OPERATION: usize = 2 * TEXT + 10;
const FORMER: usize = TEXT + 2;
const BLOCK: usize = 12;
const BLOCKS_HEAD: usize = 8;

pub(crate) fn tag_count() -> usize {
    section(Section::Tags).len() / TAG
}

pub(crate) fn operation_count() -> usize {
    section(Section::Operations).len() / OPERATION
}

pub(crate) fn former_count() -> usize {
    section(Section::Former).len() / FORMER
}

pub(crate) fn schema_count() -> usize {
    usize::from(u16_at(section(Section::Blocks), 4))
}

pub(crate) fn tag(number: usize) -> TagRecord {
    let record = &section(Section::Tags)[number * TAG..];
    TagRecord {
        name: text(record, 0),
        camel: text(record, TEXT),
        first: u16_at(record, 2 * TEXT),
        count: u16_at(record, 2 * TEXT + 2),
    }
}

pub(crate) fn operation(number: usize) -> OperationRecord {
    let record = &section(Section::Operations)[number * OPERATION..];
    let rest = &record[2 * TEXT..];
    OperationRecord {
        short: text(record, TEXT),
        path: u16_at(rest, 0),
        segments: rest[2],
        tag: rest[3],
        method: rest[4],
        flags: rest[5],
        block: u16_at(rest, 6),
        line: u16_at(rest, 8),
    }
}

/// The method of an operation and the number of segments in its path.
pub(crate) fn route_key(number: usize) -> (u8, usize) {
    let record = &section(Section::Operations)[number * OPERATION..];
    (record[2 * TEXT + 4], usize::from(record[2 * TEXT + 2]))
}

/// The id of an operation.
pub(crate) fn id(number: usize) -> &'static str {
    text(&section(Section::Operations)[number * OPERATION..], 0)
}

/// The n-th operation by id.
pub(crate) fn by_id(place: usize) -> usize {
    usize::from(u16_at(section(Section::ById), 2 * place))
}

/// The n-th operation by method, number of segments and path.
pub(crate) fn by_route(place: usize) -> usize {
    usize::from(u16_at(section(Section::Routes), 2 * place))
}

/// The n-th former id, and the operation that had it.
pub(crate) fn former(place: usize) -> (&'static str, usize) {
    let record = &section(Section::Former)[place * FORMER..];
    (text(record, 0), usize::from(u16_at(record, TEXT)))
}

/// The segments of a path.
pub(crate) fn segments(
    record: &OperationRecord,
) -> impl DoubleEndedIterator<Item = &'static str> + ExactSizeIterator + use<> {
    let first = usize::from(record.path);
    (first..first + usize::from(record.segments)).map(|place| {
        let segment = u16_at(section(Section::Paths), 2 * place);
        text(section(Section::Segments), usize::from(segment) * TEXT)
    })
}

/// A line in a block of details.
pub(crate) fn line(block: u16, line: u16) -> &'static str {
    let block = self::block(usize::from(block));
    let line = usize::from(line);
    let (begin, end) = (block.lines[line] as usize, block.lines[line + 1] as usize);
    &block.text[begin..end]
}

/// The facts of a schema.
pub(crate) fn schema_line(number: usize) -> &'static str {
    let table = section(Section::Blocks);
    let (first, end) = (usize::from(u16_at(table, 0)), usize::from(u16_at(table, 2)));
    let record = |block: usize| &table[BLOCKS_HEAD + block * BLOCK..];
    let mut block = first;
    while block + 1 < end && usize::from(u16_at(record(block + 1), 8)) <= number {
        block += 1;
    }
    let line = number - usize::from(u16_at(record(block), 8));
    self::line(
        u16::try_from(block).unwrap_or(u16::MAX),
        u16::try_from(line).unwrap_or(u16::MAX),
    )
}

/// The facts that are not about an operation or a schema.
pub(crate) fn other_line() -> &'static str {
    line(u16_at(section(Section::Blocks), 2), 0)
}

fn block(number: usize) -> &'static Block {
    BLOCKS[number].get_or_init(|| {
        let table = section(Section::Blocks);
        let count = usize::from(u16_at(table, 6));
        let record = |block: usize| &table[BLOCKS_HEAD + block * BLOCK..];
        let data = section(Section::Data);
        let begin = u32_at(record(number), 0);
        let end = if number + 1 < count {
            u32_at(record(number + 1), 0)
        } else {
            data.len()
        };
        let length = u32_at(record(number), 4);
        let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(&data[begin..end], length)
            .expect("the embedded facts are intact");
        let text = String::from_utf8(bytes).expect("the embedded facts are UTF-8");
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0)
            .chain(ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)))
            .collect();
        Block {
            text: text.into_boxed_str(),
            lines,
        }
    })
}

fn section(section: Section) -> &'static [u8] {
    let place = 4 + 4 * section as usize;
    &FILE[u32_at(FILE, place)..u32_at(FILE, place + 4)]
}

fn text(record: &[u8], at: usize) -> &'static str {
    /// All strings, checked for UTF-8 once.
    static TEXTS: OnceLock<&str> = OnceLock::new();
    let texts = TEXTS.get_or_init(|| {
        let bytes = section(Section::Text);
        std::str::from_utf8(bytes).expect("the embedded names are UTF-8")
    });
    let (place, length) = (u32_at(record, at), usize::from(u16_at(record, at + 4)));
    &texts[place..place + length]
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    u32::from_le_bytes(four) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_a_slot_for_its_inflated_data() {
        let blocks = usize::from(u16_at(section(Section::Blocks), 6));
        assert!(blocks <= MAX_BLOCKS, "{blocks}");
    }

    #[test]
    fn the_file_is_at_most_200_kib() {
        assert!(FILE.len() <= 200 << 10, "{}", FILE.len());
    }
}
