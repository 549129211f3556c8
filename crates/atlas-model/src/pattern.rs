//! The documented patterns, as hand-written matchers and the error they give.

use std::fmt;

use crate::letter_number;

/// A value that Atlas documents a pattern for.
///
/// A type that implements this holds only values its [`PATTERN`](Patterned::PATTERN) accepts.
pub trait Patterned: Sized + fmt::Display {
    /// The pattern as documented, in the dialect of the [`regex`](https://docs.rs/regex) crate.
    const PATTERN: &'static str;

    /// The name under which the API usually carries this value, for errors.
    const FIELD: &'static str;

    /// Parses `text`; `field` is the name that an error gives.
    ///
    /// # Errors
    /// [`PatternError`] if `text` is not in the language of [`PATTERN`](Patterned::PATTERN).
    fn parse_field(field: &'static str, text: &str) -> Result<Self, PatternError>;

    /// Whether `text` is in the language of [`PATTERN`](Patterned::PATTERN); keeps nothing of it.
    fn is_match(text: &str) -> bool;
}

/// A text that a documented pattern refuses: which field, which pattern, and where.
///
/// ```
/// use atlas_model::ClusterName;
///
/// let error = ClusterName::parse("my cluster").unwrap_err();
/// assert_eq!(error.field(), "clusterName");
/// assert_eq!(error.pattern(), ClusterName::PATTERN);
/// assert_eq!(
///     error.to_string(),
///     "clusterName: ' ' at character 3 does not fit ^[a-zA-Z0-9][a-zA-Z0-9-]*$"
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternError {
    field: &'static str,
    pattern: &'static str,
    fault: PatternFault,
}

/// What a pattern refuses about a text.
///
/// Positions and lengths count Unicode scalar values (`char`s), not bytes; the first is 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternFault {
    /// The text ends too early.
    TooShort {
        /// How many characters there are.
        length: usize,
        /// How few there may be.
        minimum: usize,
    },
    /// The text goes on past its end.
    TooLong {
        /// How many characters there may be.
        maximum: usize,
        /// The first character that is too many; it stands at `maximum + 1`.
        found: char,
    },
    /// A character that has no place where it stands.
    Character {
        /// The offending character.
        found: char,
        /// Where it stands; the first character is 1.
        position: usize,
    },
}

impl PatternError {
    pub(crate) const fn new(
        field: &'static str,
        pattern: &'static str,
        fault: PatternFault,
    ) -> Self {
        Self {
            field,
            pattern,
            fault,
        }
    }

    /// The field or parameter, as the API spells it.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The documented pattern.
    pub const fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// What is wrong, and where.
    pub const fn fault(&self) -> PatternFault {
        self.fault
    }

    /// The error without the field's name, for callers that know a better one.
    pub(crate) fn without_field(&self) -> impl fmt::Display {
        Nameless(*self)
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, Nameless(*self))
    }
}

impl std::error::Error for PatternError {}

struct Nameless(PatternError);

impl fmt::Display for Nameless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = self.0.pattern;
        match self.0.fault {
            PatternFault::TooShort { length: 0, .. } => {
                write!(f, "empty text does not fit {pattern}")
            }
            PatternFault::TooShort { length, minimum } => write!(
                f,
                "{length} characters, {minimum} are needed, does not fit {pattern}"
            ),
            PatternFault::TooLong { maximum, found } => write!(
                f,
                "{found:?} at character {} is more than the {maximum} allowed, does not fit {pattern}",
                maximum + 1
            ),
            PatternFault::Character { found, position } => {
                write!(
                    f,
                    "{found:?} at character {position} does not fit {pattern}"
                )
            }
        }
    }
}

/// The pattern of every id: 24 lower-case hexadecimal digits.
pub(crate) const ID: &str = "^([a-f0-9]{24})$";
/// The pattern of a cluster's name in a path.
pub(crate) const CLUSTER_NAME: &str = "^[a-zA-Z0-9][a-zA-Z0-9-]*$";
/// The pattern of a deployment item's name in a body.
pub(crate) const DEPLOYMENT_ITEM_NAME: &str = r"^[\p{L}\p{N}\-_.(),:&@+']{1,64}$";

/// Of a name in a path for which no pattern is documented.
pub(crate) const ANY_TEXT: &str = "^(?s:.+)$";

/// How many digits an id has.
const ID_DIGITS: usize = 24;
/// How many characters a deployment item's name has at most.
const NAME_CHARACTERS: usize = 64;

/// Reads [`ID`] into its twelve bytes.
pub(crate) fn id(text: &str) -> Result<[u8; 12], PatternFault> {
    if let Ok(digits) = <&[u8; ID_DIGITS]>::try_from(text.as_bytes()) {
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
    Err(id_fault(text))
}

/// What is wrong with a text that is no [`ID`].
#[cold]
fn id_fault(text: &str) -> PatternFault {
    let mut length = 0;
    for found in text.chars() {
        if length == ID_DIGITS {
            return PatternFault::TooLong {
                maximum: ID_DIGITS,
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
        minimum: ID_DIGITS,
    }
}

/// Checks [`CLUSTER_NAME`].
pub(crate) fn cluster_name(text: &str) -> Result<(), PatternFault> {
    if is_cluster_name(text) {
        Ok(())
    } else {
        Err(cluster_name_fault(text))
    }
}

/// Whether a text fits [`CLUSTER_NAME`].
#[inline]
pub(crate) fn is_cluster_name(text: &str) -> bool {
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
        None => bytes
            .iter()
            .all(|&byte| CLASS[usize::from(byte)] & CLUSTER != 0),
    };
    all_fit && !matches!(bytes.first(), None | Some(b'-'))
}

/// What is wrong with a text that does not fit [`CLUSTER_NAME`].
#[cold]
fn cluster_name_fault(text: &str) -> PatternFault {
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

/// Whether eight bytes are all ASCII letters, digits or hyphens, looked at as one word.
///
/// Adding to a byte below 0x80 sets its high bit if the byte is large enough, and carries nothing
/// into the next.
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

/// Checks [`DEPLOYMENT_ITEM_NAME`].
pub(crate) fn deployment_item_name(text: &str) -> Result<(), PatternFault> {
    if is_ascii_item_name(text) {
        return Ok(());
    }
    let mut length = 0;
    for found in text.chars() {
        if length == NAME_CHARACTERS {
            return Err(PatternFault::TooLong {
                maximum: NAME_CHARACTERS,
                found,
            });
        }
        length += 1;
        let fits = match u8::try_from(found) {
            Ok(byte) if byte.is_ascii() => CLASS[usize::from(byte)] & ITEM != 0,
            _ => letter_number::contains(found),
        };
        if !fits {
            return Err(PatternFault::Character {
                found,
                position: length,
            });
        }
    }
    if length == 0 {
        return Err(PatternFault::TooShort {
            length: 0,
            minimum: 1,
        });
    }
    Ok(())
}

/// Whether a text fits [`DEPLOYMENT_ITEM_NAME`].
#[inline]
pub(crate) fn is_deployment_item_name(text: &str) -> bool {
    is_ascii_item_name(text) || deployment_item_name(text).is_ok()
}

/// Whether a text fits [`DEPLOYMENT_ITEM_NAME`] without a character beyond ASCII.
#[inline]
fn is_ascii_item_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=NAME_CHARACTERS).contains(&bytes.len())
        && bytes
            .iter()
            .all(|&byte| CLASS[usize::from(byte)] & ITEM != 0)
}

/// Checks [`ANY_TEXT`], and that a path would keep it: dots alone mean other folders.
pub(crate) fn path_text(text: &str) -> Result<(), PatternFault> {
    match text {
        "" => Err(PatternFault::TooShort {
            length: 0,
            minimum: 1,
        }),
        "." | ".." => Err(PatternFault::Character {
            found: '.',
            position: text.len(),
        }),
        _ => Ok(()),
    }
}

/// Whether a text passes [`path_text`].
pub(crate) fn is_path_text(text: &str) -> bool {
    path_text(text).is_ok()
}

const CLUSTER: u8 = 1;
const ITEM: u8 = 2;

/// For each byte, the character classes it belongs to. No byte above ASCII is in any.
const CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut ascii: u8 = 0;
    while ascii < 128 {
        let mut class = 0;
        if ascii.is_ascii_alphanumeric() {
            class |= CLUSTER | ITEM;
        }
        if ascii == b'-' {
            class |= CLUSTER;
        }
        if matches!(
            ascii,
            b'-' | b'_' | b'.' | b'(' | b')' | b',' | b':' | b'&' | b'@' | b'+' | b'\''
        ) {
            class |= ITEM;
        }
        table[ascii as usize] = class;
        ascii += 1;
    }
    table
};

/// A bit that no hexadecimal digit's value has.
const NOT_HEX: u8 = 0x80;

/// The value of a lower-case hexadecimal digit, or [`NOT_HEX`].
const fn nibble(digit: u8) -> u8 {
    NIBBLE[digit as usize]
}

const NIBBLE: [u8; 256] = {
    let mut table = [NOT_HEX; 256];
    let mut value: u8 = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    table
};
