//! Texts of letters and numbers of any script, and selected ASCII characters.

use crate::error::PatternFault;
use crate::letter_number;

/// The language of `^[\p{L}\p{N}…]{minimum,maximum}$`, with ASCII characters for `…`.
pub(crate) struct Characters {
    /// Whether each byte is an allowed ASCII character.
    ascii: [bool; 256],
    minimum: usize,
    maximum: usize,
}

impl Characters {
    /// Allows letters, numbers and the ASCII characters of `others`.
    pub(crate) const fn new(others: &[u8], minimum: usize, maximum: usize) -> Self {
        let mut ascii = [false; 256];
        let mut byte: u8 = 0;
        while byte.is_ascii() {
            ascii[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut index = 0;
        while index < others.len() {
            if others[index].is_ascii() {
                ascii[others[index] as usize] = true;
            }
            index += 1;
        }
        Self {
            ascii,
            minimum,
            maximum,
        }
    }

    /// Whether the text matches.
    #[inline]
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.is_ascii_match(text) || self.check(text).is_ok()
    }

    /// Finds the first position where the text does not match.
    pub(crate) fn check(&self, text: &str) -> Result<(), PatternFault> {
        if self.is_ascii_match(text) {
            return Ok(());
        }
        let mut length = 0;
        for found in text.chars() {
            if length == self.maximum {
                return Err(PatternFault::TooLong {
                    maximum: self.maximum,
                    found,
                });
            }
            length += 1;
            let fits = match u8::try_from(found) {
                Ok(byte) if byte.is_ascii() => self.ascii[usize::from(byte)],
                _ => letter_number::contains(found),
            };
            if !fits {
                return Err(PatternFault::Character {
                    found,
                    position: length,
                });
            }
        }
        if length < self.minimum {
            return Err(PatternFault::TooShort {
                length,
                minimum: self.minimum,
            });
        }
        Ok(())
    }

    /// Whether the text matches and is ASCII.
    #[inline]
    fn is_ascii_match(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        (self.minimum..=self.maximum).contains(&bytes.len())
            && bytes.iter().all(|&byte| self.ascii[usize::from(byte)])
    }
}
