//! Versions of the API and the media types that name them.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use crate::error_chain::debug_as_chain;

/// A version of the API: a date such as `2025-02-19`, or `preview`.
///
/// Atlas responds with the newest version of the resource that is not newer than the requested one,
/// so the version of a response is often older than requested. `preview` is newer than every date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion(Which);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Which {
    Date(Date),
    Preview,
}

/// The error for a text that is not a version.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("invalid API version: expected a date such as 2025-02-19, or preview")]
pub struct VersionError;

debug_as_chain!(VersionError, MediaTypeError);

impl ApiVersion {
    /// The preview version, which may change at any time.
    pub const PREVIEW: Self = Self(Which::Preview);

    /// Creates the version of this date.
    pub const fn new(date: Date) -> Self {
        Self(Which::Date(date))
    }

    /// Returns the version's date; `None` for the preview.
    pub const fn date(self) -> Option<Date> {
        match self.0 {
            Which::Date(date) => Some(date),
            Which::Preview => None,
        }
    }

    /// Returns the media type that requests this version in this format.
    pub const fn media_type(self, format: Format) -> VersionedMediaType {
        VersionedMediaType {
            version: self,
            format,
        }
    }

    /// Returns the JSON media type that requests this version.
    pub const fn json(self) -> VersionedMediaType {
        VersionedMediaType {
            version: self,
            format: Format::Json,
        }
    }
}

impl FromStr for ApiVersion {
    type Err = VersionError;

    /// Parses exactly ten characters, `YYYY-MM-DD`, or `preview`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text == "preview" {
            return Ok(Self::PREVIEW);
        }
        let shape = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shape {
            return Err(VersionError);
        }
        let number = |digits: &str| digits.parse().map_err(|_| VersionError);
        let year = text[..4].parse().map_err(|_| VersionError)?;
        let date = Date::new(year, number(&text[5..7])?, number(&text[8..])?);
        date.map(Self::new).map_err(|_| VersionError)
    }
}

impl ApiVersion {
    /// Writes it as `Display` does. Every request needs it, so it avoids the overhead of `fmt`.
    fn write(self, out: &mut String) {
        let Which::Date(date) = self.0 else {
            out.push_str("preview");
            return;
        };
        let (year, month, day) = (date.year(), i16::from(date.month()), i16::from(date.day()));
        for (number, places) in [
            (year, &[1000, 100, 10, 1][..]),
            (month, &[10, 1]),
            (day, &[10, 1]),
        ] {
            if places.len() == 2 {
                out.push('-');
            }
            for place in places {
                let digit = u8::try_from(number / place % 10).unwrap_or_default();
                out.push(char::from(b'0' + digit));
            }
        }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(10);
        self.write(&mut text);
        f.pad(&text)
    }
}

/// The format in a versioned media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// `+json`
    Json,
    /// `+csv`
    Csv,
    /// `+gzip`
    Gzip,
}

impl Format {
    /// The text after the plus sign.
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Gzip => "gzip",
        }
    }
}

/// A media type that names a version: `application/vnd.atlas.2025-02-19+json`.
///
/// Parsing ignores parameters and the case of letters (RFC 9110 section 8.3.1).
///
/// ```
/// use atlas_model::VersionedMediaType;
///
/// let answered: VersionedMediaType =
///     "application/vnd.atlas.2023-01-01+json;charset=utf-8".parse()?;
/// assert_eq!(answered.version.to_string(), "2023-01-01");
/// assert_eq!(answered.to_string(), "application/vnd.atlas.2023-01-01+json");
/// # Ok::<(), atlas_model::MediaTypeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionedMediaType {
    /// The requested version, or that of a response.
    pub version: ApiVersion,
    /// The format of the body.
    pub format: Format,
}

/// The error for a text that is not a versioned media type of Atlas.
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error(
    "invalid media type: expected a versioned one such as application/vnd.atlas.2025-02-19+json"
)]
pub struct MediaTypeError;

impl FromStr for VersionedMediaType {
    type Err = MediaTypeError;

    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        let (version, format) = essence(text)
            .split_at_checked(PREFIX.len())
            .filter(|(prefix, _)| prefix.eq_ignore_ascii_case(PREFIX))
            .and_then(|(_, rest)| rest.split_once('+'))
            .ok_or(MediaTypeError)?;
        let format = [Format::Json, Format::Csv, Format::Gzip]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(format))
            .ok_or(MediaTypeError)?;
        let version = version.parse().map_err(|_| MediaTypeError)?;
        Ok(Self { version, format })
    }
}

impl VersionedMediaType {
    /// The media type as written in a header.
    pub(crate) fn text(self) -> String {
        let mut text = String::with_capacity(48);
        text.push_str(PREFIX);
        self.version.write(&mut text);
        text.push('+');
        text.push_str(self.format.name());
        text
    }
}

impl fmt::Display for VersionedMediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

/// A media type without its parameters.
pub(crate) fn essence(text: &str) -> &str {
    // Bytewise: too short for `memchr`.
    let end = text.bytes().position(|byte| byte == b';');
    text[..end.unwrap_or(text.len())].trim()
}

/// The prefix of every versioned media type.
const PREFIX: &str = "application/vnd.atlas.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_whatever_its_case_and_parameters() {
        for text in [
            "application/vnd.atlas.2025-02-19+json",
            "Application/VND.Atlas.2025-02-19+JSON ; charset=\"UTF-8\"",
            " application/vnd.atlas.2025-02-19+json;charset=utf-8",
        ] {
            let media_type: VersionedMediaType = text.parse().unwrap();
            assert_eq!(
                media_type.to_string(),
                "application/vnd.atlas.2025-02-19+json"
            );
        }
    }

    #[test]
    fn a_media_type_without_a_version_is_refused() {
        for text in [
            "",
            "application/json",
            "application/vnd.atlas.+json",
            "application/vnd.atlas.2025-02-30+json",
            "application/vnd.atlas.2025-2-19+json",
            "application/vnd.atlas.+2025-02-19+json",
            "application/vnd.atlas.2025-02-19",
            "application/vnd.atlas.2025-02-19+xml",
            "application/vnd.atlas.2025-02-19T00:00+json",
            "applicatiön/vnd.atlas.2025-02-19+json",
        ] {
            assert_eq!(
                text.parse::<VersionedMediaType>(),
                Err(MediaTypeError),
                "{text}"
            );
        }
    }

    #[test]
    fn the_other_formats_are_read_and_printed() {
        for format in ["csv", "gzip"] {
            let text = format!("application/vnd.atlas.2023-01-01+{format}");
            let media_type: VersionedMediaType = text.parse().unwrap();
            assert_eq!(media_type.to_string(), text);
        }
    }
}
