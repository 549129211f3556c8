//! The name of a cluster in a path: ASCII letters, digits and hyphens.

use crate::error::PatternFault;

/// The pattern as documented.
pub const SOURCE: &str = "^[a-zA-Z0-9][a-zA-Z0-9-]*$";

/// The phrase that an error shows after "expected".
pub const EXPECTED: &str = "ASCII letters, digits and hyphens, starting with a letter or digit";

/// Checks a text against [`SOURCE`].
///
/// # Errors
/// [`PatternFault`] for the first character that is not allowed, or for an empty text.
pub fn check(text: &str) -> Result<(), PatternFault> {
    if is_match(text) {
        Ok(())
    } else {
        Err(fault(text))
    }
}

/// Whether a text matches [`SOURCE`].
#[inline]
pub fn is_match(text: &str) -> bool {
    let bytes = text.as_bytes();
    let all_fit = match bytes.last_chunk::<8>() {
        // Words of eight bytes; the last one overlaps the one before it.
        Some(last) => {
            let (words, _) = bytes.as_chunks::<8>();
            word_fits(u64::from_le_bytes(*last))
                && words
                    .iter()
                    .all(|word| word_fits(u64::from_le_bytes(*word)))
        }
        None => bytes.iter().all(|&byte| ALLOWED[usize::from(byte)]),
    };
    all_fit && !matches!(bytes.first(), None | Some(b'-'))
}

/// Finds the first error of a text that does not match [`SOURCE`].
#[cold]
fn fault(text: &str) -> PatternFault {
    let odd = |(index, found): &(usize, char)| match found {
        'a'..='z' | 'A'..='Z' | '0'..='9' => false,
        '-' => *index == 0,
        _ => true,
    };
    match text.chars().enumerate().find(odd) {
        Some((index, found)) => PatternFault::Character {
            found,
            position: index + 1,
        },
        None => PatternFault::TooShort {
            length: 0,
            minimum: 1,
        },
    }
}

/// Whether eight bytes, as one word, are all ASCII letters, digits or hyphens.
///
/// Adding to a byte below 0x80 sets its high bit if the byte is large enough, without a carry into
/// the next byte.
const fn word_fits(word: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    const fn within(word: u64, from: u8, to: u8) -> u64 {
        let from_on = word.wrapping_add(EACH * (0x80 - from as u64));
        let beyond = word.wrapping_add(EACH * (0x7f - to as u64));
        from_on & !beyond
    }
    let ascii = word & !HIGH;
    let letters = within(ascii | (0x20 * EACH), b'a', b'z');
    let digits = within(ascii, b'0', b'9');
    let hyphens = within(ascii, b'-', b'-');
    word & HIGH == 0 && (letters | digits | hyphens) & HIGH == HIGH
}

/// Whether each byte is allowed in a name; the first character has a further restriction.
static ALLOWED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte.is_ascii() {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'-';
        byte += 1;
    }
    table
};
