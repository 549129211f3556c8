//! The parts of the file: names, compressed blocks, numbers.

use std::collections::BTreeMap;

use miniz_oxide::deflate::compress_to_vec;
use serde_json::Value;

/// The approximate size of a block's JSON: larger blocks compress better, smaller ones open faster.
const BLOCK: usize = 32 << 10;
/// The names that the index refers to, without duplicates.
#[derive(Default)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    places: BTreeMap<String, usize>,
}

impl Text {
    /// Appends a reference to a text: offset and length.
    pub(super) fn refer(&mut self, text: &str, to: &mut Vec<u8>) -> Result<(), String> {
        let place = *self.places.entry(text.to_owned()).or_insert_with(|| {
            let place = self.bytes.len();
            self.bytes.extend_from_slice(text.as_bytes());
            place
        });
        push32(to, place)?;
        push16(to, narrow(text.len())?);
        Ok(())
    }
}

/// JSON lines, collected into compressed blocks.
#[derive(Default)]
pub(super) struct Blocks {
    pub(super) packed: Vec<Packed>,
    open: Vec<u8>,
    lines: usize,
    closed: usize,
}

pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
    /// Its inflated length.
    pub(super) raw: usize,
    /// The number of preceding lines of the same kind.
    pub(super) first: usize,
    pub(super) lines: usize,
}

impl Blocks {
    /// Adds a line; returns its block and its number in the block.
    pub(super) fn add(&mut self, line: &Value) -> (u16, u16) {
        if self.open.len() > BLOCK {
            self.pack();
        }
        self.open
            .extend_from_slice(sorted(line).to_string().as_bytes());
        self.open.push(b'\n');
        self.lines += 1;
        let place = (self.packed.len(), self.lines - 1);
        (
            u16::try_from(place.0).unwrap_or(u16::MAX),
            u16::try_from(place.1).unwrap_or(u16::MAX),
        )
    }

    /// Ends the open block; lines of another kind follow.
    pub(super) fn close(&mut self) {
        self.pack();
        self.closed = 0;
    }

    fn pack(&mut self) {
        // Produces the same bytes on every machine, which faster compressors do not guarantee.
        let packed = compress_to_vec(&self.open, 9);
        self.packed.push(Packed {
            bytes: packed,
            raw: self.open.len(),
            first: self.closed,
            lines: self.lines,
        });
        self.closed += self.lines;
        self.open.clear();
        self.lines = 0;
    }
}

/// Returns a copy with the keys of every object sorted, whatever map the JSON library uses.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

pub(super) fn narrow(number: usize) -> Result<u16, String> {
    u16::try_from(number).map_err(|_| format!("{number} does not fit in 16 bits"))
}

pub(super) fn push16(to: &mut Vec<u8>, number: u16) {
    to.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn push32(to: &mut Vec<u8>, number: usize) -> Result<(), String> {
    let number = u32::try_from(number).map_err(|error| error.to_string())?;
    to.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

pub(super) fn numbers16(numbers: &[usize]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for number in numbers {
        push16(&mut bytes, narrow(*number)?);
    }
    Ok(bytes)
}
