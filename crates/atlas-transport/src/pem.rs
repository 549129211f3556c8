//! Reads certificates and keys in PEM (RFC 7468); an invalid one is never skipped silently.

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A PEM error. Quotes nothing of the text, since it may be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PemError {
    #[error("it has no certificate in PEM")]
    NoCertificate,
    #[error("certificate {number} is invalid: {problem}")]
    Certificate {
        /// The position, from 1.
        number: usize,
        problem: &'static str,
    },
    #[error("it has no private key in PEM")]
    NoKey,
    #[error("it has more than one private key; expected one")]
    SeveralKeys,
    #[error("the private key is encrypted; decrypt it first, for instance with `openssl pkey`")]
    EncryptedKey,
    #[error("the private key is invalid: {0}")]
    Key(&'static str),
}

/// Returns the certificates of a bundle in order, at least one. Other blocks and the text between the
/// blocks are ignored.
pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let mut certificates = Vec::new();
    for block in blocks(text, |label| label == b"CERTIFICATE") {
        let number = certificates.len() + 1;
        let certificate = CertificateDer::from_pem_slice(block).map_err(|error| {
            let problem = problem(&error);
            PemError::Certificate { number, problem }
        })?;
        certificates.push(certificate);
    }
    if certificates.is_empty() {
        return Err(PemError::NoCertificate);
    }
    Ok(certificates)
}

/// Returns the only private key of a text, which may have other blocks.
pub(crate) fn key(text: &[u8]) -> Result<PrivateKeyDer<'static>, PemError> {
    let keys: Vec<_> = blocks(text, |label| label.ends_with(b"PRIVATE KEY")).collect();
    let key = match *keys.as_slice() {
        [] => return Err(PemError::NoKey),
        [key] => key,
        _ => return Err(PemError::SeveralKeys),
    };
    let has = |words: &[u8]| key.windows(words.len()).any(|window| window == words);
    if has(b"BEGIN ENCRYPTED PRIVATE KEY") || has(b"Proc-Type: 4,ENCRYPTED") {
        return Err(PemError::EncryptedKey);
    }
    PrivateKeyDer::from_pem_slice(key).map_err(|error| PemError::Key(problem(&error)))
}

/// Returns the parts of a text that begin with the first line of a matching block, and end before the
/// next block or with the text.
fn blocks(text: &[u8], is: impl Fn(&[u8]) -> bool) -> impl Iterator<Item = &[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some((start, label)) = label(line) {
            starts.push((at + start, is(label)));
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).collect();
    let ends = ends.into_iter().chain([text.len()]);
    let parts = starts.into_iter().zip(ends);
    let wanted = parts.filter(|((_, wanted), _)| *wanted);
    wanted.map(|((start, _), end)| &text[start..end])
}

/// Returns the start of a block's first line within a line, and the block's label. A line with too few
/// hyphens counts too, so that its block is not skipped.
fn label(line: &[u8]) -> Option<(usize, &[u8])> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let start = if line.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    let line = line[start..].trim_ascii();
    let bare = line.strip_prefix(b"-")?;
    let hyphens = bare.iter().take_while(|byte| **byte == b'-').count();
    let rest = bare[hyphens..].strip_prefix(b"BEGIN ")?;
    let end = rest.iter().position(|byte| *byte == b'-');
    Some((start, rest[..end.unwrap_or(rest.len())].trim_ascii()))
}

fn problem(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing",
        pem::Error::IllegalSectionStart { .. } | pem::Error::NoItemsFound => {
            "its BEGIN line is malformed"
        }
        pem::Error::Base64Decode(_) => "its base64 cannot be decoded",
        _ => "it is malformed",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Returns a block with any content.
    fn block(label: &str, text: &str) -> String {
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    fn read(text: &str) -> Result<Vec<Vec<u8>>, PemError> {
        let found = certificates(text.as_bytes())?;
        Ok(found.iter().map(|it| it.to_vec()).collect())
    }

    #[test]
    fn certificates_are_found_in_their_order_among_other_text() {
        let (one, two) = (block("CERTIFICATE", "AQ=="), block("CERTIFICATE", "Ag\n=="));
        let both = Ok(vec![vec![1], vec![2]]);
        let key = block("PRIVATE KEY", "not base64");
        for text in [
            format!("{one}{two}"),
            format!("# Example CA\n\n{one}subject=CN = BEGIN\n{two}\ntext"),
            format!("{one}{key}{two}"),
            format!("{one}{two}").replace('\n', "\r\n"),
            format!("{one}{two}").replace('\n', "\r"),
            format!("\u{feff}{one}{two}"),
            format!("{one}{two}").trim_end().to_owned(),
        ] {
            assert_eq!(read(&text), both, "{text}");
        }
    }

    #[test]
    fn an_invalid_certificate_is_an_error_with_its_position() {
        let good = block("CERTIFICATE", "AQ==");
        for (bad, problem) in [
            (block("CERTIFICATE", "A!=="), "its base64 cannot be decoded"),
            (
                "-----BEGIN CERTIFICATE-----\nAQ==\n".to_owned(),
                "its END line is missing",
            ),
            (
                good.replacen("-----", "----", 1),
                "its BEGIN line is malformed",
            ),
            (
                good.replacen("CERTIFICATE-----", "CERTIFICATE----", 1),
                "its BEGIN line is malformed",
            ),
            (format!(" {good}"), "its BEGIN line is malformed"),
        ] {
            let expected = Err(PemError::Certificate { number: 2, problem });
            assert_eq!(read(&format!("{good}{bad}{good}")), expected, "{bad}");
            assert_eq!(read(&format!("{good}{bad}")), expected, "{bad}");
        }
    }

    #[test]
    fn text_without_a_certificate_is_an_error() {
        let request = block("CERTIFICATE REQUEST", "AQ==");
        for text in [
            "",
            "\n",
            "certificate",
            &request,
            &block("PRIVATE KEY", "AQ=="),
        ] {
            assert_eq!(read(text), Err(PemError::NoCertificate), "{text}");
        }
    }

    #[test]
    fn a_key_of_any_kind_is_valid_and_an_unusable_one_is_an_error() {
        let certificate = block("CERTIFICATE", "AQ==");
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let text = format!("{certificate}{}", block(label, "AQ=="));
            assert!(key(text.as_bytes()).is_ok(), "{label}");
        }
        let old = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAQ==";
        let mut two = block("PRIVATE KEY", "AQ==");
        write!(two, "{}", block("EC PRIVATE KEY", "AQ==")).unwrap();
        for (text, expected) in [
            (certificate, PemError::NoKey),
            (two, PemError::SeveralKeys),
            (
                block("ENCRYPTED PRIVATE KEY", "AQ=="),
                PemError::EncryptedKey,
            ),
            (block("RSA PRIVATE KEY", old), PemError::EncryptedKey),
            (
                block("PRIVATE KEY", "s3cret!"),
                PemError::Key("its base64 cannot be decoded"),
            ),
            (
                block("DSA PRIVATE KEY", "AQ=="),
                PemError::Key("its BEGIN line is malformed"),
            ),
        ] {
            let error = key(text.as_bytes()).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("s3cret"));
        }
    }
}
