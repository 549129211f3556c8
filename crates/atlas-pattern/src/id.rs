//! Ids: 24 lowercase hexadecimal digits.

use crate::error::PatternFault;

/// The pattern as documented.
pub const SOURCE: &str = "^([a-f0-9]{24})$";

/// The phrase that an error shows after "expected".
pub const EXPECTED: &str = "24 lowercase hex digits";

/// Parses an id into its twelve bytes.
///
/// # Errors
/// [`PatternFault`] for the first character that is not allowed, or for the length.
#[inline]
pub fn parse(text: &str) -> Result<[u8; 12], PatternFault> {
    if let Ok(digits) = <&[u8; DIGITS]>::try_from(text.as_bytes()) {
        let mut bytes = [0; 12];
        let mut seen = 0;
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let (high, low) = (nibble(pair[0]), nibble(pair[1]));
            seen |= high | low;
            *byte = high << 4 | low;
        }
        if seen & NOT_HEX == 0 {
            return Ok(bytes);
        }
    }
    Err(fault(text))
}

/// Whether a text matches [`SOURCE`].
#[inline]
pub fn is_match(text: &str) -> bool {
    parse(text).is_ok()
}

/// Finds the first error of a text that is not an id.
#[cold]
fn fault(text: &str) -> PatternFault {
    let mut length = 0;
    for found in text.chars() {
        if length == DIGITS {
            return PatternFault::TooLong {
                maximum: DIGITS,
                found,
            };
        }
        length += 1;
        if !matches!(found, '0'..='9' | 'a'..='f') {
            return PatternFault::Character {
                found,
                position: length,
            };
        }
    }
    PatternFault::TooShort {
        length,
        minimum: DIGITS,
    }
}

/// The number of digits of an id.
const DIGITS: usize = 24;

/// A bit that is not set in the value of any hexadecimal digit.
const NOT_HEX: u8 = 0x80;

/// The value of a lowercase hexadecimal digit, or [`NOT_HEX`].
const fn nibble(digit: u8) -> u8 {
    NIBBLE[digit as usize]
}

static NIBBLE: [u8; 256] = {
    let mut table = [NOT_HEX; 256];
    let mut value: u8 = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    table
};
